#pragma once

#include <string_view>

#include "base/json.hpp"

namespace nestor::kube {

/// The Error that an answer of the API server stands for. `body` is a metav1.Status or any text
/// (a proxy's page); `retry_after` the header's value ("" when absent). The Status' reason decides
/// before the HTTP code, because two conflicts share 409. `quoted`: a text that is no Status is
/// quoted; a server that a kubeconfig of others names may be one whose answers are not for them.
/// Source: k8s.io/apimachinery meta/v1 StatusReason.
Error error_from_response(int http_status, std::string_view body, std::string_view retry_after,
                          bool quoted = true);

/// The same for a Status object that came inside a watch.
Error error_from_status(const Json& status);

}  // namespace nestor::kube
