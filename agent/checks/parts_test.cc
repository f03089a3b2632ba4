// The small parts of checks: output, thresholds, when they run, and what answers of Docker, gRPC and systemd mean.
#include <gtest/gtest.h>

#include <deque>

#include "agent/checks/docker.h"
#include "agent/checks/grpc_answer.h"
#include "agent/checks/os_service.h"
#include "agent/checks/schedule.h"
#include "agent/checks/thresholds.h"
#include "base/net/connection.h"
#include "base/output_tail.h"
#include "base/random.h"

namespace proconsul::agent::checks {

using base::OutputTail;
using base::net::H2Codec;
using base::net::HostPort;
using base::net::parse_target;
namespace {

using catalog::kHealthCritical, catalog::kHealthPassing, catalog::kHealthWarning;

TEST(Schedule, RunsThatAreDueAtAboutTheSameTimeBeginTogether) {
  using std::chrono::milliseconds, std::chrono::nanoseconds, std::chrono::seconds;
  using Time = std::chrono::steady_clock::time_point;
  const auto at = [](nanoseconds due, nanoseconds interval) {
    return together(Time(due), interval).time_since_epoch();
  };
  EXPECT_EQ(at(milliseconds(20'049), seconds(10)), milliseconds(20'000));
  EXPECT_EQ(at(milliseconds(20'051), seconds(10)), milliseconds(20'100));
  // What ends soon after it began is due again an interval after it began.
  EXPECT_EQ(at(milliseconds(30'007), seconds(10)), milliseconds(30'000));
  EXPECT_EQ(at(milliseconds(20'051), seconds(1)), milliseconds(20'050));
  EXPECT_EQ(at(milliseconds(20'049), seconds(3'600)), milliseconds(20'000));
  EXPECT_EQ(at(nanoseconds(20'049), nanoseconds(50)), nanoseconds(20'049));
}

TEST(OutputTail, KeepsTheLastBytesWhateverThePieces) {
  base::SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t limit = 1 + random.below(40);
    OutputTail tail(limit);
    std::string all;
    for (std::uint64_t pieces = random.below(8); pieces > 0; --pieces) {
      const std::string piece = random.bytes(random.below(60));
      tail.append(piece);
      all += piece;
      ASSERT_EQ(tail.text(), all.substr(all.size() - std::min(all.size(), limit)));
    }
    EXPECT_EQ(tail.total(), all.size());
  }
}

TEST(OutputTail, SaysHowMuchIsMissing) {
  OutputTail tail(4);
  tail.append("abcd");
  EXPECT_EQ(tail.captured(), "abcd");

  tail.append("efg");

  EXPECT_EQ(tail.captured(), "Captured 4 of 7 bytes\n...\ndefg");
}

TEST(Thresholds, TheFirstResultCountsAtOnce) {
  EXPECT_EQ(Thresholds(3, 3, 3).next(kHealthPassing), kHealthPassing);
  EXPECT_EQ(Thresholds(3, 3, 3).next(kHealthCritical), kHealthCritical);
}

TEST(Thresholds, AStatusChangesOnlyAfterEnoughResultsInARow) {
  Thresholds thresholds(2, 1, 3);
  EXPECT_EQ(thresholds.next(kHealthPassing), kHealthPassing);

  EXPECT_EQ(thresholds.next(kHealthCritical), kHealthWarning);
  EXPECT_EQ(thresholds.next(kHealthCritical), kHealthWarning);
  EXPECT_EQ(thresholds.next(kHealthCritical), kHealthCritical);
  EXPECT_EQ(thresholds.next(kHealthPassing), std::nullopt);
  EXPECT_EQ(thresholds.next(kHealthWarning), kHealthWarning);
}

TEST(HostPort, FailsInGosWords) {
  EXPECT_EQ(parse_target("tcp", "127.0.0.1").error().detail, "dial tcp: address 127.0.0.1: missing port in address");
  EXPECT_EQ(parse_target("udp", "::1:80").error().detail, "dial udp: address ::1:80: too many colons in address");
  EXPECT_EQ(parse_target("tcp", "[::1]").error().detail, "dial tcp: address [::1]: missing port in address");
  EXPECT_EQ(parse_target("tcp", "h:99999").error().detail, "dial tcp: address 99999: invalid port");
  EXPECT_EQ(parse_target("tcp", "[::1]:80")->port, 80);
  EXPECT_EQ(parse_target("tcp", "h:80")->literal.size, 0U);
}

TEST(Docker, HostsAndBodies) {
  EXPECT_TRUE(parse_docker_host("")->is_unix);
  EXPECT_EQ(parse_docker_host("")->address, "/var/run/docker.sock");
  EXPECT_EQ(parse_docker_host("tcp://10.0.0.1:2375/x")->address, "10.0.0.1:2375");
  EXPECT_EQ(parse_docker_host("bad").error().detail, "unable to parse docker host `bad`");
  EXPECT_EQ(create_exec_body({"sh", "a\"b"}),
            "{\"AttachStdin\":false,\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":false,"
            "\"Cmd\":[\"sh\",\"a\\\"b\"]}\n");
  EXPECT_EQ(*exec_id_of("{\"Id\":\"abc\",\"Other\":[1]}"), "abc");
  EXPECT_EQ(*exit_code_of("{\"ExitCode\":137}"), 137);
  EXPECT_FALSE(exit_code_of("{"));
}

TEST(Grpc, RequestsNameTheService) {
  EXPECT_EQ(health_request(""), std::string(5, '\0'));
  EXPECT_EQ(health_request("ab"), std::string("\0\0\0\0\4\x0a\2ab", 9));
}

H2Codec::Answer answer(std::string_view status, std::string body, std::string_view message = {}) {
  H2Codec::Answer out{.body = std::move(body), .closed = true};
  out.fields = {{":status", "200"}};
  if (!status.empty()) out.fields.emplace_back("grpc-status", status);
  if (!message.empty()) out.fields.emplace_back("grpc-message", message);
  return out;
}
std::string framed(const std::string& message) {
  return std::string(4, '\0') + static_cast<char>(message.size()) + message;
}

TEST(Grpc, AnswersMeanAStatusOrAnError) {
  EXPECT_EQ(*health_status(answer("0", framed("\x08\x01"))), "SERVING");
  EXPECT_EQ(*health_status(answer("0", framed("\x08\x02"))), "NOT_SERVING");
  EXPECT_EQ(*health_status(answer("0", framed(""))), "UNKNOWN");
  EXPECT_EQ(*health_status(answer("0", framed("\x08\x09"))), "9");
  EXPECT_EQ(*health_status(answer("0", framed("\x12\x01x\x08\x01"))), "SERVING") << "unknown fields are passed over";
  EXPECT_EQ(health_status(answer("5", "", "no%20such")).error().detail, "rpc error: code = NotFound desc = no such");
  EXPECT_EQ(health_status(answer("99", "", "x")).error().detail, "rpc error: code = Code(99) desc = x");
  EXPECT_FALSE(health_status(answer("0", "")));
  EXPECT_FALSE(health_status(answer("0", framed("\x08"))));
  EXPECT_FALSE(health_status(answer("0", std::string("\0\xff\xff\xff\xff\x08\x01", 7))));
  EXPECT_FALSE(health_status(answer("", framed("\x08\x01"))));
  H2Codec::Answer plain{.closed = true};
  plain.fields = {{":status", "404"}};
  EXPECT_EQ(health_status(plain).error().detail,
            "rpc error: code = Unimplemented desc = unexpected HTTP status code received from server: 404");
}

TEST(OsService, TheUnitsStateIsItsHealth) {
  EXPECT_EQ(unit_health("a", "LoadState=loaded\nActiveState=active\n").status, kHealthPassing);
  EXPECT_EQ(unit_health("a", "LoadState=loaded\nActiveState=active\n").output, "Service \"a\" is healthy");
  EXPECT_EQ(unit_health("a", "ActiveState=activating\nLoadState=loaded").status, kHealthWarning);
  EXPECT_EQ(unit_health("a", "LoadState=loaded\nActiveState=failed\n").status, kHealthCritical);
  EXPECT_EQ(unit_health("a", "LoadState=not-found\nActiveState=inactive\n").output,
            "service status: not-found - OS Service unhealthy");
  EXPECT_EQ(unit_health("a", "").status, kHealthCritical);
}

}  // namespace
}  // namespace proconsul::agent::checks
