#include "catalog/store/changes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "catalog/registry/registry_fixture.h"
#include "catalog/store/kv.h"
#include "catalog/store/store.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

class Changes : public RegistryFixture {
 protected:
  Transaction& next() {
    store.writer().begin_command(++index);
    return store.writer();
  }
  void set(Transaction& transaction, std::string key, std::string value) {
    DirEntry entry;
    entry.Key = std::move(key);
    entry.Value = base::Bytes(std::move(value));
    kv_set(transaction, entry);
  }
  // Everything behind an index, one word per change.
  std::string behind(std::uint64_t from) {
    ChangeLog::Position position{from};
    std::string text;
    const bool there = store.changes().read(position, [&](const Change& change) {
      if (change.kind != Change::Kind::kind_name) text += (text.empty() ? "" : " ") + spell(change);
      return true;
    });
    return there ? text : "forgotten";
  }
  static std::string spell(const Change& change) {
    const std::string sign = change.removed ? "-" : "+";
    switch (change.kind) {
      case Change::Kind::kv:
        return sign + change.key + (change.kv ? "=" + std::string(change.kv->value()) : "");
      case Change::Kind::kv_tree:
        return sign + change.key + "*";
      case Change::Kind::node:
        return sign + "node:" + change.node->get().Node;
      case Change::Kind::kind_name:
        return sign + "name:" + change.key;
      case Change::Kind::instance:
      case Change::Kind::health:
      case Change::Kind::connect:
        break;
    }
    std::string text = sign;
    text += change.kind == Change::Kind::instance ? "service:"
            : change.kind == Change::Kind::health ? "health:"
                                                  : "mesh:";
    text += change.service->get().Service + "@" + change.service->get().Node;
    for (const auto& check : change.checks) text += "," + check->get().CheckID + ":" + check->get().Status;
    return text;
  }
};

TEST_F(Changes, EveryCommandOfACommitIsThereInOrder) {
  const std::uint64_t start = index;
  set(next(), "a", "1");
  set(next(), "a", "2");
  kv_delete(next(), "a");
  set(next(), "b", "3");
  store.commit();

  EXPECT_EQ(behind(start), "+a=1 +a=2 -a +b=3");
  EXPECT_EQ(behind(start + 2), "-a +b=3");
  EXPECT_EQ(store.changes().last_index(), start + 4);
  EXPECT_EQ(behind(index), "");
}

TEST_F(Changes, ATreeThatGoesComesBeforeWhatIsPutBack) {
  set(next(), "d/1", "x");
  store.commit();
  const std::uint64_t start = index;
  Transaction& transaction = next();
  set(transaction, "d/1", "y");
  kv_delete_tree(transaction, "d/");
  set(transaction, "d/1", "z");
  store.commit();

  EXPECT_EQ(behind(start), "+d/1=z -d/* +d/1=z");
}

TEST_F(Changes, ServicesNodesAndTheirHealthAreTold) {
  std::uint64_t start = index;
  apply(service_request("n1", "w", "web"));
  EXPECT_EQ(behind(start), "+node:n1 +service:web@n1");

  start = index;
  check(check_of("n1", "serfHealth", "passing"));
  EXPECT_EQ(behind(start), "+health:web@n1,serfHealth:passing");
  start = index;
  check(check_of("n1", "c", "critical", "w"));
  EXPECT_EQ(behind(start), "+health:web@n1,serfHealth:passing,c:critical");
  start = index;
  deregister("n1", "", "c");
  EXPECT_EQ(behind(start), "+health:web@n1,serfHealth:passing");
  start = index;
  deregister("n1");
  EXPECT_EQ(behind(start), "-service:web@n1 -node:n1");
}

TEST_F(Changes, AnInstanceThatChangesItsNameLeavesTheOldOne) {
  apply(service_request("n1", "w", "web"));
  const std::uint64_t start = index;
  apply(service_request("n1", "w", "db"));

  EXPECT_EQ(behind(start), "-service:web@n1 +service:db@n1");
}

TEST_F(Changes, AProxyThatServesAnotherLeavesItsNameInTheMesh) {
  const auto proxy = [](const char* destination) {
    RegisterRequest request = service_request("n1", "p", "proxy");
    request.Service->Kind = kKindConnectProxy;
    request.Service->Proxy.edit().DestinationServiceName = destination;
    return request;
  };
  apply(proxy("web"));
  std::uint64_t start = index;
  apply(proxy("db"));
  EXPECT_EQ(behind(start), "+service:proxy@n1 -mesh:proxy@n1");

  // Twice in one commit: each time it is the row that was found there.
  start = index;
  ASSERT_TRUE(apply_register(next(), proxy("api")));
  ASSERT_TRUE(apply_register(next(), proxy("web")));
  store.commit();
  std::string destinations;
  ChangeLog::Position position{start};
  EXPECT_TRUE(store.changes().read(position, [&](const Change& change) {
    if (change.kind != Change::Kind::connect) return true;
    destinations += change.service->get().Proxy->DestinationServiceName + std::to_string(change.index - start) + " ";
    return true;
  }));
  EXPECT_EQ(destinations, "db1 api2 ");

  start = index;
  deregister("n1", "p");
  EXPECT_EQ(behind(start), "-service:proxy@n1 -mesh:proxy@n1");
}

