#include "controlplane/etcd_status.hpp"
#include "fuzz.hpp"

/// What etcdctl prints of an etcd that may be somebody else's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto status = controlplane::parse_etcd_status(fuzz::text(data, size));
  if (!status) return 0;
  FUZZ_CHECK(!status->members.empty());
  for (const auto& member : status->members) {
    FUZZ_CHECK(!member.endpoint.empty());
    FUZZ_CHECK(member.size > 0 && member.in_use >= 0);
    if (member.almost_full()) FUZZ_CHECK(member.quota > 0);
    if (member.fragmented()) FUZZ_CHECK(member.size > member.in_use);
  }
  return 0;
}
