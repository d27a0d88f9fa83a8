#pragma once

#include <boost/json/fwd.hpp>
#include <boost/json/value.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nestor {

/// A JSON document as the Kubernetes API speaks it. Structs: base/json_convert.hpp.
using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

/// Errors: kInvalidArgument with the place. Depth is limited to 100.
Result<Json> parse_json(std::string_view text);
/// The same for what others wrote: a few bytes of text can be a value of many in memory. Errors
/// also: kResourceExhausted before anything is made of it, when that could take more than
/// `max_memory` bytes.
Result<Json> parse_json(std::string_view text, std::size_t max_memory);
std::string to_text(const Json& value);
/// Two spaces of indentation, for people.
std::string to_pretty_text(const Json& value);

/// YAML (1.2 core scalars, several documents) to JSON, for manifests and configuration files.
/// Errors: kInvalidArgument, also when aliases make more of it than 16 times the text and a MiB, or
/// 64 MiB.
Result<std::vector<Json>> parse_yaml_documents(std::string_view text);
/// The same for what others wrote: one document (null for none) without aliases, of at most
/// `max_size` bytes.
Result<Json> parse_plain_yaml(std::string_view text, std::size_t max_size);
std::string to_yaml(const Json& value);

/// The member at a path of object keys, or nullptr: `find(pod, {"status", "podIP"})`.
const Json* find(const Json& value, std::initializer_list<std::string_view> path);
/// The string there, or "" if absent or not a string.
std::string_view find_string(const Json& value, std::initializer_list<std::string_view> path);

/// The RFC 7386 merge patch that turns `from` into `to` (arrays as wholes); an empty object when
/// equal.
Json merge_diff(const Json& from, const Json& to);
/// Applies an RFC 7386 merge patch to `target`.
void apply_merge_patch(Json& target, const Json& patch);

}  // namespace nestor
