#include "agent/server/acl_replicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "base/msgpack.h"
#include "catalog/acl/builtin.h"
#include "catalog/acl/hash.h"
#include "catalog/acl/policies.h"
#include "catalog/acl/tokens.h"
#include "catalog/commands.h"
#include "catalog/fsm.h"

namespace proconsul::agent::server {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;
using catalog::Command;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = AclReplicator::Kind;

std::string id(int number) {
  std::string digits = std::to_string(number);
  return "aaaaaaaa-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits;
}
ACLPolicy policy(int number, std::string name, std::string rules = "") {
  ACLPolicy made;
  made.ID = id(number);
  made.Name = std::move(name);
  made.Rules = std::move(rules);
  made.Hash = catalog::hash_of(made);
  return made;
}
ACLToken token(int number, std::string description, bool local = false) {
  ACLToken made;
  made.AccessorID = id(number);
  made.SecretID = "secret-" + std::to_string(number);
  made.Description = std::move(description);
  made.Local = local;
  made.Hash = catalog::hash_of(made);
  return made;
}

/// A datacenter's state that takes commands at once.
struct State {
  catalog::Store store{};
  catalog::StateMachine machine{store};
  std::uint64_t index = 100;
  std::vector<Command> commands{};

  Result<> apply(std::string command) {
    commands.push_back(static_cast<Command>(command.front()));
    const auto applied = machine.apply({.index = ++index, .term = 1, .data = command});
    machine.commit();
    if (!applied) return applied.error();
    const Error* error = applied->error();
    return error ? Result<>(*error) : Result<>();
  }
  template <class Request>
  void apply(Command command, const Request& request) {
    const Result<> done = apply(catalog::encode_command(command, request));
    EXPECT_TRUE(done) << done.error().detail;
  }
  void set(ACLPolicy row) {
    catalog::ACLPolicyBatchSetRequest request;
    request.Policies.emplace_back().emplace() = std::move(row);
    apply(Command::acl_policy_set, request);
  }
  void set(ACLRole row) {
    catalog::ACLRoleBatchSetRequest request;
    request.AllowMissingLinks = true;
    request.Roles.emplace_back().emplace() = std::move(row);
    apply(Command::acl_role_set, request);
  }
  void set(ACLToken row) {
    catalog::ACLTokenBatchSetRequest request;
    request.AllowMissingLinks = true;
    request.Tokens.emplace_back().emplace() = std::move(row);
    apply(Command::acl_token_set, request);
  }
  void remove_policy(int number) {
    catalog::ACLPolicyBatchDeleteRequest request;
    request.PolicyIDs.push_back(id(number));
    apply(Command::acl_policy_delete, request);
  }
  void remove_token(int number) {
    catalog::ACLTokenBatchDeleteRequest request;
    request.TokenIDs.push_back(id(number));
    apply(Command::acl_token_delete, request);
  }
  const catalog::Tables& tables() { return (view = store.view())->tables(); }
  std::map<std::string, std::string> policies() {
    std::map<std::string, std::string> found;
    for (const auto [key, row] : tables().acl_policies.all()) found[row->Name] = row->Rules;
    return found;
  }
  catalog::ViewPtr view{};
};

/// Answers from a state, at once, with what the token shows.
class FakePrimary final : public AclPrimary {
 public:
  explicit FakePrimary(State& state) : state_(state) {}

