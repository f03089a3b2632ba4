#include "gossip/serf/coordinate.h"

#include <gtest/gtest.h>

#include <bit>

#include "gossip/vectors.h"

namespace proconsul::gossip::serf {
namespace {

double number(const base::Value& bits) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(std::stoull(*bits.as_string(), nullptr, 16)));
}

Coordinate coordinate(const base::Value& recorded) {
  Coordinate made;
  made.Adjustment = number(*recorded.find("Adjustment"));
  made.Error = number(*recorded.find("Error"));
  made.Height = number(*recorded.find("Height"));
  for (const base::Value& component : *recorded.find("Vec")->as_list()) made.Vec.push_back(number(component));
  return made;
}

void expect_same(const Coordinate& ours, const Coordinate& theirs) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  EXPECT_EQ(bits(ours.Adjustment), bits(theirs.Adjustment));
  EXPECT_EQ(bits(ours.Error), bits(theirs.Error));
  EXPECT_EQ(bits(ours.Height), bits(theirs.Height));
  for (std::size_t i = 0; i < theirs.Vec.size(); ++i) EXPECT_EQ(bits(ours.Vec[i]), bits(theirs.Vec[i])) << i;
}

TEST(Coordinate, MovesAsGosToTheLastBit) {
  const base::Value vector = vector_of("vivaldi.json", "trace30");
  const base::Value& trace = *vector.find("decoded");
  base::SeededRandom random(1);
  CoordinateClient client(random);
  ASSERT_TRUE(client.set(coordinate(*trace.find("start"))));
  int step = 0;
  for (const base::Value& recorded : *trace.find("steps")->as_list()) {
    SCOPED_TRACE(step++);
    const Coordinate other = coordinate(*recorded.find("other"));
    ASSERT_TRUE(client.update(*recorded.find("node")->as_string(), other,
                              base::Duration{integer_of(*recorded.find("rtt_ns"))}));
    expect_same(client.coordinate(), coordinate(*recorded.find("after")));
    EXPECT_EQ(distance(client.coordinate(), other).nanoseconds, integer_of(*recorded.find("distance_ns")));
  }
}

TEST(Coordinate, NonsenseIsRefused) {
  base::SeededRandom random(1);
  CoordinateClient client(random);
  Coordinate other = Coordinate::origin();
  EXPECT_FALSE(client.update("n", other, base::seconds(11)));
  EXPECT_FALSE(client.update("n", other, base::Duration{-1}));
  other.Vec.pop_back();
  EXPECT_EQ(client.update("n", other, base::seconds(1)).error().detail, "dimensions aren't compatible");
  other = Coordinate::origin();
  other.Height = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(client.update("n", other, base::seconds(1)).error().detail, "coordinate is invalid");
  EXPECT_TRUE(client.coordinate().is_valid());
}

TEST(Coordinate, NodesAtOnePlacePart) {
  base::SeededRandom random(1);
  CoordinateClient client(random);
  ASSERT_TRUE(client.update("n", Coordinate::origin(), base::milliseconds(10)));
  EXPECT_GT(distance(client.coordinate(), Coordinate::origin()).nanoseconds, 0);
}

// Found by fuzzing: the distance to a liar's coordinate is no number of nanoseconds.
TEST(Coordinate, ALiarsHeightBreaksNothing) {
  base::SeededRandom random(1);
  CoordinateClient client(random);
  for (const double height : {-2.5e10, 2.5e10, -1e300, 1e300}) {
    Coordinate liar = Coordinate::origin();
    liar.Height = height;
    (void)client.update("liar", liar, base::milliseconds(1));
    (void)distance(liar, client.coordinate());
    EXPECT_TRUE(client.coordinate().is_valid());
  }
}

}  // namespace
}  // namespace proconsul::gossip::serf
