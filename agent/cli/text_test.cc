#include "agent/cli/text.h"

#include <gtest/gtest.h>

namespace proconsul::agent::cli {
namespace {

TEST(CliText, ColumnsAreTwoSpacesApartAndTheLastIsNotPadded) {
  const std::string table = columns({{"Node", "ID", "Address"}, {"n1", " long-id ", ""}, {"größer", "", "x"}});

  EXPECT_EQ(table,
            "Node    ID       Address\n"
            "n1      long-id  \n"
            "größer           x");
}

TEST(CliText, TabbedLabelsAlignAndTheTextBehindTheLastTabIsLeftAlone) {
  EXPECT_EQ(align_tabs("CreateIndex\t5\nKey\ta\nValue\tv w", {.minimum = 0, .padding = 6}),
            "CreateIndex      5\n"
            "Key              a\n"
            "Value            v w");
}

TEST(CliText, AColumnEndsWithTheLinesThatHaveIt) {
  EXPECT_EQ(align_tabs("a\tb\tc\naaaa\tbb\tc\nplain\nx\ty", {.minimum = 0, .padding = 2}),
            "a     b   c\n"
            "aaaa  bb  c\n"
            "plain\n"
            "x  y");
}

TEST(CliText, ALabelWithNothingBehindItAtTheVeryEndIsNotPadded) {
  EXPECT_EQ(align_tabs("Key\ta\nValue\t", {.minimum = 0, .padding = 6}), "Key      a\nValue");
  EXPECT_EQ(align_tabs("Key\ta\nValue\t\n", {.minimum = 0, .padding = 6}), "Key        a\nValue      \n");
}

TEST(CliText, ManyTabsNeitherRecurseNorCostMoreThanTheirNumber) {
  const std::string tabs(500'000, '\t');

  EXPECT_EQ(align_tabs(tabs, {.minimum = 0, .padding = 1}).size(), tabs.size() - 1);
}

TEST(CliText, PathsKeepWhatGoKeepsAndQueriesEscapeTheRest) {
  EXPECT_EQ(escape_path("/v1/kv/a b/?%ü!$&+,:;=@"), "/v1/kv/a%20b/%3F%25%C3%BC%21$&+,:;=@");
  EXPECT_EQ(escape_query("a b/&=~"), "a+b%2F%26%3D~");
}

TEST(CliText, JsonIsIndentedAndEmptyContainersStayClosed) {
  EXPECT_EQ(indented_json(R"([{"key":"a{,\"","n":[],"o":{}}])", "\t"),
            "[\n\t{\n\t\t\"key\": \"a{,\\\"\",\n\t\t\"n\": [],\n\t\t\"o\": {}\n\t}\n]");
  EXPECT_EQ(indented_json("[]", "\t"), "[]");
}

TEST(CliText, LongHelpIsWrappedBetweenWords) {
  EXPECT_EQ(wrapped("one two  three", 10, 2), "  one two\n  three");
}

TEST(CliText, SystemErrorsStartInLowerCaseAsGoPrintsThem) {
  EXPECT_EQ(errno_text(ENOENT), "no such file or directory");
  EXPECT_EQ(errno_text(ECONNREFUSED), "connection refused");
}

}  // namespace
}  // namespace proconsul::agent::cli
