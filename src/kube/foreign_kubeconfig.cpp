#include "kube/foreign_kubeconfig.hpp"

#include <boost/json/array.hpp>

#include "net/url.hpp"

namespace nestor::kube {
namespace {

/// Bytes of a kubeconfig, which is a few KiB.
constexpr std::size_t kMaxSize = 256UL * 1024;

Result<> refuse_files(const Json& config, const char* list_name, const char* content,
                      std::initializer_list<std::string_view> members) {
  const Json* list = find(config, {list_name});
  if (list == nullptr || !list->is_array()) return {};
  for (const Json& item : list->get_array()) {
    for (const std::string_view member : members) {
      if (find(item, {content, member}) == nullptr) continue;
      return fail(Code::kInvalidArgument,
                  "kubeconfig names a file (" + std::string(member) + "); embed its content");
    }
  }
  return {};
}

}  // namespace

Result<ClientConfig> parse_foreign_kubeconfig(std::string_view text) {
  const auto config = parse_plain_yaml(text, kMaxSize);
  if (!config) return with_context(config.error(), "kubeconfig");
  NESTOR_TRY_VOID(refuse_files(*config, "clusters", "cluster", {"certificate-authority"}));
  NESTOR_TRY_VOID(
      refuse_files(*config, "users", "user", {"client-certificate", "client-key", "tokenFile"}));
  NESTOR_TRY(ClientConfig out, parse_kubeconfig(text));
  const auto url = net::parse_url(out.server);
  if (!url || !url->tls()) {
    return fail(Code::kInvalidArgument, "kubeconfig: not an https address of a server");
  }
  out.foreign = true;
  return out;
}

}  // namespace nestor::kube
