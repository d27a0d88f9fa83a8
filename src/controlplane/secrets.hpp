#pragma once

#include <functional>
#include <map>
#include <string>

#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Decoded contents of a Secret.
using SecretData = std::map<std::string, std::string>;
/// "" when it has no such key.
const std::string& value_of(const SecretData& data, const std::string& key);

/// A Secret that is made once and made again only when it is no longer usable.
struct SecretPlan {
  std::string name;
  /// Value of the component label.
  std::string component;
  /// Value of the life cycle label, or "".
  std::string lifecycle = {};
  std::string finalizer = {};
  /// Why the present contents cannot stay, or success. Errors with kDataLoss are not repaired: the
  /// reconcile fails with them.
  std::function<Result<>(const SecretData&)> usable;
  /// Makes the contents. Called before ensure_secret's first suspension or after it; what it uses
  /// must outlive the call.
  std::function<Task<SecretData>()> make;
};

/// The contents of the Secret, made or made again if need be. Two processes or a stale cache cannot
/// replace each other's result: it is created, or replaced at its known version only.
/// Errors: kAborted when such a race was lost.
Task<SecretData> ensure_secret(Work& work, SecretPlan plan);

/// Puts checksum and name into a status part.
void note_secret(const Work& work, api::kamaji::SecretStatus& part, const std::string& name,
                 const SecretData& data);

}  // namespace nestor::controlplane
