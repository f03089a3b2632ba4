#include "wanfed/gateway/client_hello.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/free_with.h"

namespace proconsul::wanfed::gateway {
namespace {

using State = ClientHelloParser::State;
using base::FreeWith;

struct Wish {
  const char* name = nullptr;
  std::string protocols{};  // each behind its length
  int most_version = TLS1_3_VERSION;
};

/// What OpenSSL's client says first.
std::string hello_of(const Wish& wish) {
  const std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), wish.most_version);
  const std::unique_ptr<SSL, FreeWith<SSL_free>> client(SSL_new(context.get()));
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), out);
  if (wish.name != nullptr) SSL_set_tlsext_host_name(client.get(), wish.name);
  if (!wish.protocols.empty()) {
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(wish.protocols.data()),
                        static_cast<unsigned>(wish.protocols.size()));
  }
  SSL_connect(client.get());
  const char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string number(std::size_t value, int width) {
  std::string out;
  while (width-- > 0) out += static_cast<char>(value >> (8 * width) & 0xff);
  return out;
}
std::string vector(std::string_view bytes, int width) {
  return number(bytes.size(), width).append(bytes);
}
std::string extension(std::size_t type, std::string_view body) {
  return number(type, 2) + vector(body, 2);
}
std::string server_name(std::string_view name) {
  return extension(0, vector(std::string(1, '\0') + vector(name, 2), 2));
}
std::string alpn(std::string_view list) {
  return extension(16, vector(list, 2));
}
/// The message without a record.
std::string message_with(std::string_view extensions) {
  const std::string body = "\x03\x03" + std::string(32, 'r') + vector("", 1) + vector("\x13\x01", 2) +
                           vector(std::string(1, '\0'), 1) + vector(extensions, 2);
  return "\x01" + vector(body, 3);
}
std::string in_records(std::string_view message, std::size_t most) {
  std::string out;
  while (!message.empty()) {
    out += "\x16\x03\x01" + vector(message.substr(0, most), 2);
    message.remove_prefix(std::min(most, message.size()));
  }
  return out;
}
std::string hello_with(std::string_view extensions) {
  return in_records(message_with(extensions), 16384);
}

/// The fault, or none, of bytes that come in pieces.
HelloFault fault_of(std::string_view bytes, std::size_t piece = 1 << 20, std::size_t most = 64 * 1024) {
  ClientHelloParser parser(most);
  while (!bytes.empty() && parser.take(bytes.substr(0, piece)) == State::more) {
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return parser.fault();
}

TEST(ClientHello, TellsWhomOpenSslWantsAndWhatItOffers) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ClientHelloParser parser;

    const State state = parser.take(hello_of({.name = "Node-1.server.dc2.consul",
                                              .protocols = "\x10"
                                                           "consul/rpc-multi"
                                                           "\x02h2",
                                              .most_version = version}));

    EXPECT_EQ(state, State::done);
    EXPECT_EQ(parser.hello().server_name, "node-1.server.dc2.consul");
    EXPECT_EQ(parser.hello().protocols, (std::vector<std::string>{"consul/rpc-multi", "h2"}));
  }
}

