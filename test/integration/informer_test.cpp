#include "kube/informer.hpp"

#include <gtest/gtest.h>

#include "base/json_convert.hpp"
#include "base/process.hpp"
#include "integration/api_server.hpp"
#include "integration/tcp_relay.hpp"
#include "kube/runtime.hpp"

namespace nestor::integration {

struct ConfigMap {
  static constexpr kube::ResourceType kType = kConfigMaps;
  kube::ObjectMeta metadata;
  std::map<std::string, std::string> data;
};
BOOST_DESCRIBE_STRUCT(ConfigMap, (), (metadata, data))

namespace {

using std::chrono::seconds;

class InformerTest : public ApiServerTest {
 protected:
  kube::Scope scope() const {
    kube::Scope out;
    out.ns = ns_;
    return out;
  }
  Result<> until(kube::Informer<ConfigMap> informer, std::function<bool()> predicate) {
    return run(informer.wait_until(std::move(predicate), seconds(30)));
  }
};

TEST_F(InformerTest, ResumesAfterItsConnectionBroke) {
  TcpRelay relay(io_.get_executor(), server_->port());
  kube::ClientConfig config = server_->admin();
  config.server = "https://127.0.0.1:" + std::to_string(relay.port());
  const auto relayed = connect(config);
  kube::InformerSet set(*relayed, clock_, io_.get_executor());
  auto informer = set.of<ConfigMap>(scope());
  std::vector<std::string> seen;
  informer.subscribe([&](const auto& old, const auto& now) {
    seen.push_back((!old ? "+" : !now ? "-" : "~") + (now ? now : old)->metadata.name);
  });
  must(client_->create(kConfigMaps, ns_, config_map("a")));
  ASSERT_TRUE(run(informer.wait_synced()).has_value());
  must(client_->create(kConfigMaps, ns_, config_map("b")));
  ASSERT_TRUE(until(informer, [&] { return seen.size() == 2; }).has_value());

  for (int i = 0; i < 3; ++i) {
    const int before = relay.accepted();
    relay.break_connections();
    const std::string name = "c" + std::to_string(i);
    must(client_->create(kConfigMaps, ns_, config_map(name)));
    must(client_->apply(kConfigMaps, config_map("a", name), kube::ApplyOptions{"test"}));
    must(client_->remove(kConfigMaps, {ns_, name}));
    const std::size_t wanted = 2 + 3 * static_cast<std::size_t>(i + 1);
    ASSERT_TRUE(until(informer, [&] { return seen.size() == wanted; }).has_value());
    EXPECT_GT(relay.accepted(), before);
  }
  // A new list would have hidden the objects that lived only while the connection was broken.
  EXPECT_EQ(seen, (std::vector<std::string>{"+a", "+b", "+c0", "~a", "-c0", "+c1", "~a", "-c1",
                                            "+c2", "~a", "-c2"}));
  run_coroutine(io_, set.close());
  run_coroutine(io_, relay.close());
}

Task<> churn(kube::Client& client, std::string ns, int seed) {
  for (int i = 0; i < 60; ++i) {
    const std::string name = "o" + std::to_string((i * 7 + seed) % 20);
    kube::ObjectKey key{ns, name};
    if ((i + seed) % 3 == 0) {
      auto gone = co_await kube::ensure_deleted(client, kConfigMaps, std::move(key));
      if (!gone) co_return gone;
      continue;
    }
    Json object =
        parse_json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
                   R"(","namespace":")" + ns + R"("},"data":{"v":")" + std::to_string(i) + R"("}})")
            .value();
    kube::ApplyOptions options{"churn"};
    auto made = co_await client.apply(kConfigMaps, std::move(object), std::move(options));
    if (!made && made.error().code != Code::kAborted) {
      co_return std::unexpected(std::move(made).error());
    }
  }
  co_return Result<>();
}

TEST_F(InformerTest, EndsEqualToTheServerAfterManyChanges) {
  TcpRelay relay(io_.get_executor(), server_->port());
  kube::ClientConfig config = server_->admin();
  config.server = "https://127.0.0.1:" + std::to_string(relay.port());
  const auto relayed = connect(config);
  kube::InformerSet set(*relayed, clock_, io_.get_executor());
  auto informer = set.of<ConfigMap>(scope());
  informer.add_index("v", [](const ConfigMap& map) {
    return map.data.contains("v") ? std::vector{map.data.at("v")} : std::vector<std::string>();
  });
  ASSERT_TRUE(run(informer.wait_synced()).has_value());
  TaskGroup tasks(io_.get_executor());
  for (int i = 0; i < 4; ++i) tasks.spawn("churn", churn(*client_, ns_, i));
  const auto limit = std::chrono::steady_clock::now() + seconds(60);
  int steps = 0;
  while (tasks.size() > 0 && io_.run_one_until(limit) > 0) {
    if (++steps % 500 == 0) relay.break_connections();
  }
  ASSERT_EQ(tasks.size(), 0U);
  must(client_->create(kConfigMaps, ns_, config_map("last")));
  ASSERT_TRUE(until(informer, [&] { return informer.get({ns_, "last"}) != nullptr; }).has_value());

  const kube::List truth = must(client_->list(kConfigMaps, ns_, {}));
  ASSERT_EQ(informer.list().size(), truth.items.size());
  for (const Json& item : truth.items) {
    const auto cached = informer.get({ns_, std::string(find_string(item, {"metadata", "name"}))});
    ASSERT_NE(cached, nullptr);
    EXPECT_EQ(cached->metadata.resourceVersion, find_string(item, {"metadata", "resourceVersion"}));
    const std::string value(find_string(item, {"data", "v"}));
    if (value.empty()) continue;
    const auto found = informer.by_index("v", value);
    EXPECT_TRUE(std::ranges::find(found, cached) != found.end());
  }
  run_coroutine(io_, set.close());
  run_coroutine(io_, relay.close());
}

