#include "agent/cluster/join_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proconsul::agent::cluster {
namespace {

using ::testing::ElementsAre;

JoinAddress parsed(std::string_view text) {
  auto address = parse_join_address(text, 8301);
  EXPECT_TRUE(address) << text;
  return address ? *address : JoinAddress{};
}
std::string refused(std::string_view text) {
  const auto address = parse_join_address(text, 8301);
  return address ? "" : address.error().detail;
}

TEST(JoinAddress, IsTakenApart) {
  EXPECT_EQ(parsed("10.0.0.1"), (JoinAddress{.node = "", .host = "10.0.0.1", .port = 8301}));
  EXPECT_EQ(parsed("10.0.0.1:99"), (JoinAddress{.node = "", .host = "10.0.0.1", .port = 99}));
  EXPECT_EQ(parsed("::1"), (JoinAddress{.node = "", .host = "::1", .port = 8301}));
  EXPECT_EQ(parsed("[::1]"), (JoinAddress{.node = "", .host = "::1", .port = 8301}));
  EXPECT_EQ(parsed("[::1]:7"), (JoinAddress{.node = "", .host = "::1", .port = 7}));
  EXPECT_EQ(parsed("n1.dc2/host.example:7"), (JoinAddress{.node = "n1.dc2", .host = "host.example", .port = 7}));
  EXPECT_TRUE(parsed("_serf._tcp.example.com").srv);
  EXPECT_FALSE(parsed("host").srv);
}

TEST(JoinAddress, SaysWhatIsWrong) {
  EXPECT_EQ(refused("/host"), "empty node name provided");
  EXPECT_EQ(refused("host:x"), "strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(refused("host:65536"), "strconv.ParseUint: parsing \"65536\": value out of range");
  EXPECT_EQ(refused("[::1"), "address [::1: missing ']' in address");
  EXPECT_EQ(refused("[::1]x"), "address [::1]x: missing port in address");
}

TEST(JoinAddress, ShowsNoSecrets) {
  for (const char* plain : {"host:1", "[::1]:2", "n/10.0.0.1"}) EXPECT_EQ(shown_address(plain), plain);
  EXPECT_EQ(shown_address("exec=/bin/find -token secret"), "exec=/bin/find ...");
  EXPECT_EQ(shown_address("exec=/bin/find"), "exec=/bin/find");
  EXPECT_EQ(shown_address("provider=aws secret_access_key=s"), "provider=aws ...");
  EXPECT_EQ(shown_address("secret_access_key=s provider=aws"), "provider=aws ...");
  EXPECT_EQ(shown_address("secret_access_key=s"), "...");
  EXPECT_EQ(refused("provider=aws secret_access_key=s").find("=s"), std::string::npos);
}

TEST(JoinAddress, Resolves) {
  auto found = resolve(parsed("127.0.0.1:5"));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(to_string(found->front()), "127.0.0.1:5");
  found = resolve(parsed("localhost:5"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->empty());
  EXPECT_EQ(resolve(parsed("")).error().detail, "lookup : no such host");
}

TEST(JoinAddress, Words) {
  EXPECT_THAT(split_words(" a 'b c'\t\"d \\\" e\" f\\ g '' ").value(), ElementsAre("a", "b c", "d \" e", "f g", ""));
  EXPECT_FALSE(split_words("'a"));
  EXPECT_FALSE(split_words("a\\"));
}

TEST(JoinAddress, AddressesOfAProgram) {
  EXPECT_THAT(addresses_of_program("printf '10.0.0.1\\n10.0.0.2:8301\\n'").value(),
              ElementsAre("10.0.0.1", "10.0.0.2:8301"));
  EXPECT_NE(addresses_of_program("sh -c 'echo no; exit 3'").error().detail.find("exit status 3"), std::string::npos);
  EXPECT_FALSE(addresses_of_program(""));
  EXPECT_FALSE(addresses_of_program("/nonexistent/program"));
}

}  // namespace
}  // namespace proconsul::agent::cluster
