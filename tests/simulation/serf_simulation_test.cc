#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "base/base64.h"
#include "tests/simulation/serf_pool.h"

namespace proconsul::simulation {
namespace {

using base::seconds;
using serf::MemberStatus;
using Node = SerfPool::Node;

/// `count` nodes "n1", "n2", ... that all know each other.
void build(SerfPool& pool, int count) {
  for (int i = 1; i <= count; ++i) {
    Node& node = pool.add("n" + std::to_string(i));
    if (i > 1) pool.join(node, *pool.nodes()[0]);
  }
  ASSERT_TRUE(pool.run_until([&] { return pool.whole(); }, seconds(60)));
}

class SerfSimulation : public testing::TestWithParam<std::uint64_t> {
 protected:
  SerfOptions options() const {
    SerfOptions options;
    options.seed = GetParam();
    return options;
  }
};

TEST_P(SerfSimulation, EventsReachEverybodyOnce) {
  SerfOptions lossy = options();
  lossy.loss = 0.05;
  SerfPool pool(lossy);
  build(pool, 20);
  base::SeededRandom random(GetParam());
  std::vector<std::string> sent;

  for (int i = 0; i < 30; ++i) {
    Node& sender = *pool.nodes()[random.below(pool.nodes().size())];
    pool.ask(sender, [&](serf::Serf& asked) {
      ASSERT_TRUE(asked.user_event("e" + std::to_string(i), base::Bytes(sender.name), false));
    });
    sent.push_back("user e" + std::to_string(i) + " " + sender.name);
    pool.run(base::milliseconds(static_cast<std::int64_t>(random.below(300))));
  }
  const bool all = pool.run_until(
      [&] {
        for (const auto& node : pool.nodes()) {
          for (const std::string& event : sent) {
            if (node->heard(event) == 0) return false;
          }
        }
        return true;
      },
      seconds(60));

  EXPECT_TRUE(all);
  pool.run(seconds(60));  // exchanges of states bring them all again
  for (const auto& node : pool.nodes()) {
    for (const std::string& event : sent) EXPECT_EQ(node->heard(event), 1u) << node->name << ": " << event;
  }
  std::set<serf::LamportTime> clocks;
  for (const auto& node : pool.nodes()) clocks.insert(node->serf->stats().event_time);
  EXPECT_EQ(clocks.size(), 1u) << "all have seen the latest event";
}

/// What `asker` gathers. Gossip may miss a member now and then, and queries have no second way: the answers of several
/// are put together until there are `wanted`.
struct Gathered {
  std::set<std::string> acks{};
  std::set<std::string> answers{};
};
Gathered gather(SerfPool& pool, Node& asker, serf::QueryParams params, std::size_t wanted) {
  Gathered all;
  for (int tries = 0; tries < 5 && all.answers.size() < wanted; ++tries) {
    std::multiset<std::string> acks, answers;
    bool finished = false;
    serf::QuerySinks sinks;
    sinks.acked = [&](const std::string& from) { acks.insert(from); };
    sinks.answered = [&](const std::string& from, const base::Bytes& payload) {
      EXPECT_EQ(from, payload);
      answers.insert(from);
    };
    sinks.finished = [&] { finished = true; };
    pool.ask(asker, [&](serf::Serf& asked) { EXPECT_TRUE(asked.query("who", {}, params, std::move(sinks))); });
    EXPECT_TRUE(pool.run_until([&] { return finished; }, seconds(20)));
    all.acks.insert(acks.begin(), acks.end());
    EXPECT_EQ(std::set<std::string>(acks.begin(), acks.end()).size(), acks.size());
    all.answers.insert(answers.begin(), answers.end());
    EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()).size(), answers.size())
        << "relayed ones count once";
  }
  return all;
}

TEST_P(SerfSimulation, AQueryGathersAcksAndAnswersOfAll) {
  SerfPool pool(options());
  build(pool, 15);

  const Gathered all = gather(pool, *pool.nodes()[3], {.request_ack = true, .relay_factor = 2}, 15);

  EXPECT_EQ(all.answers.size(), 15u);
  EXPECT_EQ(all.acks, all.answers);
}

