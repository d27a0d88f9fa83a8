#pragma once

#include <set>
#include <string>

#include "base/result.hpp"

namespace nestor::storage {

/// One call a volume at a time, as CSI lets a plugin ask for.
class VolumeLocks {
 public:
  class Held {
   public:
    Held(VolumeLocks& locks, std::string id) : locks_(&locks), id_(std::move(id)) {}
    Held(Held&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), id_(other.id_) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (locks_ != nullptr) locks_->ids_.erase(id_);
    }

   private:
    VolumeLocks* locks_;
    std::string id_;
  };
  /// Errors: kAborted while another call about the volume runs.
  Result<Held> take(const std::string& id) {
    if (!ids_.insert(id).second) {
      return fail(Code::kAborted, "another operation on volume " + id + " is running");
    }
    return Held(*this, id);
  }

 private:
  std::set<std::string> ids_;
};

}  // namespace nestor::storage
