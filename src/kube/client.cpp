#include "kube/client.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <sstream>

#include "kube/pages.hpp"
#include "kube/path.hpp"
#include "kube/status.hpp"
#include "kube/watch.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace nestor::kube {

namespace {

constexpr std::string_view kJsonType = "application/json";
// A server that does not know these shapes sends whole objects, which can be read as well.
constexpr std::string_view kMetadataType =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
constexpr std::string_view kMetadataListType =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// Bytes of a page of a list. As JSON in memory it is several times that.
constexpr std::size_t kMaxPage = 16 * 1024 * 1024;
/// Bytes of an answer or an event of a foreign server; etcd holds no object of more than 1.5 MiB.
constexpr std::size_t kForeignText = 4 * 1024 * 1024;
/// Bytes that one may take as JSON.
constexpr std::size_t kForeignJson = 64 * 1024 * 1024;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
  }
  return "";
}

class HttpWatch final : public WatchStream {
 public:
  HttpWatch(std::unique_ptr<net::HttpStream> stream, Duration idle_timeout, WatchDecoder decoder,
            std::shared_ptr<MemoryBudget> memory)
      : stream_(std::move(stream)),
        idle_timeout_(idle_timeout),
        decoder_(std::move(decoder)),
        charge_(std::move(memory)) {}

  Task<WatchEvent> next() override {
    for (;;) {
      if (auto event = decoder_.next()) co_return std::move(*event);
      NESTOR_CO_TRY_VOID(charge_.set(decoder_.held()));
      auto chunk = co_await stream_->read_some(idle_timeout_);
      if (!chunk) {
        Error error = std::move(chunk).error();
        // A silent peer is as good as gone: the watcher must look again.
        if (error.code == Code::kDeadlineExceeded) error.code = Code::kUnavailable;
        co_return std::unexpected(std::move(error));
      }
      if (chunk->empty()) co_return fail(Code::kUnavailable, "the watch ended");
      decoder_.feed(*chunk);
    }
  }

 private:
  std::unique_ptr<net::HttpStream> stream_;
  Duration idle_timeout_;
  WatchDecoder decoder_;
  MemoryCharge charge_;
};

class HttpKubeClient final : public Client {
 public:
  HttpKubeClient(std::unique_ptr<net::HttpClient> http, ClientConfig config, std::string prefix)
      : http_(std::move(http)), config_(std::move(config)), prefix_(std::move(prefix)) {}

  Task<Json> get(ResourceType type, ObjectKey key) override {
    return send_json("GET", object_path(type, key), {}, {});
  }

  Task<List> list(ResourceType type, std::string ns, ListOptions options) override;
  Task<ListPage> list_page(ResourceType type, std::string ns, ListOptions options,
                           std::string token) override;
  Task<std::unique_ptr<WatchStream>> watch(ResourceType type, std::string ns, ListOptions options,
                                           std::string resource_version) override;

  Task<Json> create(ResourceType type, std::string ns, Json object,
                    std::string subresource) override {
    const ObjectKey key{std::move(ns), std::string(find_string(object, {"metadata", "name"}))};
    return send_json(
        "POST",
        subresource.empty() ? collection_path(type, key.ns) : object_path(type, key, subresource),
        to_text(object), "application/json");
  }

  Task<Json> update(ResourceType type, Json object, std::string subresource) override {
    return send_json("PUT", object_path(type, key_of(type, object), subresource), to_text(object),
                     "application/json");
  }

  Task<Json> patch(ResourceType type, ObjectKey key, PatchType patch_type, Json body,
                   PatchOptions options) override {
    return send_json("PATCH", object_path(type, key, options.subresource), to_text(body),
                     content_type(patch_type));
  }

  Task<Json> apply(ResourceType type, Json object, ApplyOptions options) override {
    Query query(object_path(type, key_of(type, object), options.subresource));
    query.add("fieldManager", options.field_manager).add("force", options.force ? "true" : "");
    query.add("dryRun", options.dry_run ? "All" : "");
    return send_json("PATCH", query.text(), to_text(object), "application/apply-patch+yaml");
  }

  Task<> remove(ResourceType type, ObjectKey key, DeleteOptions options) override;
  Task<std::string> get_raw(std::string path) override;

