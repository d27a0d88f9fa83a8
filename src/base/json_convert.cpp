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

std::unexpected<Error> in_item(Error error, std::size_t index) {
  return in_member(std::move(error), "[" + std::to_string(index) + "]");
}

Result<> read_fields(const Json& value, void* object, std::span<const Field> fields) {
  if (!value.is_object()) return wrong_type("an object", value);
  const JsonObject& members = value.get_object();
  for (const Field& field : fields) {
    const Json* member = members.if_contains(field.name);
    if (member == nullptr || member->is_null()) continue;
    if (auto ok = field.read(*member, object); !ok) {
      return in_member(std::move(ok).error(), field.name);
    }
  }
  return {};
}

JsonObject write_fields(const void* object, std::span<const Field> fields) {
  JsonObject out;
  for (const Field& field : fields) {
    Json written;
    if (field.write(object, written)) out[field.name] = std::move(written);
  }
  return out;
}

Result<> read_string(const Json& value, std::string& out) {
  if (!value.is_string()) return wrong_type("a string", value);
  out = std::string_view(value.get_string());
  return {};
}

Result<> read_bool(const Json& value, bool& out) {
  if (!value.is_bool()) return wrong_type("true or false", value);
  out = value.get_bool();
  return {};
}

Result<std::int64_t> read_integer(const Json& value, std::int64_t least, std::int64_t most) {
  std::int64_t number = 0;
  if (value.is_int64()) {
    number = value.get_int64();
  } else if (value.is_uint64()) {
    return fail(Code::kInvalidArgument, std::string(kOutOfRange));
  } else {
    // 2^53: beyond it a double no longer says which whole number was meant.
    constexpr double kExact = 9007199254740992.0;
    const double real = value.is_double() ? value.get_double() : kExact * 2;
    if (std::trunc(real) != real || std::abs(real) > kExact) {
      return wrong_type("a whole number", value);
    }
    number = static_cast<std::int64_t>(real);
  }
  if (number < least || number > most)
    return fail(Code::kInvalidArgument, std::string(kOutOfRange));
  return number;
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
