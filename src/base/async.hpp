#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"

namespace nestor {

namespace asio = boost::asio;

/// What every asynchronous function returns. Cancellation (TaskGroup::close, a deadline) ends it
/// with Code::kCancelled or Code::kDeadlineExceeded. After a cancellation (not after a deadline)
/// every further `co_await` of that coroutine throws operation_aborted, which ends it and which
/// TaskGroup takes as kCancelled: so no cancellation is ever lost. Clean up in destructors, or
/// where stop() runs, not with a `co_await` after the cancelled one; let `catch (...)` pass it on.
template <class T = void>
using Task = asio::awaitable<Result<T>>;

using Executor = asio::any_io_executor;

}  // namespace nestor
