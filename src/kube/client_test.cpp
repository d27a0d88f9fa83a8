#include "kube/client.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/testing/co_test.hpp"
#include "kube/pages.hpp"
#include "kube/testing/widget.hpp"
#include "net/http.hpp"

namespace nestor::kube {
namespace {

constexpr ResourceType kPods{"", "v1", "Pod", "pods"};
const ObjectKey kPod{"ns", "a"};

/// An array of `bytes` of text, with a value in every other.
std::string dense(std::size_t bytes) {
  std::string out = "[0";
  while (out.size() < bytes) out += ",0";
  return out + "]";
}

/// A client and an HTTP server whose answers a test scripts.
class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    server_ = net::make_http_server(io_.get_executor(), options, [this](net::HttpRequest request) {
                return answer(std::move(request));
              }).value();
    config_.server = "http://127.0.0.1:" + std::to_string(server_->port()) + "/prefix";
  }
  ~ClientTest() override { run_coroutine(io_, server_->stop()); }

  asio::awaitable<net::HttpResponse> answer(net::HttpRequest request) {
    net::HttpResponse response;
    response.status = 200;
    response.body = "{}";
    if (!answers_.empty()) {
      response = answers_.front();
      if (!repeat_) answers_.erase(answers_.begin());
    }
    requests_.push_back(std::move(request));
    co_return response;
  }
  void say(int status, std::string body) {
    answers_.push_back({status, {{"Content-Type", "application/json"}}, std::move(body)});
  }
  Client& client() {
    if (!client_) client_ = make_client(io_.get_executor(), config_).value();
    return *client_;
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return run_coroutine<T>(io_, std::move(task));
  }
  std::string header(std::size_t request, const std::string& name) const {
    const net::HttpResponse headers{0, requests_.at(request).headers, {}};
    return std::string(headers.header(name));
  }

  asio::io_context io_;
  ClientConfig config_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<Client> client_;
  std::vector<net::HttpResponse> answers_;
  /// The first of them is given for ever.
  bool repeat_ = false;
  std::vector<net::HttpRequest> requests_;
};

TEST_F(ClientTest, ReadsAListPageByPage) {
  say(200, R"({"metadata":{"resourceVersion":"9","continue":"t+1"},"items":[{"a":1}]})");
  say(200, R"({"metadata":{"resourceVersion":"9"},"items":[{"a":2}]})");
  ListOptions options;
  options.page_size = 1;
  options.label_selector = "a=b";
  const auto list = run(client().list(kPods, "ns", options));
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(find_string(list->items[1], {"kind"}), "Pod");
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(requests_[0].target, "/prefix/api/v1/namespaces/ns/pods?labelSelector=a%3Db&limit=1");
  EXPECT_EQ(requests_[1].target,
            "/prefix/api/v1/namespaces/ns/pods?labelSelector=a%3Db&limit=1&continue=t%2B1");
}

TEST_F(ClientTest, AsksForHalfOfAPageThatIsTooLarge) {
  say(200, R"({"metadata":{"continue":"t"},"items":[]})");
  say(200, std::string(17 << 20, ' '));
  say(200, R"({"metadata":{"continue":"u"},"items":[{"a":1}]})");
  say(200, R"({"metadata":{},"items":[{"a":2}]})");
  const auto list = run(client().list(kPods, "", {}));
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->items.size(), 2U);
  ASSERT_EQ(requests_.size(), 4U);
  EXPECT_NE(requests_[1].target.find("limit=500&continue=t"), std::string::npos);
  EXPECT_NE(requests_[2].target.find("limit=250&continue=t"), std::string::npos);
  EXPECT_NE(requests_[3].target.find("limit=250&continue=u"), std::string::npos);
}

