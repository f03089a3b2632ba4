// TCP, UDP, Docker, gRPC and HTTP/2 pings against fake peers.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "agent/checks/test_h2.h"
#include "agent/checks/test_peer.h"
#include "agent/checks/test_tls.h"

namespace proconsul::agent::checks {
namespace {

using test::Bench;
using test::Outcome;
using test::Peer;

catalog::CheckType every_second(base::Duration timeout = base::seconds(5)) {
  catalog::CheckType check;
  check.Interval = base::seconds(1);
  check.Timeout = timeout;
  return check;
}

catalog::CheckType tcp_check(const std::string& address) {
  catalog::CheckType check = every_second();
  check.TCP = address;
  return check;
}

TEST(TcpProbe, AConnectionIsEnough) {
  Bench bench;
  Peer peer([](int) {});
  const std::string closed = "127.0.0.1:" + std::to_string(test::closed_port());

  const Outcome open = bench.run(tcp_check(peer.address()));
  const Outcome refused = bench.run(tcp_check(closed));

  EXPECT_EQ(open.status, "passing");
  EXPECT_EQ(open.output, "TCP connect " + peer.address() + ": Success");
  EXPECT_EQ(refused.status, "critical");
  EXPECT_EQ(refused.output, "dial tcp " + closed + ": connect: connection refused");
  EXPECT_EQ(bench.run(tcp_check("127.0.0.1")).output, "dial tcp: address 127.0.0.1: missing port in address");
}

TEST(TcpProbe, WithTlsTheCertificateCounts) {
  Bench bench;
  bench.surroundings.tls = *base::net::TlsContext::client({});
  test::TlsPeer tls;
  Peer plain([](int fd) { test::write_all(fd, "220 hello\r\n"); });
  Peer silent([](int fd) { test::wait_closed(fd); });
  catalog::CheckType check = tcp_check(tls.peer.address());
  check.TCPUseTLS = true;

  const Outcome unknown = bench.run(check);
  check.TLSSkipVerify = true;
  const Outcome skipped = bench.run(check);
  check.TCP = plain.address();
  const Outcome not_tls = bench.run(check);
  check.TCP = silent.address();
  check.Timeout = base::milliseconds(50);
  const Outcome late = bench.run(check);

  EXPECT_EQ(unknown.status, "critical");
  EXPECT_EQ(unknown.output, "tls: failed to verify certificate: x509: certificate signed by unknown authority");
  EXPECT_EQ(skipped.output, "TCP+TLS connect " + tls.peer.address() + ": Success");
  EXPECT_EQ(not_tls.output, "tls: first record does not look like a TLS handshake");
  EXPECT_EQ(late.output, "dial tcp " + silent.address() + ": i/o timeout");
}

TEST(TcpProbe, ATrustedCertificateMustBeForTheName) {
  Bench bench;
  test::TlsPeer tls;
  bench.surroundings.tls = *base::net::TlsContext::client({.ca_file = tls.certificate_file()});
  catalog::CheckType check = tcp_check("localhost:" + std::to_string(tls.peer.port()));
  check.TCPUseTLS = true;

  const Outcome good = bench.run(check);
  check.TLSServerName = "other.example";
  const Outcome wrong = bench.run(check);

  EXPECT_EQ(good.status, "passing") << good.output;
  EXPECT_EQ(wrong.output,
            "tls: failed to verify certificate: x509: certificate is valid for localhost, not other.example");
}

TEST(HttpProbe, SpeaksTls) {
  Bench bench;
  test::TlsPeer tls;
  bench.surroundings.tls = *base::net::TlsContext::client({.ca_file = tls.certificate_file()});
  catalog::CheckType check = every_second();
  check.HTTP = "https://localhost:" + std::to_string(tls.peer.port()) + "/";

  const Outcome outcome = bench.run(check);

  EXPECT_EQ(outcome.output, "HTTP GET " + check.HTTP + ": 200 OK Output: secure");
}

TEST(HttpProbe, SpeaksHttp2WhereTlsAgreesUponIt) {
  Bench bench;
  test::TlsPeer tls(true);
  bench.surroundings.tls = *base::net::TlsContext::client({.ca_file = tls.certificate_file()});
  catalog::CheckType check = every_second();
  check.HTTP = "https://localhost:" + std::to_string(tls.peer.port()) + "/x";
  check.Method = "POST";
  check.Body = "hello";

  const Outcome outcome = bench.run(check);

  EXPECT_EQ(outcome.output, "HTTP POST " + check.HTTP + ": 200 OK Output: over h2");
  EXPECT_EQ(outcome.status, "passing");
}

TEST(UdpProbe, OnlyARefusalIsCritical) {
  Bench bench;
  const base::net::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  catalog::CheckType check = every_second(base::milliseconds(50));
  check.UDP = "127.0.0.1:" + std::to_string(base::net::local_port(socket.get()));

  const Outcome silent = bench.run(check);
  check.Timeout = base::seconds(20);
  bench.start(check);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  // The first datagram is that of the silent run; both are empty.
  for (int i = 0; i < 2; ++i) ::recvfrom(socket.get(), nullptr, 0, 0, reinterpret_cast<sockaddr*>(&from), &size);
  ::sendto(socket.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&from), size);
  const Outcome answered = bench.result();
  bench.wait_idle();
  catalog::CheckType closed = every_second();
  closed.UDP = "127.0.0.1:" + std::to_string(test::closed_port());
  const Outcome refused = bench.run(closed);

