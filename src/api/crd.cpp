#include "api/crd.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace nestor::api {
namespace {

constexpr std::string_view kPreserve = "x-kubernetes-preserve-unknown-fields";

JsonArray texts(const std::vector<std::string>& values) {
  JsonArray array;
  for (const std::string& value : values) array.emplace_back(value);
  return array;
}

void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = JsonObject{};
  JsonObject& object = target.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null()) {
      object.erase(key);
    } else {
      merge(object[key], value);
    }
  }
}

/// The schema at `path` below `root`; fields that no struct declares come into being.
Json& schema_at(Json& root, std::string_view path) {
  Json* schema = &root;
  const auto child = [](Json& parent, std::string_view key) -> Json& {
    Json& next = parent.get_object()[key];
    if (!next.is_object()) next = JsonObject{};
    return next;
  };
  while (!path.empty()) {
    if (path.starts_with('.')) path.remove_prefix(1);
    if (path.starts_with("[]")) {
      schema = &child(*schema, "items");
      path.remove_prefix(2);
    } else if (path.starts_with("{}")) {
      schema = &child(*schema, "additionalProperties");
      path.remove_prefix(2);
    } else {
      const std::string_view name = path.substr(0, path.find_first_of(".[{"));
      schema = &child(child(*schema, "properties"), name);
      path.remove_prefix(name.size());
    }
  }
  return *schema;
}

JsonObject names_of(const kube::ResourceType& type, const CrdOptions& options) {
  JsonObject names;
  if (!options.categories.empty()) names["categories"] = texts(options.categories);
  names["kind"] = type.kind;
  names["listKind"] = std::string(type.kind) + "List";
  names["plural"] = type.plural;
  if (!options.short_names.empty()) names["shortNames"] = texts(options.short_names);
  names["singular"] = lower(type.kind);
  return names;
}

JsonArray columns_of(const CrdOptions& options) {
  JsonArray columns;
  for (const PrinterColumn& column : options.columns) {
    JsonObject object{{"name", column.name}, {"type", column.type}};
    if (column.priority != 0) object["priority"] = column.priority;
    object["jsonPath"] = column.json_path;
    columns.push_back(std::move(object));
  }
  return columns;
}

JsonObject subresources_of(const CrdOptions& options) {
  JsonObject subresources;
  if (options.status) subresources["status"] = JsonObject{};
  if (options.scale) {
    subresources["scale"] = JsonObject{{"specReplicasPath", options.scale->spec_replicas},
                                       {"statusReplicasPath", options.scale->status_replicas},
                                       {"labelSelectorPath", options.scale->selector}};
  }
  return subresources;
}

}  // namespace

Json required(std::vector<std::string> members) {
  std::ranges::sort(members);
  return JsonObject{{"required", texts(members)}};
}

Json one_of(std::vector<std::string> values) { return JsonObject{{"enum", texts(values)}}; }

Json default_value(Json value) { return JsonObject{{"default", std::move(value)}}; }

Json immutable(const std::string& message) {
  return JsonObject{{"x-kubernetes-validations",
                     JsonArray{JsonObject{{"rule", "self == oldSelf"}, {"message", message}}}}};
}

Json settled(const std::vector<std::string>& members, const std::string& message) {
  JsonArray rules;
  for (const std::string& member : members) {
    rules.push_back(JsonObject{{"rule", "has(self." + member + ") == has(oldSelf." + member + ")"},
                               {"message", member + ": " + message}});
  }
  return JsonObject{{"x-kubernetes-validations", std::move(rules)}};
}

Json minimum(std::int64_t least) { return JsonObject{{"minimum", least}}; }

Json between(std::int64_t least, std::int64_t most) {
  return JsonObject{{"minimum", least}, {"maximum", most}};
}

Json int_or_string() {
  return JsonObject{{"x-kubernetes-int-or-string", true}, {kPreserve, nullptr}};
}

