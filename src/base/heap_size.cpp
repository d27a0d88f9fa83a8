#include "base/heap_size.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

namespace nestor::detail {

std::size_t heap_size_of_json(const Json& value) {
  // Of a table of members or items, beside them.
  constexpr std::size_t kTable = 16 + kBlock;
  if (const auto* text = value.if_string()) return text->capacity() + kBlock;
  if (const auto* items = value.if_array()) {
    if (items->capacity() == 0) return 0;
    std::size_t size = kTable + items->capacity() * sizeof(Json);
    for (const Json& item : *items) size += heap_size_of_json(item);
    return size;
  }
  if (const auto* members = value.if_object()) {
    if (members->capacity() == 0) return 0;
    // Large tables have an index of a number a member too.
    std::size_t size =
        kTable + members->capacity() * (sizeof(JsonObject::value_type) + sizeof(std::uint32_t));
    for (const auto& member : *members) {
      size += member.key().size() + 2 * kBlock + heap_size_of_json(member.value());
    }
    return size;
  }
  return 0;
}

}  // namespace nestor::detail
