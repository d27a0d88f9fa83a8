#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "addon/helm_arguments.hpp"
#include "api/addons/helm_chart_proxy.hpp"

/// What the proxies' conditions say, and when a release must be touched. Pure.
namespace nestor::addon {

using api::addons::HelmChartProxy;
using api::addons::HelmReleaseProxy;

/// A hash over all that a release is made of: chart, version, values, name, namespace, and
/// `chart_digest` for a chart in the management cluster. How helm is called is not part of it:
/// other options alone make no new revision.
std::string release_inputs(const Spec& spec, std::string_view chart_digest);

/// The description by which a revision that we made is known again, also after a crash between
/// helm's end and our writing it down.
std::string release_description(const std::string& inputs);

/// Sets a condition of a proxy; "" as `message` is allowed.
void set_condition(std::vector<kube::Condition>& conditions, std::string_view type, bool value,
                   std::string_view reason, std::string message,
                   std::optional<std::int64_t> generation, std::string_view now);

/// Sets Ready from the others, in the order of `parts`: the first that is not True gives reason and
/// message.
void summarize(std::vector<kube::Condition>& conditions,
               std::initializer_list<std::string_view> parts,
               std::optional<std::int64_t> generation, std::string_view now);

/// Whether a release proxy's Ready is true for the spec it has now.
bool release_ready(const HelmReleaseProxy& release);

/// Sets HelmReleaseProxiesReady of `proxy` from its releases. Those in the Clusters `written`
/// have just been made or changed, and are not looked at: the cache may show them as they were.
void observe_releases(HelmChartProxy& proxy,
                      const std::vector<std::shared_ptr<const HelmReleaseProxy>>& releases,
                      const std::set<std::string>& written, std::string_view now);

/// The name of the release proxy of `proxy` in `cluster`: `<chart>-<cluster>-<hash>`, always the
/// same, so that it is never made twice.
std::string release_proxy_name(const HelmChartProxy& proxy, const std::string& cluster);

/// A release name for a proxy without one: `<chart>-<hash of its uid>`.
std::string generated_release_name(const HelmReleaseProxy& release);

/// What the release proxy of `proxy` in `cluster` must be; `values` already rendered. A name that
/// was generated is left to the release proxy.
Spec wanted_spec(const HelmChartProxy& proxy, const kube::ObjectMeta& cluster, std::string values);

/// Whether the release cannot become `wanted` by an upgrade: another chart, repository, name or
/// namespace.
bool needs_reinstall(const Spec& wanted, const HelmReleaseProxy& existing);

}  // namespace nestor::addon
