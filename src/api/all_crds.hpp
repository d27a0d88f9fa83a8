#pragma once

#include <vector>

#include "base/json.hpp"

namespace nestor::api {

// One list per API group, in a fixed order; the tables are in <group>/crds.cpp.
namespace cluster {
std::vector<Json> crds();
}
namespace bootstrap {
std::vector<Json> crds();
}
namespace controlplane {
std::vector<Json> crds();
}
namespace infrastructure {
std::vector<Json> crds();
}
namespace kamaji {
std::vector<Json> crds();
}
namespace addons {
std::vector<Json> crds();
}
/// Only for management clusters where KubeVirt itself is not installed.
namespace kubevirt {
std::vector<Json> crds();
}

/// The CustomResourceDefinitions of every kind Nestor serves.
std::vector<Json> all_crds();

}  // namespace nestor::api