Json any_object() { return JsonObject{{"type", "object"}}; }

namespace detail {

Json string_schema() { return JsonObject{{"type", "string"}}; }

Json integer_schema(bool wide) {
  return JsonObject{{"type", "integer"}, {"format", wide ? "int64" : "int32"}};
}

Json boolean_schema() { return JsonObject{{"type", "boolean"}}; }

Json quantity_schema() {
  constexpr std::string_view kPattern =
      R"(^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$)";
  JsonArray types;
  types.push_back(JsonObject{{"type", "integer"}});
  types.push_back(JsonObject{{"type", "string"}});
  return JsonObject{
      {"anyOf", std::move(types)}, {"pattern", kPattern}, {"x-kubernetes-int-or-string", true}};
}

Json any_schema() { return JsonObject{{kPreserve, true}}; }

Json list_schema(Json items) { return JsonObject{{"type", "array"}, {"items", std::move(items)}}; }

Json condition_list_schema() {
  Json item = schema_of<kube::Condition>();
  // Upstream also requires lastTransitionTime, reason and message. Empty ones are left out when
  // written, so asking for them would refuse whole status updates over a missing text.
  merge(item, required({"type", "status"}));
  merge(schema_at(item, "status"), one_of({"True", "False", "Unknown"}));
  merge(schema_at(item, "lastTransitionTime"), JsonObject{{"format", "date-time"}});
  return JsonObject{{"type", "array"},
                    {"items", std::move(item)},
                    {"x-kubernetes-list-type", "map"},
                    {"x-kubernetes-list-map-keys", JsonArray{"type"}}};
}

Json map_schema(Json values) {
  return JsonObject{{"type", "object"}, {"additionalProperties", std::move(values)}};
}

Json object_schema(JsonObject properties) {
  JsonObject schema{{"type", "object"}};
  if (!properties.empty()) schema["properties"] = std::move(properties);
  // Our structs cover a part of each kind. The API server drops what a schema does not know when
  // it stores an object, so without this an upstream manifest would come back with holes in it, and
  // a field would be lost for good to the version of Nestor that learns it.
  schema[kPreserve] = true;
  return schema;
}

Json described(Json schema, std::string_view text) {
  if (text.empty()) return schema;
  JsonObject out{{"description", text}};
  for (const auto& [key, value] : schema.as_object()) out[key] = value;
  return out;
}

Json finish_crd(const kube::ResourceType& type, Json schema, const CrdOptions& options) {
  JsonObject root = std::move(schema.as_object());
  JsonObject properties{{"apiVersion", string_schema()},
                        {"kind", string_schema()},
                        {"metadata", JsonObject{{"type", "object"}}}};
  for (const auto& [key, value] : root["properties"].get_object()) properties[key] = value;
  root["properties"] = std::move(properties);
  Json finished = std::move(root);
  for (const FieldRule& rule : options.rules) merge(schema_at(finished, rule.path), rule.patch);

  JsonObject version{{"name", type.version}, {"served", true}, {"storage", true}};
  if (!options.columns.empty()) version["additionalPrinterColumns"] = columns_of(options);
  version["schema"] = JsonObject{{"openAPIV3Schema", std::move(finished)}};
  if (auto subresources = subresources_of(options); !subresources.empty()) {
    version["subresources"] = std::move(subresources);
  }
  JsonObject metadata{{"name", std::string(type.plural) + "." + std::string(type.group)}};
  if (!options.labels.empty()) metadata["labels"] = to_json(options.labels);
  return JsonObject{{"apiVersion", "apiextensions.k8s.io/v1"},
                    {"kind", "CustomResourceDefinition"},
                    {"metadata", std::move(metadata)},
                    {"spec", JsonObject{{"group", type.group},
                                        {"names", names_of(type, options)},
                                        {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                                        {"versions", JsonArray{std::move(version)}}}}};
}

}  // namespace detail
}  // namespace nestor::api
