#include "cloud/settings.hpp"

namespace nestor::cloud {
namespace {

bool flag(const kube::ObjectMeta& cluster, std::string_view annotation, bool otherwise) {
  const auto value = cluster.annotation(annotation);
  if (value == "true") return true;
  return value == "false" ? false : otherwise;
}

}  // namespace

Settings settings_of(const kube::ObjectMeta& cluster) {
  Settings out;
  out.nodes = flag(cluster, kNodesAnnotation, out.nodes);
  out.zones = flag(cluster, kZonesAnnotation, out.zones);
  out.load_balancers = flag(cluster, kBalancersAnnotation, out.load_balancers);
  out.selectorless = flag(cluster, kSelectorlessAnnotation, out.selectorless);
  out.parent_class = cluster.annotation(kParentClassAnnotation);
  return out;
}

}  // namespace nestor::cloud
