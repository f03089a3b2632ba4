#include "agent/cluster/datacenters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "agent/cluster/flood.h"
#include "agent/server/server_info.h"

namespace proconsul::agent::cluster {
namespace {

using gossip::serf::Coordinate;
using gossip::serf::CoordinateTree;
using gossip::serf::Member;
using gossip::serf::MemberPtr;
using gossip::serf::MemberStatus;
using ::testing::ElementsAre;

MemberPtr member(const std::string& node, const std::string& datacenter, bool wan, std::uint16_t wan_join_port = 8302,
                 MemberStatus status = MemberStatus::alive) {
  Member member{};
  member.Name = wan ? node + "." + datacenter : node;
  member.Addr = base::Bytes(std::string("\x0a\0\0\x01", 4));
  member.Status = status;
  server::ServerInfo info;
  info.id = node;
  info.datacenter = datacenter;
  info.port = 8300;
  info.wan_join_port = wan ? 0 : wan_join_port;
  member.Tags = server::server_tags(info, "1.21.4");
  return base::make_row(std::move(member));
}

Coordinate at(double seconds) {
  Coordinate coordinate = Coordinate::origin();
  coordinate.Vec[0] = seconds;
  coordinate.Height = 0;
  return coordinate;
}

CoordinateTree coordinates(const std::map<std::string, double>& places) {
  CoordinateTree tree;
  for (const auto& [name, seconds] : places) tree.insert(name, base::make_row(at(seconds)));
  return tree;
}

TEST(Datacenters, NearestFirstByTheMedianOfTheirServers) {
  const std::vector<MemberPtr> wan{member("a", "dc1", true),  member("b1", "dc2", true), member("b2", "dc2", true),
                                   member("b3", "dc2", true), member("c", "dc3", true),  member("d", "dc0", true)};
  // dc2 has one server next door, but its median is far.
  const CoordinateTree tree =
      coordinates({{"b1.dc2", 0.001}, {"b2.dc2", 0.200}, {"b3.dc2", 0.200}, {"c.dc3", 0.100}, {"d.dc0", 0.300}});
  const Coordinate own = at(0);

  EXPECT_THAT(datacenters_by_distance("dc1", wan, tree, &own), ElementsAre("dc1", "dc3", "dc2", "dc0"));
}

TEST(Datacenters, EquallyFarOrUnmeasuredByName) {
  const std::vector<MemberPtr> wan{member("z", "zz", true), member("y", "aa", true), member("x", "mm", true),
                                   member("left", "bb", true, 0, MemberStatus::left)};
  const Coordinate own = at(0);

  EXPECT_THAT(datacenters_by_distance("dc1", wan, {}, &own), ElementsAre("dc1", "aa", "mm", "zz"));
  EXPECT_THAT(datacenters_by_distance("dc1", wan, {}, nullptr), ElementsAre("dc1", "aa", "mm", "zz"));
  EXPECT_THAT(datacenters_by_distance("dc1", wan, coordinates({{"z.zz", 1.0}}), &own),
              ElementsAre("dc1", "zz", "aa", "mm"));
  EXPECT_THAT(datacenters_by_distance("dc1", {}, {}, nullptr), ElementsAre("dc1"));
}

TEST(Datacenters, MapsNameServersWithoutTheirDatacenter) {
  const std::vector<MemberPtr> wan{member("a.b", "dc1", true), member("x", "dc2", true), member("y", "dc2", true)};

  const auto maps = datacenter_maps(wan, coordinates({{"a.b.dc1", 0.0}, {"y.dc2", 0.1}}));

  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].Datacenter, "dc1");
  EXPECT_EQ(maps[0].AreaID, "wan");
  ASSERT_EQ(maps[0].Coordinates.size(), 1u);
  EXPECT_EQ(maps[0].Coordinates[0]->Node, "a.b") << "a node's own dots stay";
  ASSERT_EQ(maps[1].Coordinates.size(), 1u) << "x was never measured";
  EXPECT_EQ(maps[1].Coordinates[0]->Node, "y");
  EXPECT_DOUBLE_EQ(maps[1].Coordinates[0]->Coord->Vec[0], 0.1);
}

TEST(Flood, WhoIsOnTheLanAloneIsMissing) {
  const std::vector<MemberPtr> lan{member("a", "dc1", false), member("b", "dc1", false),
                                   member("no-wan", "dc1", false, 0),
                                   member("dead", "dc1", false, 8302, MemberStatus::failed)};
  const std::vector<MemberPtr> wan{member("a", "dc1", true), member("b", "dc2", true)};

  const std::vector<Missing> missing = missing_on_wan(lan, wan, "dc1");

  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].name, "b.dc1") << "a server of the same name elsewhere is another one";
  EXPECT_EQ(missing[0].address.port, 8302);
}

}  // namespace
}  // namespace proconsul::agent::cluster
