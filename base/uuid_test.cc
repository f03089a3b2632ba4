#include "base/uuid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"

namespace proconsul::base {
namespace {

TEST(Uuid, IsSixteenRandomBytesInTheUsualNotation) {
  SeededRandom random(1);

  const std::string uuid = generate_uuid(random);

  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(format_uuid(parse_uuid(uuid).value()), uuid);
  EXPECT_NE(generate_uuid(random), uuid);
  SeededRandom same(1);
  EXPECT_EQ(generate_uuid(same), uuid);
}

TEST(Uuid, RefusesWhatConsulRefuses) {
  EXPECT_TRUE(parse_uuid("AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee"));
  EXPECT_EQ(parse_uuid("").error().detail, "uuid string is wrong length");
  EXPECT_EQ(parse_uuid("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeeee").error().detail, "uuid string is wrong length");
  EXPECT_EQ(parse_uuid("aaaaaaaab-bbb-cccc-dddd-eeeeeeeeeeee").error().detail, "uuid is improperly formatted");
  EXPECT_EQ(parse_uuid("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeeg").error().detail,
            "encoding/hex: invalid byte: U+0067 'g'");
}

TEST(Base64, RoundTripsEveryLengthAndNamesTheBadByte) {
  SeededRandom random(2);
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = random.bytes(size);
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)).value(), bytes);
  }

  EXPECT_EQ(to_base64("ab"), "YWI=");
  EXPECT_EQ(from_base64("YW\r\nI=\n").value(), "ab");
  EXPECT_EQ(from_base64("YWI").error().detail, "illegal base64 data at input byte 0");
  EXPECT_EQ(from_base64("YWJjYWI").error().detail, "illegal base64 data at input byte 4");
  EXPECT_EQ(from_base64("YWI=x").error().detail, "illegal base64 data at input byte 4");
  EXPECT_EQ(from_base64("YW=I").error().detail, "illegal base64 data at input byte 2");
  EXPECT_EQ(from_base64("Y?==").error().detail, "illegal base64 data at input byte 1");
  EXPECT_EQ(from_hex("abc").error().detail, "encoding/hex: odd length hex string");
}

TEST(Random, DrawsBelowABoundAndReachesEveryValue) {
  SeededRandom random(3);
  std::set<std::uint64_t> seen;

  for (int i = 0; i < 1'000; ++i) seen.insert(random.below(7));

  EXPECT_EQ(seen.size(), 7u);
  EXPECT_LT(*std::ranges::max_element(seen), 7u);
  EXPECT_EQ(random.below(1), 0u);
  for (int i = 0; i < 1'000; ++i) {
    const double unit = random.unit();
    EXPECT_GE(unit, 0);
    EXPECT_LT(unit, 1);
  }
  EXPECT_NE(system_random().bytes(32), system_random().bytes(32));
}

TEST(Clock, StandsStillUntilItIsMoved) {
  ManualClock clock(from_unix(100));
  const MonotonicTime start = clock.now();

  clock.advance(seconds(5));
  clock.set_wall(from_unix(50));

  EXPECT_EQ(clock.now() - start, seconds(5));
  EXPECT_EQ(clock.wall(), from_unix(50));
  EXPECT_GE(system_clock().now(), system_clock().now() - seconds(1));
  EXPECT_GT(system_clock().wall(), from_unix(1'700'000'000));
}

}  // namespace
}  // namespace proconsul::base
