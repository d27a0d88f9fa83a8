#include "base/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace nestor {

WallTime SystemClock::now() const { return std::chrono::system_clock::now(); }

SteadyTime SystemClock::steady_now() const { return std::chrono::steady_clock::now(); }

Task<> SystemClock::sleep_until(SteadyTime when) {
  asio::steady_timer timer(executor_, when);
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(Code::kCancelled, "cancelled while waiting");
  co_return Result<>{};
}

std::string format_rfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(seconds - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

namespace {

/// Takes tokens off the front of a time stamp; `ok` turns false at the first mismatch.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t count) {
    int value = 0;
    if (rest.size() < count) ok = false;
    for (std::size_t i = 0; ok && i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') {
        ok = false;
      } else {
        value = value * 10 + (rest[i] - '0');
      }
    }
    if (ok) rest.remove_prefix(count);
    return value;
  }
  bool accept(std::string_view any_of) {
    if (!ok || rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) {
    if (!accept(any_of)) ok = false;
  }
  /// The digits after a decimal point, in nanoseconds; digits past the ninth are dropped.
  std::int64_t fraction() {
    std::int64_t value = 0;
    std::int64_t unit = 100'000'000;
    std::size_t count = 0;
    while (ok && !rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      value += (rest.front() - '0') * unit;
      unit /= 10;
      ++count;
      rest.remove_prefix(1);
    }
    if (count == 0) ok = false;
    return value;
  }
};

/// Nanoseconds in 64 bits reach from 1677 to 2262. These bounds leave room to subtract two times.
constexpr std::chrono::sys_days kEarliest = std::chrono::year(1800) / 1 / 1;
constexpr std::chrono::sys_days kLatest = std::chrono::year(2200) / 1 / 1;

}  // namespace

Result<WallTime> parse_rfc3339(std::string_view text) {
  namespace chrono = std::chrono;
  Scanner scan{text};
  const int year = scan.digits(4);
  scan.expect("-");
  const int month = scan.digits(2);
  scan.expect("-");
  const int day = scan.digits(2);
  scan.expect("Tt");
  const int hour = scan.digits(2);
  scan.expect(":");
  const int minute = scan.digits(2);
  scan.expect(":");
  const int second = scan.digits(2);
  const std::int64_t nanoseconds = scan.accept(".") ? scan.fraction() : 0;
  int offset_minutes = 0;
  if (!scan.accept("Zz")) {
    const bool negative = scan.accept("-");
    if (!negative) scan.expect("+");
    offset_minutes = scan.digits(2) * 60;
    scan.expect(":");
    offset_minutes += scan.digits(2);
    if (negative) offset_minutes = -offset_minutes;
  }
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  // A leap second (60) is read as the first second of the next minute.
  if (!scan.ok || !scan.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return fail(Code::kInvalidArgument, "not an RFC 3339 time: \"" + std::string(text) + "\"");
  }
  auto whole = chrono::sys_days(date) + chrono::hours(hour) +
               chrono::minutes(minute - offset_minutes) + chrono::seconds(second);
  whole = std::clamp<chrono::sys_seconds>(whole, kEarliest, kLatest);
  return chrono::time_point_cast<WallTime::duration>(whole) +
         chrono::duration_cast<WallTime::duration>(chrono::nanoseconds(nanoseconds));
}

}  // namespace nestor