TEST(ClientHello, IsTheSameInPiecesOfAnySize) {
  const std::string bytes = hello_of({.name = "s1.server.dc2.consul", .protocols = "\x02h2\x08http/1.1"});
  for (const std::size_t piece : {1u, 2u, 3u, 5u, 7u, 64u, 1000u}) {
    ClientHelloParser parser;
    State state = State::more;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      EXPECT_EQ(state, State::more) << at;
      state = parser.take(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(state, State::done);
    EXPECT_EQ(parser.hello().server_name, "s1.server.dc2.consul");
  }
}

TEST(ClientHello, MayBeSpreadOverManyRecords) {
  const std::string message = message_with(server_name("a.b") + alpn("\x02h2"));
  for (const std::size_t record : {1u, 2u, 3u, 4u, 5u, 40u}) {
    ClientHelloParser parser;
    EXPECT_EQ(parser.take(in_records(message, record)), State::done) << record;
    EXPECT_EQ(parser.hello().server_name, "a.b");
    EXPECT_EQ(parser.hello().protocols, std::vector<std::string>{"h2"});
  }
  EXPECT_EQ(fault_of(in_records(message, 10) + "GET / HTTP/1.1\r\n"), HelloFault::none);
}

TEST(ClientHello, EndsItsRecord) {
  const std::string message = message_with(server_name("a.b"));

  // All of the hello is there, and a server would go on waiting for the last byte of the record.
  EXPECT_EQ(fault_of("\x16\x03\x01" + number(message.size() + 1, 2) + message), HelloFault::malformed);
  EXPECT_EQ(fault_of(in_records(message + "x", 16384)), HelloFault::malformed);
  EXPECT_EQ(fault_of(in_records(message + "x", message.size() - 1)), HelloFault::malformed);
}

TEST(ClientHello, GreaseAndUnknownExtensionsArePassedOver) {
  ClientHelloParser parser;
  const std::string odd = extension(0x0a0a, "") + extension(0xfafa, "x") + server_name("a.b") +
                          alpn(std::string("\x02\x0a\x0a\x02h2")) + extension(0x1234, std::string(300, 'x'));

  EXPECT_EQ(parser.take(hello_with(odd)), State::done);

  EXPECT_EQ(parser.hello().server_name, "a.b");
  EXPECT_EQ(parser.hello().protocols, (std::vector<std::string>{"\x0a\x0a", "h2"}));
}

TEST(ClientHello, WithoutANameIsRefused) {
  EXPECT_EQ(fault_of(hello_of({})), HelloFault::no_server_name);
  EXPECT_EQ(fault_of(hello_with(alpn("\x02h2"))), HelloFault::no_server_name);
  const std::string body =
      "\x03\x03" + std::string(32, 'r') + vector("", 1) + vector("\x13\x01", 2) + vector(std::string(1, '\0'), 1);
  EXPECT_EQ(fault_of(in_records("\x01" + vector(body, 3), 16384)), HelloFault::no_server_name);
}

TEST(ClientHello, WhatIsNotTlsIsKnownAtTheFirstBytes) {
  EXPECT_EQ(fault_of("G"), HelloFault::not_tls);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n\r\n", 1), HelloFault::not_tls);
  EXPECT_EQ(fault_of(std::string("\0\0\0\1", 4)), HelloFault::not_tls);
  EXPECT_EQ(fault_of("\x16\x02"), HelloFault::not_tls);
  EXPECT_EQ(fault_of("\x16\x03"), HelloFault::none);
  EXPECT_EQ(fault_of("\x80\x2e\x01\x00\x02"), HelloFault::sslv2);
  EXPECT_EQ(fault_of("\x80\x2e\x02", 1), HelloFault::not_tls);
  EXPECT_EQ(fault_of("\x15\x03\x01\x00\x02\x02\x28"), HelloFault::not_client_hello);
  EXPECT_EQ(fault_of(std::string("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00", 10)), HelloFault::not_client_hello);
}

TEST(ClientHello, LengthsThatContradictEachOtherAreRefused) {
  const std::string good = hello_with(server_name("a.b"));
  // Each length but the record's and the message's, one more and one less.
  for (const std::size_t at : {43u, 45u, 48u, 51u, 55u, 57u, 60u}) {
    for (const int change : {1, -1}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] + change);
      EXPECT_NE(fault_of(bytes), HelloFault::none) << at << " " << change;
    }
  }
  EXPECT_EQ(fault_of(hello_with(server_name("a.b") + server_name("c.d"))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(alpn("\x02h2") + server_name("a.b") + alpn("\x02h2"))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name(""))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(extension(0, ""))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(extension(0, number(0, 2)))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name(std::string("a\0b", 3)))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name("a b"))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name(std::string(256, 'a')))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name(std::string(255, 'a')))), HelloFault::none);
  EXPECT_EQ(fault_of(hello_with(server_name("a.b") + alpn(""))), HelloFault::malformed);
  EXPECT_EQ(fault_of(hello_with(server_name("a.b") + alpn(std::string("\x00", 1)))), HelloFault::malformed);
  std::string many;
  for (int i = 0; i < 65; ++i) many += "\x01x";
  EXPECT_EQ(fault_of(hello_with(server_name("a.b") + alpn(many))), HelloFault::malformed);
  EXPECT_EQ(fault_of(std::string("\x16\x03\x01\0\0", 5)), HelloFault::malformed);
  EXPECT_EQ(fault_of("\x16\x03\x01\x40\x01"), HelloFault::malformed);
  EXPECT_EQ(fault_of(in_records("\x01" + vector("\x02\x00" + std::string(60, 'x'), 3), 16384)), HelloFault::malformed);
  EXPECT_EQ(fault_of(in_records(message_with(server_name("a.b")), 20).substr(0, 25) + "\x17\x03\x03"),
            HelloFault::malformed);
}

TEST(ClientHello, IsBoundedHoweverItIsCut) {
  const std::string name(65'000, 'a');
  EXPECT_EQ(fault_of(hello_with(extension(0x1234, std::string(65'480, 'x')) + server_name("a.b"))),
            HelloFault::too_large);
  EXPECT_EQ(fault_of(hello_with(server_name(name))), HelloFault::malformed);
  // Told by its length alone, long before it is there.
  EXPECT_EQ(fault_of(std::string("\x16\x03\x01\x40\0\x01\xff\xff\xff", 9)), HelloFault::too_large);
  // Records of one byte: five times as much header as message.
  const std::string message = message_with(server_name("a.b") + extension(0x1234, std::string(20'000, 'x')));
  EXPECT_EQ(fault_of(in_records(message, 1), 1000), HelloFault::too_large);
  EXPECT_EQ(fault_of(in_records(message, 100), 1000), HelloFault::none);
  EXPECT_EQ(fault_of(hello_with(server_name("a.b")), 1, 50), HelloFault::too_large);
}

TEST(ClientHello, NothingChangesAfterTheEnd) {
  ClientHelloParser done, failed;
  done.take(hello_with(server_name("a.b")));
  failed.take("GET ");

  EXPECT_EQ(done.take("GET "), State::done);
  EXPECT_EQ(failed.take(hello_with(server_name("a.b"))), State::failed);

  EXPECT_EQ(done.hello().server_name, "a.b");
  EXPECT_EQ(failed.fault(), HelloFault::not_tls);
  EXPECT_FALSE(failed.detail().empty());
}

}  // namespace
}  // namespace proconsul::wanfed::gateway