/// Copies every ConfigMap labelled source=yes to "<name>-copy".
Task<kube::ReconcileResult> copy(kube::Runtime& runtime, kube::Informer<ConfigMap> maps,
                                 kube::ObjectKey key) {
  const auto source = maps.get(key);
  if (!source || source->metadata.label("source") != "yes") co_return kube::ReconcileResult{};
  ConfigMap wanted;
  wanted.metadata.name = key.name + "-copy";
  wanted.metadata.namespace_ = key.ns;
  wanted.metadata.ownerReferences = {kube::owner_reference(*source)};
  wanted.data = source->data;
  auto made = co_await kube::apply(runtime.client(), std::move(wanted), "nestor-copy");
  if (!made) co_return std::unexpected(std::move(made).error());
  runtime.events().normal(*source, "Copied", "made a copy");
  co_return kube::ReconcileResult{};
}

TEST_F(InformerTest, AControllerHealsWhatItOwns) {
  const auto processes = make_process_runner(io_.get_executor());
  kube::Runtime runtime(io_.get_executor(), *client_, clock_, *processes, "nestor-test");
  auto maps = runtime.informers().of<ConfigMap>(scope());
  kube::Controller& controller = runtime.add_controller(
      "copy", [&](kube::ObjectKey key) { return copy(runtime, maps, std::move(key)); });
  controller.watch(maps);
  controller.watch_owned(maps, kConfigMaps);
  runtime.start();
  Json source = config_map("a", "hello");
  JsonObject labels;
  labels["source"] = "yes";
  source.as_object()["metadata"].as_object()["labels"] = labels;
  must(client_->create(kConfigMaps, ns_, source));
  const kube::ObjectKey copied{ns_, "a-copy"};
  const auto right = [&] {
    const auto object = maps.get(copied);
    return object && object->data.at("value") == "hello";
  };
  ASSERT_TRUE(until(maps, right).has_value());
  const std::string first = maps.get(copied)->metadata.uid;
  must(client_->remove(kConfigMaps, copied));
  ASSERT_TRUE(
      until(maps, [&] { return right() && maps.get(copied)->metadata.uid != first; }).has_value());
  Json spoil = parse_json(R"({"data":{"value":"spoilt"}})").value();
  // It may be healed before anybody sees it spoilt; so versions tell.
  const std::string before = maps.get(copied)->metadata.resourceVersion;
  const Json spoilt = must(client_->patch(kConfigMaps, copied, kube::PatchType::kMerge, spoil));
  ASSERT_TRUE(until(maps, [&] {
                const std::string version = maps.get(copied)->metadata.resourceVersion;
                return right() && version != before &&
                       version != find_string(spoilt, {"metadata", "resourceVersion"});
              }).has_value());
  run_coroutine(io_, runtime.close());

  const kube::ResourceType events{"", "v1", "Event", "events"};
  const kube::List written = must(client_->list(events, ns_, {}));
  ASSERT_EQ(written.items.size(), 1U);
  EXPECT_EQ(find_string(written.items[0], {"reason"}), "Copied");
  EXPECT_GE(find(written.items[0], {"count"})->to_number<int>(), 2);
}

Task<Code> first_error(kube::Client& client, std::string ns, std::string version) {
  kube::ListOptions options;
  auto stream = co_await client.watch(kConfigMaps, ns, std::move(options), std::move(version));
  if (!stream) co_return stream.error().code;
  for (;;) {
    auto event = co_await (*stream)->next();
    if (!event) co_return event.error().code;
  }
}

TEST_F(InformerTest, SurvivesARestartOfTheServer) {
  kube::InformerSet set(*client_, clock_, io_.get_executor());
  auto informer = set.of<ConfigMap>(scope());
  const Json old = must(client_->create(kConfigMaps, ns_, config_map("old")));
  must(client_->create(kConfigMaps, ns_, config_map("a")));
  ASSERT_TRUE(run(informer.wait_synced()).has_value());
  server_->restart();
  // The event loop stood still meanwhile: the informer learns of all of it only now.
  must(client_->remove(kConfigMaps, {ns_, "old"}));
  must(client_->create(kConfigMaps, ns_, config_map("new")));
  ASSERT_TRUE(until(informer, [&] {
                return informer.get({ns_, "new"}) && !informer.get({ns_, "old"});
              }).has_value());
  EXPECT_EQ(informer.list().size(), 2U);
  // What a watch from before the restart's history gets: 410, in whatever form.
  EXPECT_EQ(must(first_error(*client_, ns_, "1")), Code::kOutOfRange);
  run_coroutine(io_, set.close());
}

}  // namespace
}  // namespace nestor::integration
