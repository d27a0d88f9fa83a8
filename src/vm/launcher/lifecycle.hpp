#pragma once

#include <algorithm>
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

  /// A machine that found no room for a write goes on after so long, twice as long each time in a
  /// row, until the last.
  static constexpr Duration kFirstResume = std::chrono::seconds(1);
  static constexpr Duration kLastResume = std::chrono::seconds(30);

  enum class Step { kNothing, kPressPower, kQuit, kKill, kResume };
  enum class End { kAgainEmulated, kSucceeded, kFailed };

  Lifecycle(Accelerator accelerator, SteadyTime started, Duration grace)
      : accelerator_(accelerator), started_(started), grace_(grace) {}

  /// The pod is asked to end. Idempotent.
  void terminate(SteadyTime now);
  /// QEMU reports that the guest cannot go on (run state internal-error).
  Step broke(SteadyTime now);
  /// QEMU holds the machine at a write that found no room (run state io-error). Nothing tells when
  /// there is room again: to go on is to try.
  void held(SteadyTime now);
  /// What is due now: in a shutdown, or for a machine that is held.
  Step due(SteadyTime now);
  /// When to ask due() again; max() when nothing is under way.
  SteadyTime next_due() const { return std::min(next_due_, resume_at_); }
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
  SteadyTime resume_at_ = SteadyTime::max();
  SteadyTime resumed_ = SteadyTime::min();
  Duration resume_after_ = kFirstResume;
};

}  // namespace nestor::vm
