#include "cli/table.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"

namespace nestor::cli {
std::string Table::to_string() const {
  std::vector<std::size_t> widths(header_.size());
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < widths.size() && i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  };
  measure(header_);
  for (const auto& row : rows_) measure(row);
  std::string out;
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      std::string cell = i < row.size() && !row[i].empty() ? row[i] : "-";
      if (i + 1 < widths.size()) cell.resize(std::max(widths[i], cell.size()) + 3, ' ');
      line += cell;
    }
    out += line + "\n";
  };
  print(header_);
  for (const auto& row : rows_) print(row);
  return out;
}

Result<OutputFormat> parse_output_format(std::string_view text) {
  if (text.empty()) return OutputFormat::kTable;
  if (text == "wide") return OutputFormat::kWide;
  if (text == "json") return OutputFormat::kJson;
  if (text == "yaml") return OutputFormat::kYaml;
  if (text == "name") return OutputFormat::kName;
  return fail(Code::kInvalidArgument,
              "unknown output format '" + std::string(text) + "': use wide, json, yaml or name");
}

std::string format_objects(const std::vector<Json>& objects, OutputFormat format) {
  if (format == OutputFormat::kName) {
    std::string out;
    for (const Json& object : objects) {
      out += lower(find_string(object, {"kind"})) + "/" +
             std::string(find_string(object, {"metadata", "name"})) + "\n";
    }
    return out;
  }
  Json whole;
  if (objects.size() == 1) {
    whole = objects.front();
  } else {
    JsonArray items(objects.begin(), objects.end());
    whole = JsonObject{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
  }
  return format == OutputFormat::kYaml ? to_yaml(whole) : to_pretty_text(whole) + "\n";
}

std::string human_duration(std::chrono::seconds duration) {
  const auto s = std::max<std::int64_t>(0, duration.count());
  const auto join = [](std::int64_t major, const char* unit, std::int64_t minor, const char* sub) {
    return std::to_string(major) + unit + (minor == 0 ? "" : std::to_string(minor) + sub);
  };
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;
  if (s < 2 * kMinute) return std::to_string(s) + "s";
  if (s < 10 * kMinute) return join(s / kMinute, "m", s % kMinute, "s");
  if (s < 3 * kHour) return std::to_string(s / kMinute) + "m";
  if (s < 8 * kHour) return join(s / kHour, "h", s % kHour / kMinute, "m");
  if (s < 2 * kDay) return std::to_string(s / kHour) + "h";
  return std::to_string(s / kDay) + "d";
}

}  // namespace nestor::cli