  Result<rpc::ACLPolicyListResponse> policies(std::uint64_t after, std::stop_token) override {
    if (auto error = asked(after)) return *error;
    rpc::ACLPolicyListResponse reply;
    for (const auto [key, row] : state_.tables().acl_policies.all()) {
      rpc::ACLPolicyListStub& stub = reply.Policies.emplace_back().emplace();
      stub.ID = row->ID;
      stub.Hash = row->Hash;
      stub.ModifyIndex = row->ModifyIndex;
    }
    reply.Index = state_.index;
    return reply;
  }
  Result<rpc::ACLPolicyBatchResponse> read_policies(IDs ids, std::uint64_t as_of, std::stop_token) override {
    reads.push_back(ids.size());
    rpc::ACLPolicyBatchResponse reply;
    reply.Index = as_of - std::exchange(lag, 0);
    if (reply.Index < as_of) return reply;
    for (const std::string& id : ids) {
      const ACLPolicy* row = catalog::policy_by_id(state_.tables(), id);
      if (row) reply.Policies.emplace_back().emplace() = *row;
    }
    return reply;
  }
  Result<rpc::ACLRoleListResponse> roles(std::uint64_t after, std::stop_token) override {
    if (auto error = asked(after)) return *error;
    rpc::ACLRoleListResponse reply;
    for (const auto [key, row] : state_.tables().acl_roles.all()) reply.Roles.emplace_back().emplace() = *row;
    reply.Index = state_.index;
    return reply;
  }
  Result<rpc::ACLTokenListResponse> tokens(std::uint64_t after, std::stop_token) override {
    if (auto error = asked(after)) return *error;
    rpc::ACLTokenListResponse reply;
    for (const auto [key, row] : state_.tables().acl_tokens.all()) {
      if (row->Local) continue;
      rpc::ACLTokenListStub& stub = reply.Tokens.emplace_back().emplace();
      stub.AccessorID = row->AccessorID;
      stub.SecretID = redacts ? "<hidden>" : row->SecretID;
      stub.Hash = row->Hash;
      stub.ModifyIndex = row->ModifyIndex;
    }
    reply.Index = state_.index;
    return reply;
  }
  Result<rpc::TokenSumsResponse> token_sums(std::uint64_t after, std::stop_token) override {
    ++sums_asked;
    if (!has_sums) return Error{Errc::internal, "rpc error making call: rpc: can't find method ACL.TokenSums"};
    if (auto error = asked(after)) return *error;
    rpc::TokenSumsResponse reply;
    reply.Index = state_.index;
    reply.Same = after > 0 && after == state_.index;
    for (const auto [key, row] : state_.tables().acl_tokens.all()) {
      if (row->Local || reply.Same) continue;
      rpc::append_sum(reply.Tokens, {.accessor = row->AccessorID,
                                     .secret = redacts ? std::string_view() : row->SecretID,
                                     .hash = row->Hash,
                                     .modify_index = row->ModifyIndex});
    }
    if (cut_sums) reply.Tokens.pop_back();
    return reply;
  }
  Result<rpc::ACLTokenBatchResponse> read_tokens(IDs accessors, std::uint64_t as_of, std::stop_token) override {
    reads.push_back(accessors.size());
    rpc::ACLTokenBatchResponse reply;
    reply.Index = as_of - std::exchange(lag, 0);
    if (reply.Index < as_of) return reply;
    reply.Redacted = redacts;
    for (const std::string& accessor : accessors) {
      const ACLToken* row = catalog::token_by_accessor(state_.tables(), accessor);
      if (row) reply.Tokens.emplace_back().emplace() = *row;
    }
    return reply;
  }

  std::vector<std::uint64_t> lists{};  // what each was to be newer than
  std::vector<std::size_t> reads{};
  std::function<std::optional<Error>()> next{};  // of a list: null for what there is
  bool redacts = false;
  bool has_sums = false;  // of tokens
  bool cut_sums = false;
  int sums_asked = 0;
  std::uint64_t lag = 0;  // of who answers the next read, behind who listed

