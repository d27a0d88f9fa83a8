#include "api/reference.hpp"

#include <algorithm>

namespace nestor::api {
namespace {

constexpr std::string_view kHead =
    R"(# API reference

Written by `make crds` from what `nestor crds --markdown` prints. `kubectl explain cluster.spec` says the same.

Each kind has `apiVersion`, `kind` and `metadata` too. What is not said to be required may be left out. Upstream's
kinds have more fields than these: Nestor keeps them when they are set, and does nothing with them. The status is
written by Nestor, never by you.

)";

bool has_words(const Json& schema, std::string_view key) {
  return !find_string(schema, {key}).empty();
}

/// Text as Markdown shows it; what stands between backticks is shown as it is anyway.
std::string escaped(std::string_view text) {
  std::string out;
  bool in_code = false;
  for (const char c : text) {
    if (c == '`') in_code = !in_code;
    if (!in_code && (c == '<' || c == '*' || c == '|')) out += '\\';
    out += c;
  }
  return out;
}

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string listed(const Json& values) {
  std::string out;
  for (const Json& value : values.get_array()) {
    if (!out.empty()) out += ", ";
    const bool word = value.is_string() && !value.get_string().empty();
    out += code(word ? std::string_view(value.get_string()) : to_text(value));
  }
  return out;
}

/// All of them have the same fields, which stand at the end once.
bool is_condition_list(const Json& schema) {
  const Json* keys = find(schema, {"x-kubernetes-list-map-keys"});
  return keys != nullptr && *keys == Json(JsonArray{"type"});
}

std::string type_of(const Json& schema) {
  const Json* either = find(schema, {"x-kubernetes-int-or-string"});
  if (either != nullptr) return has_words(schema, "pattern") ? "quantity" : "integer or string";
  const std::string_view type = find_string(schema, {"type"});
  if (type.empty()) return "anything";
  if (is_condition_list(schema)) return "list of [conditions](#condition)";
  if (type == "array") return "list of " + type_of(schema.at("items"));
  if (const Json* values = find(schema, {"additionalProperties"})) {
    return "map of " + type_of(*values);
  }
  if (find_string(schema, {"format"}) == "date-time") return "time";
  return std::string(type);
}

bool is_immutable(const Json& schema) {
  const Json* rules = find(schema, {"x-kubernetes-validations"});
  return rules != nullptr && std::ranges::any_of(rules->get_array(), [](const Json& rule) {
           return find_string(rule, {"rule"}) == "self == oldSelf";
         });
}

bool is_required(const Json& parent, std::string_view name) {
  const Json* members = find(parent, {"required"});
  return members != nullptr &&
         std::ranges::find(members->get_array(), Json(name)) != members->get_array().end();
}

/// ", required, default `2`, …"
std::string rules_of(const Json& parent, std::string_view name, const Json& schema) {
  std::string out;
  if (is_required(parent, name)) out += ", required";
  if (is_immutable(schema)) out += ", immutable";
  if (const Json* value = find(schema, {"default"})) out += ", default " + code(to_text(*value));
  if (const Json* values = find(schema, {"enum"})) out += ", one of " + listed(*values);
  const Json* least = find(schema, {"minimum"});
  const Json* most = find(schema, {"maximum"});
  if (least != nullptr) out += ", at least " + to_text(*least);
  if (most != nullptr) out += ", at most " + to_text(*most);
  const Json* items = find(schema, {"minItems"});
  if (items != nullptr) out += ", at least " + to_text(*items) + " of them";
  const bool quantity = find(schema, {"x-kubernetes-int-or-string"}) != nullptr;
  if (has_words(schema, "pattern") && !quantity) {
    out += ", like " + code(find_string(schema, {"pattern"}));
  }
  return out;
}

/// The schema whose properties are to be listed below a field: its own, or that of its items.
const Json& inner(const Json& schema) {
  if (const Json* items = find(schema, {"items"})) return inner(*items);
  const Json* values = find(schema, {"additionalProperties"});
  return values != nullptr && values->is_object() ? inner(*values) : schema;
}

/// The table of contents and the sections, as they grow.
class Reference {
 public:
  void add(const Json& crd) {
    const Json& version = crd.at("spec").at("versions").at(0);
    const std::string api_version = std::string(find_string(crd, {"spec", "group"})) + "/" +
                                    std::string(find_string(version, {"name"}));
    add_to_contents(crd, api_version);
    const Json& schema = version.at("schema").at("openAPIV3Schema");
    out_ += "## " + std::string(find_string(crd, {"spec", "names", "kind"})) + "\n\n";
    out_ += code(api_version) + ". " + escaped(find_string(schema, {"description"})) + "\n";
    if (find(version, {"subresources", "scale"}) != nullptr) {
      out_ += "`kubectl scale` works on it.\n";
    }
    out_ += "\n";
    for (const char* part : {"spec", "status"}) {
      const Json* field = find(schema, {"properties", part});
      if (field != nullptr) add_field(schema, part, *field, "");
    }
    out_ += "\n";
  }

  std::string text() && {
    std::string text(kHead);
    text += "| kind | API version | names for kubectl | scope |\n|---|---|---|---|\n" + contents_ +
            "\n" + out_;
    if (!condition_.is_null()) {
      out_.clear();
      add_fields(condition_, "");
      text += "## Condition\n\nWhat is true of an object just now, and why.\n\n" + out_;
    }
    while (text.ends_with("\n\n")) text.pop_back();
    return text;
  }

 private:
  void add_to_contents(const Json& crd, const std::string& api_version) {
    const std::string kind(find_string(crd, {"spec", "names", "kind"}));
    contents_ += "| [" + kind + "](#" +
                 std::string(find_string(crd, {"spec", "names", "singular"})) + ") | " +
                 code(api_version) + " | " + code(find_string(crd, {"spec", "names", "plural"}));
    const Json* short_names = find(crd, {"spec", "names", "shortNames"});
    if (short_names != nullptr) contents_ += ", " + listed(*short_names);
    contents_ += " | " + std::string(find_string(crd, {"spec", "scope"})) + " |\n";
  }

  void add_fields(const Json& schema, const std::string& indent) {
    const Json* properties = find(schema, {"properties"});
    if (properties == nullptr) return;
    for (const auto& [name, field] : properties->get_object()) {
      add_field(schema, name, field, indent);
    }
  }

  void add_field(const Json& parent, std::string_view name, const Json& schema,
                 const std::string& indent) {
    out_ += indent + "- " + code(name);
    out_ += " (" + type_of(schema) + rules_of(parent, name, schema) + ")";
    const std::string_view description = find_string(schema, {"description"});
    if (!description.empty()) out_ += ": " + escaped(description);
    out_ += "\n";
    if (is_condition_list(schema)) {
      condition_ = schema.at("items");
    } else {
      add_fields(inner(schema), indent + "  ");
    }
  }

  std::string contents_;
  std::string out_;
  Json condition_;
};

}  // namespace

std::string api_reference(const std::vector<Json>& crds) {
  Reference reference;
  for (const Json& crd : crds) reference.add(crd);
  return std::move(reference).text();
}

}  // namespace nestor::api
