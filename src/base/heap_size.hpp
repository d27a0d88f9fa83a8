#pragma once

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/json.hpp"
#include "base/json_convert.hpp"

/// How much memory a value takes: what stands in a few bytes of JSON may take a hundred.
namespace nestor {

namespace detail {
/// What the allocator adds to a block, and a map or shared pointer to what it holds. Bytes.
inline constexpr std::size_t kBlock = 16;
inline constexpr std::size_t kMapNode = 32;

template <class T>
struct IsShared : std::false_type {};
template <class T>
struct IsShared<std::shared_ptr<T>> : std::true_type {};

std::size_t heap_size_of_json(const Json& value);
}  // namespace detail

/// Bytes of heap that a struct described with BOOST_DESCRIBE_STRUCT holds, beside its own sizeof;
/// of a shared pointer all that it points to. An estimate, a little high rather than low. Other
/// classes specialise it.
template <class T>
std::size_t heap_size(const T& value) {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return 0;
  } else if constexpr (std::same_as<T, Json>) {
    return detail::heap_size_of_json(value);
  } else if constexpr (std::same_as<T, std::string>) {
    static const std::size_t within = std::string().capacity();
    return value.capacity() > within ? value.capacity() + detail::kBlock : 0;
  } else if constexpr (std::same_as<T, Quantity>) {
    return heap_size(value.text);
  } else if constexpr (detail::IsOptional<T>::value) {
    return value ? heap_size(*value) : 0;
  } else if constexpr (detail::IsShared<T>::value) {
    using Held = std::remove_const_t<typename T::element_type>;
    return value ? detail::kBlock * 2 + sizeof(Held) + heap_size<Held>(*value) : 0;
  } else if constexpr (detail::IsVector<T>::value) {
    std::size_t size = value.capacity() * sizeof(typename T::value_type) + detail::kBlock;
    for (const auto& item : value) size += heap_size(item);
    return size;
  } else if constexpr (detail::IsStringMap<T>::value) {
    std::size_t size = 0;
    for (const auto& [key, item] : value) {
      size += detail::kBlock + detail::kMapNode + sizeof(typename T::value_type);
      size += heap_size(key) + heap_size(item);
    }
    return size;
  } else {
    static_assert(Described<T>, "heap_size needs a described struct");
    using namespace boost::describe;
    std::size_t size = 0;
    boost::mp11::mp_for_each<describe_members<T, mod_any_access | mod_inherited>>(
        [&](auto member) { size += heap_size(value.*member.pointer); });
    return size;
  }
}

}  // namespace nestor
