#include "base/ref.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace proconsul::base {
namespace {

std::atomic<long> destroyed_twice{0};

/// Is never freed: so that a second end is seen, and not what became of its memory.
struct Immortal : RefCounted {
  mutable std::atomic<bool> alive{true};
  static void destroy(const Immortal* object) {
    if (!object->alive.exchange(false)) ++destroyed_twice;
  }
};

// More threads than cores: then one is now and then stopped between any two steps.
TEST(AtomicRef, WhoeverLoadedIsDoneBeforeTheWriterHasCountedIt) {
  constexpr int kStores = 1'000'000;
  std::vector<Immortal> objects(kStores + 1);
  AtomicRef<const Immortal> slot(Ref<const Immortal>::adopt(&objects.back()));
  std::atomic<bool> stop{false};
  std::atomic<long> loaded_dead{0};
  std::vector<std::jthread> readers;
  for (int r = 0; r < 4; ++r) {
    readers.emplace_back([&] {
      while (!stop) {
        if (!slot.load()->alive) ++loaded_dead;
      }
    });
  }
  for (int i = 0; i < kStores; ++i) slot.store(Ref<const Immortal>::adopt(&objects[static_cast<std::size_t>(i)]));
  stop = true;
  readers.clear();

  EXPECT_EQ(loaded_dead, 0);
  EXPECT_EQ(destroyed_twice, 0);
  long alive = 0;
  for (const Immortal& object : objects) alive += object.alive;
  EXPECT_EQ(alive, 1);  // the one in the slot
}

}  // namespace
}  // namespace proconsul::base