  EXPECT_EQ(silent.status, "passing");
  EXPECT_EQ(answered.output, "UDP connect " + check.UDP + ": Success");
  EXPECT_EQ(refused.status, "critical");
  EXPECT_TRUE(refused.output.ends_with("->" + closed.UDP + ": read: connection refused")) << refused.output;
}

TEST(DockerProbe, RunsACommandInAContainer) {
  Bench bench;
  const std::string path = testing::TempDir() + "proconsul-docker-" + std::to_string(::getpid()) + ".sock";
  std::vector<std::string> requests;
  int exit_code = 0;
  const auto docker = Peer::on_unix_socket(path, [&](int fd) {
    std::string request = test::read_until(fd, "\r\n\r\n");
    if (request.starts_with("POST") && request.find('}') == std::string::npos) request += test::read_until(fd, "}\n");
    requests.push_back(request);
    const auto reply = [&](const std::string& status, const std::string& body) {
      test::write_all(fd,
                      "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    if (request.starts_with("POST /containers/box/exec ")) return reply("201 Created", "{\"Id\":\"e1\"}");
    if (request.starts_with("POST /exec/e1/start ")) {
      // The raw stream of a terminal: it ends with the connection.
      test::write_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nall is well");
      return;
    }
    if (request.starts_with("GET /exec/e1/json ")) {
      return reply("200 OK", "{\"ID\":\"e1\",\"ExitCode\":" + std::to_string(exit_code) + "}");
    }
    reply("404 Not Found", "{\"message\":\"No such container\"}");
  });
  bench.surroundings.docker_host = "unix://" + path;
  catalog::CheckType check = every_second();
  check.DockerContainerID = "box";
  check.ScriptArgs = {"/check", "-v"};

  const Outcome good = bench.run(check);
  exit_code = 1;
  const Outcome warning = bench.run(check, 4);
  check.DockerContainerID = "gone";
  const Outcome unknown = bench.run(check);
  bench.surroundings.docker_host = "unix:///no/such.sock";
  const Outcome without = bench.run(check);

  EXPECT_EQ(good.status, "passing");
  EXPECT_EQ(good.output, "all is well");
  EXPECT_NE(requests.at(0).find("Host: docker\r\n"), std::string::npos);
  EXPECT_TRUE(requests.at(0).ends_with("\"Cmd\":[\"/check\",\"-v\"]}\n")) << requests.at(0);
  EXPECT_TRUE(requests.at(1).ends_with("\r\n\r\n{\"Detach\":false,\"Tty\":true}\n")) << requests.at(1);
  EXPECT_EQ(warning.status, "warning");
  EXPECT_EQ(warning.output, "Captured 4 of 11 bytes\n...\nwell");
  EXPECT_EQ(unknown.output, "create exec failed for unknown container gone");
  EXPECT_EQ(without.output,
            "create exec failed for container gone: Post \"http://%2Fno%2Fsuch.sock/containers/gone/exec\": dial unix "
            "/no/such.sock: connect: no such file or directory");
}

// ---- HTTP/2

void serve_h2(int fd) {
  test::H2Server server;
  char buffer[4096];
  for (;;) {
    test::write_all(fd, server.output());
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0 || !server.take({buffer, static_cast<std::size_t>(got)})) return;
  }
}

catalog::CheckType grpc_check(const std::string& target, base::Duration timeout = base::seconds(5)) {
  catalog::CheckType check = every_second(timeout);
  check.GRPC = target;
  return check;
}

TEST(GrpcProbe, AsksTheHealthServiceForTheNamedOne) {
  Bench bench;
  Peer server(serve_h2);
  const std::string address = server.address();

  EXPECT_EQ(bench.run(grpc_check(address)).output, "gRPC check " + address + ": success");
  EXPECT_EQ(bench.run(grpc_check(address + "/good")).status, "passing");
  const Outcome bad = bench.run(grpc_check(address + "/bad"));
  EXPECT_EQ(bad.status, "critical");
  EXPECT_EQ(bad.output, "gRPC " + address + "/bad serving status: NOT_SERVING");
  EXPECT_EQ(bench.run(grpc_check(address + "/unknown")).output, "rpc error: code = NotFound desc = unknown service");
}

TEST(GrpcProbe, FaultsAreToldInGosWords) {
  Bench bench;
  Peer silent([](int fd) { test::wait_closed(fd); });
  Peer closing([](int fd) { ::recv(fd, nullptr, 0, 0); });
  Peer http1([](int fd) {
    test::write_all(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    test::wait_closed(fd);
  });
  const std::string closed = "127.0.0.1:" + std::to_string(test::closed_port());

  EXPECT_EQ(
      bench.run(grpc_check(closed)).output,
      "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp " +
          closed + ": connect: connection refused\"");
  EXPECT_EQ(bench.run(grpc_check(silent.address(), base::milliseconds(50))).output,
            "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
  EXPECT_TRUE(bench.run(grpc_check(closing.address())).output.starts_with("rpc error: code = Unavailable desc = "));
  const Outcome other = bench.run(grpc_check(http1.address()));
  EXPECT_EQ(other.status, "critical");
  EXPECT_TRUE(other.output.starts_with("rpc error: code = Unavailable desc = connection error: desc = \"error reading"))
      << other.output;
}

TEST(H2PingProbe, APingIsAnswered) {
  Bench bench;
  Peer server(serve_h2);
  Peer silent([](int fd) { test::wait_closed(fd); });
  catalog::CheckType check = every_second();
  check.H2PING = server.address();

  EXPECT_EQ(bench.run(check).output, "HTTP2 ping was successful");
  check.H2PING = silent.address();
  check.Timeout = base::milliseconds(50);
  EXPECT_EQ(bench.run(check).output, "HTTP2 ping failed: context deadline exceeded");
  check.H2PING = "127.0.0.1:" + std::to_string(test::closed_port());
  EXPECT_EQ(bench.run(check).output,
            "Failed to dial to " + check.H2PING + ": dial tcp " + check.H2PING + ": connect: connection refused");
}

TEST(H2PingProbe, WithTlsTheCertificateCounts) {
  Bench bench;
  bench.surroundings.tls = *base::net::TlsContext::client({});
  test::TlsPeer tls;
  catalog::CheckType check = every_second();
  check.H2PING = tls.peer.address();
  check.H2PingUseTLS = true;

  EXPECT_EQ(bench.run(check).output,
            "Failed to dial to " + check.H2PING +
                ": tls: failed to verify certificate: x509: certificate signed by unknown authority");
}

}  // namespace
}  // namespace proconsul::agent::checks
