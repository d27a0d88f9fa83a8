#include "kube/pages.hpp"

#include <utility>

namespace nestor::kube {

PageReader::PageReader(Client& client, ResourceType type, std::string ns, ListOptions options)
    : client_(client), type_(type), ns_(std::move(ns)), options_(std::move(options)) {}

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
  done_ = false;
}

}  // namespace nestor::kube
