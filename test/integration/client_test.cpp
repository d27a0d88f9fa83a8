#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/task_group.hpp"
#include "integration/api_server.hpp"

namespace nestor::integration {
namespace {

using kube::ApplyOptions;
using kube::ObjectKey;
using kube::PatchOptions;
using kube::PatchType;

constexpr kube::ResourceType kDeployments{"apps", "v1", "Deployment", "deployments"};
constexpr kube::ResourceType kServices{"", "v1", "Service", "services"};

class ClientTest : public ApiServerTest {};

TEST_F(ClientTest, CreatesReadsUpdatesAndDeletes) {
  const ObjectKey key{ns_, "a"};
  const Json created = must(client_->create(kConfigMaps, ns_, config_map("a")));
  EXPECT_FALSE(find_string(created, {"metadata", "uid"}).empty());
  Json changed = must(client_->get(kConfigMaps, key));
  EXPECT_EQ(find_string(changed, {"kind"}), "ConfigMap");
  changed.as_object()["data"].as_object()["value"] = "2";
  const Json updated = must(client_->update(kConfigMaps, changed));
  EXPECT_EQ(find_string(updated, {"data", "value"}), "2");
  EXPECT_TRUE(run(client_->remove(kConfigMaps, key)).has_value());
  EXPECT_EQ(run(client_->get(kConfigMaps, key)).error().code, Code::kNotFound);
  EXPECT_EQ(run(client_->remove(kConfigMaps, key)).error().code, Code::kNotFound);
  EXPECT_TRUE(run(ensure_deleted(*client_, kConfigMaps, key)).has_value());
}

TEST_F(ClientTest, MapsRefusalsToCodes) {
  const ObjectKey key{ns_, "a"};
  Json stale = must(client_->create(kConfigMaps, ns_, config_map("a")));
  EXPECT_EQ(run(client_->create(kConfigMaps, ns_, config_map("a"))).error().code,
            Code::kAlreadyExists);
  Json patch = parse_json(R"({"data":{"value":"2"}})").value();
  must(client_->patch(kConfigMaps, key, PatchType::kMerge, patch));
  EXPECT_EQ(run(client_->update(kConfigMaps, stale)).error().code, Code::kAborted);
  EXPECT_EQ(run(client_->create(kConfigMaps, ns_, config_map("Not A Name"))).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(run(client_->get_raw("/no/such/path")).error().code, Code::kNotFound);

  const auto nobody = connect(server_->user("nobody", {}));
  EXPECT_EQ(run(nobody->get(kConfigMaps, key)).error().code, Code::kPermissionDenied);
  kube::ClientConfig config = server_->admin();
  config.cert_pem = config.key_pem = "";
  config.token = "wrong";
  const auto stranger = connect(config);
  EXPECT_EQ(run(stranger->get(kConfigMaps, key)).error().code, Code::kUnauthenticated);
  kube::ClientConfig nowhere = server_->admin();
  nowhere.server = "https://127.0.0.1:1";
  EXPECT_EQ(run(connect(nowhere)->get(kConfigMaps, key)).error().code, Code::kUnavailable);
}

TEST_F(ClientTest, TrustsOnlyItsAuthorityAndTheServersName) {
  kube::ClientConfig config = server_->admin();
  config.ca_pem = server_->admin().cert_pem;
  EXPECT_EQ(run(connect(config)->get_raw("/version")).error().code, Code::kUnavailable);
  config = server_->admin();
  config.tls_server_name = "kubernetes.default.svc";
  EXPECT_TRUE(run(connect(config)->get_raw("/version")).has_value());
  config.tls_server_name = "elsewhere.example";
  EXPECT_EQ(run(connect(config)->get_raw("/version")).error().code, Code::kUnavailable);
}

TEST_F(ClientTest, ReadsARotatedTokenAgain) {
  const kube::ResourceType accounts{"", "v1", "ServiceAccount", "serviceaccounts"};
  Json account = parse_json(R"({"metadata":{"name":"robot"}})").value();
  must(client_->create(accounts, ns_, account));
  // A token is made by a POST on a subresource, which reads like a collection below the account.
  const kube::ResourceType tokens{"", "v1", "TokenRequest", "serviceaccounts/robot/token"};
  Json request =
      parse_json(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}})")
          .value();
  const Json made = must(client_->create(tokens, ns_, request));
  const std::string token(find_string(made, {"status", "token"}));
  ASSERT_FALSE(token.empty());

