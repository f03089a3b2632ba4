// DNS messages: a query taken apart, an answer written into a buffer. Neither allocates.
//
// What is accepted and what is refused with which code is what servers built on the miekg/dns library do, which clients
// of Consul have always talked to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "agent/dns/name.h"

namespace proconsul::agent::dns {

inline constexpr std::size_t kHeaderSize = 12;

enum Type : std::uint16_t {
  kTypeA = 1,
  kTypeNs = 2,
  kTypeCname = 5,
  kTypeSoa = 6,
  kTypePtr = 12,
  kTypeTxt = 16,
  kTypeAaaa = 28,
  kTypeSrv = 33,
  kTypeOpt = 41,
  kTypeDs = 43,
  kTypeTsig = 250,
  kTypeAxfr = 252,
  kTypeAny = 255,
};
/// "A", "SRV"; "TYPE65280" for what has no name.
std::string type_text(std::uint16_t type);
inline constexpr std::uint16_t kClassIn = 1;

enum Rcode : std::uint8_t {
  kNoError = 0,
  kFormError = 1,
  kServerFailure = 2,
  kNameError = 3,
  kNotImplemented = 4,
  kRefused = 5,
};
std::string_view rcode_text(unsigned rcode);

// Bits of the header's second word.
inline constexpr std::uint16_t kResponse = 0x8000;
inline constexpr std::uint16_t kAuthoritative = 0x0400;
inline constexpr std::uint16_t kTruncated = 0x0200;
inline constexpr std::uint16_t kRecursionDesired = 0x0100;
inline constexpr std::uint16_t kRecursionAvailable = 0x0080;
inline constexpr std::uint16_t kReserved = 0x0040;
inline constexpr std::uint16_t kAuthenticData = 0x0020;
inline constexpr std::uint16_t kCheckingDisabled = 0x0010;
inline constexpr std::uint16_t kOpcodeMask = 0x7800;

inline std::uint16_t read16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

/// EDNS client subnet, RFC 7871.
struct Subnet {
  std::uint16_t family{};  // 0: none, 1: IPv4, 2: IPv6
  std::uint8_t source{};   // bits of the address that count
  std::array<std::uint8_t, 16> address{};
};

struct Query {
  std::uint16_t id{};
  std::uint16_t flags{};  // as they came
  bool has_question{};    // a bare header has none
  QuestionName name{};
  std::uint16_t type{};
  std::uint16_t klass{};
  bool edns{};
  std::uint16_t udp_size{};  // of EDNS
  bool has_subnet{};
  Subnet subnet{};

  bool is_query() const { return (flags & kOpcodeMask) == 0; }
};

enum class Parsed : std::uint8_t { ok, ignored, form_error, not_implemented };
/// Fills `query` as far as it can, for the answer to show. What is `ignored` gets none.
Parsed parse_query(std::string_view message, Query& query);
/// The answer to what parse_query() refuses, at most kHeaderSize + 4 + kMaxName bytes; returns its size.
std::size_t write_refusal(Parsed why, const Query& query, std::span<char> out);

/// One resource record. It refers to its names and data, which others keep.
struct Record {
  enum class Data : std::uint8_t { bytes, name, service, authority };
  NameRef owner{};
  std::uint16_t type{};
  std::uint16_t klass = kClassIn;
  std::uint32_t ttl{};
  Data data{};
  std::string_view bytes{};                    // bytes: the data itself; authority: its five numbers
  NameRef target{};                            // name (CNAME, NS, PTR), service; authority: the name server
  NameRef mailbox{};                           // authority
  std::uint16_t priority{}, weight{}, port{};  // service
};

/// Writes records, with names as pointers to earlier ones where that is allowed and wanted.
class MessageWriter {
 public:
  /// `out` should hold a little more than any message may: what does not fit is refused record by record.
  explicit MessageWriter(std::span<char> out) : out_(out) {}

  void use(std::span<char> out) { out_ = out; }
  void start(bool compress);
  /// Header fields; counts are written by finish().
  void question(const Query& query);
  bool record(const Record& record);
  std::size_t size() const { return size_; }
  struct Counts {
    std::uint16_t questions{}, answers{}, authorities{}, additional{};
  };
  void finish(std::uint16_t id, std::uint16_t flags, const Counts& counts);

 private:
  bool name(const NameRef& name, bool may_point);
  void put16(std::size_t at, std::uint16_t value) {
    out_[at] = static_cast<char>(value >> 8);
    out_[at + 1] = static_cast<char>(value);
  }
  bool same_at(std::size_t offset, const char* name, const char* end) const;

  static constexpr std::size_t kSlots = 2048;     // a power of two
  static constexpr std::size_t kMaxKnown = 1500;  // then names are written out
  std::span<char> out_;
  std::size_t size_ = 0;
  bool compress_ = true;
  std::array<std::uint16_t, kSlots> slots_{};  // offsets of names, by their hash; 0: free
  std::array<std::uint16_t, kMaxKnown> used_;  // slots in use
  std::size_t known_ = 0;
};

/// A record of another server's answer, its names written out.
struct ForeignRecord {
  std::string owner{};
  std::uint16_t type{};
  std::uint32_t ttl{};
  std::string data{};  // CNAME: the whole name
};
/// Calls take() for every address and alias of the answer section; false if the message is malformed.
bool read_answers(std::string_view message, const std::function<void(ForeignRecord)>& take);

}  // namespace proconsul::agent::dns
