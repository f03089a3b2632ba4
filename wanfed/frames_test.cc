#include "wanfed/frames.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "wanfed/names.h"

namespace proconsul::wanfed {
namespace {

TEST(Frames, AreTheLengthInFourBytesBigEndianAndThePacket) {
  EXPECT_EQ(frame("abc"), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(frame(std::string(0x10203, 'x')).substr(0, 4), std::string("\0\1\2\3", 4));
}

TEST(Frames, AreReadWhateverThePiecesInWhichTheyCome) {
  base::SeededRandom random(3);
  std::vector<std::string> sent;
  std::string bytes;
  for (std::size_t i = 0; i < 200; ++i) {
    sent.push_back(random.bytes(random.below(3000)));
    bytes += frame(sent.back());
  }

  FrameReader reader;
  std::vector<std::string> read;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random.below(2000), bytes.size() - at);
    ASSERT_TRUE(reader.take(bytes.substr(at, size), [&](std::string_view packet) { read.emplace_back(packet); }));
    at += size;
  }

  EXPECT_EQ(read, sent);
}

TEST(Frames, ALengthBeyondTheLimitEndsTheStreamBeforeAnythingIsKept) {
  FrameReader reader;
  int read = 0;
  const auto count = [&](std::string_view) { ++read; };

  EXPECT_TRUE(reader.take(std::string("\0\x40", 2), count));
  EXPECT_TRUE(reader.take(std::string("\0\0abc", 5), count)) << "4 MiB are allowed";
  EXPECT_FALSE(FrameReader().take(std::string("\0\x40\0\1", 4), count));
  EXPECT_FALSE(FrameReader().take("\xff\xff\xff\xff", count));
  EXPECT_EQ(read, 0);
}

TEST(Names, AMemberOfTheWanPoolIsItsNodeAndItsDatacenter) {
  const auto name = split_node_name("node-a.dc1");

  ASSERT_TRUE(name);
  EXPECT_EQ(name->node, "node-a");
  EXPECT_EQ(name->datacenter, "dc1");
  for (const char* wrong : {"", "node", "node.", ".dc1", "a.b.dc1", "."}) EXPECT_FALSE(split_node_name(wrong)) << wrong;
}

TEST(Names, TheNameInTlsIsTheNodesOrThatOfAnyServer) {
  EXPECT_EQ(server_name("node-a", "dc2", "consul"), "node-a.server.dc2.consul");
  EXPECT_EQ(server_name("*", "dc2", "consul"), "server.dc2.consul");
  EXPECT_EQ(server_name("", "dc2", "example.org"), "server.dc2.example.org");
  EXPECT_EQ(alpn(kPacketProtocol),
            "\x18"
            "consul/wan-gossip/packet");
}

}  // namespace
}  // namespace proconsul::wanfed
