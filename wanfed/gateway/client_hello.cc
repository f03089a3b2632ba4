#include "wanfed/gateway/client_hello.h"

#include <algorithm>
#include <optional>

namespace proconsul::wanfed::gateway {
namespace {

constexpr unsigned char kHandshake = 22, kFirstContentType = 20, kLastContentType = 24;
constexpr unsigned char kClientHello = 1;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kMostRecord = 16 * 1024;
constexpr std::size_t kMostName = 255, kMostProtocols = 64;
constexpr std::uint16_t kServerName = 0, kAlpn = 16;

/// Big-endian numbers and vectors from the front of bytes; nothing if there are too few.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

  std::optional<std::string_view> bytes(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::optional<std::size_t> number(std::size_t width) {
    const auto digits = bytes(width);
    if (!digits) return std::nullopt;
    std::size_t value = 0;
    for (const char digit : *digits) value = value << 8 | static_cast<unsigned char>(digit);
    return value;
  }
  /// Bytes behind their own number.
  std::optional<std::string_view> vector(std::size_t width) {
    const auto size = number(width);
    return size ? bytes(*size) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string_view to_string(HelloFault fault) {
  switch (fault) {
    case HelloFault::none:
      return "none";
    case HelloFault::not_tls:
      return "not TLS";
    case HelloFault::sslv2:
      return "a hello of SSL 2";
    case HelloFault::not_client_hello:
      return "TLS, but no ClientHello";
    case HelloFault::malformed:
      return "malformed ClientHello";
    case HelloFault::too_large:
      return "ClientHello too large";
    case HelloFault::no_server_name:
      return "no server name (SNI)";
  }
  return "unknown";
}

using State = ClientHelloParser::State;

State ClientHelloParser::fail(HelloFault fault, std::string_view detail) {
  fault_ = fault;
  detail_ = detail;
  message_ = {};
  return state_ = State::failed;
}

bool ClientHelloParser::take_header(unsigned char byte) {
  header_[header_size_++] = byte;
  switch (header_size_) {
    case 1:
      if (byte == kHandshake) return true;
      if (!message_.empty()) {
        fail(HelloFault::malformed, "another record inside of the message");
      } else if (byte >= kFirstContentType && byte <= kLastContentType) {
        return true;  // the version tells whether it is TLS
      } else if (byte & 0x80) {
        return true;  // SSL 2 has its length here; its third byte tells
      } else {
        fail(HelloFault::not_tls, "the first byte is no record's");
      }
      return state_ == State::more;
    case 2:
      if (header_[0] & 0x80 || byte == 3) return true;
      fail(header_[0] == kHandshake && !message_.empty() ? HelloFault::malformed : HelloFault::not_tls,
           "a record of no known version");
      return false;
    case 3:
      if (header_[0] & 0x80) {
        fail(byte == kClientHello ? HelloFault::sslv2 : HelloFault::not_tls, "the first byte is no record's");
      } else if (header_[0] != kHandshake) {
        fail(HelloFault::not_client_hello, "the first record is no handshake");
      }
      return state_ == State::more;
    case 5:
      record_left_ = static_cast<std::size_t>(header_[3] << 8 | header_[4]);
      header_size_ = 0;
      // Empty ones would let a client go on for ever without saying anything.
      if (record_left_ == 0) fail(HelloFault::malformed, "an empty record");
      if (record_left_ > kMostRecord) fail(HelloFault::malformed, "a record longer than 16384 bytes");
      return state_ == State::more;
    default:
      return true;
  }
}

std::size_t ClientHelloParser::wanted() const {
  if (message_.size() < kMessageHeader) return kMessageHeader;
  return kMessageHeader + *Reader(std::string_view(message_).substr(1)).number(3);
}

State ClientHelloParser::take(std::string_view bytes) {
  if (state_ != State::more) return state_;
  received_ += bytes.size();
  while (!bytes.empty()) {
    if (record_left_ == 0) {
      if (!take_header(static_cast<unsigned char>(bytes.front()))) return state_;
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min({record_left_, bytes.size(), wanted() - message_.size()});
    message_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    record_left_ -= size;
    if (static_cast<unsigned char>(message_[0]) != kClientHello) {
      return fail(HelloFault::not_client_hello, "the first handshake message is another");
    }
    if (message_.size() < kMessageHeader) continue;
    if (wanted() > most_) return fail(HelloFault::too_large, "its length is above the limit");
    if (message_.size() < wanted()) continue;
    // Nothing may follow it there, and a server does not answer before it has the whole record: whoever kept the rest
    // back would make the server look silent.
    if (record_left_ > 0) return fail(HelloFault::malformed, "its record goes on behind it");
    return parse();
  }
  // Records of one byte each say little in many bytes.
  if (received_ > most_) return fail(HelloFault::too_large, "its records are above the limit");
  return state_;
}

State ClientHelloParser::parse() {
  Reader reader(std::string_view(message_).substr(kMessageHeader));
  const auto version = reader.number(2);
  const auto random = reader.bytes(32);
  const auto session = reader.vector(1);
  const auto ciphers = reader.vector(2);
  const auto compressions = reader.vector(1);
  if (!version || !random || !session || !ciphers || !compressions) {
    return fail(HelloFault::malformed, "it ends within its fields");
  }
  if (*version >> 8 != 3) return fail(HelloFault::malformed, "a version before SSL 3");
  if (session->size() > 32) return fail(HelloFault::malformed, "a session id longer than 32 bytes");
  if (ciphers->empty() || ciphers->size() % 2 != 0) return fail(HelloFault::malformed, "a wrong list of ciphers");
  if (compressions->empty()) return fail(HelloFault::malformed, "an empty list of compressions");
  if (reader.empty()) return fail(HelloFault::no_server_name, "no extensions");
  const auto extensions = reader.vector(2);
  if (!extensions || !reader.empty()) return fail(HelloFault::malformed, "extensions of another length than it has");
  if (!parse_extensions(*extensions)) return state_;
  if (!has_name_) return fail(HelloFault::no_server_name, "no such extension");
  message_ = {};
  return state_ = State::done;
}

bool ClientHelloParser::parse_extensions(std::string_view list) {
  bool has_protocols = false;
  for (Reader reader(list); !reader.empty();) {
    const auto type = reader.number(2);
    const auto body = reader.vector(2);
    if (!type || !body) {
      fail(HelloFault::malformed, "an extension that ends behind the others");
      return false;
    }
    // Of two, the gateway might follow one and the server the other.
    if ((*type == kServerName && has_name_) || (*type == kAlpn && has_protocols)) {
      fail(HelloFault::malformed, "an extension twice");
      return false;
    }
    if (*type == kServerName && !parse_server_name(*body)) return false;
    if (*type == kAlpn && !parse_protocols(*body)) return false;
    has_name_ |= *type == kServerName;
    has_protocols |= *type == kAlpn;
  }
  return true;
}

bool ClientHelloParser::parse_server_name(std::string_view body) {
  Reader reader(body);
  const auto list = reader.vector(2);
  if (!list || !reader.empty()) {
    fail(HelloFault::malformed, "server names of another length than their extension");
    return false;
  }
  Reader names(*list);
  const auto type = names.number(1);
  const auto name = names.vector(2);
  if (!type || !name || !names.empty() || *type != 0) {
    fail(HelloFault::malformed, "not one server name");
    return false;
  }
  if (name->empty() || name->size() > kMostName) {
    fail(HelloFault::malformed, "a server name that is empty or longer than 255 characters");
    return false;
  }
  hello_.server_name.assign(*name);
  for (char& letter : hello_.server_name) {
    if (letter <= ' ' || letter > '~') {
      fail(HelloFault::malformed, "a server name with other than printable characters");
      return false;
    }
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
  }
  return true;
}

bool ClientHelloParser::parse_protocols(std::string_view body) {
  Reader reader(body);
  const auto list = reader.vector(2);
  if (!list || list->empty() || !reader.empty()) {
    fail(HelloFault::malformed, "protocols of another length than their extension");
    return false;
  }
  for (Reader names(*list); !names.empty();) {
    const auto name = names.vector(1);
    if (!name || name->empty() || hello_.protocols.size() == kMostProtocols) {
      fail(HelloFault::malformed, "a wrong list of protocols");
      return false;
    }
    hello_.protocols.emplace_back(*name);
  }
  return true;
}

}  // namespace proconsul::wanfed::gateway
