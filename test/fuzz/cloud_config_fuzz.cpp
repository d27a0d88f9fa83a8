#include "bootstrap/cloud_config.hpp"
#include "fuzz.hpp"

/// A KubeadmConfig's spec is what a person wrote; the user data made of it must stay one JSON
/// document after the head line, whatever is in its texts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto spec = parse_json(fuzz::text(data, size));
  if (!spec) return 0;
  bootstrap::JoinInput input;
  input.api_server_endpoint = "192.0.2.1:6443";
  input.token = "abcdef.0123456789abcdef";
  input.kubernetes_version = "v1.37.2";
  const auto user_data = bootstrap::cloud_config(*spec, input);
  if (!user_data) return 0;
  std::string_view body = *user_data;
  while (body.starts_with('#')) body = fuzz::split(body, '\n').second;
  const auto document = parse_json(body);
  FUZZ_CHECK(document && document->is_object());
  return 0;
}
