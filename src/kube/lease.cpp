#include "kube/lease.hpp"

#include <boost/json/object.hpp>

namespace nestor::kube {

std::string format_micro_time(WallTime time) {
  using std::chrono::microseconds;
  const auto since = std::chrono::floor<microseconds>(time.time_since_epoch());
  const auto part = since - std::chrono::floor<std::chrono::seconds>(since);
  std::string digits = std::to_string(part.count());
  digits.insert(0, 6 - digits.size(), '0');
  std::string text = format_rfc3339(time);
  text.insert(text.size() - 1, "." + digits);
  return text;
}

namespace {
JsonObject& spec_of(Json& lease) {
  Json& spec = lease.as_object()["spec"];
  if (!spec.is_object()) spec = JsonObject();
  return spec.get_object();
}

std::int64_t seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}
}  // namespace

Json LeaseKeeper::first(WallTime now) const {
  JsonObject metadata;
  metadata["name"] = options_.name;
  metadata["namespace"] = options_.ns;
  JsonObject lease;
  lease["apiVersion"] = "coordination.k8s.io/v1";
  lease["kind"] = "Lease";
  lease["metadata"] = std::move(metadata);
  Json out(std::move(lease));
  JsonObject& spec = spec_of(out);
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = seconds(options_.lease_duration);
  spec["acquireTime"] = format_micro_time(now);
  spec["renewTime"] = format_micro_time(now);
  spec["leaseTransitions"] = 0;
  return out;
}

std::optional<Json> LeaseKeeper::next(const Json& current, WallTime now, SteadyTime steady_now) {
  holder_ = find_string(current, {"spec", "holderIdentity"});
  std::string record = holder_ + "|" + std::string(find_string(current, {"spec", "renewTime"})) +
                       "|" + std::string(find_string(current, {"metadata", "uid"}));
  if (record != record_) {
    record_ = std::move(record);
    seen_ = steady_now;
  }
  const bool mine = holder_ == options_.identity;
  if (ours_ && !mine) lost_ = true;
  if (lost_) return std::nullopt;
  if (!mine && !holder_.empty() && steady_now < seen_ + options_.lease_duration) {
    return std::nullopt;
  }
  Json out = current;
  JsonObject& spec = spec_of(out);
  if (!mine) {
    std::int64_t transitions = 0;
    if (const Json* before = spec.if_contains("leaseTransitions"); before && before->is_int64()) {
      transitions = before->get_int64();
    }
    spec["leaseTransitions"] = transitions + 1;
    spec["acquireTime"] = format_micro_time(now);
  }
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = seconds(options_.lease_duration);
  spec["renewTime"] = format_micro_time(now);
  return out;
}

void LeaseKeeper::held(const Json& lease) {
  mine_ = lease;
  holder_ = options_.identity;
  ours_ = true;
}

Json LeaseKeeper::released(WallTime now) const {
  Json out = mine_;
  JsonObject& spec = spec_of(out);
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["acquireTime"] = format_micro_time(now);
  spec["renewTime"] = format_micro_time(now);
  return out;
}

}  // namespace nestor::kube
