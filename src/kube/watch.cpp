#include "kube/watch.hpp"

#include "kube/status.hpp"

namespace nestor::kube {

namespace {

Result<WatchEvent> decode_line(std::string_view line, std::size_t max_memory) {
  auto json = parse_json(line, max_memory);
  if (!json) return with_context(std::move(json).error(), "reading a watch event");
  Json* object = json->is_object() ? json->get_object().if_contains("object") : nullptr;
  if (object == nullptr || !object->is_object()) {
    return fail(Code::kInternal, "a watch event has no object");
  }
  const std::string_view type = find_string(*json, {"type"});
  if (type == "ERROR") return std::unexpected(error_from_status(*object));
  WatchEvent event;
  if (type == "ADDED") {
    event.type = WatchEvent::Type::kAdded;
  } else if (type == "MODIFIED") {
    event.type = WatchEvent::Type::kModified;
  } else if (type == "DELETED") {
    event.type = WatchEvent::Type::kDeleted;
  } else if (type == "BOOKMARK") {
    event.type = WatchEvent::Type::kBookmark;
  } else {
    return fail(Code::kInternal, "unknown type of watch event: " + std::string(type.substr(0, 40)));
  }
  event.object = std::move(*object);
  return event;
}

}  // namespace

void WatchDecoder::feed(std::string_view chunk) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(chunk);
}

std::optional<Result<WatchEvent>> WatchDecoder::next() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      if (buffered() == 0) {
        // Watches are many and mostly idle: the room of a large event is given back.
        std::string().swap(buffer_);
        begin_ = 0;
      }
      scanned_ = buffer_.size();
      if (buffered() > max_line_) return fail(Code::kInternal, "a watch event is too long");
      return std::nullopt;
    }
    std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return decode_line(line, max_memory_);
  }
}

}  // namespace nestor::kube
