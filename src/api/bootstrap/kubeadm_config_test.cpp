#include "api/bootstrap/kubeadm_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "base/json_convert.hpp"

namespace nestor::api::bootstrap {
namespace {

using testing::HasSubstr;

TEST(KubeadmConfig, EmptyTaintsAndArgumentsSurviveTheRoundTrip) {
  const std::string text =
      R"({"nodeRegistration":{"name":"{{ ds.meta_data.local_hostname }}","taints":[],)"
      R"("kubeletExtraArgs":[{"name":"node-labels","value":""}]}})";
  const auto join = from_json<JoinConfiguration>(*parse_json(text));
  ASSERT_TRUE(join) << join.error().message;
  EXPECT_EQ(to_text(to_json(*join)), text) << "no taints is not kubeadm's default taints";
}

TEST(KubeadmConfig, ContradictionsAreFaults) {
  KubeadmConfig config;
  set_defaults(config);
  EXPECT_EQ(config.spec.format, "cloud-config");
  EXPECT_TRUE(validate(config));
  config.spec.format = "toml";
  config.spec.files.resize(2);
  config.spec.files[0].path = "/a";
  config.spec.files[0].content = "x";
  config.spec.files[0].contentFrom = SecretSource{{"s", "k"}};
  config.spec.files[1].path = "/a";
  config.spec.files[1].encoding = "zip";
  config.spec.users.resize(1);
  config.spec.users[0].name = "u";
  config.spec.users[0].passwd = "p";
  config.spec.users[0].passwdFrom = SecretSource{{"s", ""}};
  const auto result = validate(config);
  ASSERT_FALSE(result);
  for (const char* part :
       {"spec.format", "spec.files[0]: cannot have both", "spec.files[1].path",
        "spec.files[1].encoding", "spec.users[0]: cannot", "spec.users[0].passwdFrom.secret.key"}) {
    EXPECT_THAT(result.error().message, HasSubstr(part));
  }
}

TEST(KubeadmConfig, FaultsOfATemplateNameItsPlace) {
  KubeadmConfigTemplate config_template;
  config_template.spec.template_.spec.files.resize(1);
  EXPECT_THAT(validate(config_template).error().message,
              HasSubstr("spec.template.spec.files[0].path"));
}

TEST(KubevirtMachine, BootstrapCheckIsSshUnlessGiven) {
  infrastructure::KubevirtMachine machine;
  set_defaults(machine);
  EXPECT_EQ(machine.spec.virtualMachineBootstrapCheck.checkStrategy, "ssh");
  machine.spec.virtualMachineBootstrapCheck.checkStrategy = "none";
  set_defaults(machine);
  EXPECT_EQ(machine.spec.virtualMachineBootstrapCheck.checkStrategy, "none");
}

}  // namespace
}  // namespace nestor::api::bootstrap
