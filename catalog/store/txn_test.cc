#include "catalog/store/txn.h"

#include <gtest/gtest.h>

#include "catalog/registry/lookup.h"
#include "catalog/registry/register.h"
#include "catalog/store/kv.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

constexpr const char* kSession = "11111111-2222-3333-4444-555555555555";

struct TxnTest : testing::Test {
  Transaction transaction{Tables{}};
  const Tables& tables = transaction.tables();
  base::List<base::Pointer<TxnOp>> ops{};

  TxnTest& kv(std::string verb, std::string key, std::string value = "", std::uint64_t index = 0,
              std::string session = "") {
    TxnKVOp op;
    op.Verb = std::move(verb);
    op.DirEnt.Key = std::move(key);
    op.DirEnt.Value = base::Bytes(std::move(value));
    op.DirEnt.ModifyIndex = index;
    op.DirEnt.Session = std::move(session);
    TxnOp any;
    any.KV = std::move(op);
    ops.push_back(std::move(any));
    return *this;
  }
  TxnTest& node(std::string verb, std::string name, std::uint64_t index = 0, std::string address = "10.0.0.1") {
    TxnNodeOp op;
    op.Verb = std::move(verb);
    op.Node.Node = std::move(name);
    op.Node.Address = std::move(address);
    op.Node.ModifyIndex = index;
    TxnOp any;
    any.Node = std::move(op);
    ops.push_back(std::move(any));
    return *this;
  }
  TxnTest& service(std::string verb, std::string on, std::string id, std::uint64_t index = 0, int port = 80) {
    TxnServiceOp op;
    op.Verb = std::move(verb);
    op.Node = std::move(on);
    op.Service.ID = op.Service.Service = std::move(id);
    op.Service.Port = port;
    op.Service.ModifyIndex = index;
    TxnOp any;
    any.Service = std::move(op);
    ops.push_back(std::move(any));
    return *this;
  }
  TxnTest& check(std::string verb, std::string on, std::string id, std::uint64_t index = 0,
                 std::string status = "passing") {
    TxnCheckOp op;
    op.Verb = std::move(verb);
    op.Check.Node = std::move(on);
    op.Check.CheckID = std::move(id);
    op.Check.Status = std::move(status);
    op.Check.ModifyIndex = index;
    TxnOp any;
    any.Check = std::move(op);
    ops.push_back(std::move(any));
    return *this;
  }
  TxnTest& session(std::string verb, std::string id) {
    TxnSessionOp op;
    op.Verb = std::move(verb);
    op.Session.ID = std::move(id);
    TxnOp any;
    any.Session = std::move(op);
    ops.push_back(std::move(any));
    return *this;
  }
  TxnResponse apply(std::uint64_t index) {
    transaction.begin_command(index);
    TxnRequest request;
    request.Ops = std::exchange(ops, {});
    return txn_apply(transaction, request);
  }
  std::vector<std::string> errors(const TxnResponse& response) {
    std::vector<std::string> texts;
    for (const auto& error : response.Errors) texts.push_back(to_string(*error));
    return texts;
  }
  using Texts = std::vector<std::string>;
};

TEST_F(TxnTest, EachOperationSeesThoseBeforeIt) {
  const auto response = kv("set", "a", "1")
                            .kv("get", "a")
                            .kv("set", "a/b", "2")
                            .kv("get-tree", "a")
                            .kv("delete", "a")
                            .kv("check-not-exists", "a")
                            .kv("get-or-empty", "a", "ignored")
                            .apply(5);

  ASSERT_TRUE(response.Errors.empty());
  ASSERT_EQ(response.Results.size(), 6u);
  EXPECT_TRUE(response.Results[0]->KV->Value.is_nil()) << "only reads return values";
  EXPECT_EQ(response.Results[0]->KV->ModifyIndex, 5u);
  EXPECT_EQ(response.Results[1]->KV->Value, "1");
  EXPECT_EQ(response.Results[3]->KV->Key, "a");
  EXPECT_EQ(response.Results[4]->KV->Key, "a/b");
  EXPECT_EQ(response.Results[4]->KV->Value, "2");
  EXPECT_TRUE(response.Results[5]->KV->Value.is_nil());
  EXPECT_EQ(response.Results[5]->KV->CreateIndex, 0u);
}

