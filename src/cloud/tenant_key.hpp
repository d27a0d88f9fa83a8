#pragma once

#include "tenant/tenant_key.hpp"

namespace nestor::cloud {

using tenant::TenantKey;

}  // namespace nestor::cloud
