#include "agent/tokens/remote_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace proconsul::agent::tokens {
namespace {

using acl::Access;
using acl::Resource;
using base::Errc;
using base::Error;
using base::Result;
using base::seconds;
using catalog::ACLPolicy;
using catalog::ACLRole;
using catalog::ACLToken;

/// The servers, whose answers come at once, or when a test wants them to.
class FakeSource final : public Source {
 public:
  std::map<std::string, ACLToken> tokens{};  // by secret
  std::map<std::string, ACLPolicy> known_policies{};
  std::map<std::string, ACLRole> known_roles{};
  std::string datacenter = "dc1";
  Error fault{};  // of every call, if it has a text
  bool holds = false;
  int token_calls = 0, policy_calls = 0, role_calls = 0;

  void policy(const std::string& id, const std::string& rules, std::uint64_t version = 1) {
    ACLPolicy policy;
    policy.ID = policy.Name = id;
    policy.Rules = rules;
    policy.ModifyIndex = version;
    known_policies[id] = policy;
  }
  ACLToken& add(const std::string& secret, const std::vector<std::string>& policy_ids) {
    ACLToken& token = tokens[secret];
    token.SecretID = secret;
    token.AccessorID = "accessor-of-" + secret;
    for (const std::string& id : policy_ids) token.Policies.push_back({.ID = id, .Name = id});
    return token;
  }
  void answer_one() {
    auto answer = std::move(held_.front());
    held_.pop_front();
    answer();
  }
  void answer_all() {
    while (!held_.empty()) answer_one();
  }

  void token(const std::string& secret, Done<Token> done) override {
    ++token_calls;
    reply<Token>(std::move(done), [this, secret]() -> Result<Token> {
      const auto found = tokens.find(secret);
      if (found == tokens.end()) return Error{Errc::internal, "token does not exist: ACL not found"};
      return Token{.token = found->second, .datacenter = datacenter};
    });
  }
  void policies(const std::string& secret, std::vector<std::string> ids, Done<std::vector<ACLPolicy>> done) override {
    ++policy_calls;
    reply<std::vector<ACLPolicy>>(std::move(done), [this, secret, ids = std::move(ids)] {
      return linked(secret, ids, known_policies, tokens[secret].Policies);
    });
  }
  void roles(const std::string& secret, std::vector<std::string> ids, Done<std::vector<ACLRole>> done) override {
    ++role_calls;
    reply<std::vector<ACLRole>>(std::move(done), [this, secret, ids = std::move(ids)] {
      return linked(secret, ids, known_roles, tokens[secret].Roles);
    });
  }

 private:
  /// Servers show what the token has, and refuse the rest.
  template <class T, class Links>
  Result<std::vector<T>> linked(const std::string& secret, const std::vector<std::string>& ids,
                                const std::map<std::string, T>& all, const Links& links) {
    if (tokens[secret].SecretID.empty()) return Error{Errc::internal, "ACL not found"};
    std::vector<T> found;
    for (const std::string& id : ids) {
      const bool of_role = std::ranges::any_of(known_roles, [&](const auto& role) {
        return std::ranges::any_of(role.second.Policies, [&](const auto& link) { return link.ID == id; });
      });
      const bool own = std::ranges::any_of(links, [&](const auto& link) { return link.ID == id; });
      if (!own && !of_role) return Error{Errc::internal, "Permission denied"};
      if (const auto at = all.find(id); at != all.end()) found.push_back(at->second);
    }
    return found;
  }
  template <class T>
  void reply(Done<T> done, std::function<Result<T>()> make) {
    auto answer = [this, done = std::move(done), make = std::move(make)]() mutable {
      done(fault.detail.empty() ? make() : Result<T>(fault));
    };
    if (!holds) return answer();
    held_.push_back(std::move(answer));
  }

  std::deque<std::move_only_function<void()>> held_{};
};

const Error kUnreachable{Errc::internal, "No known Consul servers"};

class RemoteTokens : public testing::Test {
 protected:
  Store store{};
  FakeSource source{};
  base::ManualClock clock{};
  std::unique_ptr<RemoteResolver> resolver{};

