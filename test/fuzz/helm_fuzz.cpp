// What people write about charts, and what helm answers.

#include "addon/chart_source.hpp"
#include "addon/helm_arguments.hpp"
#include "addon/values_template.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  using namespace nestor::addon;
  const std::string input(fuzz::text(data, size));
  if (const auto source = parse_chart_source(input, "ns"); source && source->in_cluster()) {
    FUZZ_CHECK(source->object.ns == "ns");
    FUZZ_CHECK(source->object.name.find('/') == std::string::npos);
  }
  const auto [key, content] = fuzz::split(input, '\n');
  if (const auto chart =
          chart_of({{"Chart.yaml", ""}, {std::string(key), std::string(content)}}, "app", "1")) {
    for (const auto& [path, ignored] : chart->files) {
      FUZZ_CHECK(("/" + path + "/").find("/../") == std::string::npos && path[0] != '/');
    }
  }
  if (const auto timeout = helm_timeout(input)) FUZZ_CHECK(timeout->count() >= 0);
  (void)parse_history(input);
  const std::string words = helm_message(input, "/tmp/x");
  FUZZ_CHECK(!words.empty() && words.size() < 1100);
  (void)template_fault(input);
  (void)rendered_values(input);
  Spec spec;
  spec.chartName = input;
  spec.releaseName = input;
  if (validate(spec))
    FUZZ_CHECK(input[0] != '-' && ("/" + input + "/").find("/../") == std::string::npos);
  return 0;
}
