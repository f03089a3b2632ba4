// What gossip encryption costs: nanoseconds and allocations to seal and to open a packet, OpenSSL's own included.
#include <openssl/crypto.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "base/random.h"
#include "gossip/keyring.h"

namespace {
std::atomic<std::uint64_t> allocations = 0;

void* counted(std::size_t size, const char*, int) {
  ++allocations;
  return std::malloc(size);
}
void* recounted(void* before, std::size_t size, const char*, int) {
  ++allocations;
  return std::realloc(before, size);
}
void given_back(void* memory, const char*, int) {
  std::free(memory);
}
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace proconsul;

template <class Operation>
void measure(const char* name, std::size_t size, Operation operation) {
  constexpr int kTimes = 200'000;
  for (int i = 0; i < kTimes / 10; ++i) operation();
  const std::uint64_t before = allocations;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) operation();
  const double nanoseconds = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%-36s %5zu B %8.0f ns %6.2f allocations\n", name, size, nanoseconds / kTimes,
              static_cast<double>(allocations - before) / kTimes);
}

}  // namespace

int main() {
  if (CRYPTO_set_mem_functions(counted, recounted, given_back) != 1) return 1;
  base::SystemRandom random;
  gossip::Keyring ring, turned;
  if (!ring.add(std::string(32, 'k')) || !turned.add(std::string(32, 'n')) || !turned.add(std::string(32, 'k')))
    return 1;
  for (const std::size_t size : {64, 512, 1400}) {
    const std::string plain(size, 'p');
    const std::string sealed = ring.seal(plain, "", random);
    measure("seal", size, [&] { ring.seal(plain, "", random); });
    measure("open", size, [&] {
      if (!ring.open(sealed, "")) std::abort();
    });
    measure("open with the second of two keys", size, [&] {
      if (!turned.open(sealed, "")) std::abort();
    });
  }
}
