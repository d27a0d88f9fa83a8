#include "vm/launcher/fence_guard.hpp"

#include "base/file.hpp"
#include "base/json_convert.hpp"
#include "base/log.hpp"
#include "vm/launcher/folder_watch.hpp"

namespace nestor::vm {
namespace {

constexpr std::string_view kFenceComponent = "vm.fence";

Task<> run_nft(ProcessRunner& processes, std::string input) {
  ProcessSpec nft{{"nft", "-f", "-"}};
  nft.input = std::move(input);
  NESTOR_CO_TRY_VOID(co_await run_checked(processes, nft));
  co_return Result<>{};
}

/// Brings the sets to what the file says, unless they are there already.
Task<> open_gates(ProcessRunner& processes, std::filesystem::path file, std::string& last) {
  NESTOR_CO_TRY(std::string update, read_fence_update(file));
  if (update == last) co_return Result<>{};
  NESTOR_CO_TRY_VOID(co_await run_nft(processes, update));
  last = std::move(update);
  log::info(kFenceComponent, "what the machine may reach was updated");
  co_return Result<>{};
}

}  // namespace

Result<std::string> read_fence_update(const std::filesystem::path& file) {
  NESTOR_TRY(const std::string text, read_file(file));
  // The manager has not said anything: the pod has no annotation yet.
  if (text.empty()) return fence_update({});
  NESTOR_TRY(const Json json, parse_json(text));
  NESTOR_TRY(const FenceAccess access, from_json<FenceAccess>(json));
  return fence_update(access);
}

Task<> put_up_fence(ProcessRunner& processes, Fence fence) {
  auto done = co_await run_nft(processes, fence_rules(fence));
  if (done) co_return done;
  Error error = std::move(done).error();
  if (error.code == Code::kInternal) error.code = Code::kFailedPrecondition;
  co_return with_context(std::move(error), "fencing the machine");
}

Task<> follow_fence(Executor executor, ProcessRunner& processes, std::filesystem::path folder) {
  FolderWatch watch(executor, folder);
  const std::filesystem::path file = folder / kFenceFile;
  std::string last;
  while (true) {
    auto done = co_await open_gates(processes, file, last);
    if (!done && done.error().code == Code::kCancelled) co_return done;
    // It stays as it was; the next change tries again.
    if (!done) log::warn(kFenceComponent, "the fence was not updated: {}", done.error().message);
    NESTOR_CO_TRY_VOID(co_await watch.wait());
  }
}

}  // namespace nestor::vm
