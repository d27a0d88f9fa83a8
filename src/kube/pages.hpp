#pragma once

#include <string>

#include "kube/client.hpp"

namespace nestor::kube {

/// Reads a list page by page, so that no more than a page is held as JSON. One that is too large
/// for an answer is asked for again with half as many objects; so are those behind it. Lifetime:
/// shorter than the client's.
class PageReader {
 public:
  /// A list of more pages is refused: a server could otherwise go on for ever.
  static constexpr int kMaxPages = 2'000;
  /// Of all pages together; for the same reason.
  static constexpr std::size_t kMaxBytes = 1UL << 30;

  PageReader(Client& client, ResourceType type, std::string ns, ListOptions options,
             std::size_t max_bytes = kMaxBytes);

  /// Errors: as Client::list_page. kOutOfRange once begun(): what the list was read from is gone,
  /// only a restart() gives a consistent one. kResourceExhausted without a retry_after: one object
  /// alone is too large, or the pages are too many or together larger than `max_bytes`.
  Task<ListPage> next();
  bool done() const { return done_; }
  bool begun() const { return !token_.empty(); }
  void restart();

 private:
  Client& client_;
  const ResourceType type_;
  const std::string ns_;
  ListOptions options_;
  const std::size_t max_bytes_;
  std::string token_;
  int pages_ = 0;
  std::size_t bytes_ = 0;
  bool done_ = false;
};

}  // namespace nestor::kube
