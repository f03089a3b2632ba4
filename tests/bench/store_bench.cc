// What the store costs: bytes of memory per key and nanoseconds per operation, from 1,000 to 500,000 keys.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/watch.h"
#include "catalog/store/kv.h"
#include "catalog/store/store.h"

namespace {

using namespace proconsul;
using Clock = std::chrono::steady_clock;

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Nanoseconds per call of body(i).
template <class Body>
double measure(int count, Body body) {
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i) body(i);
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / count;
}

std::string key_of(int i) {
  char key[32];
  std::snprintf(key, sizeof key, "bench/key/%010d", i);
  return key;
}

void keys(int count) {
  std::mt19937 random(1);
  std::vector<int> order(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) order[static_cast<std::size_t>(i)] = i;
  std::shuffle(order.begin(), order.end(), random);
  const auto pick = [&](int i) { return key_of(order[static_cast<std::size_t>(i) % order.size()]); };
  const std::string value(512, 'v');
  catalog::DirEntry entry;

  malloc_trim(0);
  const double before = resident_bytes();
  catalog::Store store;
  std::uint64_t index = 10;
  const auto set = [&](int i) {
    store.writer().begin_command(++index);
    entry.Key = pick(i);
    entry.Value = base::Bytes(value);
    entry.Flags = index;
    kv_set(store.writer(), entry);
  };
  const double load = measure(count, set);
  store.commit();
  malloc_trim(0);
  const double item = (resident_bytes() - before) / count;

  const double get = measure(1'000'000, [&](int i) {
    const auto view = store.view();
    if (!kv_get(view->tables(), pick(i), nullptr).row) std::abort();
  });
  const double one = measure(200'000, [&](int i) {
    set(i);
    store.commit();
  });
  const double batch = measure(200'000, [&](int i) {
    set(i);
    if (i % 64 == 63) store.commit();
  });
  const double scan = measure(1, [&](int) { kv_list(store.view()->tables(), "bench/", nullptr); }) / count;
  std::printf(
      "%7d keys: %4.0f B each; load %4.0f ns, get %4.0f ns, set and commit %5.0f ns, set in 64s %5.0f ns, "
      "list %3.0f ns a key\n",
      count, item, load, get, one, batch, scan);
}

struct CountingSink : base::WakeSink {
  std::size_t woken = 0;
  void wake(std::vector<std::uint64_t> tokens) override { woken += tokens.size(); }
};

void watchers(bool same_key) {
  constexpr int kCount = 100'000;
  base::WatchRegistry registry;
  CountingSink sink;
  std::vector<base::Watch> watches;
  watches.reserve(kCount);
  std::vector<base::KeySet> sets(kCount);
  for (int i = 0; i < kCount; ++i) sets[static_cast<std::size_t>(i)].add_key("k", key_of(same_key ? 0 : i));
  base::KeySet unrelated;
  unrelated.add_key("k", "bench/other");

  const auto before = mallinfo2().uordblks;
  const double add = measure(kCount, [&](int i) {
    watches.push_back(registry.watch(sets[static_cast<std::size_t>(i)], sink, static_cast<std::uint64_t>(i)));
  });
  const double bytes = static_cast<double>(mallinfo2().uordblks - before) / kCount;
  const double idle = measure(1'000'000, [&](int) { registry.report(unrelated); });
  const double fire = same_key ? measure(1, [&](int) { registry.report(sets[0]); }) / kCount
                               : measure(kCount, [&](int i) { registry.report(sets[static_cast<std::size_t>(i)]); });
  if (sink.woken != kCount) std::abort();
  std::printf("%d watchers of %s: %3.0f B and %3.0f ns each; unrelated change %3.0f ns; waking %3.0f ns each\n", kCount,
              same_key ? "one key" : "different keys", bytes, add, idle, fire);
}

}  // namespace

int main() {
  for (const int count : {1'000, 10'000, 100'000, 500'000}) keys(count);
  watchers(true);
  watchers(false);
}
