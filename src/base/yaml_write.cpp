#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/text.hpp"
#include "base/yaml_scalar.hpp"

namespace nestor {

namespace yaml {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

std::optional<Json> prefixed(std::string_view digits, int base) {
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || digits.front() == '-' || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return Json(value);
}

/// [-+]? ( \.[0-9]+ | [0-9]+ (\.[0-9]*)? ) ( [eE] [-+]? [0-9]+ )?
std::optional<Json> number(std::string_view text) {
  std::string_view body = text;
  if (body.starts_with('+') || body.starts_with('-')) body.remove_prefix(1);
  std::size_t at = 0;
  const auto skip_digits = [&] {
    const std::size_t from = at;
    while (at < body.size() && digit(body[at])) ++at;
    return at - from;
  };
  const std::size_t whole = skip_digits();
  bool integer = true;
  std::size_t decimals = 0;
  if (at < body.size() && body[at] == '.') {
    integer = false;
    ++at;
    decimals = skip_digits();
  }
  if (whole + decimals == 0) return std::nullopt;
  if (at < body.size() && (body[at] == 'e' || body[at] == 'E')) {
    integer = false;
    ++at;
    if (at < body.size() && (body[at] == '+' || body[at] == '-')) ++at;
    if (skip_digits() == 0) return std::nullopt;
  }
  if (at != body.size()) return std::nullopt;

  if (text.starts_with('+')) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  if (integer) {
    std::int64_t value = 0;
    if (std::from_chars(text.data(), end, value).ec == std::errc()) return Json(value);
    std::uint64_t large = 0;
    if (std::from_chars(text.data(), end, large).ec == std::errc()) return Json(large);
  }
  double value = 0;
  if (std::from_chars(text.data(), end, value).ec != std::errc()) return std::nullopt;
  return Json(value);
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_special_float(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return is_any(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"});
}

}  // namespace

Result<Json> plain_scalar(std::string_view text) {
  if (is_any(text, {"", "~", "null", "Null", "NULL"})) return Json(nullptr);
  if (is_any(text, {"true", "True", "TRUE"})) return Json(true);
  if (is_any(text, {"false", "False", "FALSE"})) return Json(false);
  if (is_special_float(text)) {
    return fail(Code::kInvalidArgument, "infinity and NaN are not allowed");
  }
  std::optional<Json> value;
  if (text.starts_with("0x")) value = prefixed(text.substr(2), 16);
  if (text.starts_with("0o")) value = prefixed(text.substr(2), 8);
  if (!value) value = number(text);
  return value ? *value : Json(boost::json::string(text));
}

bool safe_plain_string(std::string_view text) {
  if (text.empty()) return false;
  const char first = text.front();
  // Numbers, dates, base 60, octal and "1_000" of YAML 1.1 all begin like a number.
  if (digit(first) || first == '+' || first == '.' || first == '-') return false;
  static constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:+=@%, ()<>;$^~";
  static constexpr std::string_view kFirst =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/$(;^";
  if (kFirst.find(first) == std::string_view::npos) return false;
  if (text.find_first_not_of(kPlain) != std::string_view::npos) return false;
  if (text.back() == ' ' || text.back() == ':' || text.find(": ") != std::string_view::npos) {
    return false;
  }
  return !is_any(lower(text), {"y", "n", "yes", "no", "on", "off", "true", "false", "null"});
}

}  // namespace yaml

namespace {

/// Text of several lines that a literal block ("|") keeps exactly.
bool fits_literal(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return false;
  if (text.front() == ' ' || text.front() == '\n' || text.front() == '\t') return false;
  if (text.ends_with("\n\n")) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  /// Writes what follows "key:" or "-"; `indent` is the column of nested blocks.
  void value(const Json& value, std::size_t indent, bool after_dash) {
    if (value.is_object() && !value.get_object().empty()) {
      map(value.get_object(), indent, after_dash);
    } else if (value.is_array() && !value.get_array().empty()) {
      list(value.get_array(), indent, after_dash);
    } else {
      out_ += ' ';
      scalar(value, indent);
      out_ += '\n';
    }
  }

  void map(const JsonObject& object, std::size_t indent, bool after_dash) {
    bool first = true;
    for (const auto& item : object) {
      start_line(indent, after_dash, first);
      first = false;
      string(item.key(), indent, false);
      out_ += ':';
      value(item.value(), indent + 2, false);
    }
  }

  void list(const JsonArray& array, std::size_t indent, bool after_dash) {
    bool first = true;
    for (const Json& item : array) {
      start_line(indent, after_dash, first);
      first = false;
      out_ += '-';
      value(item, indent + 2, true);
    }
  }

  void scalar(const Json& value, std::size_t indent) {
    if (value.is_string()) {
      string(value.get_string(), indent, true);
    } else {
      out_ += boost::json::serialize(value);
    }
  }

 private:
  /// The first line of a block goes on behind its "- "; after "key:" a block starts a line.
  void start_line(std::size_t indent, bool after_dash, bool first) {
    if (first && after_dash) {
      out_ += ' ';
      return;
    }
    if (first && !out_.empty() && out_.back() != '\n') out_ += '\n';
    out_.append(indent, ' ');
  }

  void string(std::string_view text, std::size_t indent, bool allow_block) {
    if (yaml::safe_plain_string(text)) {
      out_ += text;
    } else if (allow_block && fits_literal(text)) {
      literal(text, indent);
    } else {
      // A JSON string is a double-quoted YAML scalar.
      out_ += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
    }
  }

  void literal(std::string_view text, std::size_t indent) {
    out_ += text.ends_with('\n') ? "|" : "|-";
    if (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t column = std::max<std::size_t>(indent, 2);
    while (true) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_ += '\n';
      if (!line.empty()) out_.append(column, ' ').append(line);
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string& out_;
};

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  Writer writer(out);
  if (value.is_object() && !value.get_object().empty()) {
    writer.map(value.get_object(), 0, false);
  } else if (value.is_array() && !value.get_array().empty()) {
    writer.list(value.get_array(), 0, false);
  } else {
    writer.scalar(value, 0);
    out += '\n';
  }
  return out;
}

}  // namespace nestor
