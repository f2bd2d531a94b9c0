// SPDX-License-Identifier: GPL-2.0-only
#include "control/operations/answers.hpp"

#include <gmock/gmock.h>

namespace fief {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr CgroupId kLeaving{7};

Observation with_scheduler_at(CgroupId cgroup) {
  Observation observation{.root_enabled = true, .schedulers = {}};
  observation.schedulers.emplace_back().cgroup = cgroup;
  return observation;
}

class AnswersTest : public testing::Test {
 protected:
  /// Owes an answer that is noted under @p name: "name" for success, "name: kind" for a failure.
  void owe(const std::string& name, std::optional<CgroupId> leaving = {}) {
    answers_.owe([this] { return outcome_; },
                 [this, name](const Status& status) {
                   given_.push_back(status ? name : name + ": " + status.error().message);
                 },
                 {.leaving = leaving});
  }

  Answers answers_{seconds{60}};
  Status outcome_;
  std::vector<std::string> given_;
};

TEST_F(AnswersTest, AreGivenInOrderOnceAllIsSettled) {
  owe("one");
  owe("two");
  EXPECT_THAT(given_, IsEmpty());
  answers_.settle();
  EXPECT_THAT(given_, ElementsAre("one", "two"));
  answers_.settle();
  EXPECT_EQ(given_.size(), 2U);
  EXPECT_FALSE(answers_.next_deadline());
}

TEST_F(AnswersTest, SayWhatIsSoThen) {
  owe("one");
  outcome_ = fail(Errc::kernel, "refused");
  answers_.settle();
  EXPECT_THAT(given_, ElementsAre("one: refused"));
}

TEST_F(AnswersTest, WaitForWhoeverIsToLeave) {
  owe("leave", kLeaving);
  owe("other");
  const auto observation = with_scheduler_at(kLeaving);
  answers_.note_departures(observation);
  answers_.settle();
  EXPECT_THAT(given_, ElementsAre("other"));
  EXPECT_TRUE(answers_.is_departure_awaited());
  answers_.note_departures({.root_enabled = true, .schedulers = {}});
  // Somebody else stands there by now.
  answers_.note_departures(observation);
  answers_.settle();
  EXPECT_THAT(given_, ElementsAre("other", "leave"));
}

TEST_F(AnswersTest, WaitForWhatWasAskedAlone) {
  bool is_in_place = false;
  owe("everything");
  answers_.owe([] { return Status{}; }, [this](const Status&) { given_.emplace_back("one"); },
               {.is_in_place = [&is_in_place] { return is_in_place; }});
  answers_.answer_those_in_place();
  EXPECT_THAT(given_, IsEmpty());
  is_in_place = true;
  answers_.answer_those_in_place();
  EXPECT_THAT(given_, ElementsAre("one"));
  answers_.settle();
  EXPECT_THAT(given_, ElementsAre("one", "everything"));
}

TEST_F(AnswersTest, NobodyWaitsForEver) {
  const auto before = steady_clock::now();
  owe("late", kLeaving);
  ASSERT_TRUE(answers_.next_deadline());
  EXPECT_GE(*answers_.next_deadline(), before + seconds{60});
  answers_.expire(*answers_.next_deadline() - milliseconds{1});
  EXPECT_THAT(given_, IsEmpty());
  answers_.expire(*answers_.next_deadline());
  EXPECT_THAT(given_, ElementsAre(testing::StartsWith("late: the change is accepted")));
}

TEST_F(AnswersTest, WhoAsksAgainInAnAnswerIsAnsweredLater) {
  answers_.owe([] { return Status{}; }, [this](const Status&) { owe("again"); }, {});
  answers_.settle();
  EXPECT_THAT(given_, IsEmpty());
  answers_.answer_all(fail(Errc::stale, "stopping"));
  EXPECT_THAT(given_, ElementsAre("again: stopping"));
}

}  // namespace
}  // namespace fief
