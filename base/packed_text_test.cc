#include "base/packed_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/pack.h"
#include "base/type_of.h"

namespace proconsul::base {
namespace {

using ::testing::ElementsAre;

struct Row {
  std::string first{};
  List<std::string> list{};
  std::string second{};
  std::int64_t number{};
  std::string third{};
};
PROCONSUL_DECLARE_TYPE(Row)
PROCONSUL_DESCRIBE_TYPE(Row, "base.Row") {
  type.field("First", &Row::first);
  type.field("List", &Row::list);
  type.field("Second", &Row::second);
  type.field("Number", &Row::number);
  type.field("Third", &Row::third);
}

TEST(PackedTexts, AreThoseOfTheObject) {
  const PackedTexts<2> texts(type_of<Row>(), {"Second", "Third"});
  Row row{.first = "a", .list = {}, .second = std::string(300, 'b'), .number = -70'000, .third = "c"};
  row.list.push_back("x");
  EXPECT_THAT(texts.in(pack(row)), ElementsAre(std::string(300, 'b'), "c"));
  row.second.clear();
  EXPECT_THAT(texts.in(pack(row)), ElementsAre("", "c"));
  row.third.clear();
  EXPECT_THAT(texts.in(pack(row)), ElementsAre("", ""));
  row.second = "b";
  EXPECT_THAT(texts.in(pack(row)), ElementsAre("b", ""));
  EXPECT_THAT(texts.in(pack(Row{})), ElementsAre("", ""));
}

}  // namespace
}  // namespace proconsul::base
