#include "base/json.hpp"

#include <algorithm>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

namespace nestor {

namespace {

constexpr std::size_t kMaxJsonDepth = 100;

std::string place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

std::unexpected<Error> bad_json(std::string_view text, std::size_t offset, std::string_view why) {
  return fail(Code::kInvalidArgument,
              "invalid JSON at " + place(text, offset) + ": " + std::string(why));
}

/// How many values a document has at most: one more than it has beginnings of objects and arrays
/// and commas in them.
std::size_t most_values(std::string_view text) {
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string) {
      if (c == '\\') ++i;
    } else if (c == ',' || c == '[' || c == '{') {
      ++values;
    }
  }
  return values;
}

void write_pretty(std::string& out, const Json& value, std::size_t depth) {
  const std::string indent((depth + 1) * 2, ' ');
  const auto end_line = [&](bool last) {
    out += last ? "\n" : ",\n";
    if (last) out.append(depth * 2, ' ');
  };
  if (value.is_object() && !value.get_object().empty()) {
    const JsonObject& object = value.get_object();
    out += "{\n";
    for (std::size_t left = object.size(); const auto& item : object) {
      out += indent + boost::json::serialize(item.key()) + ": ";
      write_pretty(out, item.value(), depth + 1);
      end_line(--left == 0);
    }
    out += '}';
  } else if (value.is_array() && !value.get_array().empty()) {
    const JsonArray& array = value.get_array();
    out += "[\n";
    for (std::size_t left = array.size(); const Json& item : array) {
      out += indent;
      write_pretty(out, item, depth + 1);
      end_line(--left == 0);
    }
    out += ']';
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::parser parser({}, options);
  boost::json::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (error) return bad_json(text, used, error.message());
  used = std::min(text.find_first_not_of(" \t\r\n", used), text.size());
  if (used != text.size()) return bad_json(text, used, "text after the document");
  return parser.release();
}

Result<Json> parse_json(std::string_view text, std::size_t max_memory) {
  // Of a value: its place among its parent's members, its key, and both on the parser's stack.
  constexpr std::size_t kValue = 128;
  const auto too_large = [&](std::size_t values) {
    return text.size() + kValue * values > max_memory;
  };
  // Few texts are so long that their values must be counted.
  if (too_large(text.size() + 1) && too_large(most_values(text))) {
    return fail(Code::kResourceExhausted,
                "JSON that takes more than " + std::to_string(max_memory >> 20) + " MiB of memory");
  }
  return parse_json(text);
}

std::string to_text(const Json& value) { return boost::json::serialize(value); }

std::string to_pretty_text(const Json& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

const Json* find(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* at = &value;
  for (const std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    at = at->get_object().if_contains(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string_view find_string(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  if (found == nullptr || !found->is_string()) return {};
  return found->get_string();
}

Json merge_diff(const Json& from, const Json& to) {
  if (!from.is_object() || !to.is_object()) return to;
  const JsonObject& old_members = from.get_object();
  const JsonObject& new_members = to.get_object();
  JsonObject patch;
  for (const auto& item : old_members) {
    if (!new_members.contains(item.key())) patch[item.key()] = nullptr;
  }
  for (const auto& item : new_members) {
    const Json* old = old_members.if_contains(item.key());
    if (old == nullptr) {
      patch[item.key()] = item.value();
    } else if (old->is_object() && item.value().is_object()) {
      Json inner = merge_diff(*old, item.value());
      if (!inner.get_object().empty()) patch[item.key()] = std::move(inner);
    } else if (*old != item.value()) {
      patch[item.key()] = item.value();
    }
  }
  return patch;
}

void apply_merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = JsonObject();
  JsonObject& object = target.get_object();
  for (const auto& item : patch.get_object()) {
    if (item.value().is_null()) {
      object.erase(item.key());
    } else {
      apply_merge_patch(object[item.key()], item.value());
    }
  }
}

}  // namespace nestor
