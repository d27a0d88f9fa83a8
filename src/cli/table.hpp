#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace nestor::cli {

/// Rows in aligned columns, three spaces apart, as kubectl prints them. Empty cells become "-".
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string to_string() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// How `get` prints: "" and "wide" are tables, the rest is for programs.
enum class OutputFormat { kTable, kWide, kJson, kYaml, kName };
/// Errors: kInvalidArgument listing the formats.
Result<OutputFormat> parse_output_format(std::string_view text);
/// One object as itself, several as a v1 List, for kJson and kYaml; `kind/name` lines for kName.
std::string format_objects(const std::vector<Json>& objects, OutputFormat format);

/// "42s", "5m10s", "3h", "12d": an age as kubectl prints it.
std::string human_duration(std::chrono::seconds duration);

}  // namespace nestor::cli
