#include "api/core/secret.hpp"

#include "base/base64.hpp"

namespace nestor::api::core {

Result<std::string> secret_value(const Secret& secret, std::string_view key) {
  const auto entry = secret.data.find(std::string(key));
  if (entry == secret.data.end()) {
    return fail(Code::kNotFound, "Secret " + secret.metadata.key().to_string() + " has no key \"" +
                                     std::string(key) + "\"");
  }
  auto value = base64_decode(entry->second);
  if (!value) {
    return with_context(std::move(value).error(), "Secret " + secret.metadata.key().to_string() +
                                                      ", key \"" + std::string(key) + "\"");
  }
  return value;
}

void set_secret_value(Secret& secret, const std::string& key, std::string_view value) {
  secret.data[key] = base64_encode(value);
}

}  // namespace nestor::api::core
