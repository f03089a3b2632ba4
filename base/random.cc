#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace proconsul::base {

std::uint64_t Random::next() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<unsigned char*>(&value), sizeof(value)});
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Values above the largest multiple of bound are drawn again: they would favour small results.
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound + 1) % bound;
  std::uint64_t value = next();
  while (value > limit) value = next();
  return value % bound;
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::string Random::bytes(std::size_t size) {
  std::string out(size, '\0');
  fill({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  return out;
}

namespace {

void ask_the_system(std::span<unsigned char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::fputs("The operating system gives no random numbers (getrandom failed).\n", stderr);
      std::abort();
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

/// Small draws share a system call. What was given out is wiped: it may have become a key.
struct Drawn {
  std::array<unsigned char, 512> bytes;
  std::size_t used = std::tuple_size_v<decltype(bytes)>;
};

}  // namespace

void SystemRandom::fill(std::span<unsigned char> bytes) {
  constexpr std::size_t kSmall = 64;
  thread_local Drawn drawn;
  if (bytes.size() > kSmall) return ask_the_system(bytes);
  if (drawn.bytes.size() - drawn.used < bytes.size()) {
    ask_the_system(drawn.bytes);
    drawn.used = 0;
  }
  unsigned char* from = drawn.bytes.data() + drawn.used;
  std::memcpy(bytes.data(), from, bytes.size());
  explicit_bzero(from, bytes.size());
  drawn.used += bytes.size();
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64 spreads a small seed over the whole state
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t SeededRandom::step() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::fill(std::span<unsigned char> bytes) {
  while (!bytes.empty()) {
    const std::uint64_t word = step();
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, size);
    bytes = bytes.subspan(size);
  }
}

}  // namespace proconsul::base
