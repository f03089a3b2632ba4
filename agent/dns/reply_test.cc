#include "agent/dns/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "agent/dns/resolver.h"
#include "agent/dns/test_messages.h"

namespace proconsul::agent::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class DnsReply : public testing::Test {
 protected:
  DnsReply() { settings.udp_answer_limit = 3; }

  /// SRV answers; an address and a text for the target of each, the texts with so many bytes in all.
  void services(std::size_t count, std::size_t text) {
    reply.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const NameRef target{.head = {}, .tail = reply.keep(*to_name("n" + std::to_string(i) + ".node.consul"))};
      reply.answers.push_back(
          {.owner = {.head = {}, .tail = query.name.wire()}, .type = kTypeSrv, .data = Record::Data::service});
      reply.answers.back().target = target;
      reply.additional.push_back({.owner = target, .type = kTypeA, .bytes = std::string_view("\12\0\0\1", 4)});
      const std::size_t part = i + 1 < count ? text / count : text - text / count * (count - 1);
      reply.additional.push_back({.owner = target, .type = kTypeTxt, .bytes = reply.keep(std::string(part, 't'))});
    }
    add_edns(query, true, reply);
  }
  std::string write(Transport transport, bool trim = true) {
    std::string out(kBufferSize, '\0');
    out.resize(writer.write(settings, transport, query, reply, trim, out));
    return out;
  }
  void asked(int edns) {
    ASSERT_EQ(parse_query(test::message_of({.name = "s.service.consul", .type = kTypeSrv, .edns = edns}), query),
              Parsed::ok);
  }
  /// Two services in a message of this size, if it is not cut. Always after a larger reply that was.
  test::Answer two_services(Transport transport, std::size_t size, std::size_t limit) {
    services(40, transport == Transport::udp ? 8000 : 70000);
    EXPECT_LE(write(transport).size(), limit);
    services(2, 0);
    const std::size_t least = write(transport, false).size();
    services(2, size - least);
    const std::string message = write(transport);
    EXPECT_LE(message.size(), limit);
    const test::Answer answer = test::read_answer(message);
    EXPECT_TRUE(answer.whole);
    return answer;
  }

  Settings settings{};
  ReplyWriter writer{};
  Query query{};
  Reply reply{};
};

TEST_F(DnsReply, OfTwoServicesSlightlyTooLargeTheFirstIsLeftWithItsAddress) {
  for (const bool compress : {true, false}) {
    settings.compress = compress;
    for (const int edns : {-1, 513, 700, 1232, 4096}) {
      asked(edns);
      const std::size_t limit = edns < 0 ? 512 : static_cast<std::size_t>(edns);
      for (std::size_t size = limit - 7; size <= limit + 100; ++size) {
        const test::Answer answer = two_services(Transport::udp, size, limit);
        ASSERT_THAT(answer.answers, ElementsAre("s.service.consul. 0 SRV 0 0 0 n0.node.consul.")) << size;
        ASSERT_THAT(answer.additional, ElementsAre("n0.node.consul. 0 A 10.0.0.1")) << size;
      }
      ASSERT_THAT(two_services(Transport::udp, limit - 8, limit).answers, SizeIs(2));
      // Much too large: what is not pointed to goes first.
      const test::Answer best = two_services(Transport::udp, limit + 101, limit);
      ASSERT_THAT(best.answers, SizeIs(2));
      ASSERT_THAT(best.additional, ElementsAre("n0.node.consul. 0 A 10.0.0.1", "n1.node.consul. 0 A 10.0.0.1"));
    }
  }
}

TEST_F(DnsReply, OverTcpTheLimitIsThatOfTheLength) {
  constexpr std::size_t kLimit = 65523;
  asked(-1);
  for (const bool compress : {true, false}) {
    settings.compress = compress;
    for (std::size_t size = kLimit + 1; size <= kLimit + 100; ++size) {
      const test::Answer answer = two_services(Transport::tcp, size, kLimit);
      ASSERT_THAT(answer.answers, ElementsAre("s.service.consul. 0 SRV 0 0 0 n0.node.consul.")) << size;
      ASSERT_THAT(answer.additional, ElementsAre("n0.node.consul. 0 A 10.0.0.1")) << size;
    }
    const test::Answer whole = two_services(Transport::tcp, kLimit, kLimit);
    EXPECT_THAT(whole.answers, SizeIs(2));
    EXPECT_THAT(whole.additional, SizeIs(4));
    EXPECT_THAT(two_services(Transport::tcp, kLimit + 101, kLimit).answers, SizeIs(2));
  }
}

TEST_F(DnsReply, OneAnswerLosesWhatIsBesideItButIsNeverCut) {
  asked(-1);
  services(1, 600);
  const test::Answer answer = test::read_answer(write(Transport::udp));
  EXPECT_THAT(answer.answers, SizeIs(1));
  EXPECT_THAT(answer.additional, ElementsAre(StartsWith("n0.node.consul. 0 A")));
}

TEST_F(DnsReply, NoAnswersAreAllowed) {
  asked(-1);
  settings.udp_answer_limit = 0;
  services(2, 0);
  const test::Answer answer = test::read_answer(write(Transport::udp));
  EXPECT_TRUE(answer.whole);
  EXPECT_THAT(answer.answers, IsEmpty());
  EXPECT_THAT(answer.additional, IsEmpty());
}

}  // namespace
}  // namespace proconsul::agent::dns
