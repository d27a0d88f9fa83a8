#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"

namespace nestor {

namespace asio = boost::asio;

/// What every asynchronous function returns. Cancellation (TaskGroup::close, a deadline) ends it
/// with Code::kCancelled or Code::kDeadlineExceeded.
template <class T = void>
using Task = asio::awaitable<Result<T>>;

using Executor = asio::any_io_executor;

}  // namespace nestor
