#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "vm/launcher/qemu_command.hpp"

namespace nestor::vm {

/// What a run of QEMU means, without its I/O: whether KVM turned out not to work, how far a
/// shutdown has come, and which exit code the pod ends with.
class Lifecycle {
 public:
  /// A machine that breaks under KVM within this time never ran on it.
  static constexpr Duration kTrial = std::chrono::seconds(60);
  /// Between two presses of the power button: a guest that still boots does not see the first.
  static constexpr Duration kPressEvery = std::chrono::seconds(3);
  /// QEMU's time to end after `quit`.
  static constexpr Duration kQuitTime = std::chrono::seconds(5);

  enum class Step { kNothing, kPressPower, kQuit, kKill };
  enum class End { kAgainEmulated, kSucceeded, kFailed };

  Lifecycle(Accelerator accelerator, SteadyTime started, Duration grace)
      : accelerator_(accelerator), started_(started), grace_(grace) {}

  /// The pod is asked to end. Idempotent.
  void terminate(SteadyTime now);
  /// QEMU reports that the guest cannot go on (run state internal-error).
  Step broke(SteadyTime now);
  /// What is due now in a shutdown.
  Step due(SteadyTime now);
  /// When to ask due() again; max() when no shutdown is under way.
  SteadyTime next_due() const { return next_due_; }
  /// QEMU ended with that exit code.
  End exited(int exit_code, SteadyTime now) const;
  bool terminating() const { return terminating_; }

 private:
  bool on_trial(SteadyTime now) const;
  Accelerator accelerator_;
  SteadyTime started_;
  Duration grace_;
  bool terminating_ = false;
  bool broken_ = false;
  bool quit_ = false;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime next_due_ = SteadyTime::max();
};

}  // namespace nestor::vm
