#include "gossip/lzw.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "gossip/vectors.h"

namespace proconsul::gossip {
namespace {

constexpr std::size_t kPlenty = 1 << 20;

TEST(Lzw, WritesAndReadsGosBytes) {
  for (const base::Value& vector : vectors_of("lzw.json")) {
    const std::string hex = text_of(vector, "hex");
    if (hex.empty()) continue;  // only digests are recorded
    const std::string plain = from_hex(text_of(vector, "extra.plain"));
    EXPECT_EQ(to_hex(lzw_compress(plain)), hex) << text_of(vector, "name");
    EXPECT_EQ(lzw_decompress(from_hex(hex), kPlenty).value(), plain) << text_of(vector, "name");
  }
}

std::string generated(std::size_t size) {
  std::string bytes;
  for (std::uint32_t x = 12345; bytes.size() < size;) {
    x = x * 1103515245 + 12345;
    bytes.push_back(static_cast<char>(x >> 16));
  }
  return bytes;
}

TEST(Lzw, LongInputsStartTheTableAnew) {
  const auto recorded_size = [](const char* name) {
    return integer_of(*vector_of("lzw.json", name).find("extra")->find("lzw_len"));
  };
  std::string alternating;
  while (alternating.size() < 100000) alternating += "ab";
  for (const auto& [name, plain] : {std::pair{"lcg_20000", generated(20000)}, std::pair{"ab_100000", alternating}}) {
    const std::string packed = lzw_compress(plain);
    EXPECT_EQ(static_cast<std::int64_t>(packed.size()), recorded_size(name)) << name;
    EXPECT_EQ(lzw_decompress(packed, kPlenty).value(), plain) << name;
  }
}

TEST(Lzw, AnythingComesBack) {
  base::SeededRandom random(7);
  for (int i = 0; i < 300; ++i) {
    std::string plain(random.below(9000), '\0');
    const std::uint64_t letters = 1 + random.below(256);
    for (char& byte : plain) byte = static_cast<char>(random.below(letters));
    EXPECT_EQ(lzw_decompress(lzw_compress(plain), kPlenty).value(), plain);
  }
}

TEST(Lzw, WhatIsWrongIsRefused) {
  const std::string packed = lzw_compress("to be or not to be");
  EXPECT_EQ(lzw_decompress(packed.substr(0, packed.size() - 2), kPlenty).error().code, base::Errc::corrupt);
  EXPECT_EQ(lzw_decompress("", kPlenty).error().code, base::Errc::corrupt);
  EXPECT_EQ(lzw_decompress("\xff\xff\xff\xff", kPlenty).error().code, base::Errc::corrupt);
  EXPECT_EQ(lzw_decompress(lzw_compress(std::string(100000, 'a')), 50000).error().code, base::Errc::too_large);
}

}  // namespace
}  // namespace proconsul::gossip
