#include "base/json_convert.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace nestor::detail {

namespace {

constexpr std::string_view kExpected = "expected ";
constexpr std::string_view kOutOfRange = "number out of range";

std::string_view kind_name(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a string";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
  }
  return "something unknown";
}

}  // namespace

std::unexpected<Error> wrong_type(std::string_view wanted, const Json& got) {
  std::string message(kExpected);
  message += wanted;
  message += ", got ";
  message += kind_name(got);
  return fail(Code::kInvalidArgument, std::move(message));
}

std::unexpected<Error> in_member(Error error, std::string_view member) {
  const bool leaf = error.message.starts_with(kExpected) || error.message.starts_with(kOutOfRange);
  std::string path(member);
  if (leaf) {
    path += ": ";
  } else if (!error.message.starts_with('[')) {
    path += '.';
  }
  error.message.insert(0, path);
  return std::unexpected(std::move(error));
}

Result<std::int64_t> read_integer(const Json& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return fail(Code::kInvalidArgument, std::string(kOutOfRange));
  if (value.is_double()) {
    // 2^53: beyond it a double no longer says which whole number was meant.
    constexpr double kExact = 9007199254740992.0;
    const double number = value.get_double();
    if (std::trunc(number) == number && std::abs(number) <= kExact) {
      return static_cast<std::int64_t>(number);
    }
  }
  return wrong_type("a whole number", value);
}

Result<> read_quantity(const Json& value, Quantity& out) {
  if (value.is_string()) {
    out.text = std::string_view(value.get_string());
  } else if (value.is_double()) {
    std::array<char, 32> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value.get_double());
    out.text.assign(digits.data(), end.ptr);
  } else if (value.is_number()) {
    out.text = to_text(value);
  } else {
    return wrong_type("a quantity", value);
  }
  return {};
}

}  // namespace nestor::detail
