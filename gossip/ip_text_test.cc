#include "gossip/ip_text.h"

#include <gtest/gtest.h>

#include "gossip/swim/membership.h"

namespace proconsul::gossip {
namespace {

TEST(IpText, AsGoPrintsThem) {
  const std::string mapped = ip_bytes("::ffff:10.0.0.1").value();

  EXPECT_EQ(ip_text(std::string("\x7f\0\0\1", 4)), "127.0.0.1");
  EXPECT_EQ(ip_text(mapped), "10.0.0.1");
  EXPECT_EQ(ip_text(ip_bytes("fe80::1").value()), "fe80::1");
  EXPECT_EQ(ip_text("abc"), "?616263");
  EXPECT_EQ(ip_text(""), "<nil>");
  EXPECT_TRUE(same_ip(mapped, ip_bytes("10.0.0.1").value()));
  EXPECT_FALSE(ip_bytes("localhost"));
  EXPECT_EQ(swim::to_string({ip_bytes("::1").value(), 8301}), "[::1]:8301");
  EXPECT_EQ(swim::to_string({ip_bytes("10.0.0.1").value(), 8301}), "10.0.0.1:8301");
}

TEST(IpText, AddressesAreReadBack) {
  for (const char* text : {"10.0.0.1:8301", "[fe80::1]:1"}) {
    ASSERT_TRUE(parse_address(text)) << text;
    EXPECT_EQ(swim::to_string(*parse_address(text)), text);
  }
  for (const char* text : {"", "10.0.0.1", "host:1", "::1:8301", "[10.0.0.1]:1", "10.0.0.1:65536", "10.0.0.1:"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

}  // namespace
}  // namespace proconsul::gossip
