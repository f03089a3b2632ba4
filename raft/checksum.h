// The two checksums of raft's files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace proconsul::raft {

/// CRC-32C (Castagnoli) of the bytes; pass an earlier result to go on with the next piece.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// CRC-64 with the ECMA-182 polynomial, reflected, inverted at both ends: what Consul's snapshot metadata holds.
std::uint64_t crc64_ecma(std::string_view bytes, std::uint64_t before = 0);

}  // namespace proconsul::raft
