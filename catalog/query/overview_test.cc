#include "catalog/query/overview.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "catalog/registry/registry_fixture.h"

namespace proconsul::catalog {
namespace {

using namespace testing_support;

using CatalogOverview = RegistryFixture;

TEST_F(CatalogOverview, NothingIsNull) {
  EXPECT_EQ(base::to_json(catalog_overview(tables())), R"({"Nodes":null,"Services":null,"Checks":null})");
}

TEST_F(CatalogOverview, EverythingCountsAsItsWorstCheck) {
  apply(service_request("n1", "web1", "web"));
  apply(service_request("n1", "web2", "web"));
  apply(service_request("n2", "db", "db"));
  check(check_of("n1", "alive", "passing"));
  check(check_of("n2", "alive", "warning"));
  check(check_of("n1", "c1", "warning", "web1"));
  check(check_of("n1", "c2", "critical", "web1"));

  EXPECT_EQ(base::to_json(catalog_overview(tables())),
            R"({"Nodes":[{"Total":2,"Passing":1,"Warning":1,"Critical":0}],)"
            R"("Services":[{"Name":"db","Total":1,"Passing":1,"Warning":0,"Critical":0},)"
            R"({"Name":"web","Total":2,"Passing":1,"Warning":0,"Critical":1}],)"
            R"("Checks":[{"Name":"alive","Total":2,"Passing":1,"Warning":1,"Critical":0},)"
            R"({"Name":"c1","Total":1,"Passing":0,"Warning":1,"Critical":0},)"
            R"({"Name":"c2","Total":1,"Passing":0,"Warning":0,"Critical":1}]})");
}

}  // namespace
}  // namespace proconsul::catalog
