#include "api/faults.hpp"

#include <algorithm>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace nestor::api {
namespace {

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

void Faults::add(std::string_view where, std::string_view what) {
  if (!text_.empty()) text_ += "; ";
  text_ += where;
  text_ += ": ";
  text_ += what;
}

void Faults::add(const Result<>& result) {
  if (result) return;
  if (!text_.empty()) text_ += "; ";
  text_ += result.error().message;
}

void Faults::require(std::string_view where, std::string_view value) {
  if (value.empty()) add(where, "is required");
}

Result<> Faults::result() const {
  if (text_.empty()) return {};
  return fail(Code::kInvalidArgument, text_);
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, is_label_character) &&
         text.front() != '-' && text.back() != '-';
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    // A label of a subdomain may be longer than one that stands alone.
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || !std::ranges::all_of(label, is_label_character) || label.front() == '-' ||
        label.back() == '-') {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_cidr(const std::string& text) {
  boost::system::error_code error;
  boost::asio::ip::make_network_v4(text, error);
  if (!error) return true;
  error.clear();
  boost::asio::ip::make_network_v6(text, error);
  return !error;
}

}  // namespace nestor::api
