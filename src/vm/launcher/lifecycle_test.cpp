#include "vm/launcher/lifecycle.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

using std::chrono::seconds;
using Step = Lifecycle::Step;
using End = Lifecycle::End;

const SteadyTime kStart{seconds(1000)};

TEST(Lifecycle, AGuestThatShutsDownSucceeds) {
  const Lifecycle run(Accelerator::kTcg, kStart, seconds(30));
  EXPECT_EQ(run.exited(0, kStart + seconds(100)), End::kSucceeded);
  EXPECT_EQ(run.exited(1, kStart + seconds(100)), End::kFailed);
}

TEST(Lifecycle, QemuThatDiesEarlyUnderKvmIsRunAgainEmulated) {
  const Lifecycle run(Accelerator::kKvm, kStart, seconds(30));
  EXPECT_EQ(run.exited(134, kStart + seconds(1)), End::kAgainEmulated);
  EXPECT_EQ(run.exited(134, kStart + seconds(61)), End::kFailed);
  EXPECT_EQ(run.exited(0, kStart + seconds(1)), End::kSucceeded);
  const Lifecycle emulated(Accelerator::kTcg, kStart, seconds(30));
  EXPECT_EQ(emulated.exited(1, kStart + seconds(1)), End::kFailed);
}

TEST(Lifecycle, AGuestThatBreaksUnderKvmIsQuitAndRunAgainEmulated) {
  Lifecycle run(Accelerator::kKvm, kStart, seconds(30));
  EXPECT_EQ(run.broke(kStart + seconds(2)), Step::kQuit);
  EXPECT_EQ(run.exited(0, kStart + seconds(2)), End::kAgainEmulated);
}

TEST(Lifecycle, ABrokenGuestThatHadRunIsAFailureThoughQemuEndsWell) {
  Lifecycle run(Accelerator::kKvm, kStart, seconds(30));
  run.broke(kStart + seconds(500));
  EXPECT_EQ(run.exited(0, kStart + seconds(500)), End::kFailed);
}

TEST(Lifecycle, PressesPowerUntilTheGraceIsOverThenQuitsThenKills) {
  Lifecycle run(Accelerator::kTcg, kStart, seconds(7));
  EXPECT_EQ(run.next_due(), SteadyTime::max());
  run.terminate(kStart);
  std::vector<std::pair<int, Step>> steps;
  for (int i = 0; i < 20 && run.next_due() != SteadyTime::max(); ++i) {
    const SteadyTime now = run.next_due();
    EXPECT_EQ(run.due(now - seconds(1)), Step::kNothing);
    const auto after = std::chrono::duration_cast<seconds>(now - kStart).count();
    steps.emplace_back(static_cast<int>(after), run.due(now));
  }
  const std::vector<std::pair<int, Step>> expected{{0, Step::kPressPower},
                                                   {3, Step::kPressPower},
                                                   {6, Step::kPressPower},
                                                   {7, Step::kQuit},
                                                   {12, Step::kKill}};
  EXPECT_EQ(steps, expected);
  EXPECT_EQ(run.exited(137, kStart + seconds(12)), End::kSucceeded);
}

TEST(Lifecycle, ASecondRequestDoesNotExtendTheGrace) {
  Lifecycle run(Accelerator::kTcg, kStart, seconds(5));
  run.terminate(kStart);
  run.due(kStart);
  run.terminate(kStart + seconds(4));
  run.due(kStart + seconds(4));
  EXPECT_EQ(run.due(kStart + seconds(5)), Step::kQuit);
}

TEST(Lifecycle, AMachineThatIsHeldGoesOnLaterAndLater) {
  Lifecycle run(Accelerator::kTcg, kStart, seconds(30));
  SteadyTime now = kStart;
  std::vector<int> waits;
  for (int i = 0; i < 7; ++i) {
    run.held(now);
    const auto wait = std::chrono::duration_cast<seconds>(run.next_due() - now).count();
    waits.push_back(static_cast<int>(wait));
    EXPECT_EQ(run.due(now), Step::kNothing);
    now = run.next_due();
    EXPECT_EQ(run.due(now), Step::kResume);
    EXPECT_EQ(run.next_due(), SteadyTime::max());
  }
  EXPECT_EQ(waits, (std::vector<int>{1, 2, 4, 8, 16, 30, 30}));
  now += seconds(30);
  run.held(now);
  EXPECT_EQ(run.next_due(), now + seconds(1));
}

}  // namespace
}  // namespace nestor::vm
