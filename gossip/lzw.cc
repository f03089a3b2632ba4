#include "gossip/lzw.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace proconsul::gossip {
namespace {

using base::Errc;
using base::Result;

constexpr unsigned kClear = 256;
constexpr unsigned kEnd = 257;
constexpr unsigned kFirstWidth = 9;
constexpr unsigned kLastWidth = 12;
constexpr unsigned kLastCode = (1u << kLastWidth) - 1;

/// Codes of changing width, least significant bit first.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(unsigned code, unsigned width) {
    bits_ |= std::uint64_t{code} << count_;
    for (count_ += width; count_ >= 8; count_ -= 8, bits_ >>= 8) out_.push_back(static_cast<char>(bits_ & 0xff));
  }
  void flush() {
    if (count_ > 0) out_.push_back(static_cast<char>(bits_ & 0xff));
  }

 private:
  std::string& out_;
  std::uint64_t bits_ = 0;
  unsigned count_ = 0;
};

/// The strings seen since the last clear: (code of the string without its last byte, that byte) -> code. Open
/// addressing; the table is at most a quarter full, and no larger than `bytes` of text can make it: datagrams are
/// short.
class Dictionary {
 public:
  explicit Dictionary(std::size_t bytes)
      : bits_(static_cast<unsigned>(std::bit_width(std::min<std::size_t>(bytes, kLastCode) * 4))),
        slots_(std::size_t{1} << bits_) {}

  void clear() { std::fill(slots_.begin(), slots_.end(), Slot{}); }
  /// The code of the longer string, or 0.
  unsigned find(unsigned prefix, unsigned char byte) const { return slots_[place(key(prefix, byte))].code; }
  void insert(unsigned prefix, unsigned char byte, unsigned code) {
    const std::uint32_t wanted = key(prefix, byte);
    slots_[place(wanted)] = {wanted, static_cast<std::uint16_t>(code)};
  }

 private:
  struct Slot {
    std::uint32_t key = 0;
    std::uint16_t code = 0;  // 0: free
  };
  static std::uint32_t key(unsigned prefix, unsigned char byte) { return (prefix << 8) | byte; }
  std::size_t place(std::uint32_t wanted) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (std::uint64_t{wanted * 0x9e3779b1u} << bits_) >> 32;
    while (slots_[at].code != 0 && slots_[at].key != wanted) at = (at + 1) & mask;
    return at;
  }

  unsigned bits_;
  std::vector<Slot> slots_;
};

class BitReader {
 public:
  explicit BitReader(std::string_view in) : in_(in) {}
  /// False when the input ends first.
  bool get(unsigned width, unsigned& code) {
    while (count_ < width) {
      if (at_ == in_.size()) return false;
      bits_ |= std::uint32_t{static_cast<unsigned char>(in_[at_++])} << count_;
      count_ += 8;
    }
    code = bits_ & ((1u << width) - 1);
    bits_ >>= width;
    count_ -= width;
    return true;
  }

 private:
  std::string_view in_;
  std::size_t at_ = 0;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace

std::string lzw_compress(std::string_view plain) {
  std::string out;
  out.reserve(plain.size() / 2 + 8);
  BitWriter writer(out);
  Dictionary dictionary(plain.size());
  unsigned width = kFirstWidth;
  unsigned highest = kEnd;
  // After every data code one string more is known; false: the table was full and starts anew.
  const auto grow = [&] {
    if (++highest == 1u << width) ++width;
    if (highest < kLastCode) return true;
    writer.put(kClear, kLastWidth);
    width = kFirstWidth;
    highest = kEnd;
    dictionary.clear();
    return false;
  };

  writer.put(kClear, width);
  if (!plain.empty()) {
    unsigned current = static_cast<unsigned char>(plain[0]);
    for (const char next : plain.substr(1)) {
      const auto byte = static_cast<unsigned char>(next);
      if (const unsigned longer = dictionary.find(current, byte)) {
        current = longer;
        continue;
      }
      writer.put(current, width);
      if (grow()) dictionary.insert(current, byte, highest);
      current = byte;
    }
    writer.put(current, width);
    grow();
  }
  writer.put(kEnd, width);
  writer.flush();
  return out;
}

Result<std::string> lzw_decompress(std::string_view compressed, std::size_t limit) {
  struct Entry {
    std::uint16_t prefix;
    unsigned char last;
    std::uint16_t length;
  };
  std::array<Entry, kLastCode + 1> entries{};
  for (unsigned byte = 0; byte < kClear; ++byte) entries[byte] = {0, static_cast<unsigned char>(byte), 1};
  constexpr unsigned kNone = ~0u;

  std::string out;
  BitReader reader(compressed);
  unsigned width = kFirstWidth;
  unsigned highest = kEnd;
  unsigned before = kNone;
  for (unsigned code = 0; reader.get(width, code);) {
    if (code == kEnd) return out;
    if (code == kClear) {
      width = kFirstWidth;
      highest = kEnd;
      before = kNone;
      continue;
    }
    // A code that is not known yet is the string before it and that one's own first byte.
    const bool unknown = code == highest && before != kNone;
    const bool full = before == kNone && highest == kLastCode;
    if (!unknown && code > kEnd && code >= highest && !full) return {Errc::corrupt, "lzw: invalid code"};
    const unsigned known = unknown ? before : code;
    const std::size_t length = entries[known].length;
    if (out.size() + length + (unknown ? 1 : 0) > limit) {
      return {Errc::too_large, "lzw: more than " + std::to_string(limit) + " bytes"};
    }
    const std::size_t start = out.size();
    out.resize(start + length);
    unsigned walk = known;
    for (std::size_t i = length; i-- > 0; walk = entries[walk].prefix)
      out[start + i] = static_cast<char>(entries[walk].last);
    if (unknown) out.push_back(out[start]);
    if (before != kNone) {
      entries[highest] = {static_cast<std::uint16_t>(before), static_cast<unsigned char>(out[start]),
                          static_cast<std::uint16_t>(entries[before].length + 1)};
    }
    before = code;
    if (++highest >= 1u << width) {
      if (width == kLastWidth) {  // full: nothing is learnt any more
        before = kNone;
        --highest;
      } else {
        ++width;
      }
    }
  }
  return {Errc::corrupt, "lzw: unexpected end"};
}

}  // namespace proconsul::gossip