TEST_F(ClientTest, ABusyServerIsNotAskedForLess) {
  answers_.push_back({429, {{"Retry-After", "1"}}, ""});
  EXPECT_EQ(run(client().list(kPods, "", {})).error().code, Code::kResourceExhausted);
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(ClientTest, GivesUpOnAListWithoutEnd) {
  say(200, R"({"metadata":{"continue":"t"},"items":[]})");
  repeat_ = true;
  EXPECT_EQ(run(client().list(kPods, "", {})).error().code, Code::kResourceExhausted);
}

TEST_F(ClientTest, ATypedListEndsWithThePageThatIsTooMuch) {
  const std::string text(3000, 'x');
  for (const char* next : {R"("a")", R"("b")", R"("c")", R"("")"}) {
    say(200, R"({"metadata":{"continue":)" + std::string(next) +
                 R"(},"items":[{"spec":{"color":")" + text + R"("}}]})");
  }
  const auto all = answers_;
  const auto list = run(kube::list<testing::Widget>(client(), ""));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->size(), 4U);
  answers_ = all;
  requests_.clear();
  const auto few = run(kube::list<testing::Widget>(client(), "", {}, 10'000));
  ASSERT_FALSE(few.has_value());
  EXPECT_EQ(few.error().code, Code::kResourceExhausted);
  EXPECT_EQ(requests_.size(), 3U);
}

TEST_F(ClientTest, ATypedListThatExpiredHoldsNothingTwice) {
  say(200, R"({"metadata":{"continue":"t"},"items":[{"spec":{"color":"a"}}]})");
  say(410, R"({"kind":"Status","reason":"Expired","code":410})");
  say(200, R"({"metadata":{},"items":[{"spec":{"color":"a"}}]})");
  const auto list = run(kube::list<testing::Widget>(client(), ""));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->size(), 1U);
}

TEST_F(ClientTest, BeginsAListAnewWhenItsTokenExpired) {
  say(200, R"({"metadata":{"resourceVersion":"9","continue":"t"},"items":[{"a":1}]})");
  say(410, R"({"kind":"Status","reason":"Expired","code":410})");
  say(200, R"({"metadata":{"resourceVersion":"20"},"items":[{"a":3}]})");
  const auto list = run(client().list(kPods, "ns", {}));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->items.size(), 1U);
  EXPECT_EQ(list->resource_version, "20");
}

TEST_F(ClientTest, GivesUpOnAListThatExpiresAgainAndAgain) {
  for (int i = 0; i < 8; ++i) {
    say(200, R"({"metadata":{"continue":"t"},"items":[]})");
    say(410, "");
  }
  EXPECT_EQ(run(client().list(kPods, "ns", {})).error().code, Code::kOutOfRange);
}

TEST_F(ClientTest, ReadsItsTokenAgainOnceWhenRefused) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "nestor_client_test_token";
  std::ofstream(file) << "new\n";
  config_.token = "old";
  config_.token_file = file.string();
  say(401, "");
  EXPECT_TRUE(run(client().get(kPods, kPod)).has_value());
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(header(0, "authorization"), "Bearer old");
  EXPECT_EQ(header(1, "authorization"), "Bearer new");
  // The same token is not tried twice.
  say(401, "");
  EXPECT_EQ(run(client().get(kPods, kPod)).error().code, Code::kUnauthenticated);
  EXPECT_EQ(requests_.size(), 3U);
  std::filesystem::remove(file);
}

