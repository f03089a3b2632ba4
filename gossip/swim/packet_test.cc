#include "gossip/swim/packet.h"

#include <gtest/gtest.h>

#include "gossip/swim/layers.h"
#include "gossip/swim/message.h"
#include "gossip/vectors.h"

namespace proconsul::gossip::swim {
namespace {

template <class Message>
void expect_same_bytes(const std::string& bytes) {
  const base::Result<Message> message = decode<Message>(std::string_view(bytes).substr(1));
  ASSERT_TRUE(message) << message.error().detail;
  EXPECT_EQ(to_hex(encode(static_cast<MessageType>(bytes[0]), *message)), to_hex(bytes));
}

TEST(Message, EveryRecordedOneComesBack) {
  int seen = 0;
  for (const base::Value& vector : vectors_of("memberlist.json")) {
    const base::Value* again = vector.find("reencode");
    if (again == nullptr || !*again->as_bool()) continue;
    const std::string bytes = from_hex(text_of(vector, "hex"));
    SCOPED_TRACE(text_of(vector, "name"));
    ++seen;
    if (text_of(vector, "name") == "alive_ipv6") {  // its metadata is empty, not nil; reading makes no difference there
      Alive alive = decode<Alive>(std::string_view(bytes).substr(1)).value();
      alive.Meta = base::Bytes(std::string());
      EXPECT_EQ(to_hex(encode(MessageType::alive, alive)), to_hex(bytes));
      continue;
    }
    switch (static_cast<MessageType>(bytes[0])) {
      case MessageType::ping:
        expect_same_bytes<Ping>(bytes);
        break;
      case MessageType::indirect_ping:
        expect_same_bytes<IndirectPing>(bytes);
        break;
      case MessageType::ack:
        expect_same_bytes<Ack>(bytes);
        break;
      case MessageType::nack:
        expect_same_bytes<Nack>(bytes);
        break;
      case MessageType::suspect:
        expect_same_bytes<Suspect>(bytes);
        break;
      case MessageType::alive:
        expect_same_bytes<Alive>(bytes);
        break;
      case MessageType::dead:
        expect_same_bytes<Dead>(bytes);
        break;
      case MessageType::error:
        expect_same_bytes<ErrorMessage>(bytes);
        break;
      default:
        FAIL() << "no type for it";
    }
  }
  EXPECT_GE(seen, 14);
}

std::vector<std::string> compound_parts() {
  return {bytes_of("memberlist.json", "ack_nil_payload"), bytes_of("memberlist.json", "suspect"),
          bytes_of("memberlist.json", "alive")};
}

base::Result<std::vector<std::string>> unwrap_packet(std::string_view packet, const Wrapping& wrapping) {
  Unwrapped unwrapped;
  if (base::Result<> read = unwrap_packet(packet, wrapping, unwrapped); !read) return read.error();
  return std::vector<std::string>(unwrapped.messages.begin(), unwrapped.messages.end());
}

TEST(Packet, LayersAreGos) {
  Wrapping plain;
  plain.compress = false;
  base::SeededRandom random(1);
  const std::string compound = join(compound_parts());
  EXPECT_EQ(to_hex(compound), text_of(vector_of("memberlist.json", "compound_3"), "hex"));
  EXPECT_EQ(to_hex(compressed(compound)), text_of(vector_of("memberlist.json", "compress_of_compound"), "hex"));
  EXPECT_EQ(to_hex(wrap_packet(compound_parts()[2], plain, true, random)),
            text_of(vector_of("memberlist.json", "crc_alive"), "hex"));
  Wrapping labelled = plain;
  labelled.label = "blue";
  EXPECT_EQ(to_hex(wrap_packet(compound_parts()[0], labelled, false, random)),
            text_of(vector_of("memberlist.json", "label_packet"), "hex"));
}

TEST(Packet, RecordedOnesAreTakenApart) {
  const Wrapping wrapping;
  for (const char* name : {"compound_3", "compress_of_compound", "crc_compress_compound"}) {
    EXPECT_EQ(unwrap_packet(bytes_of("memberlist.json", name), wrapping).value(), compound_parts()) << name;
  }
  auto cut = compound_parts();
  cut.pop_back();
  EXPECT_EQ(unwrap_packet(bytes_of("memberlist.json", "compound_truncated"), wrapping).value(), cut);

  Keyring ring;
  ASSERT_TRUE(ring.add(bytes_of("gossip_crypto.json", "packet_label_encrypted", "extra.key")));
  Wrapping sealed;
  sealed.keyring = &ring;
  sealed.label = "blue";
  const std::string packet = bytes_of("gossip_crypto.json", "packet_label_encrypted");
  EXPECT_EQ(unwrap_packet(packet, sealed).value()[0],
            bytes_of("gossip_crypto.json", "packet_label_encrypted", "extra.plain"));
  EXPECT_FALSE(unwrap_packet(packet, wrapping));
}

TEST(Packet, WhatWasWrappedComesBack) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  base::SeededRandom random(3);
  for (const bool seal : {false, true}) {
    for (const bool crc : {false, true}) {
      Wrapping wrapping;
      if (seal) wrapping.keyring = &ring;
      const std::string packet = wrap_packet(join(compound_parts()), wrapping, crc, random);
      EXPECT_EQ(unwrap_packet(packet, wrapping).value(), compound_parts());
    }
  }
}

TEST(Packet, PlaintextIsRefusedUnlessAllowed) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  Wrapping strict, lenient;
  strict.keyring = lenient.keyring = &ring;
  lenient.verify_incoming = false;
  const std::string plain = join(compound_parts());
  EXPECT_FALSE(unwrap_packet(plain, strict));
  EXPECT_EQ(unwrap_packet(plain, lenient).value(), compound_parts());
}

TEST(Packet, BadBytesAreRefused) {
  const Wrapping wrapping;
  EXPECT_FALSE(unwrap_packet("", wrapping));
  EXPECT_FALSE(unwrap_packet("\x07", wrapping));
  EXPECT_FALSE(unwrap_packet(std::string("\x07\x09\x00", 3), wrapping));
  std::string wrong_sum = bytes_of("memberlist.json", "crc_alive");
  wrong_sum[2] ^= 1;
  EXPECT_EQ(unwrap_packet(wrong_sum, wrapping).error().code, base::Errc::corrupt);
  // Layers within layers end.
  std::string nested = "\x08x";
  for (int i = 0; i < 40; ++i) nested = compressed(nested);
  EXPECT_FALSE(unwrap_packet(nested, wrapping));
}

TEST(Packet, RoomIsWhatLabelAndSealLeave) {
  Keyring ring;
  ASSERT_TRUE(ring.add(std::string(32, 'k')));
  Wrapping wrapping;
  EXPECT_EQ(packet_room(wrapping), 1400u);
  wrapping.keyring = &ring;
  wrapping.label = "blue";
  EXPECT_EQ(packet_room(wrapping), 1400u - 29u - 6u);
}

}  // namespace
}  // namespace proconsul::gossip::swim
