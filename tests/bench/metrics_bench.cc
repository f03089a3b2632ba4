// What recording a metric costs: metrics_bench [THREADS]. Processor time of a thread per operation, all at it at once.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "base/metrics.h"

namespace {

namespace metrics = proconsul::base::metrics;
constexpr int kTimes = 5'000'000;

double thread_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Operation>
void measure(const char* name, int threads, Operation operation) {
  std::vector<std::thread> all;
  std::vector<double> took(static_cast<std::size_t>(threads));
  for (double& nanoseconds : took) {
    all.emplace_back([&] {
      const double begun = thread_nanoseconds();
      for (int j = 0; j < kTimes; ++j) operation(j);
      nanoseconds = thread_nanoseconds() - begun;
    });
  }
  for (std::thread& thread : all) thread.join();
  std::printf("%-28s %6.1f ns\n", name, *std::max_element(took.begin(), took.end()) / kTimes);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const metrics::Counter counter = metrics::counter("bench.counter");
  const metrics::Sample sample = metrics::sample("bench.sample");
  const metrics::Gauge gauge = metrics::gauge("bench.gauge");
  measure("counter", threads, [&](int) { counter.add(); });
  measure("sample", threads, [&](int i) { sample.add(i); });
  measure("gauge", threads, [&](int i) { gauge.set(i); });
  measure("timer", threads, [&](int) { const metrics::ScopedTimer timer(sample); });
  metrics::configure({.prometheus_retention_seconds = 60});
  measure("sample, with quantiles", threads, [&](int i) { sample.add(i); });
  const metrics::Feed feed;
  measure("sample, with a feed", threads, [&](int i) { sample.add(i); });
}