TEST_F(ClientTest, SendsWhatEachWriteNeeds) {
  Json body = parse_json(R"({"metadata":{"name":"a","namespace":"ns"}})").value();
  ASSERT_TRUE(run(client().apply(kPods, body, ApplyOptions{"nestor-x"})).has_value());
  PatchOptions status{"status"};
  ASSERT_TRUE(
      run(client().patch(kPods, kPod, PatchType::kStrategicMerge, body, status)).has_value());
  ASSERT_TRUE(run(client().patch(kPods, kPod, PatchType::kMerge, body)).has_value());
  ASSERT_TRUE(run(client().remove(kPods, kPod)).has_value());
  EXPECT_EQ(requests_[0].method, "PATCH");
  EXPECT_EQ(requests_[0].target,
            "/prefix/api/v1/namespaces/ns/pods/a?fieldManager=nestor-x&force=true");
  EXPECT_EQ(header(0, "Content-Type"), "application/apply-patch+yaml");
  EXPECT_EQ(requests_[1].target, "/prefix/api/v1/namespaces/ns/pods/a/status");
  EXPECT_EQ(header(1, "Content-Type"), "application/strategic-merge-patch+json");
  EXPECT_EQ(header(2, "Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(requests_[3].method, "DELETE");
  EXPECT_NE(requests_[3].body.find("Background"), std::string::npos);
  EXPECT_TRUE(header(3, "User-Agent").starts_with("nestor/"));
}

TEST_F(ClientTest, CreatesInTheCollectionOrASubresourceOfAnObject) {
  Json body = parse_json(R"({"metadata":{"name":"a","namespace":"ns"}})").value();
  ASSERT_TRUE(run(client().create(kPods, "ns", body)).has_value());
  ASSERT_TRUE(run(client().create(kPods, "ns", body, "eviction")).has_value());
  EXPECT_EQ(requests_[0].method, "POST");
  EXPECT_EQ(requests_[0].target, "/prefix/api/v1/namespaces/ns/pods");
  EXPECT_EQ(requests_[1].method, "POST");
  EXPECT_EQ(requests_[1].target, "/prefix/api/v1/namespaces/ns/pods/a/eviction");
}

TEST_F(ClientTest, AsksForMetadataAlone) {
  ListOptions options;
  options.metadata_only = true;
  say(200, R"({"metadata":{"resourceVersion":"9"},"items":[{"kind":"PartialObjectMetadata"}]})");
  const auto list = run(client().list(kPods, "", options));
  ASSERT_TRUE(list.has_value());
  EXPECT_NE(header(0, "Accept").find("as=PartialObjectMetadataList"), std::string::npos);
  ASSERT_TRUE(run(client().watch(kPods, "", options, "9")).has_value());
  EXPECT_NE(header(1, "Accept").find("as=PartialObjectMetadata;"), std::string::npos);
  ASSERT_TRUE(run(client().get(kPods, kPod)).has_value());
  EXPECT_EQ(header(2, "Accept"), "application/json");
}

Task<std::vector<std::string>> events_until_error(Client& client, Code* end) {
  ListOptions options;
  auto stream = co_await client.watch(kPods, "", std::move(options), "5");
  if (!stream) co_return std::unexpected(std::move(stream).error());
  std::vector<std::string> names;
  for (;;) {
    auto event = co_await (*stream)->next();
    if (!event) {
      *end = event.error().code;
      co_return names;
    }
    names.emplace_back(find_string(event->object, {"metadata", "name"}));
  }
}

TEST_F(ClientTest, AWatchEndsAsUnavailable) {
  say(200, R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
           "\n"
           R"({"type":"DELETED","object":{"metadata":{"name":"b"}}})"
           "\n");
  Code end = Code::kUnknown;
  const auto names = run(events_until_error(client(), &end));
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(*names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(end, Code::kUnavailable);
  EXPECT_NE(requests_[0].target.find("watch=true"), std::string::npos);
  EXPECT_NE(requests_[0].target.find("resourceVersion=5"), std::string::npos);
  EXPECT_NE(requests_[0].target.find("allowWatchBookmarks=true"), std::string::npos);
}

TEST_F(ClientTest, ARefusedWatchTellsWhy) {
  say(410, R"({"kind":"Status","reason":"Expired","code":410,"message":"too old"})");
  Code end = Code::kUnknown;
  const auto names = run(events_until_error(client(), &end));
  ASSERT_FALSE(names.has_value());
  EXPECT_EQ(names.error().code, Code::kOutOfRange);
  EXPECT_EQ(names.error().message, "too old");
}

TEST_F(ClientTest, AnAnswerThatIsNoJsonIsInternal) {
  say(200, "<html>");
  EXPECT_EQ(run(client().get(kPods, kPod)).error().code, Code::kInternal);
}

TEST_F(ClientTest, AForeignServerFillsNoMemory) {
  config_.foreign = true;
  config_.memory = std::make_shared<MemoryBudget>();
  say(200, "{}");
  say(200, dense(20 << 20));
  say(200, dense(3 << 20));
  const Json body = parse_json("{}").value();
  EXPECT_TRUE(run(client().patch(kPods, kPod, PatchType::kMerge, body)));
  for (int i = 0; i < 2; ++i) {
    const auto refused = run(client().patch(kPods, kPod, PatchType::kMerge, body));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kResourceExhausted) << refused.error().message;
  }
  EXPECT_EQ(config_.memory->used, 0U);
}

TEST_F(ClientTest, AnswersTakeNoMoreThanTheirBudget) {
  config_.memory = std::make_shared<MemoryBudget>(1 << 20);
  say(200, "\"" + std::string(2 << 20, 'x') + "\"");
  EXPECT_EQ(run(client().get(kPods, kPod)).error().code, Code::kResourceExhausted);
  // Without any left, what is small is read.
  config_.memory->change(0, 1 << 20);
  EXPECT_TRUE(run(client().get(kPods, kPod)));
  config_.memory->change(1 << 20, 0);
  EXPECT_EQ(config_.memory->used, 0U);
}

TEST_F(ClientTest, AForeignServersPagesAreAskedForInHalves) {
  config_.foreign = true;
  say(200, std::string(5 << 20, ' '));
  say(200, R"({"metadata":{},"items":[]})");
  EXPECT_TRUE(run(client().list(kPods, "", {})));
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_NE(requests_[1].target.find("limit=250"), std::string::npos);
}

TEST_F(ClientTest, GivesUpOnPagesThatAreTogetherTooLarge) {
  say(200, R"({"metadata":{"continue":"t"},"items":[]})" + std::string(10'000, ' '));
  repeat_ = true;
  PageReader pages(client(), kPods, "", {}, 35'000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(pages.next()));
  EXPECT_EQ(run(pages.next()).error().code, Code::kResourceExhausted);
}

TEST_F(ClientTest, ManyWatchesOfEndlessEventsTakeNoMoreThanTheirBudget) {
  config_.foreign = true;
  config_.memory = std::make_shared<MemoryBudget>(3 << 20);
  say(200, std::string(4 << 20, 'x'));
  repeat_ = true;
  const auto next = [](WatchStream& watch) -> Task<> {
    auto event = co_await watch.next();
    co_return std::unexpected(std::move(event).error());
  };
  std::vector<std::unique_ptr<WatchStream>> watches;
  for (int i = 0; i < 5; ++i) {
    watches.push_back(run(client().watch(kPods, "", {}, "5")).value());
    EXPECT_EQ(run(next(*watches.back())).error().code, Code::kResourceExhausted);
    EXPECT_LE(config_.memory->used, config_.memory->limit);
  }
  EXPECT_GT(config_.memory->used, 0U);
  watches.clear();
  EXPECT_EQ(config_.memory->used, 0U);
}

TEST_F(ClientTest, AForeignServersPageIsNotQuoted) {
  const auto message = [this](int status, const std::string& body) {
    say(status, body);
    return run(client().get(kPods, kPod)).error().message;
  };
  EXPECT_NE(message(502, "<html>secret").find("secret"), std::string::npos);
  config_.foreign = true;
  client_.reset();
  EXPECT_EQ(message(502, "<html>secret").find("secret"), std::string::npos);
  EXPECT_EQ(message(403, R"({"kind":"Status","message":"not yours"})"), "not yours");
}

TEST(MakeClient, RefusesWhatIsNoServer) {
  asio::io_context io;
  ClientConfig config;
  config.server = "10.0.0.1:6443";
  EXPECT_EQ(make_client(io.get_executor(), config).error().code, Code::kInvalidArgument);
  for (const char* server :
       {"user:hunter2@10.0.0.1", "https://user:hunter2@10.0.0.1", "https://hunter2@10.0.0.1"}) {
    config.server = server;
    const auto secret = make_client(io.get_executor(), config);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace nestor::kube
