#pragma once

namespace nestor::cli {

/// Our images of workers' disks, by version.
inline constexpr const char* kWorkerRepository = "nestor.dev/worker";

/// On Nodes whose images come from archives: names of the worker images they have, separated by
/// commas. kubelet's own list comes up to a minute later.
inline constexpr const char* kWorkerImagesAnnotation = "nestor.dev/worker-images";

}  // namespace nestor::cli