 private:
  net::HttpRequest request(std::string_view method, const std::string& target,
                           std::string_view accept = kJsonType) const;
  Task<net::HttpResponse> send(net::HttpRequest request);
  Result<Json> read_answer(const net::HttpResponse& response, const std::string& context) const;
  /// Bytes that a text of the server may take as JSON.
  std::size_t max_json() const { return config_.foreign ? kForeignJson : kNoLimit; }
  Task<Json> send_json(std::string method, std::string target, std::string body,
                       std::string_view type, std::string_view accept = kJsonType);
  bool reload_token();

  std::unique_ptr<net::HttpClient> http_;
  ClientConfig config_;
  std::string prefix_;
  std::minstd_rand random_{std::random_device{}()};
};

net::HttpRequest HttpKubeClient::request(std::string_view method, const std::string& target,
                                         std::string_view accept) const {
  net::HttpRequest out;
  out.method = method;
  out.target = prefix_ + target;
  out.headers.emplace_back("User-Agent", "nestor/" NESTOR_VERSION);
  out.headers.emplace_back("Accept", accept);
  if (!config_.token.empty()) out.headers.emplace_back("Authorization", "Bearer " + config_.token);
  if (config_.foreign) out.max_response = kForeignText;
  out.memory = config_.memory;
  return out;
}

/// Returns whether there is another token than the one that was refused.
bool HttpKubeClient::reload_token() {
  if (config_.token_file.empty()) return false;
  std::ifstream file(config_.token_file);
  std::string token;
  if (!(file >> token) || token == config_.token) return false;
  config_.token = std::move(token);
  return true;
}

namespace {
void set_token(net::HttpRequest& request, const std::string& token) {
  for (auto& [name, value] : request.headers) {
    if (name == "Authorization") value = "Bearer " + token;
  }
}

std::string what(const net::HttpRequest& request) {
  return request.method + " " + request.target.substr(0, request.target.find('?'));
}
}  // namespace

Result<Json> HttpKubeClient::read_answer(const net::HttpResponse& response,
                                         const std::string& context) const {
  auto json = parse_json(response.body, max_json());
  if (json) return json;
  if (json.error().code == Code::kResourceExhausted) {
    return with_context(std::move(json).error(), context);
  }
  return fail(Code::kInternal, context + ": unreadable answer: " + json.error().message);
}

Task<net::HttpResponse> HttpKubeClient::send(net::HttpRequest message) {
  const std::string context = what(message);
  net::HttpRequest first = message;
  auto response = co_await http_->request(std::move(first));
  if (response && response->status == 401 && reload_token()) {
    set_token(message, config_.token);
    response = co_await http_->request(std::move(message));
  }
  if (!response) co_return with_context(std::move(response).error(), context);
  if (response->status >= 400) {
    co_return std::unexpected(error_from_response(response->status, response->body,
                                                  response->header("Retry-After"),
                                                  /*quoted=*/!config_.foreign));
  }
  co_return std::move(*response);
}

Task<Json> HttpKubeClient::send_json(std::string method, std::string target, std::string body,
                                     std::string_view type, std::string_view accept) {
  net::HttpRequest message = request(method, target, accept);
  const std::string context = what(message);
  if (!type.empty()) message.headers.emplace_back("Content-Type", type);
  message.body = std::move(body);
  NESTOR_CO_TRY(const net::HttpResponse response, co_await send(std::move(message)));
  co_return read_answer(response, context);
}

Task<List> HttpKubeClient::list(ResourceType type, std::string ns, ListOptions options) {
  List out;
  TakePage take = [&out](ListPage page, bool first) -> Result<> {
    if (first) out.items.clear();
    std::ranges::move(page.items, std::back_inserter(out.items));
    return {};
  };
  NESTOR_CO_TRY(out.resource_version, co_await read_list(*this, type, std::move(ns),
                                                         std::move(options), std::move(take)));
  co_return out;
}

