#include "raft/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace proconsul::raft {
namespace {

// Table [k][b]: the effect of byte b when k more bytes follow it, so that eight bytes are folded at once.
template <class Word, Word kPolynomial>
constexpr auto make_tables() {
  std::array<std::array<Word, 256>, 8> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    Word value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? kPolynomial : Word{0});
    tables[0][byte] = value;
  }
  for (unsigned k = 1; k < 8; ++k) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const Word previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}
constexpr auto kCrc32c = make_tables<std::uint32_t, 0x82f63b78u>();
constexpr auto kCrc64 = make_tables<std::uint64_t, 0xc96c5795d7870f42ull>();

template <class Word, class Tables>
Word fold(const Tables& tables, std::string_view bytes, Word crc) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);  // little endian, as every machine we build for
    word ^= crc;
    crc = tables[7][word & 0xff] ^ tables[6][(word >> 8) & 0xff] ^ tables[5][(word >> 16) & 0xff] ^
          tables[4][(word >> 24) & 0xff] ^ tables[3][(word >> 32) & 0xff] ^ tables[2][(word >> 40) & 0xff] ^
          tables[1][(word >> 48) & 0xff] ^ tables[0][word >> 56];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes, std::uint32_t crc) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = crc;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  if (hardware) return ~crc32c_hardware(bytes, ~before);
#endif
  return ~fold(kCrc32c, bytes, ~before);
}

std::uint64_t crc64_ecma(std::string_view bytes, std::uint64_t before) {
  return ~fold(kCrc64, bytes, ~before);
}

}  // namespace proconsul::raft
