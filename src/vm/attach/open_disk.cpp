#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "vm/attach/attach.hpp"

namespace nestor::vm {
namespace {

std::unexpected<Error> open_failure(const std::string& path) {
  const Code code = errno == ENOENT                      ? Code::kNotFound
                    : errno == ENOSPC || errno == EDQUOT ? Code::kResourceExhausted
                                                         : Code::kInternal;
  return fail(code, path + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<UniqueFd> open_disk(const AttachOptions& options, std::int64_t size) {
  const std::string path =
      options.block ? options.claim_device : options.claim_folder + "/disk.img";
  int flags = (options.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW;
  if (!options.block && !options.read_only) flags |= O_CREAT;
  UniqueFd fd(::open(path.c_str(), flags, 0660));
  if (!fd) return open_failure(path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 ||
      (options.block ? !S_ISBLK(info.st_mode) : !S_ISREG(info.st_mode))) {
    return fail(Code::kFailedPrecondition, path + " is neither an image nor a block device");
  }
  // A file never shrinks: it may hold data up to its end.
  if (!options.block && !options.read_only && info.st_size < size &&
      ::ftruncate(fd.get(), size) != 0) {
    return open_failure(path);
  }
  return fd;
}

}  // namespace nestor::vm
