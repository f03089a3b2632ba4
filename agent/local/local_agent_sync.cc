// LocalAgent's way to the catalog.
#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "agent/cluster/way_advice.h"
#include "agent/local/local_agent.h"
#include "agent/tokens/who.h"
#include "base/metrics.h"

namespace proconsul::agent::local {

using base::Errc;
using base::Result;

/// What a round tells, and what came of it; filled by whoever answers.
struct LocalAgent::Round {
  std::vector<Step> steps{};
  std::vector<Result<>> answers{};
  std::atomic<std::size_t> missing{};
  Result<> kept{};  // on this agent's own disk
};

namespace {

std::string subject_name(std::string subject, bool registers) {
  subject.front() = static_cast<char>(subject.front() - 'a' + 'A');
  return subject + (registers ? " registration" : " deregistration");
}

void count_blocked(const std::string& subject, bool registers) {
  base::metrics::counter("acl.blocked." + subject + (registers ? ".registration" : ".deregistration"), {},
                         "Changes of this agent's part of the catalog that its tokens do not allow.")
      .add();
}

}  // namespace

SyncTokens LocalAgent::tokens() const {
  return options_.tokens ? options_.tokens() : SyncTokens();
}

void LocalAgent::server_up() {
  post(
      [this]() -> Result<> {
        schedule_.server_up(clock_.now(), cluster_size());
        return {};
      },
      nullptr);
}

void LocalAgent::keep_in_step() {
  if (!round_under_way_) {
    const bool compare_all = clock_.now() >= schedule_.next();
    if (dirty_ || compare_all) return begin_round(compare_all);
  }
  if (dirty_) return;  // the next round carries it
  answer(fresh_, files_.sync());
}

void LocalAgent::answer(std::vector<Answer>& answers, const Result<>& kept) {
  for (Answer& each : std::exchange(answers, {})) each.done(each.result ? kept : std::move(each.result));
}

void LocalAgent::begin_round(bool compare_all) {
  round_under_way_ = true;
  compares_all_ = compare_all;
  if (!compare_all) return tell_catalog();
  schedule_.begun();
  catalog_.fetch([this, queue = queue_](Result<Remote> there) {
    queue->post(
        [this, there = std::move(there)]() -> Result<> {
          fetched(there);
          return {};
        },
        nullptr);
  });
}

void LocalAgent::fetched(const Result<Remote>& there) {
  if (!there) {
    sync_log_.write(cluster::level_of(there.error()), "failed to sync remote state", {{"error", there.error()}});
    // Whoever has changed something meanwhile need not wait for the next attempt, which finds it.
    dirty_ = false;
    std::ranges::move(std::exchange(fresh_, {}), std::back_inserter(waiting_));
    return end_round(true, files_.sync());
  }
  {
    const std::lock_guard lock(mutex_);
    compare(state_, info_, *there);
  }
  tell_catalog();
}

void LocalAgent::tell_catalog() {
  dirty_ = false;
  std::ranges::move(std::exchange(fresh_, {}), std::back_inserter(waiting_));
  const auto round = std::make_shared<Round>();
  {
    const std::lock_guard lock(mutex_);
    round->steps = plan(state_, info_, tokens());
  }
  if (round->steps.empty()) return end_round(false, files_.sync());
  round->missing = round->steps.size();
  round->answers.resize(round->steps.size());
  // All are under way at once: one fsync serves them.
  for (std::size_t i = 0; i < round->steps.size(); ++i) {
    catalog_.submit(std::move(round->steps[i].request), [this, round, i, queue = queue_](Result<> answer) {
      round->answers[i] = std::move(answer);
      if (--round->missing > 0) return;
      queue->post(
          [this, round]() -> Result<> {
            told(*round);
            return {};
          },
          nullptr);
    });
  }
  round->kept = files_.sync();  // meanwhile the log is on its way to the disk
}

void LocalAgent::told(const Round& round) {
  bool failed = false;
  for (std::size_t i = 0; i < round.steps.size(); ++i) {
    const Step& step = round.steps[i];
    const bool registers = std::holds_alternative<catalog::RegisterRequest>(step.request);
    const std::string_view kind = step.node ? "node info" : !step.services.empty() ? "service" : "check";
    const std::string& id = !step.services.empty() ? step.services.front().id
                            : !step.checks.empty() ? step.checks.front().id
                                                   : options_.node;
    if (const Result<>& answer = round.answers[i]; !answer && tokens::is_refusal(answer.error())) {
      const std::string subject = step.node ? "node" : !step.services.empty() ? "service" : "check";
      const std::string doing = step.node ? "Node info update" : subject_name(subject, registers);
      log_.warn(doing + " blocked by ACLs", {{subject, id}, {"error", answer.error()}});
      count_blocked(subject, registers);
      if (tokens::is_unknown(answer.error())) {
        failed = true;  // it may be made yet
        continue;
      }
      // What the token does not allow it will not soon: the next full comparison asks again.
      const std::lock_guard lock(mutex_);
      settle(state_, step);
      continue;
    } else if (!answer) {
      failed = true;
      // Merely waiting for a leader is no fault.
      const bool waits = answer.error().code == Errc::no_leader;
      log_.write(waits ? base::log::Level::debug : base::log::Level::warn,
                 std::string(registers ? "Syncing " : "Deregistering ") + std::string(kind) + " failed.",
                 {{step.node ? "node" : kind, id}, {"error", answer.error()}});
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      settle(state_, step);
    }
    if (step.node) {
      log_.info("Synced node info");
    } else {
      log_.info(std::string(registers ? "Synced " : "Deregistered ") + std::string(kind), {{kind, id}});
    }
  }
  end_round(failed, round.kept);
}

void LocalAgent::end_round(bool failed, const Result<>& kept) {
  round_under_way_ = false;
  if (failed) {
    schedule_.failed(clock_.now(), cluster_size(), compares_all_);
  } else if (compares_all_) {
    schedule_.compared(clock_.now(), cluster_size());
  } else {
    schedule_.told();
  }
  answer(waiting_, kept);
}

}  // namespace proconsul::agent::local
