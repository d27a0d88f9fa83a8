#pragma once

#include <filesystem>

#include "base/process.hpp"
#include "vm/launcher/fence_rules.hpp"

namespace nestor::vm {

/// Puts up the fence; the machine must not run without it.
/// Errors: kFailedPrecondition (the kernel or the pod lacks what nft needs), with nft's reason.
Task<> put_up_fence(ProcessRunner& processes, Fence fence);

/// Opens in the fence what `folder`/access says, now and after each change, until cancelled. An
/// unreadable file changes nothing.
Task<> follow_fence(Executor executor, ProcessRunner& processes, std::filesystem::path folder);

/// The file's content as an update of the fence; errors as from_json.
Result<std::string> read_fence_update(const std::filesystem::path& file);

}  // namespace nestor::vm
