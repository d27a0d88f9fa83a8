#include "kube/pages.hpp"

#include <utility>

#include "base/log.hpp"

namespace nestor::kube {

namespace {
/// How often a list whose `continue` token expired is begun anew.
constexpr int kListRestarts = 3;
}  // namespace

PageReader::PageReader(Client& client, ResourceType type, std::string ns, ListOptions options,
                       std::size_t max_bytes)
    : client_(client),
      type_(type),
      ns_(std::move(ns)),
      options_(std::move(options)),
      max_bytes_(max_bytes) {}

Task<ListPage> PageReader::next() {
  if (++pages_ > kMaxPages) {
    co_return fail(Code::kResourceExhausted,
                   "the list of " + std::string(type_.plural) + " has too many pages");
  }
  for (;;) {
    std::string ns = ns_;
    ListOptions options = options_;
    std::string token = token_;
    auto page =
        co_await client_.list_page(type_, std::move(ns), std::move(options), std::move(token));
    if (page) {
      bytes_ += page->bytes;
      if (bytes_ > max_bytes_) co_return list_too_large(type_);
      token_ = page->next;
      done_ = token_.empty();
      co_return page;
    }
    // A server that is busy says when to come back.
    const Error& error = page.error();
    const bool too_large = error.code == Code::kResourceExhausted && !error.retry_after;
    if (!too_large || options_.page_size <= 1) co_return page;
    options_.page_size /= 2;
  }
}

void PageReader::restart() {
  token_.clear();
  pages_ = 0;
  bytes_ = 0;
  done_ = false;
}

std::unexpected<Error> list_too_large(const ResourceType& type) {
  return fail(Code::kResourceExhausted,
              "the list of " + std::string(type.plural) + " is too large");
}

Task<std::string> read_list(Client& client, ResourceType type, std::string ns, ListOptions options,
                            TakePage take) {
  int restarts = 0;
  bool first = true;
  std::string version;
  PageReader pages(client, type, std::move(ns), std::move(options));
  while (!pages.done()) {
    auto page = co_await pages.next();
    if (!page) {
      // The snapshot behind the token is gone: only a list from the start is consistent.
      const bool expired = page.error().code == Code::kOutOfRange && pages.begun();
      if (!expired || restarts++ == kListRestarts) {
        co_return std::unexpected(std::move(page).error());
      }
      log::debug("kube.list", "list of {} expired while paging, listing again", type.plural);
      pages.restart();
      first = true;
      continue;
    }
    version = page->resource_version;
    NESTOR_CO_TRY_VOID(take(std::move(*page), std::exchange(first, false)));
  }
  co_return version;
}

}  // namespace nestor::kube
