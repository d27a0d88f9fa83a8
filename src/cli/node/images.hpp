#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/node/layout.hpp"

/// Container images come as archives (docker-archive tar files) in the assets.
namespace nestor::node {

struct Archive {
  std::string path;
  /// File name without ".tar"; in a folder "FOLDER-NAME".
  std::string name;
  std::uint64_t size = 0;
  /// Changes whenever the file does.
  std::string stamp;
};

/// What has to be there before what: the control plane's images, those of the first pods (the
/// service's own among them, if there is one), the rest (smallest first: the worker's disk is as
/// large as all others together).
struct ArchiveGroups {
  std::vector<Archive> control_plane;
  std::vector<Archive> first_pods;
  std::vector<Archive> rest;
};

/// The archives in a directory; those in folders below, of other versions of Kubernetes, are part
/// of the rest. kNotFound: one of the control plane's is missing.
Result<ArchiveGroups> find_archives(const std::string& directory);

/// The image names (RepoTags) that an archive holds.
Result<std::vector<std::string>> archive_tags(const std::string& path);

/// Imports those that containerd does not have yet, or has from another file. May run in several
/// threads with different archives.
Result<> import_archives(const Layout& layout, const Config& config, int init_pid,
                         std::vector<Archive> archives);

}  // namespace nestor::node
