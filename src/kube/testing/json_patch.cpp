#include "kube/testing/json_patch.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace nestor::kube::testing {

void apply_merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = JsonObject();
  JsonObject& object = target.get_object();
  for (const auto& item : patch.get_object()) {
    if (item.value().is_null()) {
      object.erase(item.key());
    } else {
      apply_merge_patch(object[item.key()], item.value());
    }
  }
}

namespace {

std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      out.push_back(token[++i] == '1' ? '/' : '~');
    } else {
      out.push_back(token[i]);
    }
  }
  return out;
}

std::optional<std::size_t> index_of(std::string_view token, std::size_t size) {
  const auto index = parse_number<std::size_t>(token);
  return index && *index <= size ? index : std::nullopt;
}

Json* child(Json& parent, const std::string& token) {
  if (parent.is_object()) return parent.get_object().if_contains(token);
  if (!parent.is_array()) return nullptr;
  JsonArray& array = parent.get_array();
  const auto index = index_of(token, array.size());
  return index && *index < array.size() ? &array[*index] : nullptr;
}

Result<> change(Json& parent, std::string_view op, const std::string& token, const Json& value) {
  Json* found = child(parent, token);
  if (op == "test") {
    if (found != nullptr && *found == value) return {};
    return fail(Code::kInvalidArgument, "the test of a JSON patch failed at " + token);
  }
  if (op != "add" && found == nullptr) {
    return fail(Code::kInvalidArgument, "a JSON patch names a missing member: " + token);
  }
  if (op == "replace") {
    *found = value;
    return {};
  }
  if (parent.is_object()) {
    if (op == "remove") {
      parent.get_object().erase(token);
    } else {
      parent.get_object()[token] = value;
    }
    return {};
  }
  if (!parent.is_array()) return fail(Code::kInvalidArgument, "a JSON patch misses its place");
  JsonArray& array = parent.get_array();
  const auto index = token == "-" ? array.size() : index_of(token, array.size());
  if (!index) return fail(Code::kInvalidArgument, "a JSON patch has a wrong index: " + token);
  const auto place = array.begin() + static_cast<std::ptrdiff_t>(*index);
  if (op == "remove") {
    array.erase(place);
  } else {
    array.insert(place, value);
  }
  return {};
}

Result<> apply_operation(Json& target, const Json& operation) {
  const std::string_view op = find_string(operation, {"op"});
  std::string_view path = find_string(operation, {"path"});
  const Json* value = find(operation, {"value"});
  if (op != "add" && op != "remove" && op != "replace" && op != "test") {
    return fail(Code::kInvalidArgument, "unknown JSON patch operation: " + std::string(op));
  }
  if (!path.starts_with('/')) return fail(Code::kInvalidArgument, "not a JSON pointer");
  if (value == nullptr && op != "remove") return fail(Code::kInvalidArgument, "no value");
  Json* parent = &target;
  path.remove_prefix(1);
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    parent = child(*parent, unescape(path.substr(0, slash)));
    if (parent == nullptr) return fail(Code::kInvalidArgument, "a JSON patch misses its place");
    path.remove_prefix(slash + 1);
  }
  return change(*parent, op, unescape(path), value == nullptr ? Json() : *value);
}

constexpr std::array<std::string_view, 5> kListKeys = {"type", "name", "uid", "key",
                                                       "containerPort"};

/// The member by which the objects of a list are told apart, or "".
std::string_view list_key(const JsonArray& list) {
  if (list.empty()) return {};
  for (const std::string_view key : kListKeys) {
    const bool all = std::ranges::all_of(list, [&](const Json& item) {
      return item.is_object() && item.get_object().contains(key);
    });
    if (all) return key;
  }
  return {};
}

Json* item_with(JsonArray& list, std::string_view key, const Json& value) {
  for (Json& item : list) {
    const Json* own = item.is_object() ? item.get_object().if_contains(key) : nullptr;
    if (own != nullptr && *own == value) return &item;
  }
  return nullptr;
}

/// std::erase_if does not know JsonArray.
template <class Predicate>
void erase_if(JsonArray& array, Predicate predicate) {
  for (auto it = array.begin(); it != array.end();) it = predicate(*it) ? array.erase(it) : it + 1;
}

void merge_list(JsonArray& target, const JsonArray& before, const JsonArray& now, bool set) {
  if (set) {
    erase_if(target, [&](const Json& item) {
      return std::ranges::find(before, item) != before.end() &&
             std::ranges::find(now, item) == now.end();
    });
    for (const Json& item : now) {
      if (std::ranges::find(target, item) == target.end()) target.push_back(item);
    }
    return;
  }
  const std::string_view key = list_key(now.empty() ? before : now);
  if (key.empty()) {
    target = now;
    return;
  }
  JsonArray old = before;
  for (const Json& item : old) {
    const Json& value = item.get_object().at(key);
    JsonArray wanted = now;
    if (item_with(wanted, key, value) != nullptr) continue;
    erase_if(target, [&](const Json& one) {
      const Json* own = one.is_object() ? one.get_object().if_contains(key) : nullptr;
      return own != nullptr && *own == value;
    });
  }
  for (const Json& item : now) {
    const Json& value = item.get_object().at(key);
    Json* place = item_with(target, key, value);
    if (place == nullptr) {
      target.push_back(item);
      continue;
    }
    const Json* last = item_with(old, key, value);
    apply_configuration(*place, last == nullptr ? Json() : *last, item);
  }
}

}  // namespace

Result<> apply_json_patch(Json& target, const Json& operations) {
  if (!operations.is_array()) return fail(Code::kInvalidArgument, "a JSON patch is a list");
  for (const Json& operation : operations.get_array()) {
    NESTOR_TRY_VOID(apply_operation(target, operation));
  }
  return {};
}

void apply_configuration(Json& target, const Json& before, const Json& now) {
  if (!now.is_object() || !target.is_object()) {
    target = now;
    return;
  }
  JsonObject& object = target.get_object();
  if (const JsonObject* last = before.if_object()) {
    for (const auto& item : *last) {
      if (now.get_object().contains(item.key())) continue;
      Json* own = object.if_contains(item.key());
      if (own == nullptr) continue;
      if (item.value().is_object() && own->is_object()) {
        apply_configuration(*own, item.value(), JsonObject());
        if (own->get_object().empty()) object.erase(item.key());
      } else if (item.value().is_array() && own->is_array()) {
        merge_list(own->get_array(), item.value().get_array(), {}, item.key() == "finalizers");
        if (own->get_array().empty()) object.erase(item.key());
      } else {
        object.erase(item.key());
      }
    }
  }
  for (const auto& item : now.get_object()) {
    if (item.value().is_null()) continue;
    const JsonObject* last_object = before.if_object();
    const Json* last = last_object == nullptr ? nullptr : last_object->if_contains(item.key());
    Json& place = object[item.key()];
    if (item.value().is_array() && place.is_array()) {
      const JsonArray nothing;
      const JsonArray& old = last != nullptr && last->is_array() ? last->get_array() : nothing;
      merge_list(place.get_array(), old, item.value().get_array(), item.key() == "finalizers");
    } else if (item.value().is_object()) {
      if (!place.is_object()) place = JsonObject();
      apply_configuration(place, last == nullptr ? Json() : *last, item.value());
    } else {
      place = item.value();
    }
  }
}

}  // namespace nestor::kube::testing
