#include "cli/node/sysctls.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>
#include <sstream>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

constexpr const char* kRecord = "/run/nestor.sysctls";
constexpr const char* kLock = "/run/nestor.sysctls.lock";

struct Wanted {
  const char* path;
  long at_least;
};
/// Every control plane and kubelet watches many files; the kernel's defaults are for a desktop.
constexpr Wanted kWanted[] = {
    {"/proc/sys/fs/inotify/max_user_instances", 8192},
    {"/proc/sys/fs/inotify/max_user_watches", 524288},
};

struct Record {
  /// Path to the value before the first node.
  std::map<std::string, std::string> before;
  std::set<std::string> users;
};

Result<std::string> boot_id() { return read_file("/proc/sys/kernel/random/boot_id"); }

/// Lines "boot ID", "user DIRECTORY" and "before VALUE PATH".
Record parse(const std::string& text, const std::string& boot) {
  Record record;
  std::istringstream lines(text);
  std::string line;
  bool this_boot = false;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind;
    std::string value;
    words >> kind;
    if (kind == "boot") {
      words >> value;
      this_boot = boot.starts_with(value);
    } else if (kind == "user") {
      record.users.insert(line.substr(5));
    } else if (kind == "before") {
      std::string path;
      words >> value >> path;
      record.before[path] = value;
    }
  }
  return this_boot ? record : Record{};
}

Result<Record> load_record() {
  NESTOR_TRY(const std::string boot, boot_id());
  const auto text = read_file(kRecord);
  if (!text && text.error().code == Code::kNotFound) return Record{};
  if (!text) return std::unexpected(text.error());
  return parse(*text, boot);
}

Result<> save_record(const Record& record) {
  NESTOR_TRY(const std::string boot, boot_id());
  std::string text = "boot " + boot;
  for (const auto& user : record.users) text += "user " + user + "\n";
  for (const auto& [path, value] : record.before) text += "before " + value + " " + path + "\n";
  return write_text(kRecord, text, 0600);
}

Result<UniqueFd> lock() {
  while (true) {
    UniqueFd file(::open(kLock, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return system_failure(std::string("opening ") + kLock);
    if (::flock(file.get(), LOCK_EX) != 0) return system_failure(std::string("locking ") + kLock);
    // The one before us may have been the last and have removed the file.
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && status.st_nlink > 0) return file;
  }
}

Result<long> number_in(const std::string& path) {
  NESTOR_TRY(const std::string text, read_file(path));
  const auto value = parse_number<long>(last_line(text));
  if (!value) return fail(Code::kDataLoss, path + " holds no number");
  return *value;
}

}  // namespace

Result<> raise_sysctls(const std::string& state_dir) {
  NESTOR_TRY(const UniqueFd held, lock());
  NESTOR_TRY(Record record, load_record());
  record.users.insert(state_dir);
  std::map<std::string, std::string> change;
  for (const auto& [path, at_least] : kWanted) {
    NESTOR_TRY(const long value, number_in(path));
    if (value >= at_least) continue;
    record.before.try_emplace(path, std::to_string(value));
    change[path] = std::to_string(at_least);
  }
  NESTOR_TRY_VOID(save_record(record));
  for (const auto& [path, value] : change) NESTOR_TRY_VOID(write_kernel(path, value));
  return {};
}

Result<> restore_sysctls(const std::string& state_dir) {
  NESTOR_TRY(const UniqueFd held, lock());
  NESTOR_TRY(Record record, load_record());
  record.users.erase(state_dir);
  if (!record.users.empty()) return save_record(record);
  for (const auto& [path, value] : record.before) NESTOR_TRY_VOID(write_kernel(path, value));
  ::unlink(kRecord);
  ::unlink(kLock);
  return {};
}

}  // namespace nestor::node
