#include "kube/path.hpp"

#include <charconv>

namespace nestor::kube {

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

std::string collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + std::string(type.group) + "/";
  path += type.version;
  if (type.namespaced && !ns.empty()) path += "/namespaces/" + percent_encode(ns);
  path += "/";
  path += type.plural;
  return path;
}

std::string object_path(const ResourceType& type, const ObjectKey& key,
                        std::string_view subresource) {
  std::string path = collection_path(type, key.ns) + "/" + percent_encode(key.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

Query& Query::add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += first_ ? "?" : "&";
  first_ = false;
  text_ += name;
  text_ += "=";
  text_ += percent_encode(value);
  return *this;
}

bool parse_server_url(std::string_view url, ServerUrl& out) {
  if (url.starts_with("https://")) {
    out.tls = true;
    out.port = 443;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    out.tls = false;
    out.port = 80;
    url.remove_prefix(7);
  } else {
    return false;
  }
  // A query would swallow the paths that are added.
  if (url.find_first_of("?#") != std::string_view::npos) return false;
  std::string_view authority = url.substr(0, url.find('/'));
  // Never part of the host, which messages name.
  if (authority.find('@') != std::string_view::npos) return false;
  std::string_view prefix = url.substr(authority.size());
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  out.prefix = prefix;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    out.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto colon = authority.find(':');
    out.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (out.host.empty()) return false;
  if (port.empty()) return true;
  if (!port.starts_with(':')) return false;
  port.remove_prefix(1);
  const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  return bad == std::errc() && end == port.data() + port.size() && out.port != 0;
}

}  // namespace nestor::kube
