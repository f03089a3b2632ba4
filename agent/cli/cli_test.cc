#include "agent/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "agent/cli/commands.h"
#include "agent/cli/test_agent.h"

namespace proconsul::agent::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Cli, AnUnknownCommandIs127AndListsWhatThereIs) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"bogus"}, {}, {"kvx", "get"}, {"-x"}, {"a b"}}) {
    const Outcome outcome = run_line(line);

    EXPECT_EQ(outcome.code, 127);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("\n    kv "));
  }
}

TEST(Cli, AGroupAloneOrWithAnUnknownWordPrintsItsHelpAndFails) {
  for (const std::vector<std::string>& line : {std::vector<std::string>{"kv"}, {"kv", "bogus"}, {"kv", "-bogus"}}) {
    const Outcome outcome = run_line(line);

    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("Subcommands:\n    delete    "));
  }
}

TEST(Cli, HelpGoesToStandardOutputWhereverItIsAskedFor) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"--help"}, {"-h"}, {"kv", "-help"}, {"kv", "get", "key", "-h"}}) {
    const Outcome outcome = run_line(line);

    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, StartsWith("Usage: proconsul "));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Cli, FlagsBeforeTheCommandAreRefused) {
  const Outcome outcome = run_line({"-cas", "kv", "put", "a"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, StartsWith("Invalid flags before the subcommand."));
}

TEST(Cli, ABadFlagIsNamedWithTheFlagsThatExist) {
  const Outcome outcome = run_line({"kv", "get", "-bogus", "a"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, StartsWith("flag provided but not defined: -bogus\nUsage:\n  -base64\n"));
  EXPECT_THAT(outcome.err, HasSubstr("(default \"/\")"));
}

TEST(Cli, TheAgentRepeatsWhatIsWrongWithAFlag) {
  const Outcome outcome = run_line({"agent", "-bogus"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, StartsWith("flag provided but not defined: -bogus\nUsage:\n  -advertise value\n"));
  EXPECT_THAT(outcome.err, testing::EndsWith("\n==> error parsing flags: flag provided but not defined: -bogus\n"));
}

TEST(Cli, TheKeyringWithoutAnActionIsItsUsage) {
  const Outcome outcome = run_line({"keyring"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("Usage: proconsul keyring [options]\n"));
}

TEST(Cli, OperatorCommandsRepeatWhatIsWrongWithAFlag) {
  const Outcome outcome = run_line({"operator", "raft", "list-peers", "-bogus"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, testing::EndsWith("\nFailed to parse args: flag provided but not defined: -bogus\n"));
}

TEST(Cli, TheVersionStartsWithTheLineThatClientsParse) {
  for (const std::string word : {"version", "-v", "-version", "--version"}) {
    EXPECT_THAT(run_line({word}).out, StartsWith("Consul v1.21.4\nProconsul v"));
  }
  EXPECT_THAT(run_line({"version", "-format=json"}).out, HasSubstr("\n   \"Version\": \"1.21.4\","));
  EXPECT_EQ(run_line({"version", "-format=x"}).err, "Unknown format: x\n");
}

TEST(Cli, EveryGossipKeyIs32BytesAndNew) {
  const Outcome first = run_line({"keygen"});
  const Outcome second = run_line({"keygen"});

  EXPECT_EQ(first.out.size(), 45u);
  EXPECT_NE(first.out, second.out);
}

TEST(Cli, NamesAreUniqueAndEveryCommandHasItsGroup) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) names.insert(command.name);

  EXPECT_EQ(names.size(), commands().size());
  for (const Command& command : commands()) {
    if (const std::size_t space = command.name.rfind(' '); space != std::string_view::npos) {
      EXPECT_TRUE(names.contains(command.name.substr(0, space))) << command.name;
    }
    EXPECT_THAT(std::string(command.usage), StartsWith(std::string(command.name))) << command.name;
    EXPECT_FALSE(command.synopsis.empty()) << command.name;
    EXPECT_FALSE(command.help.empty()) << command.name;
  }
}

TEST(Cli, NoCommandDeclaresAFlagTwice) {
  for (const Command& command : commands()) {
    std::set<std::string_view> names;
    for (std::span<const Flag> table : command.flags) {
      for (const Flag& flag : table) EXPECT_TRUE(names.insert(flag.name).second) << command.name << " -" << flag.name;
    }
  }
}

}  // namespace
}  // namespace proconsul::agent::cli
