#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "storage/csi/node_host.hpp"

namespace nestor::storage {
namespace {

/// virtio-blk tells no more of a serial number.
constexpr std::size_t kVirtioSerial = 20;
/// Of a page of vital product data.
constexpr std::size_t kVpdHeader = 4;

/// Undoes the octal escapes of spaces and the like.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

}  // namespace

std::optional<MountInfo> find_mount(std::string_view mountinfo, std::string_view path) {
  std::optional<MountInfo> out;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = words_of(line);
    // id, parent, device, root, place, options, optional fields, "-", type, source, more options
    if (words.size() < 10 || unescape(words[4]) != path) continue;
    for (std::size_t i = 6; i + 2 < words.size(); ++i) {
      if (words[i] != "-") continue;
      out = MountInfo{unescape(words[i + 2]), words[i + 1]};
      break;
    }
  }
  return out;
}

MountOptions read_mount_options(const std::vector<std::string>& options) {
  static constexpr std::array<std::pair<std::string_view, unsigned long>, 12> kFlags{{
      {"ro", MS_RDONLY},
      {"noatime", MS_NOATIME},
      {"nodiratime", MS_NODIRATIME},
      {"relatime", MS_RELATIME},
      {"strictatime", MS_STRICTATIME},
      {"noexec", MS_NOEXEC},
      {"nosuid", MS_NOSUID},
      {"nodev", MS_NODEV},
      {"sync", MS_SYNCHRONOUS},
      {"dirsync", MS_DIRSYNC},
      {"lazytime", MS_LAZYTIME},
      {"silent", MS_SILENT},
  }};
  MountOptions out;
  for (const std::string& option : options) {
    bool known = option == "rw" || option == "defaults" || option.empty();
    for (const auto& [name, flag] : kFlags) {
      if (option != name) continue;
      out.flags |= flag;
      known = true;
    }
    if (!known) out.data += (out.data.empty() ? "" : ",") + option;
  }
  return out;
}

bool may_mount_read_only(int error, unsigned long flags) {
  return (error == EACCES || error == EROFS) && (flags & MS_RDONLY) == 0;
}

bool begins_with_file_system(std::string_view head) {
  // The magic of ext4's superblock, which is at 1024, and that of xfs.
  constexpr std::size_t kExtMagic = 1024 + 56;
  return head.starts_with("XFSB") || head.substr(std::min(kExtMagic, head.size()), 2) == "\x53\xef";
}

std::string file_system_in(const std::string& blkid_output) {
  const auto at = ("\n" + blkid_output).find("\nTYPE=");
  std::string type;
  if (at != std::string::npos) type = blkid_output.substr(at + std::string_view("TYPE=").size());
  type.resize(std::min(type.find('\n'), type.size()));
  // A partition table or the like: not blank, and nothing that could be mounted.
  return type.empty() ? "unknown" : type;
}

std::string_view trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(std::string_view("\n \0", 3)) + 1);
}

std::string_view serial_in_vpd(std::string_view page) {
  return page.size() > kVpdHeader ? trimmed(page.substr(kVpdHeader)) : std::string_view();
}

bool serial_matches(std::string_view found, std::string_view serial) {
  if (found.empty() || serial.empty()) return false;
  return found == serial ||
         (serial.size() > kVirtioSerial && found == serial.substr(0, kVirtioSerial));
}

}  // namespace nestor::storage
