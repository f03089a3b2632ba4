#include "agent/telemetry/push.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "agent/telemetry/collector.h"

namespace proconsul::agent {
namespace {

using base::Result;
using Clock = std::chrono::steady_clock;

constexpr auto kRound = std::chrono::milliseconds(100);
constexpr int kRoundsPerGauges = 10;

}  // namespace

Result<std::unique_ptr<MetricsPush>> MetricsPush::start(const PushOptions& options) {
  std::vector<std::unique_ptr<Collector>> collectors;
  using enum Collector::Protocol;
  if (!options.statsite.empty()) collectors.push_back(std::make_unique<Collector>(statsite, options.statsite));
  if (!options.statsd.empty()) collectors.push_back(std::make_unique<Collector>(statsd, options.statsd));
  if (!options.dogstatsd.empty()) {
    auto collector = std::make_unique<Collector>(dogstatsd, options.dogstatsd, options.dogstatsd_tags);
    if (Result<> connected = collector->connect(); !connected && !options.dogstatsd.starts_with("unix://")) {
      if (!options.retry || connected.error().code != base::Errc::not_found) {
        return base::Error{connected.error().code,
                           "failed to initialize telemetry: 1 error occurred:\n\t* " + connected.error().detail};
      }
      collector->try_later(Clock::now(), connected.error(), true);
    }
    collectors.push_back(std::move(collector));
  }
  if (collectors.empty()) return std::unique_ptr<MetricsPush>();
  return std::unique_ptr<MetricsPush>(new MetricsPush(std::move(collectors)));
}

MetricsPush::MetricsPush(std::vector<std::unique_ptr<Collector>> collectors) : collectors_(std::move(collectors)) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "metrics");
}

MetricsPush::~MetricsPush() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void MetricsPush::run() {
  std::unique_lock lock(mutex_);
  for (int number = 0; !stopping_; ++number) {
    lock.unlock();
    for (const auto& collector : collectors_) {
      if (!collector->due(Clock::now())) continue;
      if (Result<> connected = collector->connect(); !connected) {
        collector->try_later(Clock::now(), connected.error(), connected.error().code == base::Errc::not_found);
      }
    }
    round(number % kRoundsPerGauges == 0);
    lock.lock();
    stop_.wait_for(lock, kRound, [this] { return stopping_; });
  }
  lock.unlock();
  round(true);
}

void MetricsPush::round(bool gauges) {
  feed_.drain(gauges, [this](const base::metrics::Event& event) {
    for (const auto& collector : collectors_) collector->add(event);
  });
  for (const auto& collector : collectors_) collector->flush(Clock::now());
}

}  // namespace proconsul::agent
