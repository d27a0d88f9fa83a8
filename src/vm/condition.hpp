#pragma once

#include <string>
#include <utility>

#include "kube/object.hpp"

namespace nestor::vm {

/// A condition without observedGeneration and time; set_condition adds the time.
inline kube::Condition make_condition(std::string type, std::string status, std::string reason = {},
                                      std::string message = {}) {
  kube::Condition out;
  out.type = std::move(type);
  out.status = std::move(status);
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

}  // namespace nestor::vm
