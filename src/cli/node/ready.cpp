#include "cli/node/ready.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/log.hpp"

namespace nestor::node {

namespace {

void say(UniqueFd& fd, std::string_view text) {
  if (!fd) return;
  // A reader that has gone is no concern of ours.
  [[maybe_unused]] const auto count = ::write(fd.get(), text.data(), text.size());
  fd.reset();
}

}  // namespace

void Ready::ok() { say(fd_, "ok"); }

int Ready::failed(const Error& error) {
  log::error("node", "{}", error.message);
  say(fd_, error.message);
  return 1;
}

Result<> wait_ready(const UniqueFd& read_end, int timeout_ms) {
  std::string text;
  while (true) {
    pollfd set{read_end.get(), POLLIN, 0};
    const int ready = ::poll(&set, 1, timeout_ms);
    if (ready == 0) return fail(Code::kDeadlineExceeded, "no sign of life in time");
    if (ready < 0) continue;
    std::array<char, 1024> buffer;
    const auto count = ::read(read_end.get(), buffer.data(), buffer.size());
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
      if (text == "ok") return {};
      continue;
    }
    if (text.empty()) return fail(Code::kUnavailable, "ended without a word");
    return fail(Code::kInternal, text);
  }
}

}  // namespace nestor::node
