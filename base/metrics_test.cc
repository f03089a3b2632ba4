#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

namespace proconsul::base::metrics {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class Metrics : public testing::Test {
 protected:
  void SetUp() override {
    set_clock_for_tests([this] { return now.load(); });
    configure({.prometheus_retention_seconds = 60});
  }
  void TearDown() override {
    set_clock_for_tests({});
    configure({});
  }
  std::atomic<std::int64_t> now = 4'102'444'800;  // 2100-01-01T00:00:00Z
};

TEST_F(Metrics, TheLastWholeIntervalIsShown) {
  const Counter queries = counter("test.query", {{"kind", "a"}});
  const Sample times = sample("test.time");
  now += 10;  // the very first interval is shown while it runs
  queries.add();
  queries.add(2);
  for (const double value : {1.0, 2.0, 4.5}) times.add(value);
  EXPECT_FALSE(has(to_json(), "test.query"));  // its interval still runs

  now += 10;
  const std::string shown = to_json();
  now += 10;
  const std::string later = to_json();

  EXPECT_TRUE(has(shown, "{\"Timestamp\":\"2100-01-01 00:00:10 +0000 UTC\",\"Gauges\":["));
  EXPECT_TRUE(has(shown,
                  "{\"Name\":\"consul.test.query\",\"Count\":2,\"Rate\":0.3,\"Sum\":3,\"Min\":1,\"Max\":2,\"Mean\":1.5,"
                  "\"Stddev\":0.7071067811865476,\"Labels\":{\"kind\":\"a\"}}"))
      << shown;
  EXPECT_TRUE(
      has(shown,
          "{\"Name\":\"consul.test.time\",\"Count\":3,\"Rate\":0.75,\"Sum\":7.5,\"Min\":1,\"Max\":4.5,\"Mean\":2.5,"));
  EXPECT_FALSE(has(later, "test.query"));
}

TEST_F(Metrics, ThreadsAddUp) {
  const Counter counted = counter("test.threads");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) counted.add();
    });
  }
  for (std::thread& thread : threads) thread.join();

  now += 10;

  EXPECT_TRUE(has(to_json(), "{\"Name\":\"consul.test.threads\",\"Count\":4000,\"Rate\":400,\"Sum\":4000,"));
  EXPECT_TRUE(has(to_prometheus(), "# TYPE consul_test_threads counter\nconsul_test_threads 4000\n"));
}

TEST_F(Metrics, GaugesKeepTheirValueAndMayBeRefreshed) {
  const Gauge level = gauge("test.level");
  const auto stop = before_show([&] { level.set(0.1); });
  configure({.host = "box"});

  const std::string shown = to_json();
  stop();

  EXPECT_TRUE(has(shown, "{\"Name\":\"consul.box.test.level\",\"Value\":0.1,\"Labels\":{}}"));
}

