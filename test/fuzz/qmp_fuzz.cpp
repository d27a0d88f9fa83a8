#include "fuzz.hpp"
#include "vm/launcher/qmp.hpp"

/// QEMU's side of QMP: cut anywhere, the stream says the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  if (size == 0) return 0;
  const std::string_view input = fuzz::text(data + 1, size - 1);
  vm::QmpDecoder whole;
  const auto all = whole.feed(input);
  vm::QmpDecoder pieces;
  const std::size_t cut = data[0] % (input.size() + 1);
  auto first = pieces.feed(input.substr(0, cut));
  if (!first) {
    FUZZ_CHECK(!all);
    return 0;
  }
  const auto second = pieces.feed(input.substr(cut));
  FUZZ_CHECK(all.has_value() == second.has_value());
  if (all) FUZZ_CHECK(all->size() == first->size() + second->size());
  return 0;
}
