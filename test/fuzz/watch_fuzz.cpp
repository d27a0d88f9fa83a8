#include <vector>

#include "fuzz.hpp"
#include "kube/watch.hpp"

namespace {

using namespace nestor;

/// What each event was: its type, or 100 and the error's code.
void drain(kube::WatchDecoder& decoder, std::vector<int>& out) {
  while (auto event = decoder.next()) {
    out.push_back(*event ? static_cast<int>((*event)->type)
                         : 100 + static_cast<int>(event->error().code));
    if (!*event) return;
  }
}

}  // namespace

/// An API server's watch stream: cut anywhere, it says the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzz::text(data + 1, size - 1);
  kube::WatchDecoder whole;
  whole.feed(input);
  std::vector<int> expected;
  drain(whole, expected);
  kube::WatchDecoder pieces;
  std::vector<int> seen;
  const std::size_t cut = data[0] % (input.size() + 1);
  pieces.feed(input.substr(0, cut));
  drain(pieces, seen);
  if (seen.empty() || seen.back() < 100) {
    pieces.feed(input.substr(cut));
    drain(pieces, seen);
  }
  FUZZ_CHECK(seen == expected);
  return 0;
}