 private:
  std::optional<Error> asked(std::uint64_t after) {
    lists.push_back(after);
    return next ? next() : std::nullopt;
  }
  State& state_;
};

class AclReplicatorTest : public ::testing::Test {
 protected:
  AclReplicator make(Kind kind, AclReplicator::Limits limits = {}) {
    AclReplicator::Means means;
    means.primary = primary;
    means.clock = &clock;
    means.view = [this] { return here.store.view(); };
    means.apply = [this](std::string command) { return here.apply(std::move(command)); };
    means.pause = [this](base::Duration time) {
      clock.advance(time);
      if (time.nanoseconds > 0) pauses.push_back(time);
      if (on_pause) on_pause();
      return !over.stop_requested();
    };
    means.token = [this] { return replication_token; };
    means.report = [this](const Result<std::uint64_t>& round) {
      reports.push_back(round);
      times.push_back((clock.now() - base::MonotonicTime{}).nanoseconds / 1'000'000'000);
    };
    return AclReplicator(kind, limits, std::move(means));
  }
  std::string round(Kind kind, std::uint64_t after = 0) {
    const Result<std::uint64_t> done = make(kind).round(after, over.get_token());
    if (!done) return done.error().detail;
    return *done == there.index ? "" : "not up to date";
  }

  base::ManualClock clock{};
  State here{}, there{};
  std::shared_ptr<FakePrimary> primary = std::make_shared<FakePrimary>(there);
  std::stop_source over{};
  std::string replication_token = "replication";
  std::vector<base::Duration> pauses{};
  std::function<void()> on_pause{};
  std::vector<Result<std::uint64_t>> reports{};
  std::vector<std::int64_t> times{};  // of the reports, in seconds
};

TEST(AclDifference, DeletesWhatIsGoneAndSetsWhatIsNewOrHasAnotherHash) {
  const AclDifference found = acl_difference({{"a", "1"}, {"b", "1"}, {"d", "1"}, {"", "x"}},
                                             {{"d", "2", 9}, {"c", "1", 9}, {"b", "1", 9}, {"", "y"}}, 5);
  EXPECT_THAT(found.gone, ElementsAre("a"));
  EXPECT_THAT(found.set, ElementsAre("c", "d"));
}

TEST(AclDifference, ARowWithoutAHashIsTakenOnceAndATokenWithAnotherSecretIsMadeAnew) {
  EXPECT_THAT(acl_difference({{"a", "1"}}, {{"a", "", 9}}, 9).set, IsEmpty());
  EXPECT_THAT(acl_difference({{"a", "1"}}, {{"a", "", 10}}, 9).set, ElementsAre("a"));
  const AclDifference found = acl_difference({{"a", "1", 0, "old"}}, {{"a", "1", 9, "new"}}, 9);
  EXPECT_THAT(found.gone, ElementsAre("a"));
  EXPECT_THAT(found.set, ElementsAre("a"));
  EXPECT_THAT(acl_difference({{"a", "1", 0, "old"}}, {{"a", "1", 9, ""}}, 0).set, IsEmpty()) << "it is not shown";
}

TEST_F(AclReplicatorTest, PoliciesBecomeThePrimarysAndThenNothingIsWritten) {
  for (ACLPolicy builtin : catalog::builtin_policies()) there.set(std::move(builtin));
  there.set(policy(1, "one", "key \"a\" { policy = \"read\" }"));
  there.set(policy(2, "two"));
  here.set(policy(3, "three"));
  here.commands.clear();

  EXPECT_EQ(round(Kind::policies), "");
  EXPECT_EQ(here.policies(), there.policies());
  EXPECT_THAT(here.commands, ElementsAre(Command::acl_policy_delete, Command::acl_policy_set));

  here.commands.clear();
  EXPECT_EQ(round(Kind::policies), "");
  EXPECT_EQ(round(Kind::policies, there.index), "");
  EXPECT_THAT(here.commands, IsEmpty());

  there.set(policy(2, "two", "operator = \"read\""));
  there.remove_policy(1);
  EXPECT_EQ(round(Kind::policies), "");
  EXPECT_EQ(here.policies(), there.policies());
}

TEST_F(AclReplicatorTest, NamesThatWereGivenToOthersMeanwhileAreNoObstacle) {
  for (State* state : {&here, &there}) {
    state->set(policy(1, "a"));
    state->set(policy(2, "b"));
    state->set(policy(3, "c"));
  }
  there.set(policy(3, "d"));
  there.set(policy(2, "c"));
  there.set(policy(1, "b"));  // a chain
  EXPECT_EQ(round(Kind::policies), "");
  EXPECT_EQ(here.policies(), there.policies());

  there.set(policy(1, "x"));
  there.set(policy(2, "b"));
  there.set(policy(1, "c"));  // an exchange
  EXPECT_EQ(round(Kind::policies), "");
  EXPECT_EQ(here.policies(), there.policies());
  EXPECT_EQ(catalog::policy_by_name(here.tables(), "b")->ID, id(2));
}

TEST_F(AclReplicatorTest, RolesComeBeforeTheirPolicies) {
  ACLRole role;
  role.ID = id(7);
  role.Name = "deploy";
  role.Policies.push_back({.ID = id(1), .Name = {}});
  role.Hash = catalog::hash_of(role);
  there.set(policy(1, "one"));
  there.set(role);

  EXPECT_EQ(round(Kind::roles), "");
  EXPECT_THAT(primary->reads, IsEmpty()) << "the list has everything";
  const ACLRole* copied = catalog::role_by_name(here.tables(), "deploy");
  ASSERT_TRUE(copied);
  EXPECT_THAT(catalog::with_current_links(here.tables(), *copied).Policies, IsEmpty());
  EXPECT_EQ(round(Kind::policies), "");
  copied = catalog::role_by_name(here.tables(), "deploy");
  EXPECT_EQ(catalog::with_current_links(here.tables(), *copied).Policies.front().Name, "one");

  here.commands.clear();
  EXPECT_EQ(round(Kind::roles), "");
  EXPECT_THAT(here.commands, IsEmpty());
}

TEST_F(AclReplicatorTest, RowsThatTheAnsweringServerDoesNotHaveYetAreNotMissed) {
  there.set(policy(1, "one"));
  there.set(token(2, "two"));
  for (const Kind kind : {Kind::policies, Kind::tokens}) {
    primary->lag = 1;
    EXPECT_NE(round(kind).find("behind the one that listed"), std::string::npos);
    EXPECT_EQ(round(kind), "");
  }
  EXPECT_EQ(here.policies(), there.policies());
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-2"));
}

TEST_F(AclReplicatorTest, GlobalTokensComeAndGoAndLocalOnesStay) {
  there.set(token(1, "global"));
  there.set(token(2, "of the primary", true));
  here.set(token(3, "ours", true));
  here.set(token(4, "revoked while nobody looked"));
  ACLToken anonymous = token(5, "Anonymous Token");
  anonymous.AccessorID = catalog::kAnonymousAccessor;
  here.set(anonymous);  // is not to be deleted even by mistake

  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-1"));
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-2"));
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-3"));
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-4"));
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-5"));

  there.remove_token(1);
  EXPECT_EQ(round(Kind::tokens, there.index - 1), "");
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-1"));
  there.set(token(1, "global"));
  EXPECT_EQ(round(Kind::tokens), "");
  there.remove_token(1);
  ACLToken again = token(1, "global");
  again.SecretID = "another";
  there.set(again);
  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-1")) << "a secret that was taken back";
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "another"));
}

