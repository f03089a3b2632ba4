// Addresses as configuration has them: an IP, an IP with a port, a unix socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace proconsul::agent::config {

/// An IPv4 or IPv6 address without a zone. IPv4 mapped into IPv6 is IPv4.
class Ip {
 public:
  Ip() = default;
  /// "10.0.0.1", "::1"; nothing for any other text.
  static std::optional<Ip> parse(std::string_view text);
  static Ip from_bytes(const std::uint8_t* bytes, bool v4);

  std::string to_string() const;
  bool is_v4() const { return v4_; }
  /// 0.0.0.0 or ::
  bool is_any() const;
  bool is_loopback() const;
  /// 4 or 16 bytes.
  const std::uint8_t* bytes() const { return bytes_.data(); }
  std::size_t size() const { return v4_ ? 4 : 16; }
  auto operator<=>(const Ip&) const = default;

 private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> bytes_{};
};

/// "10.0.0.0/8"
struct Network {
  Ip address{};  // its host bits are zero
  unsigned prefix{};
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Ip& ip) const;
  std::string to_string() const;
};

struct Address {
  enum class Kind : std::uint8_t { none, tcp, udp, unix_socket };
  Kind kind{};
  Ip ip{};
  std::uint32_t port{};
  std::string path{};  // of a unix socket

  static Address tcp(Ip ip, int port) { return {Kind::tcp, ip, static_cast<std::uint32_t>(port), {}}; }
  bool is_set() const { return kind != Kind::none; }
  /// "127.0.0.1:8500", "[::1]:8500", "/run/consul.sock"
  std::string to_string() const;
  /// With its kind before it: "tcp://127.0.0.1:8500"; empty if it is not set.
  std::string to_url() const;
  bool operator==(const Address&) const = default;
};

struct InterfaceAddress {
  std::string name{};
  bool up{}, loopback{}, broadcast{}, multicast{}, point_to_point{}, running{};
  Ip ip{};
  unsigned prefix{};
};

/// The host as configuration sees it; tests bring their own.
struct Surroundings {
  std::string host_name{};
  std::vector<InterfaceAddress> interfaces{};
  std::string default_interface{};  // of the default route; empty if there is none
  std::uint64_t file_limit{};       // open files; 0: not known
  static Surroundings of_this_host();
};

/// Addresses that are not routed on the public Internet.
bool is_private(const Ip& ip);
/// Private IPv4 addresses of interfaces that are up (loopback only if there is no other interface).
std::vector<Ip> private_ipv4(const Surroundings& host);
std::vector<Ip> public_ipv6(const Surroundings& host);

}  // namespace proconsul::agent::config
