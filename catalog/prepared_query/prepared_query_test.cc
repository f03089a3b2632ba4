#include "catalog/prepared_query/prepared_query.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "catalog/prepared_query/execution.h"
#include "catalog/prepared_query/validate.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/store/session.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

constexpr const char* kFirst = "11111111-2222-3333-4444-555555555555";
constexpr const char* kSecond = "66666666-7777-8888-9999-AAAAAAAAAAAA";
constexpr const char* kSession = "99999999-2222-3333-4444-555555555555";

PreparedQuery query(std::string id, std::string name, std::string service = "web") {
  PreparedQuery query;
  query.ID = std::move(id);
  query.Name = std::move(name);
  query.Service.Service = std::move(service);
  return query;
}
PreparedQuery name_template(std::string id, std::string name, std::string service) {
  PreparedQuery made = query(std::move(id), std::move(name), std::move(service));
  made.Template.Type = kNamePrefixMatch;
  return made;
}

class PreparedQueries : public RegistryFixture {
 protected:
  std::string set(PreparedQuery query) {
    store.writer().begin_command(++index);
    const auto done = query_set(store.writer(), query);
    store.commit();
    return done ? "" : done.error().detail;
  }
  void remove(std::string_view id) {
    store.writer().begin_command(++index);
    ASSERT_TRUE(query_delete(store.writer(), id));
    store.commit();
  }
  // The service of what a name resolves to, or what is wrong.
  std::string resolved(std::string_view name) {
    const auto found = query_resolve(tables(), name, "");
    if (!found) return found.error().detail;
    return *found ? (*found)->Service.Service : "nothing";
  }
};

TEST_F(PreparedQueries, AreFoundByIdByNameInAnyLetterCaseAndInTheList) {
  EXPECT_EQ(set(query(kSecond, "Db")), "");
  EXPECT_EQ(set(query(kFirst, "other")), "");

  EXPECT_EQ(query_list(tables(), nullptr).queries.at(0)->ID, kFirst);
  EXPECT_EQ(query_list(tables(), nullptr).index, index);
  const auto one = query_get(tables(), "66666666-7777-8888-9999-aaaaaaaaaaaa", nullptr);
  ASSERT_TRUE(one && one->queries.size() == 1);
  EXPECT_EQ(one->queries[0]->CreateIndex, index - 1);
  EXPECT_EQ(resolved("dB"), "web");
  EXPECT_EQ(resolved(kFirst), "web");
  EXPECT_EQ(resolved("nope"), "nothing");
  EXPECT_EQ(resolved(""), "Missing Query ID");
  EXPECT_EQ(query_get(tables(), "nope", nullptr).error().detail,
            "failed prepared query lookup: index error: UUID must be 36 characters");
}

TEST_F(PreparedQueries, AnUpdateMovesAllIndexes) {
  EXPECT_EQ(set(query(kFirst, "old")), "");
  const std::uint64_t created = index;
  EXPECT_EQ(set(query(kFirst, "new", "db")), "");

  EXPECT_EQ(resolved("old"), "nothing");
  EXPECT_EQ(resolved("new"), "db");
  EXPECT_EQ(query_list(tables(), nullptr).queries.at(0)->CreateIndex, created);
  remove(kFirst);
  EXPECT_EQ(resolved("new"), "nothing");
  EXPECT_EQ(tables().queries_by_name.size(), 0u);
  EXPECT_EQ(index_of("prepared-queries"), index);
}

TEST_F(PreparedQueries, NamesMustNotStealQueries) {
  EXPECT_EQ(set(query(kFirst, "db")), "");
  EXPECT_EQ(set(query(kSecond, "DB")), "name 'DB' aliases an existing query name");
  EXPECT_EQ(set(query(kSecond, kFirst)), std::string("name '") + kFirst + "' aliases an existing query ID");
  EXPECT_EQ(set(name_template(kSecond, "", "web")), "");
  EXPECT_EQ(set(name_template("aaaaaaaa-7777-8888-9999-AAAAAAAAAAAA", "", "web")),
            "a query template with an empty name already exists");
  EXPECT_EQ(set(name_template(kSecond, "", "db")), "");
}

