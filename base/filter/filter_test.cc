#include "base/filter/filter.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/filter/expression.h"
#include "base/value.h"

namespace proconsul::base::filter {
namespace {

struct Inner {
  std::string Name{};
  Int Port{};
  List<std::string> Tags{};
};
struct Row {
  std::string ID{};
  Int Port{};
  std::int8_t Small{};
  std::uint64_t Big{};
  std::uint8_t Byte{};
  bool On{};
  double Ratio{};
  float Ratio32{};
  List<std::string> Tags{};
  List<Int> Ports{};
  Map<std::string> Meta{};
  Map<Int> Weights{};
  Rare<Inner> In{};
  Pointer<Inner> Maybe{};
  List<Inner> Many{};
  List<Pointer<Inner>> Nested{};
  Map<Inner> ByName{};
  Map<List<std::string>> Lists{};
  Bytes Raw{};
  Duration Wait{};
  std::string Hidden{};
  std::string Renamed{};
  Map<Value> Free{};
  Time When{};
  List<List<std::string>> Matrix{};
};

PROCONSUL_DECLARE_TYPE(Inner)
PROCONSUL_DECLARE_TYPE(Row)

PROCONSUL_DESCRIBE_TYPE(Inner, "main.Inner") {
  type.field("Name", &Inner::Name);
  type.field("Port", &Inner::Port);
  type.field("Tags", &Inner::Tags);
}
PROCONSUL_DESCRIBE_TYPE(Row, "main.Row") {
  type.field("ID", &Row::ID);
  type.field("Port", &Row::Port);
  type.field("Small", &Row::Small);
  type.field("Big", &Row::Big);
  type.field("Byte", &Row::Byte);
  type.field("On", &Row::On);
  type.field("Ratio", &Row::Ratio);
  type.field("Ratio32", &Row::Ratio32);
  type.field("Tags", &Row::Tags);
  type.field("Ports", &Row::Ports);
  type.field("Meta", &Row::Meta);
  type.field("Weights", &Row::Weights);
  type.field("Inner", &Row::In);
  type.field("Maybe", &Row::Maybe);
  type.field("List", &Row::Many);
  type.field("Nested", &Row::Nested);
  type.field("ByName", &Row::ByName);
  type.field("Lists", &Row::Lists);
  type.field("Raw", &Row::Raw);
  type.field("Wait", &Row::Wait);
  type.field("Hidden", &Row::Hidden).no_filter();
  type.field("Renamed", &Row::Renamed).filter("new_name");
  type.field("Free", &Row::Free);
  type.field("When", &Row::When);
  type.field("Matrix", &Row::Matrix);
}

Inner inner(std::string name, std::int64_t port, std::vector<std::string> tags = {}) {
  Inner out{.Name = std::move(name), .Tags = {}};
  out.Port = Int{port};
  if (!tags.empty()) out.Tags = List<std::string>(std::move(tags));
  return out;
}

// The three objects that the vectors speak of.
std::vector<Row> rows() {
  std::vector<Row> rows(3);
  rows[0].Maybe.emplace();

  Row& web = rows[1];
  web.ID = "web-1";
  web.Port = Int{8080};
  web.Small = -3;
  web.Big = ~0ULL;
  web.Byte = 7;
  web.On = true;
  web.Ratio = 0.5;
  web.Ratio32 = 0.1F;
  web.Tags = {"v1", "primary", "a b"};
  web.Ports = {Int{1}, Int{16}, Int{8080}};
  web.Meta = {{"env", "prod"}, {"a.b", "dotted"}, {"", "blank"}};
  web.Weights = {{"pass", Int{1}}, {"warn", Int{10}}};
  web.In.edit() = inner("in", 1, {"x"});
  web.Maybe = inner("maybe", 2);
  web.Many = {inner("one", 1, {"p", "q"}), inner("two", 2)};
  web.Nested = {inner("n1", 0), inner("n2", 5)};
  web.ByName.emplace("lan", inner("10.0.0.1", 80, {"z"}));
  web.Lists.emplace("l", List<std::string>{"m", "n"});
  web.Raw = Bytes("\x01\x02\xff");
  web.Wait = seconds(10);
  web.Renamed = "new";
  web.Free.emplace("k", Value(1));
  web.Matrix = {List<std::string>{"r"}, List<std::string>{}};

  Row& db = rows[2];
  db.ID = "DB\n\"2\" é";
  db.Port = Int{-1};
  db.Small = 127;
  db.Big = 1;
  db.Ratio = -2e10;
  db.Ratio32 = 3;
  db.Ports = {Int{0}};
  db.Meta = {{"env", "dev"}, {"version", "1.2.3"}};
  db.Maybe = inner("", 0, {"v1"});
  db.Many = {Inner{}};
  db.Renamed = "primary";
  db.ByName.emplace("wan", Inner{});
  db.ByName.emplace("lan", inner("two", 0));
  db.Wait = {1};
  return rows;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (text[++i] == '\\') {
      out += '\\';
    } else {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

std::string answer_of(std::string_view expression, const std::vector<Row>& objects) {
  Result<Filter> filter = Filter::compile(expression, type_of<Row>());
  if (!filter) return "error: " + filter.error().detail;
  std::string answer;
  for (const Row& row : objects) answer += filter->matches(row) ? '1' : '0';
  return answer;
}

TEST(Filter, AnswersEveryRecordedExpressionAsConsulDoesErrorTextsIncluded) {
  const std::vector<Row> objects = rows();
  const char* other = std::getenv("PROCONSUL_FILTER_VECTORS");
  std::ifstream vectors(other != nullptr ? other : PROCONSUL_SOURCE_DIR "/tests/vectors/filter.tsv");
  int count = 0;

  for (std::string line; std::getline(vectors, line); ++count) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, line.npos) << line;
    const std::string expression = unescape(std::string_view(line).substr(0, tab));

    EXPECT_EQ(answer_of(expression, objects), unescape(std::string_view(line).substr(tab + 1))) << line.substr(0, tab);
  }

  EXPECT_GT(count, 350);
}

TEST(Filter, AnEmptyTextMatchesEverythingAndAnErrorNamesItsPlace) {
  Result<Filter> all = Filter::create<Row>("");
  Result<Filter> broken = Filter::create<Row>("ID ==");

  ASSERT_TRUE(all);
  EXPECT_TRUE(all->matches_everything());
  EXPECT_TRUE(all->matches(Row{}));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().detail,
            "Failed to create boolean expression evaluator: 1:6 (5): no match found, expected: \"-\", \"0\", \"\\\"\", "
            "\"`\", [ \\t\\r\\n], [1-9] or [a-zA-Z]");
}

TEST(Filter, APointerThatIsNotThereIsLikeAMissingKey) {
  const Row row;

  EXPECT_FALSE(Filter::create<Row>("Maybe.Name == \"\"")->matches(row));
  EXPECT_TRUE(Filter::create<Row>("Maybe.Name != \"\"")->matches(row));
  EXPECT_TRUE(Filter::create<Row>("Maybe.Tags is empty")->matches(row));
  EXPECT_TRUE(Filter::create<Row>("Inner.Name == \"\"")->matches(row));
}

TEST(Filter, AMapOfObjectsMayBeTheOutermostType) {
  Map<Inner> map;
  map.emplace("a", inner("x", 1));

  Result<Filter> filter = Filter::create<Map<Inner>>("a.Name == x and b.Name != x");

  ASSERT_TRUE(filter) << filter.error().detail;
  EXPECT_TRUE(filter->matches(map));
  EXPECT_EQ(Filter::compile("a == 1", type_of<List<Inner>>()).error().detail,
            "Invalid top level type - can only use structs, map[string]* or an MatchExpressionEvaluator");
}

TEST(Filter, DeepParenthesesTakeLinearTimeAndEndInAnErrorNotInAnOverflow) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "ID == \"web-1\"" + std::string(depth, ')');
  };

  EXPECT_EQ(answer_of(nested(60), rows()), "010");
  EXPECT_NE(answer_of(nested(100'000), rows()).find("parentheses are nested too deeply"), std::string::npos);
  std::string chain = "Port == 1";
  for (int i = 0; i < 20'000; ++i) chain += " and not Port == 1";
  EXPECT_EQ(answer_of(chain, rows()), "000");
  std::string negations;
  for (int i = 0; i < 20'001; ++i) negations += "not ";
  EXPECT_EQ(answer_of(negations + "Port == 8080", rows()), "101");
}

TEST(Filter, TellsWhichFieldsItLooksAt) {
  const Result<Filter> filter = Filter::create<Row>("Port == 1 or not (Maybe.Name == x and Meta is empty)");

  ASSERT_TRUE(filter) << filter.error().detail;
  for (const char* field : {"Port", "Maybe", "Meta"}) EXPECT_TRUE(filter->looks_at(field)) << field;
  for (const char* field : {"Name", "ID", "Ports", ""}) EXPECT_FALSE(filter->looks_at(field)) << field;
  EXPECT_FALSE(Filter().looks_at("Port"));
}

TEST(Filter, WhatWasCompiledLatelyAnswersAgainHoweverManyOthersCameBetween) {
  Row row;
  row.Port = 7;
  for (int round = 0; round < 2; ++round) {
    for (int port = 0; port < 200; ++port) {
      const Result<Filter> filter = Filter::create<Row>("Port == " + std::to_string(port));
      ASSERT_TRUE(filter);
      EXPECT_EQ(filter->matches(row), port == 7);
    }
  }
  EXPECT_TRUE(Filter::create<Inner>("Port == 7"));
  EXPECT_FALSE(Filter::create<Inner>("Big == 7"));
  EXPECT_FALSE(Filter::create<Inner>("Big == 7"));
}

}  // namespace
}  // namespace proconsul::base::filter
