#include "agent/event/remote_exec.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "agent/event/exec_job.h"
#include "agent/rpc/types.h"
#include "base/json.h"
#include "base/net/socket.h"

namespace proconsul::agent::event {
namespace {

using base::Errc;
using base::Result;

/// Keys behind KVS.Get and KVS.Apply.
class Keys final : public rpc::Caller {
 public:
  std::unique_ptr<rpc::Running> call(base::net::Loop& loop, const rpc::Method& method, rpc::InvocationPtr invocation,
                                     rpc::Finished done) override {
    loop.post([this, &method, invocation = std::move(invocation), done = std::move(done)]() mutable {
      done(method.name == "KVS.Get" ? get(*invocation) : apply(*invocation));
    });
    return nullptr;
  }
  std::string wait_for(const std::string& key) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return values_.contains(key); });
    return values_[key];
  }
  /// What was put out until now, in order.
  std::string output() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const auto& [key, value] : values_) {
      if (key.starts_with("p/s/n1/out/")) all += value;
    }
    return all;
  }
  std::size_t count(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::ranges::count_if(values_, [&](const auto& entry) { return entry.first.starts_with(prefix); }));
  }
  void put(const std::string& key, std::string value) {
    const std::lock_guard lock(mutex_);
    values_[key] = std::move(value);
  }
  void wait_for_reads(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reads_ >= count; });
  }
  /// Only a read that is not stale finds the job.
  void hide_from_stale_reads() { hidden_ = true; }
  /// The session is gone once so many keys are written.
  void allow_writes(int count) { allowed_ = count; }
  int refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  void wait_for_refusals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return refused_ >= count; });
  }

 private:
  Result<> get(rpc::Invocation& invocation) {
    auto& typed = static_cast<rpc::TypedInvocation<rpc::KeyRequest, rpc::IndexedDirEntries>&>(invocation);
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(typed.request.Token, "token");
    ++reads_;
    changed_.notify_all();
    const auto found = values_.find(typed.request.Key);
    if (found == values_.end() || (hidden_ && typed.request.AllowStale)) return {};
    catalog::DirEntry entry;
    entry.Value = base::Bytes(found->second);
    typed.reply.Entries.emplace_back(std::move(entry));
    return {};
  }
  Result<> apply(rpc::Invocation& invocation) {
    auto& typed = static_cast<rpc::TypedInvocation<catalog::KVSRequest, bool>&>(invocation);
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(typed.request.Op, "lock");
    EXPECT_EQ(typed.request.Token, "token");
    EXPECT_EQ(typed.request.DirEnt.Session, "s");
    EXPECT_EQ(typed.request.Datacenter, "dc1");
    typed.reply = allowed_-- > 0;
    if (typed.reply) {
      EXPECT_TRUE(values_.emplace(typed.request.DirEnt.Key, typed.request.DirEnt.Value).second);
    } else {
      ++refused_;
    }
    changed_.notify_all();
    return {};
  }

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::map<std::string, std::string> values_{};
  bool hidden_ = false;
  int allowed_ = 1'000'000;
  int refused_ = 0;
  int reads_ = 0;
};

class RemoteExecTest : public testing::Test {
 protected:
  ~RemoteExecTest() override {
    exec.stop();
    loops.stop();
  }
  void run(const ExecJob& job) {
    keys.put("p/s/job", base::to_json(job));
    tell();
  }
  void tell() {
    exec.run({.ID = "id", .Name = "_rexec", .Payload = base::Bytes(std::string(R"({"Prefix":"p","Session":"s"})"))});
  }

  Keys keys{};
  base::net::Loops loops{1};
  RemoteExec exec{
      loops.next(), keys, {.node = "n1", .datacenter = "dc1", .token = [] { return std::string("token"); }}};
};