TEST_F(PreparedQueries, TheTemplateWithTheLongestNameServes) {
  EXPECT_EQ(set(name_template(kFirst, "", "all-${name.full}")), "");
  EXPECT_EQ(set(name_template(kSecond, "geo-", "${name.suffix}")), "");

  EXPECT_EQ(resolved("geo-db"), "db");
  EXPECT_EQ(resolved("GEO-db"), "GEO-db");  // its prefix is not the template's, letter by letter
  EXPECT_EQ(resolved("ge"), "all-ge");
  EXPECT_EQ(resolved(kSecond), "prepared query templates can only be resolved up by name, not by ID");
}

TEST_F(PreparedQueries, TemplatesThatCannotBeRenderedAreRefused) {
  PreparedQuery bad = name_template(kFirst, "t", "x");
  bad.Template.Type = "odd";
  EXPECT_EQ(set(bad), "failed compiling template: Bad Template.Type 'odd'");
  bad = name_template(kFirst, "t", "x");
  bad.Template.Regexp = "(";
  EXPECT_EQ(set(bad), "failed compiling template: Bad Regexp: error parsing regexp: missing closing ): `(`");
  bad.Template.Regexp.clear();
  bad.Service.Tags = {"a", "${nope}"};
  EXPECT_EQ(set(bad),
            "failed compiling template: Bad evaluation for '${nope}' in Service.Tags[1]: 1:3: unknown variable "
            "accessed: nope");
  bad.Service.Tags.clear();
  bad.Service.Failover.Targets.push_back({.Peer = "${", .Datacenter = {}});
  EXPECT_EQ(set(bad),
            "failed compiling template: Bad format '${' in Service.Failover.Targets[0].Peer: parse error at 1:3: "
            "expected expression but found end of string");
  EXPECT_TRUE(tables().queries.empty());
}

TEST_F(PreparedQueries, EveryTextOfTheServiceIsRendered) {
  PreparedQuery made = name_template(kFirst, "geo-", "${match(1)}");
  made.Template.Regexp = "^geo-(.*?)-([^\\-]+?)$";
  made.Template.RemoveEmptyTags = true;
  made.Service.Tags = {"${match(2)}", "${match(3)}"};
  made.Service.NodeMeta = {{"k", "${name.prefix}"}};
  made.Service.Failover.Datacenters = {"${match(2)}"};
  EXPECT_EQ(set(made), "");

  const auto found = query_resolve(tables(), "geo-db-primary", "");

  ASSERT_TRUE(found && *found);
  const ServiceQuery& service = (*found)->Service;
  EXPECT_EQ(service.Service, "db");
  EXPECT_EQ(service.Tags, (base::List<std::string>{"primary"}));
  EXPECT_EQ(service.NodeMeta.at("k"), "geo-");
  EXPECT_EQ(service.Failover.Datacenters, (base::List<std::string>{"primary"}));
}

TEST_F(PreparedQueries, EndWithTheirSession) {
  apply(node_request("n1"));
  PreparedQuery bound = query(kFirst, "");
  bound.Session = kSession;
  EXPECT_EQ(set(bound), std::string("invalid session \"") + kSession + "\"");
  Session session;
  session.ID = kSession;
  session.Node = "n1";
  store.writer().begin_command(++index);
  ASSERT_TRUE(session_create(store.writer(), session));
  EXPECT_EQ(set(bound), "");
  EXPECT_EQ(set(query(kSecond, "stays")), "");

  deregister("n1");

  ASSERT_EQ(tables().queries.size(), 1u);
  EXPECT_EQ(tables().queries_by_session.size(), 0u);
  EXPECT_EQ(query_list(tables(), nullptr).queries.at(0)->Name, "stays");
  EXPECT_EQ(index_of("prepared-queries"), index);
}

