#include "agent/dns/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/dns/test_messages.h"

namespace proconsul::agent::dns {
namespace {

using test::message_of;
using test::put16;

std::string refusal_of(std::string_view message) {
  Query query;
  const Parsed parsed = parse_query(message, query);
  if (parsed == Parsed::ok || parsed == Parsed::ignored) return parsed == Parsed::ok ? "ok" : "ignored";
  std::string out(600, '\0');
  out.resize(write_refusal(parsed, query, out));
  const test::Answer answer = test::read_answer(out);
  EXPECT_TRUE(answer.whole);
  return std::string(rcode_text(answer.rcode)) + (answer.question.empty() ? "" : " " + answer.question[0]);
}

TEST(DnsMessage, AQuestionIsTakenApart) {
  const std::string subnet("\0\x08\0\7\0\1\x18\0\x0a\1\2", 11);
  Query query;

  ASSERT_EQ(
      parse_query(message_of({.name = "Tag.Web.service.CONSUL", .type = kTypeSrv, .edns = 1232, .option = subnet}),
                  query),
      Parsed::ok);

  EXPECT_EQ(query.name.labels(), 4U);
  EXPECT_EQ(query.name.text(0, 2), "tag.web");
  EXPECT_EQ(query.name.wire(3), std::string_view("\6CONSUL\0", 8));
  EXPECT_EQ(query.type, kTypeSrv);
  EXPECT_EQ(query.udp_size, 1232);
  ASSERT_TRUE(query.has_subnet);
  EXPECT_EQ(query.subnet.source, 24);
  EXPECT_EQ(query.subnet.address[2], 2);
}

TEST(DnsMessage, LabelsWithDotsAndOddBytesDoNotBecomeOtherLabels) {
  Query query;
  std::string message = message_of({.name = "x"});
  message.replace(kHeaderSize, 3, std::string("\4a.b\7\0", 6));

  ASSERT_EQ(parse_query(message, query), Parsed::ok);

  EXPECT_EQ(query.name.labels(), 1U);
  EXPECT_EQ(query.name.text(0), "a\\.b\\007");
}

TEST(DnsMessage, WhatIsWrongIsRefusedOrIgnoredAsClientsKnowIt) {
  const std::string good = message_of({.name = "a.consul"});
  EXPECT_EQ(refusal_of(good), "ok");
  EXPECT_EQ(refusal_of(good.substr(0, 11)), "ignored");
  EXPECT_EQ(refusal_of(message_of({.name = "a.consul", .flags = kResponse})), "ignored");
  EXPECT_EQ(refusal_of(message_of({.name = "a.consul", .flags = 2 << 11})), "NOTIMP");
  EXPECT_EQ(refusal_of(good.substr(0, 14)), "FORMERR");               // inside the name
  EXPECT_EQ(refusal_of(good.substr(0, good.size() - 3)), "FORMERR");  // inside the type
  EXPECT_EQ(refusal_of(good.substr(0, good.size() - 2)), "ok");       // no class: none is asked for
  EXPECT_EQ(refusal_of(good.substr(0, kHeaderSize)), "ok");           // a bare header
  std::string counts = good;
  counts[5] = 2;
  EXPECT_EQ(refusal_of(counts), "FORMERR");
  counts = good;
  counts[11] = 3;
  EXPECT_EQ(refusal_of(counts), "FORMERR");
  counts[11] = 2;  // more records than there are: a lie that does no harm
  EXPECT_EQ(refusal_of(counts), "ok");
  EXPECT_EQ(refusal_of(message_of({.name = "a.consul", .edns = 512, .option = std::string("\0\x08\0\4\0\1\x21\0", 8)})),
            "FORMERR a.consul. A");  // a mask of 33 bits
  EXPECT_EQ(refusal_of(message_of({.name = "a.consul", .edns = 512, .option = std::string("\0\x0a\0\x08\1", 5)})),
            "FORMERR a.consul. A");  // a cookie that is shorter than it says
}

TEST(DnsMessage, DataThatIsNotOfItsTypeIsRefused) {
  const auto with_record = [](std::uint16_t type, std::string_view data) {
    std::string message = message_of({.name = "a.consul"});
    message[11] = 1;
    message += std::string("\1k\0", 3);
    put16(message, type);
    put16(message, kClassIn);
    message.append(4, '\0');
    put16(message, static_cast<unsigned>(data.size()));
    return refusal_of(message.append(data));
  };
  EXPECT_EQ(with_record(kTypeA, "\1\2\3\4"), "ok");
  EXPECT_EQ(with_record(kTypeA, "\1\2\3"), "FORMERR a.consul. A");
  EXPECT_EQ(with_record(kTypeA, ""), "ok");
  EXPECT_EQ(with_record(kTypeAaaa, "\1\2\3\4"), "FORMERR a.consul. A");
  EXPECT_EQ(with_record(kTypeTxt, "\1\2\3"), "ok");
  // An algorithm, time, a signature of two bytes, and no other data.
  const std::string signature("\4hmac\0\0\0\0\0\0\0\1\x2c\0\2xy\0\7\0\0\0\0", 24);
  EXPECT_EQ(with_record(kTypeTsig, signature), "ok");
  EXPECT_EQ(with_record(kTypeTsig, signature.substr(0, 14)), "ok");
  EXPECT_EQ(with_record(kTypeTsig, signature.substr(0, 17)), "FORMERR a.consul. A");
  EXPECT_EQ(with_record(kTypeTsig, signature + "z"), "FORMERR a.consul. A");
}

TEST(DnsMessage, LoopsAndOverlongNamesAreRefused) {
  std::string loop = message_of({.name = "a"});
  loop.replace(kHeaderSize, 3, "\xc0\x0c");
  EXPECT_EQ(refusal_of(loop), "FORMERR");
  std::string reserved = message_of({.name = "a"});
  reserved[kHeaderSize] = '\x81';
  EXPECT_EQ(refusal_of(reserved), "FORMERR");
  std::string name;
  for (int i = 0; i < 4; ++i) name += std::string(1, '\x3f') + std::string(63, 'a');
  std::string message = message_of({.name = "a"});
  message.replace(kHeaderSize, 2, name);
  EXPECT_EQ(refusal_of(message), "FORMERR");  // 257 bytes
  message.erase(kHeaderSize, 64);
  EXPECT_EQ(refusal_of(message), "ok");
}

class Writing : public testing::Test {
 protected:
  std::string write(bool compress, const std::vector<Record>& records) {
    Query query;
    (void)parse_query(message_of({.name = "web.service.consul"}), query);
    std::string out(4096, '\xff');  // pointers wherever nothing was written yet
    MessageWriter writer{std::span<char>(out)};
    writer.start(compress);
    writer.question(query);
    for (const Record& record : records) EXPECT_TRUE(writer.record(record));
    writer.finish(1, kResponse, {.questions = 1, .answers = static_cast<std::uint16_t>(records.size())});
    out.resize(writer.size());
    return out;
  }
};

TEST_F(Writing, NamesPointToEarlierOnesButNeverTargetsOfServices) {
  const std::string owner = *to_name("web.service.consul");
  const std::string target = *to_name("n1.node.dc1.consul");
  Record service{.owner = {.head = {}, .tail = owner}, .type = kTypeSrv, .ttl = 5, .data = Record::Data::service};
  service.target = {.head = {}, .tail = target};
  service.port = 80;
  Record address{.owner = {.head = {}, .tail = target}, .type = kTypeA, .bytes = std::string_view("\12\0\0\1", 4)};

  const std::string small = write(true, {service, address});
  const std::string large = write(false, {service, address});

  EXPECT_EQ(small.size(), kHeaderSize + owner.size() + 4 + (2 + 10 + 6 + target.size()) + (2 + 10 + 4));
  EXPECT_EQ(large.size(), small.size() + owner.size() - 2 + target.size() - 2);
  EXPECT_THAT(
      test::read_answer(small).answers,
      testing::ElementsAre("n1.node.dc1.consul. 0 A 10.0.0.1", "web.service.consul. 5 SRV 0 0 80 n1.node.dc1.consul."));
  EXPECT_EQ(test::read_answer(small).answers, test::read_answer(large).answers);
}

TEST_F(Writing, RepeatedLabelsOfOneNameAreNotMistakenForEarlierNames) {
  const std::string name = *to_name("a.a.a.a.b.a.a");
  Record record{.owner = {.head = {}, .tail = name}, .type = kTypePtr, .data = Record::Data::name};
  record.target = {.head = "\1a", .tail = name};

  EXPECT_THAT(test::read_answer(write(true, {record})).answers,
              testing::ElementsAre("a.a.a.a.b.a.a. 0 PTR a.a.a.a.a.b.a.a."));
}

TEST_F(Writing, LetterCaseIsKept) {
  const std::string upper = *to_name("WEB.service.consul");
  Record record{.owner = {.head = {}, .tail = upper}, .type = kTypeA, .bytes = std::string_view("\12\0\0\1", 4)};

  EXPECT_THAT(test::read_answer(write(true, {record})).answers,
              testing::ElementsAre("WEB.service.consul. 0 A 10.0.0.1"));
}

TEST(DnsNames, TextThatIsNoNameIsNone) {
  EXPECT_FALSE(to_name("a..b"));
  EXPECT_FALSE(to_name(".a"));
  EXPECT_FALSE(to_name("a.b.."));
  EXPECT_FALSE(to_name(std::string(64, 'a')));
  EXPECT_FALSE(to_name(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                       std::string(62, 'd')));
  EXPECT_EQ(to_name("."), std::string(1, '\0'));
  EXPECT_EQ(to_text(*to_name("a.b")), "a.b.");
}

TEST(DnsMessage, AnswersOfOthersAreReadAndLiesInThemEndTheReading) {
  std::string message = message_of({.name = "h.example"});
  message[2] = '\x81';
  message[7] = 2;
  message += std::string("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1x\xc0\x0e", 16);
  message += std::string("\1x\xc0\x0e\0\1\0\1\0\0\0\x1e\0\4\12\0\0\1", 18);
  std::vector<ForeignRecord> records;
  const auto take = [&](ForeignRecord record) { records.push_back(std::move(record)); };

  ASSERT_TRUE(read_answers(message, take));

  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(to_text(records[0].data), "x.example.");
  EXPECT_EQ(records[0].ttl, 60U);
  EXPECT_EQ(to_text(records[1].owner), "x.example.");
  EXPECT_EQ(records[1].data, std::string("\12\0\0\1", 4));
  EXPECT_FALSE(read_answers(message.substr(0, message.size() - 1), take));
}

}  // namespace
}  // namespace proconsul::agent::dns
