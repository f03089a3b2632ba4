// The first thing that a TLS client says, read without TLS: to whom it wants to speak, and which protocols it offers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::wanfed::gateway {

struct ClientHello {
  std::string server_name{};             // SNI in lower case; printable ASCII, at most 255 characters
  std::vector<std::string> protocols{};  // ALPN, in the client's order
};

enum class HelloFault : std::uint8_t {
  none,
  not_tls,           // something else speaks to this port
  sslv2,             // a hello of SSL 2, which cannot name a server
  not_client_hello,  // TLS, but it begins with another message
  malformed,         // lengths that contradict each other, a name that is none, an extension twice
  too_large,
  no_server_name,
};
/// "not TLS", for people.
std::string_view to_string(HelloFault fault);

/// Takes the bytes of a connection as they come, in pieces of any size, and keeps no more than `most_bytes` of them.
class ClientHelloParser {
 public:
  static constexpr std::size_t kMostBytes = 64 * 1024;
  enum class State : std::uint8_t { more, done, failed };

  explicit ClientHelloParser(std::size_t most_bytes = kMostBytes) : most_(most_bytes) {}

  /// The next bytes. What follows the hello is not looked at; after `done` and `failed` nothing changes any more.
  State take(std::string_view bytes);
  /// When done.
  ClientHello& hello() { return hello_; }
  /// When failed: which kind, and which rule was broken.
  HelloFault fault() const { return fault_; }
  std::string_view detail() const { return detail_; }

 private:
  State fail(HelloFault fault, std::string_view detail);
  /// False: failed. The bytes of a record's header, one at a time, so that what is not TLS is known at once.
  bool take_header(unsigned char byte);
  /// What the message has, or at least needs to tell it.
  std::size_t wanted() const;
  State parse();
  bool parse_extensions(std::string_view list);
  bool parse_server_name(std::string_view body);
  bool parse_protocols(std::string_view body);

  std::size_t most_;
  std::size_t received_ = 0;
  std::array<unsigned char, 5> header_{};
  std::size_t header_size_ = 0;
  std::size_t record_left_ = 0;
  std::string message_{};  // the handshake message without the records around it
  ClientHello hello_{};
  State state_ = State::more;
  HelloFault fault_ = HelloFault::none;
  std::string_view detail_{};
  bool has_name_ = false;
};

}  // namespace proconsul::wanfed::gateway