TEST_F(PreparedQueries, AreCheckedBeforeTheyEnterTheLog) {
  base::SeededRandom random(1);
  const auto refused = [&](const std::string& op, PreparedQuery query) {
    PreparedQueryRequest request;
    request.Op = op;
    request.Query = std::move(query);
    const auto valid = prepare(request, tables(), random);
    return valid ? "" : valid.error().detail;
  };
  PreparedQuery good = query("", "n");
  EXPECT_EQ(refused("create", good), "");
  EXPECT_EQ(refused("create", query(kFirst, "n")), "ID must be empty when creating a new prepared query");
  EXPECT_EQ(refused("update", query(kFirst, "n")),
            std::string("Cannot modify non-existent prepared query: '") + kFirst + "'");
  EXPECT_EQ(refused("delete", query("x", "")),
            "Prepared Query lookup failed: failed prepared query lookup: index error: UUID must be 36 characters");
  good.Service.Failover.NearestN = 1;
  good.Service.Failover.Targets.emplace_back().Peer = "p";
  EXPECT_EQ(refused("create", good),
            "Invalid prepared query: Targets cannot be populated with NearestN or Datacenters");
  good = query("", "n");
  good.Token = "<hidden>";
  EXPECT_EQ(refused("create", good),
            "Invalid prepared query: Bad Token '<hidden>', it looks like a query definition with a redacted token was "
            "submitted");
  good = query("", "n");
  good.DNS.TTL = "-1s";
  EXPECT_EQ(refused("create", good), "Invalid prepared query: DNS TTL '-1000000000', must be >=0");
}

TEST_F(PreparedQueries, WatchersAreWokenByTheirOwnQueryOnly) {
  struct Sink : base::WakeSink {
    void wake(std::vector<std::uint64_t> tokens) override { woken += tokens.size(); }
    std::size_t woken = 0;
  } sink;
  base::KeySet one, all;
  (void)query_get(tables(), kFirst, &one);
  query_list(tables(), &all);
  const base::Watch first = store.watches().watch(one, sink, 1);

  EXPECT_EQ(set(query(kSecond, "b")), "");
  EXPECT_EQ(sink.woken, 0u);
  const base::Watch list = store.watches().watch(all, sink, 2);
  EXPECT_EQ(set(query(kFirst, "a")), "");
  EXPECT_EQ(sink.woken, 2u);
}

class QueryExecutions : public PreparedQueries {
 protected:
  void SetUp() override {
    for (const std::string node : {"m0", "m1", "m2"}) {
      RegisterRequest request = service_request(node, "w", "web");
      request.Address = "10.5.0." + node.substr(1);
      request.NodeMeta = {{"i", node}};
      request.Service->Tags = {"all", "T" + node};
      request.Service->Meta = {{"v", node}};
      apply(std::move(request));
    }
    check(check_of("m0", "c", "passing", "w"));
    check(check_of("m1", "c", "warning", "w"));
    check(check_of("m2", "c", "critical", "w"));
  }
  std::string nodes(const QueryExecution& execution) {
    std::vector<std::string> names;
    for (const InstanceRow* row : execution.result().rows) names.push_back(row->service().get().Node);
    if (sorted) std::ranges::sort(names);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  }
  QueryExecution run(const ServiceQuery& service, QueryExecuteOptions options = {}) {
    PreparedQuery made = query(kFirst, "q");
    made.Service = service;
    EXPECT_EQ(set(made), "");
    options.datacenter = "dc1";
    auto execution = QueryExecution::start(tables(), "q", options, random);
    EXPECT_TRUE(execution && *execution);
    return **execution;
  }
  std::string found(const ServiceQuery& service, QueryExecuteOptions options = {}) {
    return nodes(run(service, options));
  }
  base::SeededRandom random{7};
  bool sorted = true;
};