  kube::ClientConfig config = server_->admin();
  config.cert_pem = config.key_pem = "";
  config.token = "expired";
  config.token_file = server_->directory() + "/token-" + ns_;
  std::ofstream(config.token_file) << token << "\n";
  const auto robot = connect(config);
  // Known now, and without rights.
  EXPECT_EQ(run(robot->get(kConfigMaps, {ns_, "a"})).error().code, Code::kPermissionDenied);
}

TEST_F(ClientTest, AppliesWithOwnershipOfFields) {
  const ObjectKey key{ns_, "a"};
  Json mine = config_map("a");
  mine.as_object()["data"].as_object()["other"] = "x";
  must(client_->apply(kConfigMaps, mine, ApplyOptions{"nestor-one"}));
  // What is no longer applied is taken back.
  must(client_->apply(kConfigMaps, config_map("a"), ApplyOptions{"nestor-one"}));
  Json stored = must(client_->get(kConfigMaps, key));
  EXPECT_EQ(find(stored, {"data", "other"}), nullptr);
  // Another manager does not get it without force.
  ApplyOptions polite{"nestor-two"};
  polite.force = false;
  EXPECT_EQ(run(client_->apply(kConfigMaps, config_map("a", "2"), polite)).error().code,
            Code::kAborted);
  must(client_->apply(kConfigMaps, config_map("a", "2"), ApplyOptions{"nestor-two"}));
  stored = must(client_->get(kConfigMaps, key));
  EXPECT_EQ(find_string(stored, {"data", "value"}), "2");
  ApplyOptions dry{"nestor-two"};
  dry.dry_run = true;
  const Json would = must(client_->apply(kConfigMaps, config_map("a", "3"), dry));
  EXPECT_EQ(find_string(would, {"data", "value"}), "3");
  stored = must(client_->get(kConfigMaps, key));
  EXPECT_EQ(find_string(stored, {"data", "value"}), "2");
}

TEST_F(ClientTest, PatchesInTwoWays) {
  const ObjectKey key{ns_, "s"};
  Json service = parse_json(R"({"metadata":{"name":"s","labels":{"a":"1","b":"2"}},)"
                            R"("spec":{"ports":[{"name":"x","port":1},{"name":"y","port":2}]}})")
                     .value();
  must(client_->create(kServices, ns_, service));
  Json merge = parse_json(R"({"metadata":{"labels":{"a":null,"c":"3"}}})").value();
  Json stored = must(client_->patch(kServices, key, PatchType::kMerge, merge));
  EXPECT_EQ(find(stored, {"metadata", "labels", "a"}), nullptr);
  EXPECT_EQ(find_string(stored, {"metadata", "labels", "b"}), "2");
  Json strategic = parse_json(R"({"spec":{"ports":[{"port":1,"targetPort":80}]}})").value();
  stored = must(client_->patch(kServices, key, PatchType::kStrategicMerge, strategic));
  EXPECT_EQ(find(stored, {"spec", "ports"})->as_array().size(), 2U);
}

TEST_F(ClientTest, WritesStatusAndObjectApart) {
  Json deployment =
      parse_json(R"({"metadata":{"name":"d"},"spec":{"replicas":1,)"
                 R"("selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":)"
                 R"({"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})")
          .value();
  const ObjectKey key{ns_, "d"};
  const Json before = must(client_->create(kDeployments, ns_, deployment));
  Json after = before;
  after.as_object()["status"].as_object()["replicas"] = 1;
  after.as_object()["spec"].as_object()["replicas"] = 2;
  JsonArray finalizers;
  finalizers.push_back("nestor.dev/test");
  after.as_object()["metadata"].as_object()["finalizers"] = finalizers;
  ASSERT_TRUE(run(kube::patch_changes(*client_, kDeployments, key, before, after)).has_value());
  const Json stored = must(client_->get(kDeployments, key));
  EXPECT_EQ(find(stored, {"status", "replicas"})->to_number<int>(), 1);
  EXPECT_EQ(find(stored, {"spec", "replicas"})->to_number<int>(), 2);
  // `before` is old now: the race is lost, nothing is overwritten.
  EXPECT_EQ(run(kube::patch_changes(*client_, kDeployments, key, before, after)).error().code,
            Code::kAborted);
  // Deleting waits for the finalizer.
  ASSERT_TRUE(run(client_->remove(kDeployments, key)).has_value());
  const Json going = must(client_->get(kDeployments, key));
  Json gone = going;
  gone.as_object()["metadata"].as_object().erase("finalizers");
  ASSERT_TRUE(run(kube::patch_changes(*client_, kDeployments, key, going, gone)).has_value());
  EXPECT_EQ(run(client_->get(kDeployments, key)).error().code, Code::kNotFound);
}

