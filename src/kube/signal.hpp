#pragma once

#include "base/signal.hpp"

namespace nestor::kube {

using nestor::cancelled;
using nestor::Signal;

}  // namespace nestor::kube
