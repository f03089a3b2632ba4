#include "base/hil/hil.h"

#include <gtest/gtest.h>

#include "base/regex.h"

namespace proconsul::base::hil {
namespace {

Scope scope() {
  return {.variables = {{"name.full", "geo-db"}, {"name.prefix", "geo-"}, {"agent.segment", ""}},
          .functions = {{.name = "match",
                         .arguments = {Type::integer},
                         .result = Type::string,
                         .call = [](std::span<const Value> arguments) -> Value {
                           return "m" + std::to_string(std::get<std::int64_t>(arguments[0]));
                         }}}};
}

std::string evaluated(std::string_view source) {
  const Result<Text> text = Text::parse(source);
  if (!text) return text.error().detail;
  const Result<std::string> result = text->evaluate(scope());
  return result ? *result : result.error().detail;
}

struct Case {
  std::string_view source;
  std::string_view result;
};

void check(std::span<const Case> cases) {
  for (const Case& row : cases) EXPECT_EQ(evaluated(row.source), row.result) << row.source;
}

TEST(Hil, TextsAreTheirOwnResult) {
  check(std::vector<Case>{
      {"", ""},
      {"plain", "plain"},
      {"a \"b\" \\n }", "a \"b\" \\n }"},
      {"$", "$"},
      {"cost: $5 $$", "cost: $5 $"},
      {"$${name.full}", "${name.full}"},
  });
}

TEST(Hil, ReferencesAreReplaced) {
  check(std::vector<Case>{
      {"${name.full}", "geo-db"},
      {"a-${ name.prefix }-b${match(1)}", "a-geo--bm1"},
      {"${match(1+2*3)}", "m7"},
      {"${match(\"4\")}", "m4"},
      {"${match(1,)}", "m1"},
      {"[${agent.segment}]", "[]"},
      {"${\"a${\"b${name.full}\"}c\"}", "abgeo-dbc"},
      {"${\"\\\"x\\\\\\n\"}", "\"x\\\n"},
  });
}

TEST(Hil, ValuesAreComputedAndConverted) {
  check(std::vector<Case>{
      {"${1 + 2}", "3"},
      {"${7 - 2 - 1}", "4"},
      {"${7 / 2}", "3"},
      {"${-7 % 4}", "-3"},
      {"${(1 + 2) * 3}", "9"},
      {"${1.5 + 1}", "2.5"},
      {"${1000000.0 * 1}", "1e+06"},
      {"${0.00001}", "1e-05"},
      {"${1.0 / 0}", "+Inf"},
      {"${9223372036854775807 + 1}", "-9223372036854775808"},
      {"${\"0x10\" + 1}", "17"},
      {"${1 < 2 && !(2 >= 3)}", "true"},
      {"${name.full == \"geo-db\" ? \"yes\" : \"no\"}", "yes"},
      {"${false ? 1 : 2 == 3 ? 4 : 5}", "5"},
      {"${true ? \"7\" : 2}", "7"},
      {"${__builtin_IntToString(3)}", "3"},
  });
}

TEST(Hil, SyntaxErrorsSayWhereAndWhatWasExpected) {
  check(std::vector<Case>{
      {"${bad", "parse error at 1:6: expected \"}\" but found end of string"},
      {"${", "parse error at 1:3: expected expression but found end of string"},
      {"${}", "parse error at 1:3: expected expression but found \"}\""},
      {"a\n ${1 +}", "parse error at 2:7: expected expression but found \"}\""},
      {"${1 & 2}", "parse error at 1:5: expected \"}\" but found invalid sequence \"&\""},
      {"${\"open}", "parse error at 1:4: expected \"${\" but found invalid sequence \"open}\""},
      {"${\"\\q\"}", "parse error at 1:4: invalid backslash escape sequence"},
      {"${match(1}", "parse error at 1:10: expected \")\" but found \"}\""},
      {"${true ? 1}", "parse error at 1:11: expected : but found \"}\""},
      {"${99999999999999999999}",
       "parse error at 1:3: invalid integer: strconv.Atoi: parsing \"99999999999999999999\": value out of range"},
      {"${1 2}", "parse error at 1:5: expected \"}\" but found integer 2"},
  });
}

TEST(Hil, EvaluationNamesWhatItDoesNotKnowOrCannotConvert) {
  check(std::vector<Case>{
      {"${nope}", "1:3: unknown variable accessed: nope"},
      {"${1 + nope()}", "1:7: unknown function called: nope"},
      {"${match()}", "1:3: match: expected 1 arguments, got 0"},
      {"${match(true)}", "At column 3, line 1: match: argument 1 should be type int, got type bool"},
      {"${true + 1}", "At column 3, line 1: operand 1 should be TypeInt, got TypeBool"},
      {"${1 && true}", "At column 3, line 1: logical operators require boolean operands, not TypeInt"},
      {"${1.5 % 2}", "At column 3, line 1: modulo cannot be used with floats"},
      {"${true ? 1 : false}",
       "At column 3, line 1: true and false expression types must match; have type int and type bool"},
      {"${name.full[0]}", "At column 12, line 1: invalid index operation into non-indexable type: TypeString"},
      {"${1 / 0}", "__builtin_IntMath: divide by zero"},
      {"${match(name.full)}", "__builtin_StringToInt: strconv.ParseInt: parsing \"geo-db\": invalid syntax"},
  });
}

TEST(Hil, IsBoundedInDepthAndSize) {
  const std::string deep = "${" + std::string(100'000, '(');
  EXPECT_EQ(evaluated(deep), "parse error at 1:259: expression is nested too deeply");
  EXPECT_EQ(evaluated("${" + std::string(100'000, '!') + "true}"),
            "parse error at 1:258: expression is nested too deeply");

  std::string wide;
  for (int i = 0; i < 70'000; ++i) wide += "${1}";
  EXPECT_NE(evaluated(wide).find("text has too many parts"), std::string::npos);

  const std::string name(1 << 20, 'x');
  std::string copies;
  for (int i = 0; i < 20; ++i) copies += "${name}";
  const auto text = Text::parse(copies);
  ASSERT_TRUE(text);
  const auto result = text->evaluate({.variables = {{"name", name}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "result is too long");
}

TEST(Regex, GroupsOfTheFirstMatch) {
  const auto regex = Regex::compile("^geo-(.*?)-([^\\-]+?)(x)?$");
  ASSERT_TRUE(regex);

  EXPECT_EQ(regex->groups("geo-db-primary"), (std::vector<std::string>{"geo-db-primary", "db", "primary", ""}));
  EXPECT_TRUE(regex->groups("geo").empty());
}

}  // namespace
}  // namespace proconsul::base::hil
