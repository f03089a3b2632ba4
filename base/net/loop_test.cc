#include "base/net/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/net/socket.h"

namespace proconsul::base::net {
namespace {

using namespace std::chrono_literals;

template <class Body>
auto on(Loop& loop, Body body) {
  std::promise<decltype(body())> done;
  auto future = done.get_future();
  loop.post([&] { done.set_value(body()); });
  return future.get();
}

struct Alarm final : Timer {
  explicit Alarm(std::vector<int>& into, int own) : heard(into), number(own) {}
  void on_timer() override { heard.push_back(number); }
  std::vector<int>& heard;
  int number;
};

TEST(Loop, RunsWhatIsPostedInOrderOnItsOwnThread) {
  Loops loops(2);
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) loops[0].post([&seen, i] { seen.push_back(i); });

  const bool at_home = on(loops[0], [&] { return loops[0].is_current() && !loops[1].is_current(); });

  EXPECT_TRUE(at_home);
  ASSERT_EQ(seen.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Loop, WhatATaskOwnedIsGoneBeforeTheNextRuns) {
  Loops loops(1);
  std::vector<std::string> seen;
  on(loops[0], [&] {  // so that both run in one go
    loops[0].post([owned = std::shared_ptr<void>(nullptr, [&](void*) { seen.push_back("gone"); })] {});
    loops[0].post([&] { seen.push_back("next"); });
    return true;
  });
  on(loops[0], [] { return true; });
  EXPECT_EQ(seen, (std::vector<std::string>{"gone", "next"}));
}

TEST(Loop, NoPostIsSleptThroughHoweverTheThreadsInterleave) {
  Loops loops(2);
  std::atomic<int> ran = 0;
  std::vector<std::jthread> posters;
  for (int thread = 0; thread < 3; ++thread) {
    posters.emplace_back([&] {
      for (std::size_t i = 0; i < 300; ++i) {
        std::promise<void> done;
        loops[i % 2].post([&loops, &ran, &done, i] {
          loops[(i + 1) % 2].post([&ran, &done] {
            ++ran;
            done.set_value();
          });
        });
        done.get_future().wait();  // for ever if a loop sleeps beside its task
      }
    });
  }

  posters.clear();

  EXPECT_EQ(ran, 900);
}

TEST(Loop, TimersFireInOrderOfDeadlineUnlessCancelledOrMoved) {
  Loops loops(1);
  std::vector<int> heard;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::promise<void> end;
  on(loops[0], [&] {
    const Clock::time_point now = Clock::now();
    for (int i = 0; i < 100; ++i) {
      alarms.push_back(std::make_unique<Alarm>(heard, i));
      alarms.back()->arm(loops[0], now + 1ms * ((i * 37) % 100));
    }
    alarms[5]->cancel();
    alarms[6].reset();
    alarms[7]->arm(loops[0], now + 150ms);
    loops[0].after(200ms, [&] { end.set_value(); });
    return true;
  });
  end.get_future().wait();

  ASSERT_EQ(heard.size(), 98u);
  EXPECT_EQ(heard.back(), 7);
  for (std::size_t i = 1; i + 1 < heard.size(); ++i) EXPECT_LT((heard[i - 1] * 37) % 100, (heard[i] * 37) % 100);
  on(loops[0], [&] {
    alarms.clear();
    return true;
  });
}

struct Once final : Pollable {
  Once(Loop& where, int number, Once** other) : loop(where), fd(number), sibling(other) {}
  void on_ready(std::uint32_t) override {
    ++calls;
    loop.forget(fd, this);
    // The other one is ready too, in the same batch: it must not be called any more.
    loop.forget((*sibling)->fd, *sibling);
  }
  Loop& loop;
  int fd;
  Once** sibling;
  int calls = 0;
};

TEST(Loop, WhatIsForgottenIsNotCalledEvenIfItWasReady) {
  Loops loops(1);
  std::array<int, 2> a{}, b{};
  ASSERT_EQ(pipe(a.data()), 0);
  ASSERT_EQ(pipe(b.data()), 0);
  ASSERT_EQ(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
  Once *first = nullptr, *second = nullptr;
  Once one(loops[0], a[0], &second), two(loops[0], b[0], &first);
  first = &one;
  second = &two;
  on(loops[0], [&] {
    loops[0].watch(a[0], EPOLLIN, first);
    loops[0].watch(b[0], EPOLLIN, second);
    return true;
  });
  std::promise<void> end;
  on(loops[0], [&] {
    loops[0].after(30ms, [&] { end.set_value(); });
    return true;
  });
  end.get_future().wait();

  EXPECT_EQ(one.calls + two.calls, 1);
  for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

TEST(Loop, TasksThatNeverRanAreFreedWhenItStops) {
  auto token = std::make_shared<int>(1);
  {
    Loops loops(1);
    loops.stop();
    loops[0].post([token] {});
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Socket, APortInUseIsRefusedInGosWords) {
  const Result<Fd> first = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(first);
  const std::uint16_t port = local_port(first->get());

  const Result<Fd> second = listen_tcp("127.0.0.1", port);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().detail, "listen tcp 127.0.0.1:" + std::to_string(port) + ": bind: address already in use");
  EXPECT_FALSE(listen_tcp("localhost", 0));
}

TEST(Socket, AUnixSocketReplacesAStaleOneAndHasItsMode) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("proconsul-" + std::to_string(getpid()) + ".sock")).string();
  {
    const Result<Fd> stale = listen_unix(path, "", "", "");
    ASSERT_TRUE(stale);
  }

  const Result<Fd> again = listen_unix(path, std::to_string(getuid()), std::to_string(getgid()), "0620");

  ASSERT_TRUE(again);
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0620u);
  EXPECT_FALSE(listen_unix(path, "no such user", "", ""));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace proconsul::base::net
