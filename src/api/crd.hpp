#pragma once

#include <boost/mp11/algorithm.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/descriptions.hpp"
#include "base/json_convert.hpp"
#include "kube/object.hpp"

/// CustomResourceDefinitions out of the described structs. A struct says names, types and (by its
/// comments) meanings; what C++ types cannot say (required, allowed values, defaults, immutability)
/// stands in a table per kind.
namespace nestor::api {

/// A column of `kubectl get`.
struct PrinterColumn {
  std::string name;
  /// "string", "integer", "boolean" or "date".
  std::string type;
  std::string json_path;
  /// Above 0: only with -o wide.
  int priority = 0;
};

/// Adds to (or with null takes from) the schema of one field, by JSON merge patch.
struct FieldRule {
  /// As in "spec.files[].encoding"; "[]" are the items of a list, "{}" the values of a map.
  std::string path;
  Json patch;
};

/// Where the scale subresource finds its numbers.
struct ScalePaths {
  std::string spec_replicas = ".spec.replicas";
  std::string status_replicas = ".status.replicas";
  std::string selector = ".status.selector";
};

struct CrdOptions {
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};
  std::map<std::string, std::string> labels = {};
  std::vector<PrinterColumn> columns = {};
  std::vector<FieldRule> rules = {};
  bool status = true;
  std::optional<ScalePaths> scale = {};
};

// The usual patches of a FieldRule.
Json required(std::vector<std::string> members);
Json one_of(std::vector<std::string> values);
Json default_value(Json value);
/// A transition rule: once there, the value never changes.
Json immutable(const std::string& message);
/// Transition rules of an object: each of these members is there from the start or never. Beside
/// immutable(), which says nothing of a member that appears or goes.
Json settled(const std::vector<std::string>& members, const std::string& message);
Json minimum(std::int64_t least);
Json between(std::int64_t least, std::int64_t most);
/// A number or text such as "20%"; for members that are Json.
Json int_or_string();
/// An object of any content; for members that are Json.
Json any_object();

namespace detail {
Json string_schema();
Json integer_schema(bool wide);
Json boolean_schema();
Json quantity_schema();
Json any_schema();
Json list_schema(Json items);
/// A list of conditions merges by type, so that several writers can each own theirs.
Json condition_list_schema();
Json map_schema(Json values);
Json object_schema(JsonObject properties);
/// The schema with a description in front; as it is when `text` is "".
Json described(Json schema, std::string_view text);
Json finish_crd(const kube::ResourceType& type, Json schema, const CrdOptions& options);

/// What a member holds one or many of.
template <class T>
struct Held {
  using type = T;
};
template <class T>
  requires nestor::detail::IsOptional<T>::value || nestor::detail::IsVector<T>::value
struct Held<T> : Held<typename T::value_type> {};
template <class T>
  requires nestor::detail::IsStringMap<T>::value
struct Held<T> : Held<typename T::mapped_type> {};

/// The comment of the member `name` of T, else that of the struct it holds.
template <class T, class Member>
std::string_view member_description(const char* name) {
  const std::string_view own = description_of(typeid(T), name);
  return own.empty() ? description_of(typeid(typename Held<Member>::type)) : own;
}
}  // namespace detail

/// The structural schema of values that json_convert.hpp reads into a T. Members have their
/// comments as descriptions; T itself gets its own from whoever uses the schema.
template <class T>
Json schema_of() {
  if constexpr (std::same_as<T, Json>) {
    return detail::any_schema();
  } else if constexpr (std::same_as<T, std::string>) {
    return detail::string_schema();
  } else if constexpr (std::same_as<T, Quantity>) {
    return detail::quantity_schema();
  } else if constexpr (std::same_as<T, bool>) {
    return detail::boolean_schema();
  } else if constexpr (std::integral<T>) {
    return detail::integer_schema(sizeof(T) > 4);
  } else if constexpr (nestor::detail::IsOptional<T>::value) {
    return schema_of<typename T::value_type>();
  } else if constexpr (std::same_as<T, std::vector<kube::Condition>>) {
    return detail::condition_list_schema();
  } else if constexpr (nestor::detail::IsVector<T>::value) {
    return detail::list_schema(schema_of<typename T::value_type>());
  } else if constexpr (nestor::detail::IsStringMap<T>::value) {
    return detail::map_schema(schema_of<typename T::mapped_type>());
  } else {
    static_assert(Described<T>, "schema_of needs a described struct");
    JsonObject properties;
    using Members = boost::describe::describe_members<T, boost::describe::mod_any_access |
                                                             boost::describe::mod_inherited>;
    boost::mp11::mp_for_each<Members>([&](auto member) {
      using Member = std::remove_cvref_t<decltype(std::declval<T&>().*member.pointer)>;
      // The API server has its own schema of metadata.
      if constexpr (!std::same_as<Member, kube::ObjectMeta>) {
        properties[nestor::detail::json_name(member.name)] = detail::described(
            schema_of<Member>(), detail::member_description<T, Member>(member.name));
      }
    });
    return detail::object_schema(std::move(properties));
  }
}

/// The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind: the same bytes every time.
template <kube::Resource T>
Json make_crd(const CrdOptions& options) {
  Json schema = detail::described(schema_of<T>(), description_of(typeid(T)));
  return detail::finish_crd(T::kType, std::move(schema), options);
}

}  // namespace nestor::api