TEST_F(AclReplicatorTest, SecretsThatAreNotShownAreNotCopied) {
  there.set(token(1, "global"));
  primary->redacts = true;
  for (const bool sums : {false, true}) {
    primary->has_sums = sums;
    EXPECT_EQ(round(Kind::tokens),
              "failed to retrieve unredacted tokens - replication token in use does not grant acl:write");
    EXPECT_THAT(here.commands, IsEmpty());
  }
}

TEST_F(AclReplicatorTest, BySumsTokensComeAndGoAsByTheList) {
  primary->has_sums = true;
  there.set(token(1, "global"));
  there.set(token(2, "of the primary", true));
  here.set(token(3, "ours", true));
  here.set(token(4, "revoked while nobody looked"));
  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-1"));
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-2"));
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-3"));
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-4"));

  there.set(token(1, "changed"));
  EXPECT_EQ(round(Kind::tokens, there.index - 1), "");
  EXPECT_EQ(catalog::token_by_secret(here.tables(), "secret-1")->Description, "changed");
  there.remove_token(1);
  ACLToken again = token(1, "changed");
  again.SecretID = "another";
  there.set(again);
  EXPECT_EQ(round(Kind::tokens, there.index - 2), "");
  EXPECT_FALSE(catalog::token_by_secret(here.tables(), "secret-1")) << "a secret that was taken back";
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "another"));
}

TEST_F(AclReplicatorTest, SumsThatAreTheSameOrCutOffTakeNothingAway) {
  primary->has_sums = true;
  there.set(token(1, "global"));
  EXPECT_EQ(round(Kind::tokens), "");
  here.commands.clear();
  EXPECT_EQ(round(Kind::tokens, there.index), "");
  primary->cut_sums = true;
  EXPECT_EQ(round(Kind::tokens), "failed to retrieve remote ACL tokens: the sums of the tokens are cut off");
  EXPECT_THAT(here.commands, IsEmpty());
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-1"));
}

TEST_F(AclReplicatorTest, APrimaryWithoutSumsIsAskedForThemOnceUntilItFails) {
  there.set(token(1, "global"));
  int rounds = 0;
  primary->next = [&]() -> std::optional<Error> {
    if (++rounds == 3) return Error{Errc::unavailable, "it is away"};
    if (rounds == 5) over.request_stop();
    return std::nullopt;
  };
  make(Kind::tokens).run(over.get_token());
  EXPECT_EQ(primary->sums_asked, 2);
  EXPECT_THAT(primary->lists, ElementsAre(0, there.index, there.index, 0, there.index));
}

TEST_F(AclReplicatorTest, ManyAreReadAndWrittenInBatchesThatKeepADistance) {
  for (int number = 1; number <= 2500; ++number) there.set(token(number, std::string(700, 'd')));
  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_THAT(primary->reads, ElementsAre(1024, 1024, 452));
  EXPECT_GE(here.commands.size(), 7u);  // of 256 KiB
  EXPECT_LE(here.commands.size(), 14u);
  EXPECT_EQ(pauses.size(), here.commands.size() - 1);
  for (const base::Duration pause : pauses) EXPECT_EQ(pause.nanoseconds, 10'000'000);

  here.commands.clear();
  for (int number = 1; number <= 2500; ++number) there.remove_token(number);
  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_THAT(here.commands, ElementsAre(Command::acl_token_delete));
}

