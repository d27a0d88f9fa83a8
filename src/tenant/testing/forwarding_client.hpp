#pragma once

#include <memory>

#include "kube/client.hpp"

namespace nestor::tenant::testing {

/// Hands every call to another client, so that a test keeps the one that a session owns.
class ForwardingClient : public kube::Client {
 public:
  explicit ForwardingClient(kube::Client& to) : to_(to) {}
  Task<Json> get(kube::ResourceType type, kube::ObjectKey key) override {
    return to_.get(type, std::move(key));
  }
  Task<kube::List> list(kube::ResourceType type, std::string ns,
                        kube::ListOptions options) override {
    return to_.list(type, std::move(ns), std::move(options));
  }
  Task<kube::ListPage> list_page(kube::ResourceType type, std::string ns, kube::ListOptions options,
                                 std::string token) override {
    return to_.list_page(type, std::move(ns), std::move(options), std::move(token));
  }
  Task<std::unique_ptr<kube::WatchStream>> watch(kube::ResourceType type, std::string ns,
                                                 kube::ListOptions options,
                                                 std::string resource_version) override {
    return to_.watch(type, std::move(ns), std::move(options), std::move(resource_version));
  }
  Task<Json> create(kube::ResourceType type, std::string ns, Json object,
                    std::string subresource) override {
    return to_.create(type, std::move(ns), std::move(object), std::move(subresource));
  }
  Task<Json> update(kube::ResourceType type, Json object, std::string subresource) override {
    return to_.update(type, std::move(object), std::move(subresource));
  }
  Task<Json> patch(kube::ResourceType type, kube::ObjectKey key, kube::PatchType patch_type,
                   Json body, kube::PatchOptions options) override {
    return to_.patch(type, std::move(key), patch_type, std::move(body), std::move(options));
  }
  Task<Json> apply(kube::ResourceType type, Json object, kube::ApplyOptions options) override {
    return to_.apply(type, std::move(object), std::move(options));
  }
  Task<> remove(kube::ResourceType type, kube::ObjectKey key,
                kube::DeleteOptions options) override {
    return to_.remove(type, std::move(key), std::move(options));
  }
  Task<std::string> get_raw(std::string path) override { return to_.get_raw(std::move(path)); }

 private:
  kube::Client& to_;
};

}  // namespace nestor::tenant::testing