  void SetUp() override {
    source.policy("app", R"(key_prefix "app/" { policy = "write" })");
    source.add("s1", {"app"});
    source.add("anonymous", {}).AccessorID = "00000000-0000-0000-0000-000000000002";
    begin(Down::extend_cache);
  }
  void begin(Down down, bool default_allow = false, base::Duration off_time = {}) {
    resolver = std::make_unique<RemoteResolver>(RemoteResolver::Settings{.node_name = "c1",
                                                                         .default_allow = default_allow,
                                                                         .down = down,
                                                                         .token_ttl = seconds(30),
                                                                         .policy_ttl = seconds(60),
                                                                         .off_time = off_time},
                                                store, source, clock);
  }
  Result<Who> who(std::string_view secret) {
    std::optional<Result<Who>> found;
    resolver->resolve(secret, [&](Result<Who> answer) { found = std::move(answer); });
    EXPECT_TRUE(found) << "it waits";
    return found ? *found : Result<Who>(Error{Errc::timeout, "none"});
  }
  bool may_write(std::string_view secret, std::string_view key) {
    const Result<Who> asking = who(secret);
    return asking && (*asking)->allows(Resource::key, key, Access::write);
  }
  int calls() const { return source.token_calls + source.policy_calls + source.role_calls; }
};

TEST_F(RemoteTokens, AreAskedForOnceAndRememberedForTheirTime) {
  EXPECT_TRUE(may_write("s1", "app/a"));
  EXPECT_FALSE(may_write("s1", "b"));
  EXPECT_EQ(who("s1")->accessor, "accessor-of-s1");
  EXPECT_EQ(calls(), 2);

  clock.advance(seconds(31));
  EXPECT_TRUE(may_write("s1", "app/a"));
  EXPECT_EQ(source.token_calls, 2);
  EXPECT_EQ(source.policy_calls, 1);

  source.policy("app", R"(key_prefix "b" { policy = "write" })", 2);
  clock.advance(seconds(30));  // the policy's time is over too
  EXPECT_FALSE(may_write("s1", "app/a"));
  EXPECT_TRUE(may_write("s1", "b"));
}

TEST_F(RemoteTokens, ManyWhoAskAtOnceWaitForOneAnswer) {
  source.holds = true;
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    resolver->resolve("s1", [&](const Result<Who>& answer) {
      answers += answer && (*answer)->allows(Resource::key, "app/a", Access::write);
    });
  }
  EXPECT_EQ(answers, 0);

  source.answer_all();

  EXPECT_EQ(answers, 5);
  EXPECT_EQ(source.token_calls, 1);
  EXPECT_EQ(source.policy_calls, 1);
}

TEST_F(RemoteTokens, WithThePoliciesOfAnotherOneShareWhatTheseAmountTo) {
  source.policy("more", R"(node_prefix "" { policy = "read" })");
  source.add("s2", {"app", "more"});
  source.add("s3", {"more", "app"});

  EXPECT_EQ(who("s2")->permissions, who("s3")->permissions);
  EXPECT_NE(who("s1")->permissions, who("s2")->permissions);
}

TEST_F(RemoteTokens, ThatAreUnknownAreAskedForEachTime) {
  const Result<Who> unknown = who("never-seen");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().detail, "ACL not found");
  EXPECT_EQ(unknown.error().code, Errc::permission_denied);

  source.add("never-seen", {"app"});
  EXPECT_TRUE(may_write("never-seen", "app/a"));
}

TEST_F(RemoteTokens, ThatAreRevokedAreUnknownOnceTheirTimeIsOver) {
  EXPECT_TRUE(may_write("s1", "app/a"));
  source.tokens.erase("s1");
  EXPECT_TRUE(may_write("s1", "app/a"));
  clock.advance(seconds(31));
  EXPECT_EQ(who("s1").error().detail, "ACL not found");
}

TEST_F(RemoteTokens, ThatEndAreUnknownFromThenOnWithoutAnybodyBeingAsked) {
  source.tokens["s1"].ExpirationTime.emplace() = clock.wall() + seconds(10);
  EXPECT_TRUE(may_write("s1", "app/a"));
  clock.advance(seconds(11));
  EXPECT_EQ(who("s1").error().detail, "ACL not found");
  EXPECT_EQ(source.token_calls, 1);
}