TEST_F(QueryExecutions, ChooseByHealthTagsAndMetadata) {
  EXPECT_EQ(found({.Service = "web"}), "m0 m1");
  EXPECT_EQ(found({.Service = "web", .OnlyPassing = true}), "m0");
  EXPECT_EQ(found({.Service = "web", .IgnoreCheckIDs = {"c"}}), "m0 m1 m2");
  EXPECT_EQ(found({.Service = "web", .Tags = {"tm1", "ALL"}}), "m1");
  EXPECT_EQ(found({.Service = "web", .Tags = {"!tm1", "all"}}), "m0");
  EXPECT_EQ(found({.Service = "web", .NodeMeta = {{"i", "m1"}}}), "m1");
  EXPECT_EQ(found({.Service = "web", .ServiceMeta = {{"v", "m0"}}}), "m0");
  EXPECT_EQ(found({.Service = "web", .Connect = true}), "");
  EXPECT_EQ(found({.Service = "web"}, {.connect = true}), "");
  EXPECT_EQ(found({.Service = "web", .IgnoreCheckIDs = {"c"}}, {.limit = 2}).size(), 5u);
  EXPECT_EQ(run({.Service = "web"}).result().datacenter, "dc1");
}

TEST_F(QueryExecutions, TheNodeAskedForComesFirst) {
  sorted = false;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(found({.Service = "web", .Near = "m1"}), "m1 m0");
    EXPECT_EQ(found({.Service = "web", .Near = "m1"}, {.near = "m0"}), "m0 m1");
    EXPECT_EQ(found({.Service = "web", .Near = "_agent"}, {.node = "M1"}), "m1 m0");
    EXPECT_EQ(found({.Service = "web", .Near = "_ip"}, {.source_ip = "10.5.0.1"}), "m1 m0");
  }
}

TEST_F(QueryExecutions, UnknownDatacentersArePassedOver) {
  const QueryExecution execution = run({.Service = "nobody", .Failover = {.NearestN = 3, .Datacenters = {"dc9"}}});

  EXPECT_FALSE(execution.next());
  EXPECT_EQ(execution.result().failovers, 0);
  EXPECT_TRUE(execution.result().rows.empty());
}

TEST_F(QueryExecutions, OtherDatacentersAreAskedInOrderUntilOneHasSomebody) {
  const std::vector<std::string> others{"near", "far", "farther"};
  QueryExecution execution = run({.Service = "nobody", .Failover = {.NearestN = 1, .Datacenters = {"near", "farther"}}},
                                 {.limit = 3, .other_datacenters = [&] { return others; }});

  ASSERT_TRUE(execution.next());
  EXPECT_EQ(execution.next()->Datacenter, "near");
  EXPECT_EQ(execution.next()->Limit, 3);
  execution.answered(base::Error{base::Errc::timeout, "gone"});
  ASSERT_TRUE(execution.next());
  EXPECT_EQ(execution.next()->Datacenter, "farther");
  PreparedQueryExecuteResponse answer;
  answer.Service = "nobody";
  answer.Datacenter = "farther";
  answer.Nodes.emplace_back();
  execution.answered(std::move(answer));

  EXPECT_FALSE(execution.next());
  EXPECT_EQ(execution.result().remote.size(), 1u);
  EXPECT_EQ(execution.result().datacenter, "farther");
  EXPECT_EQ(execution.result().failovers, 2);
}

TEST_F(QueryExecutions, WhatAPeerExportsIsFoundHere) {
  RegisterRequest request = service_request("far", "db", "db");
  request.PeerName = request.Service->PeerName = "peer-a";
  apply(std::move(request));
  ServiceQuery service{.Service = "db"};
  service.Failover.Targets = {{.Peer = "peer-b", .Datacenter = {}}, {.Peer = "peer-a", .Datacenter = {}}};

  const QueryExecution execution = run(service);

  EXPECT_EQ(nodes(execution), "far");
  EXPECT_EQ(execution.result().peer, "peer-a");
  EXPECT_EQ(execution.result().datacenter, "");
  EXPECT_EQ(execution.result().failovers, 2);
}

}  // namespace
}  // namespace proconsul::catalog
