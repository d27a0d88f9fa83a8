#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "kube/object.hpp"

namespace nestor::kube {

/// "/api/v1/namespaces/x/pods" or "/apis/g/v/…"; `ns` "" is all namespaces, or none.
std::string collection_path(const ResourceType& type, std::string_view ns);
/// With the object's name and "/<subresource>" unless that is "".
std::string object_path(const ResourceType& type, const ObjectKey& key,
                        std::string_view subresource = {});

/// Builds "path?a=b&c=d"; pairs with an empty value are left out.
class Query {
 public:
  explicit Query(std::string path) : text_(std::move(path)) {}
  Query& add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool first_ = true;
};

}  // namespace nestor::kube