TEST_F(ClientTest, DeletesOnlyTheUidThatIsMeant) {
  const Json made = must(client_->create(kConfigMaps, ns_, config_map("a")));
  kube::DeleteOptions options;
  options.uid = "00000000-0000-0000-0000-000000000000";
  EXPECT_EQ(run(client_->remove(kConfigMaps, {ns_, "a"}, options)).error().code, Code::kAborted);
  options.uid = find_string(made, {"metadata", "uid"});
  EXPECT_TRUE(run(client_->remove(kConfigMaps, {ns_, "a"}, options)).has_value());
}

Task<> create_many(kube::Client& client, std::string ns, int from, int to) {
  for (int i = from; i < to; ++i) {
    std::string text = R"({"metadata":{"name":"m)" + std::to_string(i) + R"(","labels":{"odd":")" +
                       (i % 2 == 1 ? "yes" : "no") + R"("}}})";
    Json object = parse_json(text).value();
    auto made = co_await client.create(kConfigMaps, ns, std::move(object));
    if (!made) co_return std::unexpected(std::move(made).error());
  }
  co_return Result<>();
}

TEST_F(ClientTest, ListsInPagesAndBySelector) {
  constexpr int kObjects = 1200;
  TaskGroup tasks(io_.get_executor());
  for (int i = 0; i < kObjects; i += 100) {
    tasks.spawn("create", create_many(*client_, ns_, i, i + 100));
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  while (tasks.size() > 0 && io_.run_one_until(limit) > 0) {
  }
  ASSERT_EQ(tasks.size(), 0U);
  kube::ListOptions options;
  options.page_size = 250;
  const kube::List all = must(client_->list(kConfigMaps, ns_, options));
  EXPECT_EQ(all.items.size(), static_cast<std::size_t>(kObjects));
  EXPECT_FALSE(all.resource_version.empty());
  std::set<std::string> names;
  for (const Json& item : all.items) names.emplace(find_string(item, {"metadata", "name"}));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kObjects));
  EXPECT_EQ(find_string(all.items[0], {"kind"}), "ConfigMap");
  options.label_selector = "odd in (yes),odd!=no";
  EXPECT_EQ(must(client_->list(kConfigMaps, ns_, options)).items.size(),
            static_cast<std::size_t>(kObjects / 2));
  options = {};
  options.field_selector = "metadata.name=m7";
  EXPECT_EQ(must(client_->list(kConfigMaps, ns_, options)).items.size(), 1U);
}

}  // namespace
}  // namespace nestor::integration