TEST_F(RemoteTokens, GoOnAsTheyWereWhileTheCacheIsExtended) {
  EXPECT_TRUE(may_write("s1", "app/a"));
  source.fault = kUnreachable;
  clock.advance(seconds(100));

  EXPECT_TRUE(may_write("s1", "app/a"));
  EXPECT_EQ(who("s1")->accessor, "accessor-of-s1");
  const Result<Who> other = who("other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->accessor, "primary-dc-down");
  EXPECT_FALSE((*other)->allows(Resource::key, "app/a", Access::read));

  const int before = calls();
  EXPECT_TRUE(may_write("s1", "app/a"));  // extended: not asked for with each request
  EXPECT_EQ(calls(), before);
}

TEST_F(RemoteTokens, ThatAreNotInTheCacheFallBackToTheDefaultPolicy) {
  begin(Down::extend_cache, true);
  source.fault = kUnreachable;
  EXPECT_TRUE(may_write("s1", "b"));
  EXPECT_FALSE((*who("s1"))->allows(Resource::acl, Access::read));
}

TEST_F(RemoteTokens, WhosePoliciesCannotBeHadAreNotTakenForTokensWithout) {
  begin(Down::extend_cache, true);
  source.policy("app", R"(key_prefix "" { policy = "deny" })");
  source.holds = true;
  Result<Who> found = Error{Errc::timeout, "none"};
  resolver->resolve("s1", [&](Result<Who> answer) { found = std::move(answer); });
  source.answer_one();  // the token is there
  source.fault = kUnreachable;
  source.answer_all();
  source.holds = false;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->accessor, "primary-dc-down");

  source.fault = {};
  EXPECT_FALSE(may_write("s1", "app/a"));
}

TEST_F(RemoteTokens, AreRefusedOrAllowedByTheDownPolicyHoweverWellTheyAreKnown) {
  for (const Down down : {Down::deny, Down::allow}) {
    begin(down);
    source.fault = {};
    EXPECT_TRUE(may_write("s1", "app/a"));
    EXPECT_FALSE(may_write("s1", "b"));
    source.fault = kUnreachable;
    EXPECT_TRUE(may_write("s1", "app/a")) << "remembered";
    clock.advance(seconds(31));
    EXPECT_EQ(may_write("s1", "b"), down == Down::allow);
    EXPECT_EQ(may_write("s1", "app/a"), down == Down::allow);
    EXPECT_EQ(who("s1")->accessor, "primary-dc-down");
    EXPECT_FALSE((*who("s1"))->allows(Resource::acl, Access::write));
  }
}

TEST_F(RemoteTokens, OfAnAsynchronousCacheAreAnsweredAtOnceAndAskedForMeanwhile) {
  begin(Down::async_cache);
  EXPECT_TRUE(may_write("s1", "app/a"));
  source.policy("app", R"(key_prefix "b" { policy = "write" })", 2);
  clock.advance(seconds(61));
  source.holds = true;

  EXPECT_TRUE(may_write("s1", "app/a"));  // who() fails if it waits
  EXPECT_TRUE(may_write("s1", "app/a"));
  EXPECT_EQ(source.token_calls, 2);
  source.answer_all();

  EXPECT_FALSE(may_write("s1", "app/a"));
  EXPECT_TRUE(may_write("s1", "b"));
  source.tokens.erase("s1");
  clock.advance(seconds(31));
  EXPECT_TRUE(may_write("s1", "b"));
  source.answer_all();
  source.holds = false;
  EXPECT_EQ(who("s1").error().detail, "ACL not found");
}

TEST_F(RemoteTokens, HaveThePoliciesOfTheirRolesAndIdentities) {
  ACLRole& role = source.known_roles["r"];
  role.ID = role.Name = "r";
  role.Policies.push_back({.ID = "app", .Name = "app"});
  role.ServiceIdentities.emplace_back().emplace().ServiceName = "web";
  ACLToken& token = source.add("s4", {});
  token.Roles.push_back({.ID = "r", .Name = "r"});
  catalog::ACLNodeIdentity& node = token.NodeIdentities.emplace_back().emplace();
  node.NodeName = "n1";
  node.Datacenter = "dc1";
  catalog::ACLTemplatedPolicy& dns = token.TemplatedPolicies.emplace_back().emplace();
  dns.TemplateName = "builtin/dns";

  const Result<Who> asking = who("s4");
  ASSERT_TRUE(asking);
  EXPECT_TRUE((*asking)->allows(Resource::key, "app/a", Access::write));
  EXPECT_TRUE((*asking)->allows(Resource::service, "web", Access::write));
  EXPECT_FALSE((*asking)->allows(Resource::service, "api", Access::write));
  EXPECT_TRUE((*asking)->allows(Resource::node, "n1", Access::write));
  EXPECT_FALSE((*asking)->allows(Resource::node, "n2", Access::write));
  // Roles have no time by default: they are asked for each time.
  EXPECT_TRUE(who("s4"));
  EXPECT_EQ(source.role_calls, 2);
  EXPECT_EQ(source.token_calls, 1);
}

