// Scripts that end well, badly, late or not at all; nothing of them may stay behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "agent/checks/test_peer.h"

namespace proconsul::agent::checks {
namespace {

using test::Bench;
using test::Outcome;

catalog::CheckType script(std::vector<std::string> arguments, base::Duration timeout = base::seconds(20)) {
  catalog::CheckType check;
  for (std::string& argument : arguments) check.ScriptArgs.push_back(std::move(argument));
  check.Interval = base::seconds(1);
  check.Timeout = timeout;
  return check;
}
catalog::CheckType shell(const std::string& text, base::Duration timeout = base::seconds(20)) {
  return script({"/bin/sh", "-c", text}, timeout);
}

/// Whether the process has ended, waiting for it as long as a test may take. Its zombie is for the system's init to
/// reap.
bool ends(pid_t pid) {
  for (int i = 0; i < 5000; ++i) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string stat;
    if (!std::getline(in, stat) || stat.substr(stat.rfind(')'), 3) == ") Z") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(ScriptProbe, TheExitCodeIsTheStatus) {
  Bench bench;

  const Outcome good = bench.run(shell("echo out; echo err >&2"));
  const Outcome warning = bench.run(shell("echo careful; exit 1"));
  const Outcome bad = bench.run(shell("exit 77"));
  const Outcome killed = bench.run(shell("kill -9 $$"));

  EXPECT_EQ(good.status, "passing");
  EXPECT_EQ(good.output, "out\nerr\n");
  EXPECT_EQ(warning.status, "warning");
  EXPECT_EQ(warning.output, "careful\n");
  EXPECT_EQ(bad.status, "critical");
  EXPECT_EQ(bad.output, "");
  EXPECT_EQ(killed.status, "critical");
}

TEST(ScriptProbe, WhatCannotBeStartedIsToldInGosWords) {
  Bench bench;

  EXPECT_EQ(bench.run(script({"/no/such"})).output, "fork/exec /no/such: no such file or directory");
  EXPECT_EQ(bench.run(script({"no-such-program"})).output,
            "exec: \"no-such-program\": executable file not found in $PATH");
  EXPECT_EQ(bench.run(script({"/dev/null"})).output, "fork/exec /dev/null: permission denied");
}

TEST(ScriptProbe, OfALongOutputTheEndIsKept) {
  Bench bench;

  EXPECT_EQ(bench.run(shell("printf 0123456789"), 4).output, "Captured 4 of 10 bytes\n...\n6789");
}

TEST(ScriptProbe, AProgramInheritsNothingButItsOutput) {
  Bench bench;
  const base::net::Fd inherited(::dup(1));  // without CLOEXEC

  // The shell's own: standard input, output and error, and the folder that `ls` reads.
  EXPECT_EQ(bench.run(shell("ls /proc/self/fd | wc -l; read line || echo empty")).output, "4\nempty\n");
  // The agent ignores SIGPIPE; a program that did so would never end behind a pipe that is closed.
  const std::string ignored = bench.run(shell("grep SigIgn /proc/self/status")).output;
  EXPECT_EQ(std::stoull(ignored.substr(ignored.find('\t') + 1), nullptr, 16) & 1ULL << (SIGPIPE - 1), 0U) << ignored;
}

TEST(ScriptProbe, AHangingScriptIsKilledWithAllItsChildren) {
  Bench bench;
  bench.start(shell("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo $!; wait", base::milliseconds(300)));

  const Outcome outcome = bench.result();
  bench.wait_idle();

  EXPECT_EQ(outcome.status, "critical");
  const std::string prefix = "Timed out (300ms) running check\n\n";
  ASSERT_TRUE(outcome.output.starts_with(prefix)) << outcome.output;
  EXPECT_TRUE(ends(std::stoi(outcome.output.substr(prefix.size()))));
}

TEST(ScriptProbe, AFloodOfOutputCostsNoMemory) {
  Bench bench;

  const Outcome outcome = bench.run(shell("yes", base::milliseconds(200)), 4);

  EXPECT_EQ(outcome.status, "critical");
  EXPECT_TRUE(outcome.output.starts_with("Timed out (200ms) running check\n\nCaptured 4 of ")) << outcome.output;
}

TEST(ScriptProbe, AChildThatKeepsTheOutputOpenIsWaitedForUntilTheTimeout) {
  Bench bench;

  const Outcome outcome = bench.run(shell("sleep 1000 & echo $!", base::milliseconds(300)));

  EXPECT_EQ(outcome.status, "critical");
  EXPECT_TRUE(outcome.output.starts_with("Timed out (300ms)"));
  EXPECT_TRUE(ends(std::stoi(outcome.output.substr(outcome.output.find("\n\n") + 2))));
}

TEST(ScriptProbe, DroppingItKillsWhatRuns) {
  Bench bench;
  const std::string file = testing::TempDir() + "proconsul-script-" + std::to_string(::getpid());
  bench.start(shell("echo $$ > " + file + ".tmp; mv " + file + ".tmp " + file + "; sleep 1000"));
  std::ifstream in;
  while (!in.is_open()) in.open(file);
  pid_t pid = 0;
  in >> pid;

  bench.drop();

  EXPECT_TRUE(ends(pid));
  ::unlink(file.c_str());
}

TEST(OsServiceProbe, SystemctlIsAsked) {
  Bench bench;
  const std::string folder = testing::TempDir() + "proconsul-systemctl-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  std::ofstream(folder + "/systemctl")
      << "#!/bin/sh\necho LoadState=loaded\necho ActiveState=active\n"
         "[ \"$*\" = 'show --property=LoadState --property=ActiveState -- my.service' ]\n";
  ::chmod((folder + "/systemctl").c_str(), 0700);
  const std::string before = ::getenv("PATH");
  ::setenv("PATH", (folder + ':' + before).c_str(), 1);
  catalog::CheckType check;
  check.OSService = "my.service";
  check.Interval = base::seconds(1);

  const Outcome outcome = bench.run(check);

  EXPECT_EQ(outcome.output, "Service \"my.service\" is healthy");
  EXPECT_EQ(outcome.status, "passing");
  ::setenv("PATH", before.c_str(), 1);
  ::unlink((folder + "/systemctl").c_str());
  ::rmdir(folder.c_str());
}

}  // namespace
}  // namespace proconsul::agent::checks
