#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/kamaji/data_store.hpp"
#include "controlplane/etcd_status.hpp"
#include "controlplane/etcdctl.hpp"
#include "controlplane/store_contents.hpp"
#include "kube/runtime.hpp"

namespace nestor::controlplane {

/// How full each DataStore is: asked once a minute, while it is in order otherwise. An etcd that is
/// Nestor's own gets the room back that is free inside its file. Not for the same store twice at
/// the same time.
class StoreRoom {
 public:
  /// `etcdctl` as in Etcdctl::open().
  StoreRoom(kube::Runtime& runtime, std::string etcdctl);

  /// The condition nestor.dev/StoreHasRoom, Unknown when etcd cannot be asked. Takes as long as
  /// the members' defragmentation when they need one.
  Task<kube::Condition> look(api::kamaji::DataStore store, StoreContents contents);
  /// Until etcd is to be asked again, at least a second.
  Duration wait(const std::string& store) const;
  void forget(const std::string& store);

 private:
  struct Known {
    SteadyTime asked;
    kube::Condition condition;
    std::optional<SteadyTime> defragmented;
  };
  Task<EtcdStatus> find_out(const api::kamaji::DataStore& store, const StoreContents& contents,
                            std::optional<SteadyTime>& defragmented);
  /// An event. Errors: kCancelled; what else went wrong shows at the next look.
  Result<> tell(const api::kamaji::DataStore& store, const Result<>& done, std::string deed,
                std::string success);

  kube::Runtime& runtime_;
  std::string etcdctl_;
  std::map<std::string, Known> known_;
};

/// Whether the status says that etcd takes no more writes.
bool is_full(const api::kamaji::DataStore& store);

}  // namespace nestor::controlplane
