#include "kube/path.hpp"

#include "net/url.hpp"

namespace nestor::kube {

std::string collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + std::string(type.group) + "/";
  path += type.version;
  if (type.namespaced && !ns.empty()) path += "/namespaces/" + net::percent_encode(ns);
  path += "/";
  path += type.plural;
  return path;
}

std::string object_path(const ResourceType& type, const ObjectKey& key,
                        std::string_view subresource) {
  std::string path = collection_path(type, key.ns) + "/" + net::percent_encode(key.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

Query& Query::add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += first_ ? "?" : "&";
  first_ = false;
  text_ += name;
  text_ += "=";
  text_ += net::percent_encode(value);
  return *this;
}

}  // namespace nestor::kube
