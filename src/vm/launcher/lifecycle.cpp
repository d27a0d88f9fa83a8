#include "vm/launcher/lifecycle.hpp"

#include <algorithm>

namespace nestor::vm {

bool Lifecycle::on_trial(SteadyTime now) const {
  return accelerator_ == Accelerator::kKvm && now - started_ < kTrial;
}

void Lifecycle::terminate(SteadyTime now) {
  if (terminating_) return;
  terminating_ = true;
  deadline_ = now + grace_;
  next_due_ = now;
}

Lifecycle::Step Lifecycle::broke(SteadyTime now) {
  broken_ = true;
  quit_ = true;
  next_due_ = now + kQuitTime;
  return Step::kQuit;
}

void Lifecycle::held(SteadyTime now) {
  const bool again = resumed_ != SteadyTime::min() && now - resumed_ < kLastResume;
  resume_after_ = again ? std::min(2 * resume_after_, kLastResume) : kFirstResume;
  resume_at_ = now + resume_after_;
}

Lifecycle::Step Lifecycle::due(SteadyTime now) {
  if (now >= resume_at_) {
    resume_at_ = SteadyTime::max();
    resumed_ = now;
    return Step::kResume;
  }
  if (now < next_due_) return Step::kNothing;
  if (quit_) {
    next_due_ = SteadyTime::max();
    return Step::kKill;
  }
  if (now < deadline_) {
    next_due_ = std::min(now + kPressEvery, deadline_);
    return Step::kPressPower;
  }
  quit_ = true;
  next_due_ = now + kQuitTime;
  return Step::kQuit;
}

Lifecycle::End Lifecycle::exited(int exit_code, SteadyTime now) const {
  if (terminating_) return End::kSucceeded;
  if ((broken_ || exit_code != 0) && on_trial(now)) return End::kAgainEmulated;
  return broken_ || exit_code != 0 ? End::kFailed : End::kSucceeded;
}

}  // namespace nestor::vm