TEST_F(TxnTest, OneFailureUndoesAllAndEveryFailureIsNamed) {
  kv("set", "old", "1").apply(5);

  const auto response = kv("set", "new", "1")
                            .kv("get", "none")
                            .kv("cas", "old", "2", 4)
                            .kv("delete-cas", "old", "", 4)
                            .kv("lock", "old", "", 0, "no-session")
                            .kv("unlock", "old", "", 0, kSession)
                            .kv("check-session", "old", "", 0, kSession)
                            .kv("check-session", "none", "", 0, kSession)
                            .kv("check-index", "old", "", 4)
                            .kv("check-index", "none", "", 4)
                            .kv("check-not-exists", "old")
                            .kv("delete", "old")
                            .apply(6);

  EXPECT_TRUE(response.Results.is_nil());
  EXPECT_EQ(
      errors(response),
      (Texts{"op 1: key \"none\" doesn't exist", "op 2: failed to set key \"old\", index is stale",
             "op 3: failed to delete key \"old\", index is stale", "op 4: invalid session \"no-session\"",
             "op 5: failed to unlock key \"old\", lock isn't held, or is held by another session",
             std::string("op 6: failed session check for key \"old\", current session \"\" != \"") + kSession + "\"",
             "op 7: failed to check session, key \"none\" doesn't exist",
             "op 8: failed index check for key \"old\", current modify index 5 != 4",
             "op 9: failed to check index, key \"none\" doesn't exist", "op 10: key \"old\" exists"}));
  EXPECT_EQ(tables.kv.size(), 1u);
  EXPECT_EQ(kv_table_index(tables), 5u);
  EXPECT_EQ(transaction.effects().tombstone_index, 0u);
}

TEST_F(TxnTest, LocksAreTakenAndGivenBack) {
  node("set", "n1").apply(3);
  Session made;
  made.ID = kSession, made.Node = "n1";
  ASSERT_TRUE(session_create(transaction, made));
  made.ID = "22222222-2222-3333-4444-555555555555";
  ASSERT_TRUE(session_create(transaction, made));

  const auto locked = kv("lock", "a", "1", 0, kSession).kv("check-session", "a", "", 0, kSession).apply(5);
  const auto refused = kv("lock", "a", "1", 0, made.ID).apply(6);
  const auto unlocked = kv("unlock", "a", "1", 0, kSession).apply(7);

  ASSERT_EQ(locked.Results.size(), 2u);
  EXPECT_EQ(locked.Results[0]->KV->LockIndex, 1u);
  EXPECT_EQ(locked.Results[0]->KV->Session, kSession);
  EXPECT_EQ(errors(refused), (Texts{"op 0: failed to lock key \"a\", lock is already held"}));
  EXPECT_EQ(unlocked.Results[0]->KV->Session, "");
}

TEST_F(TxnTest, NodesServicesAndChecksAreWrittenTogether) {
  const auto made = node("set", "n1").service("set", "n1", "web").check("set", "n1", "c1").apply(5);
  ASSERT_EQ(made.Results.size(), 3u);
  EXPECT_EQ(made.Results[0]->Node->ModifyIndex, 5u);
  EXPECT_EQ(made.Results[1]->Service->Port, 80);
  EXPECT_EQ(made.Results[2]->Check->Status, "passing");

  const auto stale = node("cas", "n1", 4)
                         .service("cas", "n1", "web", 4)
                         .check("cas", "n1", "c1", 4)
                         .node("delete-cas", "n1", 4)
                         .service("delete-cas", "n1", "web", 4)
                         .check("delete-cas", "n1", "c1", 4)
                         .node("get", "n2")
                         .service("get", "n1", "db")
                         .check("get", "n1", "c2")
                         .apply(6);
  EXPECT_EQ(
      errors(stale),
      (Texts{"op 0: failed to set node \"n1\", index is stale",
             "op 1: failed to set service \"web\" on node \"n1\", index is stale",
             "op 2: failed to set check \"c1\" on node \"n1\", index is stale",
             "op 3: failed to delete node \"n1\", index is stale",
             "op 4: failed to delete service \"web\" on node \"n1\", index is stale",
             "op 5: failed to delete check \"c1\" on node \"n1\", index is stale", "op 6: node \"n2\" doesn't exist",
             "op 7: service \"db\" on node \"n1\" doesn't exist", "op 8: check \"c2\" on node \"n1\" doesn't exist"}));

  const auto changed = node("cas", "n1", 5, "10.0.0.2")
                           .service("cas", "n1", "web", 5, 81)
                           .check("cas", "n1", "c1", 5, "critical")
                           .node("get", "n1")
                           .service("get", "n1", "web")
                           .check("get", "n1", "c1")
                           .apply(7);
  ASSERT_EQ(errors(changed), Texts{});
  EXPECT_EQ(changed.Results[3]->Node->Address, "10.0.0.2");
  EXPECT_EQ(changed.Results[4]->Service->Port, 81);
  EXPECT_EQ(changed.Results[4]->Service->CreateIndex, 5u);
  EXPECT_EQ(changed.Results[5]->Check->Status, "critical");

  const auto gone = check("delete-cas", "n1", "c1", 7).service("delete", "n1", "web").node("delete", "n1").apply(8);
  EXPECT_EQ(errors(gone), Texts{});
  EXPECT_TRUE(gone.Results.empty());
  EXPECT_FALSE(gone.Results.is_nil());
  EXPECT_EQ(find_node(tables, "n1"), nullptr);
}

