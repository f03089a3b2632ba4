#include "raft/tar.h"

#include <algorithm>
#include <cstring>

namespace proconsul::raft {
namespace {

constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kPrefixBytes = 155;

void put_octal(char* field, std::size_t width, std::uint64_t value) {
  field[--width] = '\0';
  while (width > 0) {
    field[--width] = static_cast<char>('0' + (value & 7));
    value >>= 3;
  }
}

}  // namespace

std::string tar_header(const TarMember& member) {
  std::string header(kTarBlock, '\0');
  char* at = header.data();
  std::string_view name = member.name;
  if (name.size() > kNameBytes) {
    const std::size_t slash = name.find('/', name.size() - kNameBytes - 1);
    if (slash != std::string_view::npos && slash <= kPrefixBytes) {
      name.copy(at + 345, slash);
      name.remove_prefix(slash + 1);
    }
  }
  name.copy(at, kNameBytes);
  put_octal(at + 100, 8, member.mode);
  put_octal(at + 108, 8, 0);
  put_octal(at + 116, 8, 0);
  if (member.size < (std::uint64_t{1} << 33)) {
    put_octal(at + 124, 12, member.size);
  } else {
    at[124] = '\x80';  // binary, as GNU tar and Go write what octal cannot hold
    for (int i = 0; i < 8; ++i) at[128 + i] = static_cast<char>(member.size >> (56 - 8 * i));
  }
  put_octal(at + 136, 12, static_cast<std::uint64_t>(std::max<std::int64_t>(member.unix_seconds, 0)));
  std::memset(at + 148, ' ', 8);
  at[156] = member.directory ? '5' : '0';
  std::memcpy(at + 257,
              "ustar\0"
              "00",
              8);
  put_octal(at + 329, 8, 0);
  put_octal(at + 337, 8, 0);
  std::uint64_t sum = 0;
  for (unsigned char byte : header) sum += byte;
  put_octal(at + 148, 7, sum);
  return header;
}

std::string tar_padding(std::uint64_t size) {
  return std::string((kTarBlock - size % kTarBlock) % kTarBlock, '\0');
}

}  // namespace proconsul::raft
