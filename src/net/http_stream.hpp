#pragma once

#include <memory>

#include "net/http_pool.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// Sends the request on a connection of its own and reads the response's head.
Task<std::unique_ptr<HttpStream>> open_stream(Executor executor, std::shared_ptr<const Route> route,
                                              HttpRequest request);

}  // namespace nestor::net
