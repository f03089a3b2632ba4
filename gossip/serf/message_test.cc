#include "gossip/serf/message.h"

#include <gtest/gtest.h>

#include "gossip/serf/coordinate.h"
#include "gossip/vectors.h"

namespace proconsul::gossip::serf {
namespace {

std::string recorded(std::string_view name) {
  return bytes_of("serf.json", name);
}

template <class Message>
Message expect_same_bytes(std::string_view name) {
  const std::string bytes = recorded(name);
  const base::Result<Message> message = decode<Message>(std::string_view(bytes).substr(1));
  EXPECT_TRUE(message) << name;
  if (!message) return {};
  EXPECT_EQ(to_hex(encode(static_cast<MessageType>(bytes[0]), *message)), to_hex(bytes)) << name;
  return *message;
}

TEST(SerfMessage, RecordedOnesComeBack) {
  EXPECT_EQ(expect_same_bytes<LeaveIntent>("leave").LTime, 12u);
  EXPECT_TRUE(expect_same_bytes<LeaveIntent>("leave_prune").Prune);
  EXPECT_EQ(expect_same_bytes<JoinIntent>("join").Node, "srv1");
  EXPECT_EQ(expect_same_bytes<JoinIntent>("join_wan_big").LTime, 5000000000u);
  EXPECT_EQ(expect_same_bytes<UserEventMessage>("user_event").Payload, "srv1");
  EXPECT_TRUE(expect_same_bytes<UserEventMessage>("user_event_nil").CC);
  EXPECT_EQ(expect_same_bytes<Query>("query").Flags, kQueryAck);
  EXPECT_EQ(expect_same_bytes<Query>("query_filters").Filters.size(), 2u);
  EXPECT_EQ(expect_same_bytes<Query>("query_install_key").Name, "_serf_install-key");
  EXPECT_EQ(expect_same_bytes<QueryResponse>("query_response").Payload, "pong");
  EXPECT_EQ(expect_same_bytes<QueryResponse>("query_ack").Flags, kQueryAck);
  EXPECT_EQ(expect_same_bytes<KeyRequest>("key_request").Key.size(), 32u);
  EXPECT_EQ(to_hex(encode(MessageType::key_request, KeyRequest{.Key = base::Bytes(std::string())})),
            to_hex(recorded("key_request_list")));
  EXPECT_TRUE(expect_same_bytes<KeyResponse>("key_response_ok").Result);
  EXPECT_FALSE(expect_same_bytes<KeyResponse>("key_response_err").Result);
  EXPECT_EQ(expect_same_bytes<KeyResponse>("key_response_list").Keys.size(), 1u);
  EXPECT_EQ(expect_same_bytes<Member>("conflict_response").Name, "srv1");
  expect_same_bytes<PushPull>("push_pull_empty");
  EXPECT_EQ(expect_same_bytes<PushPull>("push_pull").EventLTime, 4u);
  EXPECT_EQ(expect_same_bytes<TagFilter>("filter_tag").Tag, "role");
}

TEST(SerfMessage, ARelayedMessageFollowsItsHeader) {
  const std::string bytes = recorded("relay");
  base::MsgpackReader reader(std::string_view(bytes).substr(1), base::MsgpackHandle::plain);
  RelayHeader header;
  reader.object(header);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(header.DestName, "srv1");
  EXPECT_EQ(to_hex(encode(MessageType::relay, header) + std::string(reader.rest())), to_hex(bytes));
}

TEST(SerfMessage, Tags) {
  const base::Map<std::string> one{{"role", "consul"}};
  EXPECT_EQ(to_hex(encode_tags(one)), to_hex(recorded("tags_one")));
  EXPECT_EQ(to_hex(encode_tags({})), to_hex(recorded("tags_empty")));
  EXPECT_EQ(decode_tags(recorded("tags_one")), one);
  EXPECT_EQ(decode_tags(recorded("tags_legacy")), one);
  EXPECT_EQ(decode_tags(recorded("tags_server")).at("build"), "1.21.4:00000000");
}

TEST(SerfMessage, CoordinateOfAnAck) {
  const std::string payload = recorded("ack_payload_origin");
  const Coordinate origin = decode<Coordinate>(std::string_view(payload).substr(1)).value();
  EXPECT_EQ(origin.Error, 1.5);
  EXPECT_EQ(to_hex(encode(static_cast<MessageType>(payload[0]), Coordinate::origin())), to_hex(payload));
}

}  // namespace
}  // namespace proconsul::gossip::serf
