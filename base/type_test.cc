#include "base/type.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/value.h"

namespace proconsul::base {
namespace {

enum class Colour : std::uint8_t { red = 1, blue = 2 };
struct Stamp {
  std::uint64_t value{};
};
struct Index {
  std::uint64_t CreateIndex{};
};
struct Row : Index {
  std::string Name{};
  Int Port{};
  List<Row> Children{};
  Map<Pointer<Row>> ByName{};
  Rare<Index> Other{};
  Colour Paint{};
  Stamp At{};
  Value Any{};
};

PROCONSUL_DECLARE_TYPE(Stamp)
PROCONSUL_DECLARE_TYPE(Index)
PROCONSUL_DECLARE_TYPE(Row)

PROCONSUL_DESCRIBE_TYPE(Stamp, "uint64") {
  type.same_as(&Stamp::value);
}
PROCONSUL_DESCRIBE_TYPE(Index, "structs.RaftIndex") {
  type.field("CreateIndex", &Index::CreateIndex);
}
PROCONSUL_DESCRIBE_TYPE(Row, "structs.Row") {
  type.field("Name", &Row::Name).json("name").alias("row_name");
  type.field("Port", &Row::Port).wire("p");
  type.field("Children", &Row::Children);
  type.field("ByName", &Row::ByName).no_json().no_wire();
  type.field("Other", &Row::Other);
  type.field("Paint", &Row::Paint);
  type.field("At", &Row::At);
  type.field("Any", &Row::Any);
  type.embed<Index>();
}

TEST(Type, FieldsKeepTheDeclarationOrderAndTheWireOrderIsByName) {
  const Type& type = type_of<Row>();

  std::vector<std::string> names;
  for (const Field& field : type.fields) names.push_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"Name", "Port", "Children", "ByName", "Other", "Paint", "At", "Any",
                                             "CreateIndex"}));
  std::vector<std::string> wire;
  for (auto index : type.wire_order) wire.push_back(type.fields[index].wire);
  EXPECT_EQ(wire, (std::vector<std::string>{"Any", "At", "Children", "CreateIndex", "Name", "Other", "Paint", "p"}));
}

TEST(Type, OffsetsReachTheMembersAlsoOfABase) {
  Row row;
  row.Name = "a";
  row.CreateIndex = 7;

  const Type& type = type_of<Row>();

  EXPECT_EQ(*static_cast<const std::string*>(type.by_json("name")->in(&row)), "a");
  EXPECT_EQ(*static_cast<const std::uint64_t*>(type.by_json("CreateIndex")->in(&row)), 7u);
}

TEST(Type, JsonKeysMatchInAnyLetterCaseAndByAlias) {
  const Type& type = type_of<Row>();

  EXPECT_EQ(type.by_json("NAME"), &type.fields[0]);
  EXPECT_EQ(type.by_json("row_Name"), &type.fields[0]);
  EXPECT_EQ(type.by_json("children"), &type.fields[2]);
  EXPECT_EQ(type.by_json("byname"), nullptr);
  EXPECT_EQ(type.by_json("Nam"), nullptr);
  EXPECT_EQ(type.by_wire("p"), &type.fields[1]);
  EXPECT_EQ(type.by_wire("P"), nullptr);
}

TEST(Type, NamesAreGosNames) {
  const Type& type = type_of<Row>();

  EXPECT_EQ(type.fields[1].type().go_name(), "int");
  EXPECT_EQ(type.fields[2].type().go_name(), "[]structs.Row");
  EXPECT_EQ(type.fields[3].type().go_name(), "map[string]*structs.Row");
  EXPECT_EQ(type.fields[4].type().go_name(), "structs.RaftIndex");
  EXPECT_EQ(type.fields[5].type().name, "uint8");
  EXPECT_EQ(type.fields[6].type().kind, Kind::unsigned_integer);
  EXPECT_EQ(type.fields[7].type().kind, Kind::any);
}

TEST(Type, ContainersAreHandledWithoutTheirElementType) {
  Row row;
  const Type& list = type_of<List<Row>>();
  const Type& map = type_of<Map<Pointer<Row>>>();
  EXPECT_TRUE(list.list.is_nil(&row.Children));

  static_cast<Row*>(list.list.append(&row.Children))->Name = "child";
  static_cast<Pointer<Row>*>(map.map.insert(&row.ByName, "k"))->emplace().Name = "mapped";

  EXPECT_FALSE(list.list.is_nil(&row.Children));
  EXPECT_EQ(row.Children.at(0).Name, "child");
  EXPECT_EQ(row.ByName.find("k")->second->Name, "mapped");
  list.list.clear(&row.Children, true);
  EXPECT_FALSE(list.list.is_nil(&row.Children));
  EXPECT_TRUE(row.Children.empty());
}

TEST(Rare, CostsOnePointerAndReadsAsTheDefaultUntilEdited) {
  Rare<Index> rare;
  EXPECT_EQ(sizeof(rare), sizeof(void*));
  EXPECT_EQ(rare->CreateIndex, 0u);

  rare.edit().CreateIndex = 3;

  EXPECT_EQ(rare->CreateIndex, 3u);
}

TEST(Value, HoldsTreesAndComparesDeeply) {
  Value value;
  value.make_map()["list"] = List<Value>{1, 2.5, "x", nullptr, true};
  Value copy = value;

  EXPECT_EQ(copy, value);
  EXPECT_EQ(copy.find("list")->as_list()->size(), 5u);
  copy.as_map()->find("list")->second.as_list()->push_back(1);
  EXPECT_NE(copy, value);
}

}  // namespace
}  // namespace proconsul::base
