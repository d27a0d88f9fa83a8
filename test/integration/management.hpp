#pragma once

#include <string>

#include "integration/api_server.hpp"

namespace nestor::integration {

/// Applies every CustomResourceDefinition of ours and waits until each is served. Once per server
/// is enough; more do no harm.
Task<> install_crds(kube::Client& client);

/// The helm of upstream/build, or "" when it is not built.
std::string helm_program();

}  // namespace nestor::integration
