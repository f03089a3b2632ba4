#include "gossip/keyring.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gossip/vectors.h"

namespace proconsul::gossip {
namespace {

/// Gives out the bytes that it was given.
class FixedRandom final : public base::Random {
 public:
  explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<unsigned char> bytes) override {
    ASSERT_EQ(bytes.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), bytes.begin());
  }

 private:
  std::string bytes_;
};

TEST(Keyring, SealsAndOpensGosBytes) {
  int seen = 0;
  for (const base::Value& vector : vectors_of("gossip_crypto.json")) {
    const std::string name = text_of(vector, "name");
    const std::string nonce = from_hex(text_of(vector, "extra.nonce"));
    if (nonce.empty() || name.starts_with("stream")) continue;  // whole packets and streams: their own tests
    const std::string plain = from_hex(text_of(vector, "extra.plain"));
    const std::string additional = from_hex(text_of(vector, "extra.aad"));
    Keyring ring;
    ASSERT_TRUE(ring.add(from_hex(text_of(vector, "extra.key"))));
    FixedRandom random(nonce);
    const auto version = static_cast<SealVersion>(integer_of(*vector.find("extra")->find("version")));
    EXPECT_EQ(to_hex(ring.seal(plain, additional, random, version)), text_of(vector, "hex")) << name;
    EXPECT_EQ(ring.open(from_hex(text_of(vector, "hex")), additional).value(), plain) << name;
    ++seen;
  }
  EXPECT_GE(seen, 6);
}

TEST(Keyring, AnyKeyOpensThePrimarySeals) {
  Keyring ring, old;
  const std::string first(16, 'a'), second(32, 'b');
  ASSERT_TRUE(ring.add(first) && ring.add(second) && old.add(first));
  EXPECT_EQ(ring.open(old.seal("hi", "", base::system_random()), "").value(), "hi");
  EXPECT_EQ(old.open(ring.seal("hi", "", base::system_random()), "").value(), "hi");

  ASSERT_TRUE(ring.use(second));
  EXPECT_EQ(ring.keys(), (std::vector<std::string>{second, first}));
  const std::string sealed = ring.seal("hi", "", base::system_random());
  EXPECT_EQ(old.open(sealed, "").error().detail, "No installed keys could decrypt the message");
  EXPECT_EQ(ring.open(sealed, "other").error().code, base::Errc::permission_denied);
}

TEST(Keyring, RefusesWhatDoesNotFit) {
  Keyring ring;
  EXPECT_EQ(ring.add("short").error().detail, "key size must be 16, 24 or 32 bytes");
  ASSERT_TRUE(ring.add(std::string(16, 'a')));
  EXPECT_EQ(ring.use(std::string(16, 'b')).error().detail, "Requested key is not in the keyring");
  EXPECT_EQ(ring.remove(std::string(16, 'a')).error().detail, "Removing the primary key is not allowed");
  EXPECT_EQ(ring.open("", "").error().detail, "Cannot decrypt empty payload");
  EXPECT_EQ(ring.open("\x02zzz", "").error().detail, "Unsupported encryption version 2");
  EXPECT_EQ(ring.open("\x01zzz", "").error().detail, "Payload is too small to decrypt: 4");
}

}  // namespace
}  // namespace proconsul::gossip