TEST_F(AclReplicatorTest, WhatIsOverWritesNothingMore) {
  for (int number = 1; number <= 2500; ++number) there.set(token(number, std::string(700, 'd')));
  on_pause = [this] { over.request_stop(); };
  EXPECT_EQ(round(Kind::tokens), "failed to update local ACL tokens: Failed to apply token upserts: leadership lost");
  EXPECT_EQ(here.commands.size(), 1u);

  // The next leader goes on from what there is.
  on_pause = {};
  over = {};
  primary->reads.clear();
  EXPECT_EQ(round(Kind::tokens), "");
  EXPECT_LT(primary->reads.front() + primary->reads[1] + primary->reads[2], 2500u);
  EXPECT_TRUE(catalog::token_by_secret(here.tables(), "secret-2500"));
}

TEST_F(AclReplicatorTest, AnIndexThatWentBackMeansEverythingIsLookedAt) {
  ACLPolicy bare = policy(1, "one", "agent = \"read\"");
  bare.Hash = base::Bytes();
  there.set(bare);
  here.set(policy(1, "one"));
  EXPECT_EQ(round(Kind::policies, there.index + 50), "");
  EXPECT_EQ(here.policies(), there.policies());
}

TEST_F(AclReplicatorTest, RoundsAreAsFrequentAsTheRateAllows) {
  for (int i = 1; i <= 10'000; ++i) there.set(policy(i, "policy-" + std::to_string(i)));
  int rounds = 0;
  primary->next = [&]() -> std::optional<Error> {
    if (++rounds == 9) over.request_stop();
    return std::nullopt;
  };
  make(Kind::policies).run(over.get_token());
  EXPECT_THAT(times, ElementsAre(0, 0, 0, 0, 0, 1, 2, 3)) << "five at once, then one a second";
  EXPECT_EQ(primary->lists.front(), 0u);
  EXPECT_EQ(primary->lists.back(), there.index);
}

TEST_F(AclReplicatorTest, WhereThereIsLittleToListRoundsAreTenTimesAsFrequent) {
  there.set(policy(1, "one"));
  int rounds = 0;
  primary->next = [&]() -> std::optional<Error> {
    if (++rounds == 40) over.request_stop();
    return std::nullopt;
  };
  make(Kind::policies).run(over.get_token());
  EXPECT_NEAR(static_cast<double>(std::ranges::count(times, 1)), 10, 1);
  EXPECT_EQ(times.back(), 3) << "five at once, then ten a second";
  EXPECT_EQ(primary->lists.front(), 0u);
  EXPECT_EQ(primary->lists.back(), there.index);
}

TEST_F(AclReplicatorTest, APrimaryThatIsAwayIsAskedLessAndLessOftenAndThenForEverything) {
  there.set(policy(1, "one"));
  int rounds = 0;
  primary->next = [&]() -> std::optional<Error> {
    if (++rounds == 10) over.request_stop();
    if (rounds == 1 || rounds == 9) return std::nullopt;
    return Error{Errc::unavailable, "Remote DC has no server currently reachable"};
  };
  make(Kind::policies).run(over.get_token());
  EXPECT_THAT(times, ElementsAre(0, 0, 0, 1, 3, 7, 15, 31, 63));
  ASSERT_FALSE(reports[1]);
  EXPECT_EQ(reports[1].error().detail,
            "failed to retrieve remote ACL policies: Remote DC has no server currently reachable");
  EXPECT_EQ(primary->lists[1], there.index);
  EXPECT_EQ(primary->lists[8], 0u) << "what was missed is not known";
  EXPECT_TRUE(reports[8]);
}

TEST_F(AclReplicatorTest, NothingIsAskedWithoutATokenAndAnotherTokenEndsAPause) {
  replication_token.clear();
  std::vector<std::string> tokens;
  on_pause = [&] {
    const std::int64_t now = (clock.now() - base::MonotonicTime{}).nanoseconds / 1'000'000'000;
    if (now >= 10) replication_token = now >= 30 ? "right" : "wrong";
  };
  primary->next = [&]() -> std::optional<Error> {
    tokens.push_back(replication_token);
    if (replication_token == "wrong") return Error{Errc::permission_denied, "ACL not found"};
    over.request_stop();
    return std::nullopt;
  };
  make(Kind::tokens).run(over.get_token());
  EXPECT_THAT(times, ElementsAre(10, 11, 12, 14, 18, 26));
  EXPECT_EQ(tokens.back(), "right");
  EXPECT_EQ((clock.now() - base::MonotonicTime{}).nanoseconds / 1'000'000'000, 30) << "not only at 42";
}

}  // namespace
}  // namespace proconsul::agent::server
