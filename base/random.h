// Randomness as something that is passed in: the operating system's in the process, a seeded one in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace proconsul::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<unsigned char> bytes) = 0;

  std::uint64_t next();
  /// Evenly from 0 to below `bound`, which must not be 0.
  std::uint64_t below(std::uint64_t bound);
  /// Evenly from 0 to below 1.
  double unit();
  std::string bytes(std::size_t size);
};

/// The operating system's generator, fit for keys and secrets. Safe to use from many threads.
class SystemRandom final : public Random {
 public:
  void fill(std::span<unsigned char> bytes) override;
};
Random& system_random();

/// The same seed gives the same sequence on every machine (xoshiro256**). Not for secrets, not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(std::span<unsigned char> bytes) override;

 private:
  std::uint64_t step();
  std::uint64_t state_[4];
};

}  // namespace proconsul::base