TEST_F(RemoteTokens, HoldInTheirDatacentersOnly) {
  source.known_policies["app"].Datacenters.push_back("dc2");
  EXPECT_FALSE(may_write("s1", "app/a"));
  EXPECT_TRUE(who("s1"));

  source.add("s5", {}).Local = true;
  source.datacenter = "dc2";
  EXPECT_EQ(who("s5")->accessor, "primary-dc-down");
}

TEST_F(RemoteTokens, ThatChangedMeanwhileAreLookedAtAnew) {
  EXPECT_TRUE(may_write("s1", "app/a"));
  clock.advance(seconds(31));
  EXPECT_TRUE(may_write("s1", "app/a"));
  clock.advance(seconds(29));  // the policy is too old, the token is not
  source.policy("other", R"(key_prefix "o" { policy = "write" })");
  source.tokens["s1"].Policies.clear();
  source.tokens["s1"].Policies.push_back({.ID = "other", .Name = "other"});

  EXPECT_TRUE(may_write("s1", "o"));  // servers refuse what the token has no more, and so it is asked for again

  EXPECT_EQ(source.token_calls, 3);
  clock.advance(seconds(61));
  source.tokens.erase("s1");
  EXPECT_EQ(who("s1").error().detail, "ACL not found");
}

TEST_F(RemoteTokens, OfTheAgentItselfNeedNobody) {
  ASSERT_TRUE(store.set(Kind::agent_recovery, "rescue"));
  source.fault = kUnreachable;
  const Result<Who> rescue = who("rescue");
  ASSERT_TRUE(rescue);
  EXPECT_EQ(rescue->accessor, "agent-recovery:c1");
  EXPECT_TRUE((*rescue)->allows(Resource::agent, "c1", Access::write));
  EXPECT_FALSE((*rescue)->allows(Resource::agent, "c2", Access::write));
  EXPECT_TRUE((*rescue)->allows(Resource::node, "any", Access::read));
  EXPECT_EQ(calls(), 0);
  EXPECT_EQ(who("manage").error().detail, "Cannot resolve root ACL");
}

TEST_F(RemoteTokens, OfWhoBringsNoneAreTheAnonymousOnes) {
  const Result<Who> nobody = who("");
  ASSERT_TRUE(nobody);
  const Error denial = denied(*nobody, Resource::agent, "c1", Access::read);
  EXPECT_TRUE(denial.detail.starts_with("Permission denied: anonymous token lacks permission 'agent:read' on \"c1\""));
}

TEST_F(RemoteTokens, AreOffForAWhileWhenTheServersSaySo) {
  begin(Down::extend_cache, false, seconds(30));
  source.fault = {Errc::internal, "ACL support disabled"};
  EXPECT_TRUE(may_write("s1", "b"));
  EXPECT_TRUE((*who("any"))->allows(Resource::acl, Access::write));
  EXPECT_EQ(calls(), 1);
  source.fault = {};
  clock.advance(seconds(31));
  EXPECT_FALSE(may_write("s1", "b"));
}

TEST_F(RemoteTokens, AreForgottenBeforeThereAreTooMany) {
  for (int i = 0; i < 1200; ++i) {
    source.add("t" + std::to_string(i), {"app"});
    EXPECT_TRUE(may_write("t" + std::to_string(i), "app/a"));
  }
  EXPECT_EQ(source.policy_calls, 1);
  const int before = source.token_calls;
  EXPECT_TRUE(may_write("t1199", "app/a"));
  EXPECT_EQ(source.token_calls, before);
  EXPECT_TRUE(may_write("t0", "app/a"));
  EXPECT_EQ(source.token_calls, before + 1);
}

}  // namespace
}  // namespace proconsul::agent::tokens