Task<ListPage> HttpKubeClient::list_page(ResourceType type, std::string ns, ListOptions options,
                                         std::string token) {
  Query query(collection_path(type, ns));
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  query.add("limit", options.page_size > 0 ? std::to_string(options.page_size) : "");
  query.add("continue", token);
  net::HttpRequest message =
      request("GET", query.text(), options.metadata_only ? kMetadataListType : kJsonType);
  message.max_response = std::min(message.max_response, kMaxPage);
  const std::string context = what(message);
  NESTOR_CO_TRY(const net::HttpResponse response, co_await send(std::move(message)));
  NESTOR_CO_TRY(Json page, read_answer(response, context));
  ListPage out;
  out.bytes = response.body.size();
  out.resource_version = find_string(page, {"metadata", "resourceVersion"});
  out.next = find_string(page, {"metadata", "continue"});
  Json* items = page.is_object() ? page.get_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) co_return out;
  for (Json& item : items->get_array()) {
    // Items of a list carry neither; single objects do.
    if (JsonObject* fields = item.if_object()) {
      fields->emplace("apiVersion", type.api_version());
      fields->emplace("kind", type.kind);
    }
    out.items.push_back(std::move(item));
  }
  co_return out;
}

Task<std::unique_ptr<WatchStream>> HttpKubeClient::watch(ResourceType type, std::string ns,
                                                         ListOptions options,
                                                         std::string resource_version) {
  std::uniform_int_distribution<int> some_minutes(300, 600);
  const int seconds = some_minutes(random_);
  Query query(collection_path(type, ns));
  query.add("watch", "true").add("allowWatchBookmarks", "true");
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  query.add("resourceVersion", resource_version);
  query.add("timeoutSeconds", std::to_string(seconds));
  for (bool again = true;; again = false) {
    net::HttpRequest message =
        request("GET", query.text(), options.metadata_only ? kMetadataType : kJsonType);
    const std::string context = "watching " + what(message).substr(4);
    auto stream = co_await http_->stream(std::move(message));
    if (!stream) co_return with_context(std::move(stream).error(), context);
    const int status = (*stream)->status();
    if (status == 200) {
      // Longer than the server lets the watch last, so that silence alone does not break it.
      co_return std::make_unique<HttpWatch>(
          std::move(*stream), std::chrono::seconds(seconds + 30),
          config_.foreign ? WatchDecoder(kForeignText, kForeignJson) : WatchDecoder(),
          config_.memory);
    }
    if (status == 401 && again && reload_token()) continue;
    std::string body;
    while (body.size() < 65536) {
      auto chunk = co_await (*stream)->read_some(std::chrono::seconds(10));
      if (!chunk || chunk->empty()) break;
      body += *chunk;
    }
    co_return std::unexpected(error_from_response(status, body, {}, /*quoted=*/!config_.foreign));
  }
}

Task<> HttpKubeClient::remove(ResourceType type, ObjectKey key, DeleteOptions options) {
  JsonObject body;
  body["apiVersion"] = "v1";
  body["kind"] = "DeleteOptions";
  body["propagationPolicy"] = options.propagation;
  if (!options.uid.empty()) {
    JsonObject preconditions;
    preconditions["uid"] = options.uid;
    body["preconditions"] = std::move(preconditions);
  }
  std::string text = to_text(Json(std::move(body)));
  auto answer =
      co_await send_json("DELETE", object_path(type, key), std::move(text), "application/json");
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return Result<>();
}

Task<std::string> HttpKubeClient::get_raw(std::string path) {
  net::HttpRequest message = request("GET", path, "*/*");
  auto response = co_await send(std::move(message));
  if (!response) co_return std::unexpected(std::move(response).error());
  co_return std::move(response->body);
}

}  // namespace

Result<std::unique_ptr<Client>> make_client(Executor executor, ClientConfig config) {
  NESTOR_TRY(net::Url url, net::parse_url(config.server));
  net::HttpEndpoint endpoint;
  endpoint.host = url.host;
  endpoint.port = url.port;
  endpoint.tls = url.tls();
  endpoint.tls_config.ca_pem = config.ca_pem;
  endpoint.tls_config.cert_pem = config.cert_pem;
  endpoint.tls_config.key_pem = config.key_pem;
  endpoint.tls_config.server_name = config.tls_server_name;
  endpoint.tls_config.insecure_skip_verify = config.insecure_skip_verify;
  endpoint.proxy_url = config.proxy_url;
  NESTOR_TRY(auto http, net::make_http_client(std::move(executor), std::move(endpoint)));
  return std::make_unique<HttpKubeClient>(std::move(http), std::move(config), std::move(url.path));
}

Task<> ensure_deleted(Client& client, ResourceType type, ObjectKey key, DeleteOptions options) {
  auto done = co_await client.remove(type, std::move(key), std::move(options));
  if (!done && done.error().code != Code::kNotFound) co_return done;
  co_return Result<>();
}

}  // namespace nestor::kube