TEST_F(TxnTest, ACasOfACheckOnNothingIsLostWithoutAnError) {
  const auto lost = check("cas", "n1", "c1").apply(5);
  const auto named = check("set", "n1", "c1").apply(6);

  EXPECT_EQ(errors(lost), Texts{});
  EXPECT_TRUE(lost.Results.empty());
  EXPECT_EQ(errors(named), Texts{"op 0: Missing node registration"});
}

TEST_F(TxnTest, ASessionsRowCanBeDeleted) {
  node("set", "n1").apply(3);
  Session made;
  made.ID = kSession, made.Node = "n1";
  ASSERT_TRUE(session_create(transaction, made));

  EXPECT_EQ(errors(session("delete", kSession).apply(5)), Texts{});
  EXPECT_EQ(errors(session("delete", kSession).session("x", "").apply(6)),
            (Texts{"op 0: failed to delete session: failed deleting session: not found",
                   "op 1: unknown session verb \"x\""}));
  EXPECT_EQ(tables.index_of("sessions"), 5u);
}

TEST_F(TxnTest, AnOperationWithoutContentFails) {
  ops.push_back(TxnOp{});
  ops.push_back({});
  EXPECT_EQ(errors(kv("nope", "a").apply(5)),
            (Texts{"op 0: no operation specified", "op 1: no operation specified", "op 2: unknown KV verb \"nope\""}));
}

TEST_F(TxnTest, AReadOnlyTransactionReadsAVersionAndWritesNothing) {
  kv("set", "a", "1").apply(5);

  kv("get", "a").kv("check-index", "a", "", 5);
  const auto read = txn_read(tables, std::exchange(ops, {}));
  kv("set", "a", "2");
  const auto refused = txn_read(tables, std::exchange(ops, {}));

  ASSERT_EQ(read.Results.size(), 2u);
  EXPECT_EQ(read.Results[0]->KV->Value, "1");
  EXPECT_EQ(errors(refused), (Texts{"op 0: cannot write in read-only transaction"}));
}

TEST_F(TxnTest, TheChecksBeforeTheLogNameWhatIsWrong) {
  kv("get", "").kv("delete-tree", "").kv("nope", "a").kv("lock", "slow").kv("lock", "fast");
  node("nope", "n")
      .node("get", "")
      .node("set", "")
      .session("nope", "")
      .service("nope", "n", "s")
      .check("nope", "n", "c");
  service("set", "n", "");
  ops.push_back(TxnOp{});
  TxnCheckOp named;
  named.Verb = "set";
  named.Check.Name = "c9";
  ops.push_back(TxnOp{{}, {}, {}, std::move(named), {}, {}});

  const auto found = txn_check(ops, [](std::string_view key) { return key == "slow"; });

  Texts texts;
  for (const auto& error : found) texts.push_back(to_string(*error));
  EXPECT_EQ(texts, (Texts{"op 0: Must provide key", "op 2: unknown KV operation: nope",
                          "op 3: failed to lock key \"slow\" due to lock delay", "op 5: unknown node operation: nope",
                          "op 7: Must provide node", "op 8: unknown session operation: nope",
                          "op 9: unknown service operation: nope", "op 10: unknown check operation: nope",
                          "op 11: Must provide service name (Service.Service)", "op 12: unknown operation type"}));
  EXPECT_EQ(ops.back()->Check->Check.CheckID, "c9");
}

TEST_F(TxnTest, ACheckWithoutNodeOrIdIsNoKey) {
  check("get", "n1", "").check("get", "", "c").check("cas", "", "c").check("delete", "n1", "");
  check("delete-cas", "", "c").check("set", "", "c");

  EXPECT_EQ(errors(apply(5)), (Texts{"op 0: failed check lookup: index error: object is missing a value for this index",
                                     "op 1: failed check lookup: index error: object is missing a value for this index",
                                     "op 2: failed check lookup: index error: object is missing a value for this index",
                                     "op 3: check lookup failed: index error: object is missing a value for this index",
                                     "op 4: check lookup failed: failed check lookup: index error: object is missing a "
                                     "value for this index",
                                     "op 5: failed health check lookup: index error: object is missing a value for "
                                     "this index"}));
}

}  // namespace
}  // namespace proconsul::catalog
