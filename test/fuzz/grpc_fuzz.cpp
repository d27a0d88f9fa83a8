#include "fuzz.hpp"
#include "net/grpc/wire.hpp"

/// What a gRPC peer sends within HTTP/2: cut anywhere, its messages are the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  if (size == 0) return 0;
  const std::string_view input = fuzz::text(data + 1, size - 1);
  constexpr std::size_t kMaxMessage = 1024;
  grpc::MessageReader whole(kMaxMessage);
  const bool fine = whole.feed(input).has_value();
  grpc::MessageReader pieces(kMaxMessage);
  const std::size_t cut = data[0] % (input.size() + 1);
  const bool pieces_fine = pieces.feed(input.substr(0, cut)) && pieces.feed(input.substr(cut));
  FUZZ_CHECK(fine == pieces_fine);
  while (fine) {
    const auto expected = whole.next();
    FUZZ_CHECK(pieces.next() == expected);
    if (!expected) break;
    FUZZ_CHECK(expected->size() <= kMaxMessage);
  }
  if (fine) FUZZ_CHECK(whole.at_boundary() == pieces.at_boundary());

  const auto timeout = grpc::read_timeout(input);
  if (timeout) FUZZ_CHECK(timeout->count() >= 0);
  FUZZ_CHECK(grpc::read_status_message(grpc::write_status_message(input)) == input);
  (void)grpc::read_status_message(input);
  return 0;
}
