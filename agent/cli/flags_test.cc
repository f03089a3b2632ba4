#include "agent/cli/flags.h"

#include <gtest/gtest.h>

namespace proconsul::agent::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "cas", .kind = FlagKind::boolean},
    {.name = "stale", .kind = FlagKind::boolean, .strconv_errors = true},
    {.name = "separator", .kind = FlagKind::text, .default_value = "/"},
    {.name = "port", .kind = FlagKind::integer, .default_value = "7"},
    {.name = "index", .kind = FlagKind::number},
    {.name = "quorum", .kind = FlagKind::number, .strconv_errors = true},
    {.name = "wait", .kind = FlagKind::duration, .strconv_errors = true},
    {.name = "tag", .kind = FlagKind::list},
    {.name = "meta", .kind = FlagKind::map},
};
constexpr std::span<const Flag> kTables[] = {kFlags};

base::Result<std::vector<std::string>> parse(FlagValues& flags, std::vector<std::string> arguments) {
  return flags.parse(arguments);
}

std::string error_of(std::vector<std::string> arguments) {
  FlagValues flags(kTables);
  const auto rest = flags.parse(arguments);
  return rest ? "" : rest.error().detail;
}

TEST(CliFlags, DefaultsHoldUntilAFlagIsGiven) {
  const FlagValues flags(kTables);

  EXPECT_FALSE(flags.boolean("cas"));
  EXPECT_EQ(flags.text("separator"), "/");
  EXPECT_EQ(flags.integer("port"), 7);
  EXPECT_EQ(flags.number("index"), 0u);
  EXPECT_TRUE(flags.list("tag").empty());
  EXPECT_FALSE(flags.is_set("separator"));
}

TEST(CliFlags, OneOrTwoDashesWithTheValueAttachedOrBehind) {
  FlagValues flags(kTables);

  const auto rest = parse(flags, {"-separator=:", "--port", "-3", "--index=0x10", "-wait", "1m30s", "-cas", "key"});

  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, std::vector<std::string>{"key"});
  EXPECT_EQ(flags.text("separator"), ":");
  EXPECT_EQ(flags.integer("port"), -3);
  EXPECT_EQ(flags.number("index"), 16u);
  EXPECT_EQ(flags.duration("wait"), base::seconds(90));
  EXPECT_TRUE(flags.boolean("cas"));
  EXPECT_TRUE(flags.is_set("cas"));
}

TEST(CliFlags, ABooleanTakesItsValueOnlyBehindAnEqualsSign) {
  FlagValues flags(kTables);

  const auto rest = parse(flags, {"-cas", "false"});

  ASSERT_TRUE(rest);
  EXPECT_TRUE(flags.boolean("cas"));
  EXPECT_EQ(*rest, std::vector<std::string>{"false"});
}

TEST(CliFlags, TheFirstBareArgumentOrTwoDashesEndTheFlags) {
  FlagValues first(kTables);
  FlagValues second(kTables);
  FlagValues third(kTables);

  const auto after_word = parse(first, {"key", "-cas"});
  const auto after_dashes = parse(second, {"-cas", "--", "-port"});
  const auto after_dash = parse(third, {"-", "-cas"});

  ASSERT_TRUE(after_word && after_dashes && after_dash);
  EXPECT_EQ(*after_word, (std::vector<std::string>{"key", "-cas"}));
  EXPECT_EQ(*after_dashes, std::vector<std::string>{"-port"});
  EXPECT_EQ(*after_dash, (std::vector<std::string>{"-", "-cas"}));
}

TEST(CliFlags, ListsGrowAndMapsReplace) {
  FlagValues flags(kTables);

  ASSERT_TRUE(parse(flags, {"-tag=a", "-tag=", "-meta=k=1", "-meta", "k=2=3", "-meta=e="}));

  EXPECT_EQ(flags.list("tag"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(flags.map("meta"), (std::map<std::string, std::string>{{"e", ""}, {"k", "2=3"}}));
}

TEST(CliFlags, ErrorsAreWordedAsGoWordsThem) {
  EXPECT_EQ(error_of({"-bogus"}), "flag provided but not defined: -bogus");
  EXPECT_EQ(error_of({"--bogus=1"}), "flag provided but not defined: -bogus");
  EXPECT_EQ(error_of({"---cas"}), "bad flag syntax: ---cas");
  EXPECT_EQ(error_of({"-=x"}), "bad flag syntax: -=x");
  EXPECT_EQ(error_of({"-port"}), "flag needs an argument: -port");
  EXPECT_EQ(error_of({"-port=x"}), "invalid value \"x\" for flag -port: parse error");
  EXPECT_EQ(error_of({"-port="}), "invalid value \"\" for flag -port: parse error");
  EXPECT_EQ(error_of({"-index=-1"}), "invalid value \"-1\" for flag -index: parse error");
  EXPECT_EQ(error_of({"-index=18446744073709551616"}),
            "invalid value \"18446744073709551616\" for flag -index: value out of range");
  EXPECT_EQ(error_of({"-cas=maybe"}), "invalid boolean value \"maybe\" for -cas: parse error");
  EXPECT_EQ(error_of({"-stale=x"}),
            "invalid boolean value \"x\" for -stale: strconv.ParseBool: parsing \"x\": invalid syntax");
  EXPECT_EQ(error_of({"-quorum=x"}),
            "invalid value \"x\" for flag -quorum: strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(error_of({"-wait=x"}), "invalid value \"x\" for flag -wait: time: invalid duration \"x\"");
  EXPECT_EQ(error_of({"-meta=x"}), "invalid value \"x\" for flag -meta: Missing \"=\" value in argument: x");
}

TEST(CliFlagsDeathTest, ReadingAFlagThatIsNotDeclaredStopsTheProcess) {
  const FlagValues flags(kTables);

  EXPECT_DEATH((void)flags.text("absent"), "-absent, which it does not declare");
}

}  // namespace
}  // namespace proconsul::agent::cli