TEST_P(SerfSimulation, AFilteredQueryIsAnsweredByThoseItMeans) {
  SerfOptions lossy = options();
  lossy.loss = 0.02;
  SerfPool pool(lossy);
  build(pool, 10);
  pool.ask(*pool.nodes()[4], [](serf::Serf& asked) { asked.set_tags({{"role", "db"}}, [](const base::Result<>&) {}); });
  ASSERT_TRUE(pool.run_until(
      [&] {
        return std::ranges::all_of(pool.nodes(), [](const auto& node) { return node->heard("member-update n5") == 1; });
      },
      seconds(60)));

  const Gathered all =
      gather(pool, *pool.nodes()[0], {.filter_tags = {{"role", "^d"}}, .relay_factor = 4, .timeout = seconds(10)}, 1);

  EXPECT_EQ(all.answers, std::set<std::string>{"n5"});
  for (const auto& node : pool.nodes()) EXPECT_EQ(node->heard("query who") > 0, node->name == "n5");
}

TEST_P(SerfSimulation, WhoLeavesHasLeftAndWhoDiesHasFailed) {
  SerfPool pool(options());
  build(pool, 10);
  bool left = false;

  pool.ask(*pool.nodes()[1],
           [&](serf::Serf& asked) { asked.leave([&](const base::Result<>& result) { left = result.has_value(); }); });
  EXPECT_TRUE(pool.run_until([&] { return left; }, seconds(20)));
  pool.kill(*pool.nodes()[1]);
  pool.kill(*pool.nodes()[2]);
  EXPECT_TRUE(pool.run_until([&] { return pool.all_see("n3", MemberStatus::failed); }, seconds(120)));

  // Whom gossip did not tell that it leaves learns it from an exchange of states.
  EXPECT_TRUE(pool.run_until([&] { return pool.all_see("n2", MemberStatus::left); }, seconds(120)));
  std::size_t surprised = 0;
  for (const auto& node : pool.nodes()) {
    if (!node->up) continue;
    EXPECT_EQ(node->heard("member-leave n2"), 1u);
    EXPECT_EQ(node->heard("member-failed n3"), 1u);
    surprised += node->heard("member-failed n2");
  }
  EXPECT_LE(surprised, 1u);

  // Whoever failed is made to leave, then taken from everybody's list.
  bool forced = false;
  pool.ask(*pool.nodes()[5], [&](serf::Serf& asked) {
    asked.force_leave("n3", false, [&](const base::Result<>& result) { forced = result.has_value(); });
  });
  EXPECT_TRUE(pool.run_until([&] { return forced && pool.all_see("n3", MemberStatus::left); }, seconds(30)));
  bool pruned = false;
  for (int tries = 0; tries < 5 && !pruned; ++tries) {
    pool.ask(*pool.nodes()[6], [&](serf::Serf& asked) { asked.force_leave("n3", true, [](const base::Result<>&) {}); });
    pruned = pool.run_until([&] { return pool.all_see("n3", MemberStatus::none); }, seconds(10));
  }
  EXPECT_TRUE(pruned);
  pool.run(seconds(120));
  EXPECT_TRUE(pool.all_see("n3", MemberStatus::none)) << "it stays away";
}

TEST_P(SerfSimulation, KeysChangeWhileMembersJoin) {
  const std::string old_key(32, 'a');
  const std::string new_key(32, 'b');
  SerfOptions encrypted = options();
  encrypted.keys = {old_key};
  SerfPool pool(encrypted);
  build(pool, 6);
  // Until everybody did it: as with all queries, gossip may miss a member.
  const auto change = [&](serf::KeyOperation operation, const std::string& key) {
    std::optional<serf::KeyResult> result;
    for (int tries = 0; tries < 5 && (!result || !result->error.empty()); ++tries) {
      result.reset();
      pool.ask(*pool.nodes()[2], [&](serf::Serf& asked) {
        asked.key_operation(operation, base::to_base64(key), 0, [&](serf::KeyResult got) { result = std::move(got); });
      });
      EXPECT_TRUE(pool.run_until([&] { return result.has_value(); }, seconds(30)));
    }
    return result.value_or(serf::KeyResult{.error = "no answer"});
  };

  EXPECT_EQ(change(serf::KeyOperation::install, new_key).error, "");
  pool.join(pool.add("early", {old_key, new_key}), *pool.nodes()[0]);
  EXPECT_TRUE(pool.run_until([&] { return pool.whole(); }, seconds(60)));
  const serf::KeyResult used = change(serf::KeyOperation::use, new_key);
  EXPECT_EQ(used.error, "");
  EXPECT_EQ(used.responses, 7);
  pool.join(pool.add("late", {new_key}), *pool.nodes()[1]);
  EXPECT_TRUE(pool.run_until([&] { return pool.whole(); }, seconds(60)));
  EXPECT_EQ(change(serf::KeyOperation::remove, old_key).error, "");

  const serf::KeyResult list = change(serf::KeyOperation::list, "");
  EXPECT_EQ(list.keys, (std::map<std::string, int>{{base::to_base64(new_key), 8}}));
  EXPECT_EQ(list.primary_keys, list.keys);
  pool.run(seconds(60));
  EXPECT_TRUE(pool.whole());
  for (const auto& node : pool.nodes()) {
    for (const auto& other : pool.nodes()) EXPECT_EQ(node->heard("member-failed " + other->name), 0u);
  }
}

