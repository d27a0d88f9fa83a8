#include "fuzz.hpp"
#include "tunnel/agent_choice.hpp"
#include "tunnel/packet.hpp"
#include "tunnel/token_review.hpp"

/// Packets and metadata of Konnectivity's other end, which may be another tenant's agent, and the
/// API server's word on who that is.
namespace {

void judge_review(const nestor::Json& review) {
  using nestor::find;
  if (!nestor::tunnel::judge(review, {"a", "n", "s"})) return;
  const nestor::Json* authenticated = find(review, {"status", "authenticated"});
  FUZZ_CHECK(authenticated != nullptr && *authenticated == nestor::Json(true));
  FUZZ_CHECK(nestor::find_string(review, {"status", "user", "username"}) ==
             "system:serviceaccount:n:s");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  if (const auto packet = tunnel::decode(std::string(input))) {
    const std::string once = tunnel::encode(*packet);
    const auto again = tunnel::decode(once);
    FUZZ_CHECK(again && again->index() == packet->index());
    FUZZ_CHECK(tunnel::encode(*again) == once);
  }
  if (const auto list = tunnel::parse_strategies(input)) FUZZ_CHECK(!list->empty());
  (void)tunnel::parse_identifiers(input);
  if (const auto review = parse_json(input)) judge_review(*review);
  return 0;
}
