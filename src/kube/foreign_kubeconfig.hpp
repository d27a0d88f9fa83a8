#pragma once

#include <string_view>

#include "kube/client.hpp"

namespace nestor::kube {

/// parse_kubeconfig() for a text that comes from others, as a tenant's Secret does: keys,
/// certificates and tokens must be in it. A file it names would be one of ours, and its content
/// would go to a server that the text names too. Aliases, which make much of little, several
/// documents, more than 256 KiB and another server's address than https are refused. The client is
/// `foreign`.
/// Errors: kInvalidArgument, kUnimplemented, as there.
Result<ClientConfig> parse_foreign_kubeconfig(std::string_view text);

}  // namespace nestor::kube