TEST_F(Changes, NamesOfServicesAreToldWhenTheyComeAndGo) {
  const auto names = [this](std::uint64_t from) {
    std::string text;
    ChangeLog::Position position{from};
    EXPECT_TRUE(store.changes().read(position, [&](const Change& change) {
      if (change.kind == Change::Kind::kind_name) text += spell(change) + ";";
      return true;
    }));
    std::ranges::replace(text, '\0', '/');
    return text;
  };
  std::uint64_t start = index;
  apply(service_request("n1", "w", "web"));
  EXPECT_EQ(names(start), "+name:/web/;");
  start = index;
  apply(service_request("n2", "w", "web"));
  deregister("n1");
  EXPECT_EQ(names(start), "");
  deregister("n2");
  EXPECT_EQ(names(start), "-name:/web/;");
}

TEST_F(Changes, WhatComesAndGoesWithinOneCommitIsThereToo) {
  const std::uint64_t start = index;
  Transaction& transaction = next();
  ASSERT_TRUE(apply_register(transaction, service_request("n1", "w", "web")));
  DeregisterRequest request;
  request.Node = "n1";
  ASSERT_TRUE(apply_deregister(next(), request));
  store.commit();

  EXPECT_EQ(behind(start), "+node:n1 +service:web@n1 -service:web@n1 -node:n1");
}

TEST_F(Changes, AFailedCommandLeavesNothing) {
  const std::uint64_t start = index;
  Transaction& transaction = next();
  const base::Result<> failed = transaction.atomically([&]() -> base::Result<> {
    set(transaction, "a", "1");
    return {base::Errc::internal, "no"};
  });
  EXPECT_FALSE(failed);
  store.commit();

  EXPECT_EQ(behind(start), "");
}

TEST_F(Changes, APositionMayBeWithinACommand) {
  const std::uint64_t start = index;
  Transaction& transaction = next();
  set(transaction, "a", "1");
  set(transaction, "b", "2");
  store.commit();

  ChangeLog::Position position{start};
  std::string first;
  ASSERT_TRUE(store.changes().read(position, [&](const Change& change) {
    first = change.key;
    return false;
  }));
  EXPECT_EQ(first, "a");
  EXPECT_EQ(position, (ChangeLog::Position{index, 1}));
  std::string rest;
  ASSERT_TRUE(store.changes().read(position, [&](const Change& change) {
    rest += change.key;
    return true;
  }));
  EXPECT_EQ(rest, "b");
  EXPECT_EQ(position, ChangeLog::Position{index});
}

TEST_F(Changes, ARestoredStateForgetsAllBefore) {
  set(next(), "a", "1");
  store.commit();
  store.replace(Tables{}, 100);

  EXPECT_EQ(behind(99), "forgotten");
  EXPECT_EQ(behind(100), "");
  EXPECT_EQ(store.changes().oldest(), 100u);
  EXPECT_EQ(store.changes().index_before_last_append(), 0u);
}

TEST(ChangeLog, TheOldestGoWhenItIsFull) {
  ChangeLog log(10'000);
  for (std::uint64_t index = 1; index <= 100; ++index) {
    std::vector<Change> changes(1);
    changes[0].kind = Change::Kind::kv_tree;
    changes[0].index = index;
    changes[0].number = 1;
    changes[0].key = std::string(1000, 'k');
    log.append(std::move(changes), index);
  }
  const auto count_behind = [&](std::uint64_t index) {
    ChangeLog::Position position{index};
    int count = 0;
    return log.read(position, [&](const Change&) { return ++count > 0; }) ? count : -1;
  };

  EXPECT_GT(log.oldest(), 80u);
  EXPECT_EQ(count_behind(log.oldest() - 1), -1);
  EXPECT_EQ(count_behind(log.oldest()), static_cast<int>(100 - log.oldest()));
  EXPECT_EQ(log.index_before_last_append(), 99u);
}

TEST(ChangeLog, AReaderFarBehindGetsItInPieces) {
  ChangeLog log;
  for (std::uint64_t index = 1; index <= 500; ++index) {
    std::vector<Change> changes(1);
    changes[0].index = index;
    changes[0].number = 1;
    log.append(std::move(changes), index);
  }
  ChangeLog::Position position{};
  std::uint64_t expected = 0;
  while (position < ChangeLog::Position{500}) {
    ASSERT_TRUE(log.read(position, [&](const Change& change) { return change.index == ++expected; }));
  }
  EXPECT_EQ(expected, 500u);
}

}  // namespace
}  // namespace proconsul::catalog
