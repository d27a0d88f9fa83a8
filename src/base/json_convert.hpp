#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/quantity.hpp"

/// JSON reading and writing of structs described with BOOST_DESCRIBE_STRUCT, by Kubernetes' rules:
/// members have the JSON names (a trailing underscore is dropped: `namespace_` is "namespace");
/// absent and null leave the member at its default; unknown members are ignored; writing leaves out
/// empty strings, empty lists and maps, absent optionals and structs that would be `{}`.
/// A bool or number that must be written even when zero is a std::optional.
/// `Json` members keep any content (IntOrString, free-form parts). A Quantity takes text or number.
namespace nestor {

template <class T>
concept Described = boost::describe::has_describe_members<T>::value;

namespace detail {
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsStringMap : std::false_type {};
template <class T>
struct IsStringMap<std::map<std::string, T>> : std::true_type {};

constexpr std::string_view json_name(const char* member) {
  std::string_view name = member;
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}

/// A member of a described struct. What is the same for all members is done once, over these, in
/// json_convert.cpp: the rest is instantiated again in every source that converts the struct.
struct Field {
  std::string_view name;
  Result<> (*read)(const Json& value, void* object);
  /// False when the member is left out.
  bool (*write)(const void* object, Json& out);
};
Result<> read_fields(const Json& value, void* object, std::span<const Field> fields);
JsonObject write_fields(const void* object, std::span<const Field> fields);
std::unexpected<Error> wrong_type(std::string_view wanted, const Json& got);
std::unexpected<Error> in_member(Error error, std::string_view member);
std::unexpected<Error> in_item(Error error, std::size_t index);
Result<> read_string(const Json& value, std::string& out);
Result<> read_bool(const Json& value, bool& out);
Result<> read_quantity(const Json& value, Quantity& out);
Result<std::int64_t> read_integer(const Json& value, std::int64_t least, std::int64_t most);

template <class T, auto Member>
Result<> read_field(const Json& value, void* object);
template <class T, auto Member>
bool write_field(const void* object, Json& out);

template <class T, template <class...> class List, class... M>
constexpr auto fields_of(List<M...> /*members*/) {
  return std::array<Field, sizeof...(M)>{
      Field{json_name(M::name), &read_field<T, M::pointer>, &write_field<T, M::pointer>}...};
}
template <class T>
inline constexpr auto kFields =
    fields_of<T>(boost::describe::describe_members<T, boost::describe::mod_any_access |
                                                          boost::describe::mod_inherited>());
}  // namespace detail

/// Reads `value` into `out`, which keeps its defaults where members are absent.
/// Errors: kInvalidArgument with the path, e.g. "spec.replicas: expected a whole number, got a
/// string".
template <class T>
Result<> read_json(const Json& value, T& out) {
  if constexpr (std::same_as<T, Json>) {
    out = value;
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value.is_null()) {
      out.reset();
      return {};
    }
    return read_json(value, out.emplace());
  } else if constexpr (std::same_as<T, std::string>) {
    return detail::read_string(value, out);
  } else if constexpr (std::same_as<T, Quantity>) {
    return detail::read_quantity(value, out);
  } else if constexpr (std::same_as<T, bool>) {
    return detail::read_bool(value, out);
  } else if constexpr (std::integral<T>) {
    using Limits = std::numeric_limits<T>;
    auto number = detail::read_integer(value, {Limits::min()}, {Limits::max()});
    if (!number) return std::unexpected(std::move(number).error());
    out = static_cast<T>(*number);
  } else if constexpr (detail::IsVector<T>::value) {
    if (!value.is_array()) return detail::wrong_type("a list", value);
    out.clear();
    out.reserve(value.get_array().size());
    for (const Json& item : value.get_array()) {
      if (auto ok = read_json(item, out.emplace_back()); !ok) {
        return detail::in_item(std::move(ok).error(), out.size() - 1);
      }
    }
  } else if constexpr (detail::IsStringMap<T>::value) {
    if (!value.is_object()) return detail::wrong_type("an object", value);
    out.clear();
    for (const auto& item : value.get_object()) {
      if (item.value().is_null()) continue;
      if (auto ok = read_json(item.value(), out[std::string(item.key())]); !ok) {
        return detail::in_member(std::move(ok).error(), item.key());
      }
    }
  } else {
    static_assert(Described<T>, "read_json needs a described struct");
    return detail::read_fields(value, &out, detail::kFields<T>);
  }
  return {};
}

template <class T>
Result<T> from_json(const Json& value) {
  T out{};
  NESTOR_TRY_VOID(read_json(value, out));
  return out;
}

/// Whether a member with this value is left out when its struct is written.
template <class T>
bool is_empty_json(const T& value, const Json& written) {
  if constexpr (std::same_as<T, Json>) {
    return value.is_null();
  } else if constexpr (detail::IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (std::same_as<T, std::string> || std::same_as<T, Quantity> ||
                       detail::IsVector<T>::value || detail::IsStringMap<T>::value) {
    return value.empty();
  } else if constexpr (Described<T>) {
    return written.is_object() && written.get_object().empty();
  } else {
    return false;
  }
}

template <class T>
Json to_json(const T& value) {
  if constexpr (std::same_as<T, Json>) {
    return value;
  } else if constexpr (detail::IsOptional<T>::value) {
    return value ? to_json(*value) : Json(nullptr);
  } else if constexpr (std::same_as<T, std::string>) {
    return Json(boost::json::string(value));
  } else if constexpr (std::same_as<T, Quantity>) {
    return Json(boost::json::string(value.text));
  } else if constexpr (std::same_as<T, bool>) {
    return Json(value);
  } else if constexpr (std::integral<T>) {
    return Json(static_cast<std::int64_t>(value));
  } else if constexpr (detail::IsVector<T>::value) {
    JsonArray array;
    for (const auto& item : value) array.push_back(to_json(item));
    return array;
  } else if constexpr (detail::IsStringMap<T>::value) {
    JsonObject object;
    for (const auto& [key, item] : value) object[key] = to_json(item);
    return object;
  } else {
    static_assert(Described<T>, "to_json needs a described struct");
    return detail::write_fields(&value, detail::kFields<T>);
  }
}

template <class T, auto Member>
Result<> detail::read_field(const Json& value, void* object) {
  return read_json(value, static_cast<T*>(object)->*Member);
}

template <class T, auto Member>
bool detail::write_field(const void* object, Json& out) {
  const auto& member = static_cast<const T*>(object)->*Member;
  out = to_json(member);
  return !is_empty_json(member, out);
}

}  // namespace nestor