TEST_P(SerfSimulation, OfTwoNodesWithOneNameTheNewOneGoes) {
  SerfPool pool(options());
  build(pool, 8);

  Node& twin = pool.add("n3");
  pool.join(twin, *pool.nodes()[0]);
  EXPECT_TRUE(pool.run_until([&] { return twin.heard("conflict lost") > 0; }, seconds(60)));
  pool.kill(twin);
  pool.run(seconds(30));

  EXPECT_EQ(pool.nodes()[2]->heard("conflict lost"), 0u);
  EXPECT_TRUE(pool.all_see("n3", MemberStatus::alive));
}

TEST_P(SerfSimulation, WhoComesBackFindsTheOthersByItself) {
  SerfPool pool(options());
  build(pool, 5);
  pool.ask(*pool.nodes()[0], [](serf::Serf& asked) { ASSERT_TRUE(asked.user_event("before", {}, false)); });
  pool.run(seconds(5));
  Node& node = *pool.nodes()[4];
  pool.kill(node);
  ASSERT_TRUE(pool.run_until([&] { return pool.all_see("n5", MemberStatus::failed); }, seconds(120)));
  node.events.clear();

  pool.restart(node);

  EXPECT_TRUE(pool.run_until([&] { return pool.whole(); }, seconds(30)));
  pool.run(seconds(60));
  EXPECT_EQ(node.heard("user before "), 0u) << "what it heard before is not news";
}

TEST_P(SerfSimulation, ADividedPoolBecomesOneAgain) {
  SerfPool pool(options());
  build(pool, 9);
  for (std::size_t i = 6; i < 9; ++i) pool.partition(*pool.nodes()[i], 1);
  ASSERT_TRUE(pool.run_until(
      [&] {
        const serf::Member* seen = pool.nodes()[0]->serf->members().get("n9");
        return seen->Status == MemberStatus::failed && pool.nodes()[8]->serf->stats().failed == 6;
      },
      seconds(300)));
  pool.ask(*pool.nodes()[0], [](serf::Serf& asked) { ASSERT_TRUE(asked.user_event("here", {}, false)); });
  pool.ask(*pool.nodes()[8], [](serf::Serf& asked) { ASSERT_TRUE(asked.user_event("there", {}, false)); });

  for (const auto& node : pool.nodes()) pool.partition(*node, 0);

  EXPECT_TRUE(pool.run_until([&] { return pool.whole(); }, seconds(600)));
  pool.run(seconds(120));
  for (const auto& node : pool.nodes()) {
    EXPECT_EQ(node->heard("user here "), 1u) << node->name;
    EXPECT_EQ(node->heard("user there "), 1u) << node->name;
  }
}

TEST_P(SerfSimulation, TheSameSeedTwiceEndsTheSame) {
  const auto digest = [&] {
    SerfOptions lossy = options();
    lossy.loss = 0.1;
    SerfPool pool(lossy);
    build(pool, 6);
    pool.ask(*pool.nodes()[0], [](serf::Serf& asked) { ASSERT_TRUE(asked.user_event("e", {}, false)); });
    pool.kill(*pool.nodes()[3]);
    pool.run(seconds(60));
    return pool.digest();
  };
  EXPECT_EQ(digest(), digest());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SerfSimulation, testing::Range(std::uint64_t{1}, std::uint64_t{4}));

}  // namespace
}  // namespace proconsul::simulation
