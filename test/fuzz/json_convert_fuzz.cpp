#include "api/kamaji/tenant_control_plane.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "base/json_convert.hpp"
#include "fuzz.hpp"

namespace {

/// What was read and written once must not change any more.
template <class T>
void check_round_trip(const nestor::Json& json) {
  const auto value = nestor::from_json<T>(json);
  if (!value) return;
  const nestor::Json once = nestor::to_json(*value);
  const auto again = nestor::from_json<T>(once);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(nestor::to_json(*again) == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto json = parse_json(fuzz::text(data, size));
  if (!json) return 0;
  check_round_trip<api::kamaji::TenantControlPlane>(*json);
  check_round_trip<api::kubevirt::VirtualMachine>(*json);
  const auto reread = parse_json(to_text(*json));
  FUZZ_CHECK(reread && *reread == *json);
  FUZZ_CHECK(merge_diff(*json, *reread) == (json->is_object() ? Json(JsonObject{}) : *json));
  return 0;
}
