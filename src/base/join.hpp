#pragma once

#include <vector>

#include "base/async.hpp"

namespace nestor {

/// Runs all tasks at the same time, waits for every one, and gives the first error in their order.
/// Cancelling the caller cancels them all.
Task<> join_all(std::vector<Task<>> tasks);

}  // namespace nestor
