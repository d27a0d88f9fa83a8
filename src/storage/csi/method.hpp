#pragma once

#include <memory>
#include <string>
#include <utility>

#include "net/grpc/server.hpp"

namespace nestor::storage {

/// A member function as a method of a service; the methods of one service share it.
template <class Request, class Response, class Service>
grpc::Handler method(std::shared_ptr<Service> service,
                     Task<Response> (Service::*function)(Request)) {
  return grpc::unary<Request, Response>(
      [service, function](Request request) { return (*service.*function)(std::move(request)); });
}

/// The answer to a request without that field.
inline std::unexpected<Error> missing(const char* what) {
  return fail(Code::kInvalidArgument, std::string(what) + " is missing in the request");
}

}  // namespace nestor::storage
