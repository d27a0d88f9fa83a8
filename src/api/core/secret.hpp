#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

/// Holds secrets: never log one.
struct Secret {
  static constexpr kube::ResourceType kType{"", "v1", "Secret", "secrets"};
  kube::ObjectMeta metadata;
  std::string type;
  /// Base64.
  std::map<std::string, std::string> data;
  /// Plain text; write-only: the API server moves it into `data`.
  std::map<std::string, std::string> stringData;
  std::optional<bool> immutable;
  bool operator==(const Secret&) const = default;
};
BOOST_DESCRIBE_STRUCT(Secret, (), (metadata, type, data, stringData, immutable))

/// The decoded value of `key`. Errors: kNotFound, kInvalidArgument (not base64).
Result<std::string> secret_value(const Secret& secret, std::string_view key);
/// Stores `value` base64-encoded.
void set_secret_value(Secret& secret, const std::string& key, std::string_view value);

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::Secret)
