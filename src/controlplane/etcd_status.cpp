#include "controlplane/etcd_status.hpp"

#include <algorithm>

#include "base/json_convert.hpp"

namespace nestor::controlplane {
namespace {

constexpr std::size_t kMaxMemory = 8U << 20;

/// As etcdctl has it.
struct WireStatus {
  std::int64_t dbSize = 0;
  std::int64_t dbSizeInUse = 0;
  std::int64_t dbSizeQuota = 0;
  /// "memberID:13668033151171901709  alarm:NOSPACE", of all members alike; "etcdserver: no leader".
  std::vector<std::string> errors;
};
BOOST_DESCRIBE_STRUCT(WireStatus, (), (dbSize, dbSizeInUse, dbSizeQuota, errors))

struct WireEndpoint {
  std::string Endpoint;
  WireStatus Status;
};
BOOST_DESCRIBE_STRUCT(WireEndpoint, (), (Endpoint, Status))

}  // namespace

bool EtcdStatus::almost_full() const {
  return std::ranges::any_of(members, &EtcdMember::almost_full);
}

bool EtcdStatus::worth_defragmenting(const EtcdMember& member) const {
  if (!full && !almost_full()) return false;
  return member.fragmented() || (full && member.would_have_room());
}

bool EtcdStatus::worth_defragmenting() const {
  return std::ranges::any_of(
      members, [this](const EtcdMember& member) { return worth_defragmenting(member); });
}

bool EtcdStatus::fragmented() const {
  return std::ranges::any_of(members, &EtcdMember::fragmented);
}
bool EtcdStatus::quota_unknown() const {
  return std::ranges::any_of(members, [](const EtcdMember& member) { return member.quota == 0; });
}

Result<EtcdStatus> parse_etcd_status(std::string_view json) {
  NESTOR_TRY(const Json document, parse_json(json, kMaxMemory));
  std::vector<WireEndpoint> endpoints;
  // null when nobody answered
  if (!document.is_null()) NESTOR_TRY_VOID(read_json(document, endpoints));
  if (endpoints.empty()) return fail(Code::kUnavailable, "no member answers");
  EtcdStatus out;
  for (const auto& [endpoint, status] : endpoints) {
    if (endpoint.empty() || status.dbSize <= 0 || status.dbSizeInUse < 0) {
      return fail(Code::kInvalidArgument, "a member without endpoint or size");
    }
    out.members.push_back({.endpoint = endpoint,
                           .size = status.dbSize,
                           .in_use = status.dbSizeInUse,
                           .quota = status.dbSizeQuota});
    for (const std::string& error : status.errors) {
      if (!error.contains("alarm:")) continue;
      (error.contains("alarm:NOSPACE") ? out.full : out.other_alarm) = true;
    }
  }
  return out;
}

}  // namespace nestor::controlplane
