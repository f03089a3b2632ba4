// Headers of tar archives, in the ustar form that every tar reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace proconsul::raft {

inline constexpr std::size_t kTarBlock = 512;

struct TarMember {
  std::string_view name{};  // what is longer than 100 bytes must have a slash at which to cut it
  std::uint64_t size{};
  std::int64_t unix_seconds{};
  std::uint32_t mode{0600};
  bool directory{};
};

/// The block before a member's content.
std::string tar_header(const TarMember& member);
/// What fills the last block behind a content of that size.
std::string tar_padding(std::uint64_t size);

}  // namespace proconsul::raft
