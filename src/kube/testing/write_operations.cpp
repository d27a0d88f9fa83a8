#include "kube/testing/write_operations.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace nestor::kube::testing {

namespace {

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
