#include "base/strconv.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/quote.h"
#include "base/regex.h"

namespace proconsul::base {
namespace {

TEST(Strconv, QuotesWhatDoesNotPrint) {
  EXPECT_EQ(quote("a\"b\\c\n\x01\x7f"), R"("a\"b\\c\n\x01\x7f")");
  EXPECT_EQ(quote("é\xff\u200b"), "\"é\\xff\\u200b\"");
}

TEST(Strconv, UnquotesBothKindsOfLiteral) {
  EXPECT_EQ(*unquote(R"("\x41\u00e9\101\t")"), "AéA\t");
  EXPECT_EQ(*unquote("`a\\n\rb`"), "a\\nb");
  for (const char* bad : {"\"", "'a'", "\"\\q\"", "\"\\'\"", "\"\\777\"", "\"\\ud800\"", "\"a\nb\"", "\"\\x4\""}) {
    EXPECT_EQ(unquote(bad).error().detail, "invalid syntax") << bad;
  }
}

TEST(Strconv, IntegersKnowTheirBasesAndLimits) {
  EXPECT_EQ(*parse_int("-0x10", 0), -16);
  EXPECT_EQ(*parse_int("0b11", 0, 8), 3);
  EXPECT_EQ(*parse_int("1_000", 0), 1000);
  EXPECT_EQ(*parse_int("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*parse_uint("18446744073709551615"), ~0ULL);
  EXPECT_EQ(parse_int("128", 0, 8).error().detail, "strconv.ParseInt: parsing \"128\": value out of range");
  EXPECT_EQ(parse_int("1__0", 0).error().detail, "strconv.ParseInt: parsing \"1__0\": invalid syntax");
  EXPECT_EQ(parse_uint("-1").error().detail, "strconv.ParseUint: parsing \"-1\": invalid syntax");
  EXPECT_EQ(parse_atoi("").error().detail, "strconv.Atoi: parsing \"\": invalid syntax");
}

TEST(Strconv, FloatsUnderflowToZeroAndOverflowToAnError) {
  EXPECT_EQ(*parse_float("0x1p-2"), 0.25);
  EXPECT_EQ(*parse_float("1e-400"), 0);
  EXPECT_TRUE(std::isinf(*parse_float("-inf")));
  EXPECT_EQ(parse_float("1e400").error().detail, "strconv.ParseFloat: parsing \"1e400\": value out of range");
  EXPECT_EQ(parse_float("1e").error().detail, "strconv.ParseFloat: parsing \"1e\": invalid syntax");
}

TEST(Regex, SpeaksTheSyntaxAndTheErrorsOfGo) {
  EXPECT_TRUE(Regex::compile("(?<name>b+)$")->matches("abb"));
  EXPECT_FALSE(Regex::compile("^b")->matches("ab"));
  EXPECT_EQ(Regex::compile("[a").error().detail, "error parsing regexp: missing closing ]: `[a`");
  EXPECT_EQ(Regex::compile("\\C").error().detail, "error parsing regexp: invalid escape sequence: `\\C`");
}

}  // namespace
}  // namespace proconsul::base