TEST_F(Metrics, PrometheusShowsTotalsAndQuantiles) {
  const Sample times = sample("test.latency", {{"method", "GET"}}, "How long.");
  for (int i = 1; i <= 100; ++i) times.add(i);
  now += 10;

  const std::string shown = to_prometheus();

  EXPECT_TRUE(has(shown, "# HELP consul_test_latency How long.\n# TYPE consul_test_latency summary\n"));
  EXPECT_TRUE(has(shown, "consul_test_latency_sum{method=\"GET\"} 5050\n"));
  EXPECT_TRUE(has(shown, "consul_test_latency_count{method=\"GET\"} 100\n"));
  const std::size_t at = shown.find("consul_test_latency{method=\"GET\",quantile=\"0.5\"} ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(std::stod(shown.substr(at + 49)), 50, 10);
}

TEST_F(Metrics, PrometheusForgetsWhatHasLabelsAndIsNotTouched) {
  const Counter labelled = counter("test.forget.some", {{"kind", "a"}});
  const Counter bare = counter("test.forget.bare");
  labelled.add(5);
  bare.add(3);
  EXPECT_TRUE(has(to_prometheus(), "\nconsul_test_forget_some{kind=\"a\"} 5\n"));

  now += 61;
  const std::string later = to_prometheus();
  labelled.add(2);
  const std::string again = to_prometheus();

  EXPECT_FALSE(has(later, "test_forget_some"));
  EXPECT_TRUE(has(later, "\nconsul_test_forget_bare 3\n"));
  EXPECT_TRUE(has(again, "\nconsul_test_forget_some{kind=\"a\"} 2\n"));
}

TEST_F(Metrics, PrometheusShowsWhatHasNoLabelsBeforeItHappens) {
  sample("test.early", {}, "Comes later.");

  EXPECT_TRUE(has(to_prometheus(),
                  "# HELP consul_test_early Comes later.\n# TYPE consul_test_early summary\n"
                  "consul_test_early{quantile=\"0.5\"} NaN\nconsul_test_early{quantile=\"0.9\"} NaN\n"
                  "consul_test_early{quantile=\"0.99\"} NaN\nconsul_test_early_sum 0\nconsul_test_early_count 0\n"));
}

TEST_F(Metrics, NumbersOfPrometheusAreGos) {
  const auto text = [](double value) {
    std::string out;
    append_prometheus_number(out, value);
    return out;
  };
  EXPECT_EQ(text(0), "0");
  EXPECT_EQ(text(123456), "123456");
  EXPECT_EQ(text(1234567), "1.234567e+06");
  EXPECT_EQ(text(1e6), "1e+06");
  EXPECT_EQ(text(0.0001), "0.0001");
  EXPECT_EQ(text(0.00001), "1e-05");
  EXPECT_EQ(text(-2.5), "-2.5");
}

TEST_F(Metrics, JsonLeavesOutWhatIsUnknown) {
  const Gauge unknown = gauge("test.unknown");
  unknown.set(std::nan(""));

  EXPECT_FALSE(has(to_json(), "test.unknown"));
  EXPECT_TRUE(has(to_prometheus(), "\nconsul_test_unknown NaN\n"));

  unknown.clear();
  EXPECT_FALSE(has(to_prometheus(), "test_unknown"));
}

TEST_F(Metrics, AFeedHearsEverythingOnce) {
  const Counter queries = counter("test.feed.query");
  const Sample times = sample("test.feed.time", {{"op", "set"}});
  const Gauge level = gauge("test.feed.level");
  configure({.host = "box", .allow = {"consul.test.feed", "consul.box.test.feed"}, .filter_default = false});
  std::vector<std::string> heard;
  const auto hear = [&](const Event& event) {
    heard.push_back(std::string(event.host_name) + "=" + std::to_string(event.value));
  };
  Feed feed;
  queries.add(2);
  queries.add();
  times.add(1.5);
  std::thread([&] { times.add(2.5); }).join();
  level.set(7);

  feed.drain(false, hear);
  const std::vector<std::string> first = std::exchange(heard, {});
  feed.drain(true, hear);

  EXPECT_THAT(first, testing::UnorderedElementsAre("consul.test.feed.query=3.000000", "consul.test.feed.time=1.500000",
                                                   "consul.test.feed.time=2.500000"));
  EXPECT_THAT(heard, testing::ElementsAre("consul.box.test.feed.level=7.000000"));
}

TEST_F(Metrics, ADumpIsOfTheLastWholeInterval) {
  const Sample times = sample("test.dump", {{"op", "a b"}});
  now += 10;
  times.add(1);
  times.add(3);
  now += 10;

  EXPECT_TRUE(
      has(to_dump(),
          "[2100-01-01 00:00:10 +0000 UTC][S] 'consul.test.dump.a_b': Count: 2 Min: 1.000 Mean: 2.000 Max: 3.000 "
          "Stddev: 1.414 Sum: 4.000\n"));
}

TEST_F(Metrics, FiltersHideByTheLongestPrefix) {
  counter("test.hidden.one").add();
  counter("test.hidden.shown").add();
  configure({.allow = {"consul.test.hidden.shown"}, .block = {"consul.test.hidden"}});
  now += 10;

  const std::string shown = to_json();

  EXPECT_FALSE(has(shown, "test.hidden.one"));
  EXPECT_TRUE(has(shown, "test.hidden.shown"));
}

}  // namespace
}  // namespace proconsul::base::metrics
