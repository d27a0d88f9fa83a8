#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nestor::controlplane {

/// What one member of an etcd says about its database. Sizes are bytes.
struct EtcdMember {
  /// As etcdctl was given it: "https://host:port".
  std::string endpoint = {};
  /// Its file. It is what the quota is about; it grows, and only a defragmentation makes it
  /// smaller.
  std::int64_t size = 0;
  /// What of the file holds something; 0: not said.
  std::int64_t in_use = 0;
  /// 0: not said (before etcd 3.6). Below: there is none.
  std::int64_t quota = 0;

  /// Four fifths of the quota are taken.
  bool almost_full() const { return quota > 0 && size >= quota - quota / 5; }
  /// More than a quarter of the file is free inside.
  bool fragmented() const { return in_use > 0 && size - in_use > size / 4; }
  /// It would not be almost full without what is free inside.
  bool would_have_room() const { return almost_full() && in_use > 0 && in_use < quota - quota / 5; }
  /// The file and the copy that a defragmentation writes beside it take up to twice the quota.
  bool has_room_to_defragment() const { return quota <= 0 || size - quota <= quota - in_use; }
};

struct EtcdStatus {
  /// Those that answered, at least one.
  std::vector<EtcdMember> members;
  /// Alarm NOSPACE: some member had reached its quota, and nothing can be written until the alarm
  /// is disarmed.
  bool full = false;
  /// Another alarm, such as CORRUPT. `etcdctl alarm disarm` would silence it too.
  bool other_alarm = false;

  // Of any member.
  bool almost_full() const;
  bool fragmented() const;
  bool quota_unknown() const;

  /// Whether a defragmentation of `member` is worth that it answers nobody meanwhile: when much
  /// is free inside, and when nothing can be written, for little as well.
  bool worth_defragmenting(const EtcdMember& member) const;
  /// Of any member.
  bool worth_defragmenting() const;
};

/// Reads what `etcdctl endpoint status -w json` prints; members that are down are not in it.
/// Errors: kInvalidArgument; kUnavailable when no member is in it; kResourceExhausted beyond 8 MiB
/// of memory.
Result<EtcdStatus> parse_etcd_status(std::string_view json);

}  // namespace nestor::controlplane
