#include "base/child_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace proconsul::base {
namespace {

TEST(ChildProcess, InputGoesInAndTheEndOfTheOutputIsKept) {
  const std::string input(300'000, 'x');
  auto child = ChildProcess::start({.arguments = {"cat"}, .input = input + "end", .keep_output = 5});
  ASSERT_TRUE(child) << child.error().detail;

  const Result<ChildExit> exit = (*child)->wait();

  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->ok());
  EXPECT_EQ((*child)->output(), "xxend");
  EXPECT_EQ((*child)->output_bytes(), 300'003u);
}

TEST(ChildProcess, AProgramThatReadsNothingDoesNotHoldUsUp) {
  auto child = ChildProcess::start({.arguments = {"true"}, .input = std::string(1'000'000, 'x')});
  ASSERT_TRUE(child) << child.error().detail;

  EXPECT_TRUE((*child)->wait()->ok());
}

TEST(ChildProcess, EndsAreWordedAsGoWordsThem) {
  auto failing = ChildProcess::start({.arguments = shell_command("exit 3")});
  auto killed = ChildProcess::start({.arguments = shell_command("kill -9 $$")});
  ASSERT_TRUE(failing && killed);

  EXPECT_EQ((*failing)->wait()->text(), "exit status 3");
  EXPECT_EQ((*killed)->wait()->text(), "signal: killed");
}

TEST(ChildProcess, MissingProgramsAreNamed) {
  EXPECT_EQ(ChildProcess::start({.arguments = {"no-such-program"}}).error().detail,
            "exec: \"no-such-program\": executable file not found in $PATH");
  EXPECT_EQ(ChildProcess::start({.arguments = {"/no/such"}}).error().detail,
            "fork/exec /no/such: no such file or directory");
  EXPECT_EQ(ChildProcess::start({}).error().detail, "need an executable to run");
}

TEST(ChildProcess, VariablesReplaceOurs) {
  auto child = ChildProcess::start({.arguments = {"/bin/sh", "-c", "echo $HOME; echo err >&2"},
                                    .environment = {{"HOME", "/x"}},
                                    .keep_output = 100});
  ASSERT_TRUE(child) << child.error().detail;
  ASSERT_TRUE((*child)->wait());

  EXPECT_EQ((*child)->output(), "/x\nerr\n");
}

TEST(ChildProcess, SignalsArriveUntilTheEndIsCollected) {
  auto child = ChildProcess::start({.arguments = {"sleep", "60"}});
  ASSERT_TRUE(child) << child.error().detail;

  EXPECT_TRUE((*child)->signal(SIGTERM));

  EXPECT_EQ((*child)->wait()->text(), "signal: terminated");
  EXPECT_EQ((*child)->signal(SIGTERM).error().detail, "os: process already finished");
}

TEST(ChildProcess, AWaitCanBeAbandoned) {
  auto child = ChildProcess::start({.arguments = {"sleep", "60"}, .keep_output = 10});
  ASSERT_TRUE(child) << child.error().detail;
  Interrupt abandon;
  std::thread other([&] { abandon.raise(); });

  const Result<ChildExit> exit = (*child)->wait(&abandon);

  other.join();
  ASSERT_FALSE(exit);
  EXPECT_EQ(exit.error().code, Errc::cancelled);
  EXPECT_TRUE((*child)->signal(SIGKILL));
  (void)(*child)->wait();
}

TEST(Interrupt, RaisingReachesChildrenAndSleepers) {
  Interrupt parent;
  Interrupt child(&parent);
  std::thread other([&] { parent.raise(); });

  EXPECT_FALSE(child.sleep(seconds(60)));

  other.join();
  EXPECT_TRUE(child.raised());
  const Interrupt late(&parent);
  EXPECT_TRUE(late.raised());
}

}  // namespace
}  // namespace proconsul::base