constexpr std::int64_t kLong = std::int64_t{1'000'000'000} * 1000;

TEST_F(RemoteExecTest, ACommandIsAcknowledgedAndItsOutputAndExitCodeAreWritten) {
  run({.Command = "echo out; echo err >&2; exit 3", .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "3");
  EXPECT_EQ(keys.wait_for("p/s/n1/ack"), "");
  EXPECT_EQ(keys.output(), "out\nerr\n");
  EXPECT_EQ(keys.count("p/s/n1/out/"), 1u);
}

TEST_F(RemoteExecTest, AProgramGetsItsArgumentsAsTheyAre) {
  run({.Args = {"printf", "%s|", "a b", "$HOME"}, .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "0");
  EXPECT_EQ(keys.output(), "a b|$HOME|");
}

TEST_F(RemoteExecTest, AScriptIsAFileOfItsOwn) {
  run({.Script = base::Bytes(std::string("#!/bin/sh\nstat -c %a $0\necho $0\n")), .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "0");
  const std::string output = keys.output();
  ASSERT_TRUE(output.starts_with("750\n")) << output;
  const std::string file = output.substr(4, output.size() - 5);
  EXPECT_NE(file.find("/rexec"), std::string::npos);
  while (::access(file.c_str(), F_OK) == 0) std::this_thread::yield();  // it goes with the job
}

TEST_F(RemoteExecTest, MuchOutputIsWrittenInPiecesAndInOrder) {
  run({.Command = "seq 1 60000", .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "0");
  std::string expected;
  for (int i = 1; i <= 60000; ++i) expected += std::to_string(i) + '\n';
  EXPECT_EQ(keys.output(), expected);
  EXPECT_EQ(keys.count("p/s/n1/out/"), (expected.size() + 4095) / 4096);
  EXPECT_EQ(keys.wait_for("p/s/n1/out/00000").size(), 4096u);
}

TEST_F(RemoteExecTest, AQuietProgramShowsThatItRuns) {
  const std::string file = testing::TempDir() + "rexec-quiet-" + std::to_string(::getpid());
  const base::net::Fd there(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  run({.Command = "echo up; while [ -e " + file + " ]; do sleep 0.02; done", .Wait = 1});
  keys.wait_for("p/s/n1/out/00002");
  ::unlink(file.c_str());

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "0");
  EXPECT_EQ(keys.output(), "up\n");
  EXPECT_GE(keys.count("p/s/n1/out/"), 3u);
}

TEST_F(RemoteExecTest, WhatCannotBeRunHasAnExitCode) {
  run({.Args = {"/no/such/program"}, .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "255");
  EXPECT_EQ(keys.output(), "");
}

TEST_F(RemoteExecTest, AProgramThatASignalEndedHasGosExitCode) {
  run({.Command = "kill -9 $$", .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "-1");
}

TEST_F(RemoteExecTest, AJobThatTheOwnServerHasNotYetIsAskedOfTheLeader) {
  keys.hide_from_stale_reads();

  run({.Command = "true", .Wait = kLong});

  EXPECT_EQ(keys.wait_for("p/s/n1/exit"), "0");
}

TEST_F(RemoteExecTest, WithoutAJobOrItsSessionNothingIsRun) {
  const std::string file = testing::TempDir() + "rexec-not-run-" + std::to_string(::getpid());
  tell();
  keys.wait_for_reads(2);
  keys.put("p/s/job", "{]");
  tell();
  keys.wait_for_reads(3);
  exec.run({.ID = "id", .Name = "_rexec", .Payload = base::Bytes(std::string("no json"))});
  keys.allow_writes(0);
  run({.Command = "touch " + file});
  keys.wait_for_refusals(1);
  exec.stop();

  EXPECT_EQ(keys.refused(), 1);
  EXPECT_EQ(keys.count("p/s/n1/"), 0u);
  EXPECT_NE(::access(file.c_str(), F_OK), 0);
}

TEST_F(RemoteExecTest, AProgramThatNobodyListensToAnyMoreRunsToItsEnd) {
  const std::string file = testing::TempDir() + "rexec-ends-" + std::to_string(::getpid());
  ::unlink(file.c_str());
  keys.allow_writes(2);

  run({.Command = "seq 1 100000; echo done > " + file, .Wait = kLong});
  keys.wait_for_refusals(2);  // output, exit code

  while (::access(file.c_str(), F_OK) != 0) std::this_thread::yield();
  EXPECT_EQ(keys.count("p/s/n1/out/"), 1u);
  EXPECT_EQ(keys.count("p/s/n1/exit"), 0u);
  ::unlink(file.c_str());
}

TEST_F(RemoteExecTest, AProgramOutlivesTheAgent) {
  const std::string file = testing::TempDir() + "rexec-outlives-" + std::to_string(::getpid());
  ::unlink(file.c_str());

  ASSERT_EQ(::mkfifo((file + ".in").c_str(), 0600), 0);
  run({.Command = "echo begun; read line < " + file + ".in; echo done > " + file, .Wait = kLong});
  keys.wait_for("p/s/n1/out/00000");
  exec.stop();
  const base::net::Fd fifo(::open((file + ".in").c_str(), O_WRONLY));
  ASSERT_EQ(::write(fifo.get(), "x\n", 2), 2);

  while (::access(file.c_str(), F_OK) != 0) std::this_thread::yield();
  ::unlink(file.c_str());
  ::unlink((file + ".in").c_str());
}

}  // namespace
}  // namespace proconsul::agent::event
