#include "catalog/store/session.h"

#include <gtest/gtest.h>

#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/store/kv.h"

namespace proconsul::catalog {
namespace {

constexpr const char* kFirst = "11111111-2222-3333-4444-555555555555";
constexpr const char* kSecond = "66666666-7777-8888-9999-AAAAAAAAAAAA";

struct SessionTest : testing::Test {
  Transaction transaction{Tables{}};
  const Tables& tables = transaction.tables();

  void SetUp() override { register_node("n1"); }

  void register_node(std::string node) {
    transaction.begin_command(3);
    RegisterRequest request;
    request.Node = std::move(node);
    request.Address = "127.0.0.1";
    ASSERT_TRUE(apply_register(transaction, request));
  }
  HealthCheck check(std::string id, std::string_view status) {
    HealthCheck check;
    check.Node = "n1";
    check.CheckID = std::move(id);
    check.Status = status;
    return check;
  }
  void put_check(HealthCheck check) { ASSERT_TRUE(ensure_check(transaction, std::move(check), Indexes::assign)); }
  Session session(std::string id, base::List<std::string> node_checks = {}) {
    Session session;
    session.ID = std::move(id);
    session.Node = "n1";
    session.NodeChecks = std::move(node_checks);
    return session;
  }
  std::string create(std::uint64_t index, Session session) {
    transaction.begin_command(index);
    const auto created = session_create(transaction, session);
    return created ? "" : created.error().detail;
  }
  std::size_t count() { return tables.sessions.size(); }
};

TEST_F(SessionTest, ASessionIsFoundByIdOfAnyLetterCaseByNodeAndInTheList) {
  EXPECT_EQ(create(5, session(kSecond)), "");
  EXPECT_EQ(create(6, session(kFirst)), "");

  const auto found = session_get(tables, "66666666-7777-8888-9999-aaaaaaaaaaaa", nullptr);

  ASSERT_EQ(found.sessions.size(), 1u);
  EXPECT_EQ(found.index, 6u);
  EXPECT_EQ(found.sessions[0]->ID, kSecond);
  EXPECT_EQ(found.sessions[0]->CreateIndex, 5u);
  EXPECT_EQ(found.sessions[0]->Behavior, "release");
  EXPECT_EQ(session_list(tables, nullptr).sessions.size(), 2u);
  EXPECT_EQ(session_list(tables, nullptr).sessions[0]->ID, kFirst);
  EXPECT_EQ(session_list_of_node(tables, "N1", nullptr).sessions.size(), 2u);
  EXPECT_EQ(session_list_of_node(tables, "n", nullptr).sessions.size(), 0u);
  EXPECT_TRUE(session_get(tables, "none", nullptr).sessions.empty());
}

TEST_F(SessionTest, CreationSaysWhatIsMissing) {
  put_check(check("bad", kHealthCritical));

  EXPECT_EQ(create(5, session("")), "Missing session ID");
  Session odd = session(kFirst);
  odd.Behavior = "odd";
  EXPECT_EQ(create(5, odd), "Invalid session behavior: odd");
  Session lost = session(kFirst);
  lost.Node = "n2";
  EXPECT_EQ(create(5, lost), "Missing node registration");
  EXPECT_EQ(create(5, session(kFirst, {"none"})), "Missing check 'none' registration");
  EXPECT_EQ(create(5, session(kFirst, {""})),
            "failed check lookup: index error: object is missing a value for this index");
  EXPECT_EQ(create(5, session(kFirst, {"bad"})), "Check 'bad' is in critical state");
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(tables.index_of("sessions"), 0u);
}

TEST_F(SessionTest, ACheckThatTurnsCriticalEndsTheSessionsThatLiveByIt) {
  put_check(check("c1", kHealthPassing));
  put_check(check("c2", kHealthPassing));
  Session by_service = session(kSecond);
  by_service.ServiceChecks = {{"c2", ""}};
  ASSERT_EQ(create(5, session(kFirst, {"c1", "c2"})), "");
  ASSERT_EQ(create(5, by_service), "");

  transaction.begin_command(6);
  put_check(check("c1", kHealthWarning));
  EXPECT_EQ(count(), 2u);
  transaction.begin_command(7);
  put_check(check("c1", kHealthCritical));
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(tables.index_of("sessions"), 7u);
  ASSERT_TRUE(delete_check(transaction, "n1", "c2", ""));
  EXPECT_EQ(count(), 0u);
  EXPECT_TRUE(tables.sessions_by_check.empty());
}

TEST_F(SessionTest, ANodeThatGoesTakesItsSessionsAlong) {
  ASSERT_EQ(create(5, session(kFirst)), "");
  ASSERT_EQ(create(5, session(kSecond)), "");
  DirEntry lock;
  lock.Key = "a", lock.Session = kFirst;
  ASSERT_TRUE(*kv_lock(transaction, lock));

  transaction.begin_command(6);
  ASSERT_TRUE(delete_node(transaction, "n1", ""));

  EXPECT_EQ(count(), 0u);
  EXPECT_TRUE(tables.sessions_by_node.empty());
  EXPECT_EQ(tables.kv.get("a")->session(), "");
  EXPECT_EQ(tables.kv.get("a")->modify_index(), 6u);
}

TEST_F(SessionTest, AServiceThatGoesTakesTheSessionsOfItsChecksAlong) {
  NodeService service;
  service.ID = service.Service = "web";
  ASSERT_TRUE(ensure_service(transaction, "n1", service, Indexes::assign));
  HealthCheck bound = check("web-check", kHealthPassing);
  bound.ServiceID = "web";
  put_check(bound);
  Session by_service = session(kFirst);
  by_service.ServiceChecks = {{"web-check", ""}};
  ASSERT_EQ(create(5, by_service), "");

  ASSERT_TRUE(delete_service(transaction, "n1", "web", ""));

  EXPECT_EQ(count(), 0u);
}

TEST_F(SessionTest, ChecksThatFollowASessionByNameTurnWithIt) {
  HealthCheck follower = check("follower", kHealthCritical);
  follower.Type = "session";
  follower.Definition.edit().SessionName = "leader";
  put_check(follower);
  Session named = session(kFirst, {"follower"});
  named.Name = "leader";

  ASSERT_EQ(create(5, named), "");
  EXPECT_EQ(find_check(tables, "n1", "follower")->get().Status, kHealthPassing);
  EXPECT_EQ(find_check(tables, "n1", "follower")->get().Output, std::string("Session '") + kFirst + "' in force");
  transaction.begin_command(6);
  ASSERT_TRUE(session_destroy(transaction, kFirst));

  EXPECT_EQ(find_check(tables, "n1", "follower")->get().Status, kHealthCritical);
  EXPECT_EQ(find_check(tables, "n1", "follower")->get().Output, std::string("Session '") + kFirst + "' is invalid");
  EXPECT_EQ(tables.index_of("checks"), 6u);
}

TEST_F(SessionTest, LockDelaysAreCutToAMinute) {
  Session patient = session(kFirst);
  patient.LockDelay = base::seconds(600);
  ASSERT_EQ(create(5, patient), "");
  DirEntry lock;
  lock.Key = "a", lock.Session = kFirst;
  ASSERT_TRUE(*kv_lock(transaction, lock));

  ASSERT_TRUE(session_destroy(transaction, kFirst));

  ASSERT_EQ(transaction.effects().lock_delays.size(), 1u);
  EXPECT_EQ(transaction.effects().lock_delays[0].delay, base::seconds(60));
}

TEST_F(SessionTest, DestroyingWhatIsNotThereChangesNothing) {
  transaction.begin_command(9);

  EXPECT_TRUE(session_destroy(transaction, kFirst));

  EXPECT_EQ(tables.index_of("sessions"), 0u);
}

TEST_F(SessionTest, CommandsAnswerAsTheirOperationDoes) {
  SessionRequest request;
  request.Op = "create";
  request.Session = session(kFirst);
  EXPECT_EQ(*session_apply(transaction, request), kFirst);
  request.Op = "destroy";
  EXPECT_EQ(*session_apply(transaction, request), "");
  request.Op = "x";
  EXPECT_EQ(session_apply(transaction, request).error().detail, "Invalid Session operation 'x'");
}

TEST_F(SessionTest, WatchersOfTheSessionOfItsNodeAndOfTheListAreWoken) {
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t>) override {}
  } sink;
  Store store;
  RegisterRequest request;
  request.Node = "n1";
  ASSERT_TRUE(apply_register(store.writer(), request));
  store.commit();
  base::KeySet one, other, node, other_node, list;
  session_get(tables, kFirst, &one);
  session_get(tables, kSecond, &other);
  session_list_of_node(tables, "n1", &node);
  session_list_of_node(tables, "n2", &other_node);
  session_list(tables, &list);
  std::vector<base::Watch> watches;
  for (const auto* keys : {&one, &other, &node, &other_node, &list}) {
    watches.push_back(store.watches().watch(*keys, sink, 0));
  }

  Session made = session(kFirst);
  ASSERT_TRUE(session_create(store.writer(), made));
  store.commit();

  EXPECT_TRUE(watches[0].fired());
  EXPECT_FALSE(watches[1].fired());
  EXPECT_TRUE(watches[2].fired());
  EXPECT_FALSE(watches[3].fired());
  EXPECT_TRUE(watches[4].fired());
}

TEST_F(SessionTest, RestoredSessionsKeepTheirIndexes) {
  Session old = session(kFirst, {"gone"});
  old.CreateIndex = old.ModifyIndex = 42;

  session_restore(transaction, old);

  EXPECT_EQ(session_get(tables, kFirst, nullptr).index, 42u);
  EXPECT_EQ(tables.sessions_by_check.size(), 1u);
}

}  // namespace
}  // namespace proconsul::catalog
