#include "base/schema.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/time.h"

namespace proconsul::base {
namespace {

struct Weights {
  Int Passing{};
};
struct Item {
  std::string Name{};
  List<std::string> Tags{};
  Map<std::string> Meta{};
  Pointer<Weights> Load{};
  Pointer<Item> Parent{};
  Duration Wait{}, Raw{};
  Pointer<Duration> Perhaps{};
  std::uint16_t Port{};
  Bytes Data{};
  Time At{};
  Value Free{};
  std::string Secret{};
};

struct OtherWeights {};

PROCONSUL_DECLARE_TYPE(Weights)
PROCONSUL_DECLARE_TYPE(OtherWeights)
PROCONSUL_DESCRIBE_TYPE(OtherWeights, "api.Weights") {}
PROCONSUL_DECLARE_TYPE(Item)
PROCONSUL_DESCRIBE_TYPE(Weights, "structs.Weights") {
  type.field("Passing", &Weights::Passing);
}
PROCONSUL_DESCRIBE_TYPE(Item, "structs.Item") {
  type.field("Name", &Item::Name);
  type.field("Tags", &Item::Tags).omit_empty();
  type.field("Meta", &Item::Meta);
  type.field("Load", &Item::Load).omit_empty();
  type.field("Parent", &Item::Parent).json("parent").omit_empty();
  type.field("Wait", &Item::Wait).readable().omit_empty();
  type.field("Raw", &Item::Raw).omit_empty();
  type.field("Perhaps", &Item::Perhaps).readable().omit_empty();
  type.field("Port", &Item::Port).omit_empty();
  type.field("Data", &Item::Data).omit_empty();
  type.field("At", &Item::At);
  type.field("Free", &Item::Free).omit_empty();
  type.field("Secret", &Item::Secret).no_json();
}

TEST(Schema, DescribesStructuresOnceAndRefersToThem) {
  SchemaBuilder builder;

  const Value list = builder.schema<List<Item>>();

  EXPECT_EQ(to_json(list), R"({"items":{"$ref":"#/components/schemas/Item"},"type":["array","null"]})");
  EXPECT_EQ(builder.components().size(), 2u);
  EXPECT_EQ(to_json(builder.components().at("Weights")),
            R"({"properties":{"Passing":{"format":"int64","type":"integer"}},"required":["Passing"],"type":"object"})");
  const Value& item = builder.components().at("Item");
  EXPECT_EQ(to_json(*item.find("required")), R"(["Name","Meta","At"])");
  const Value& properties = *item.find("properties");
  EXPECT_EQ(to_json(properties), R"({"At":{"format":"date-time","type":"string"},)"
                                 R"("Data":{"contentEncoding":"base64","type":["string","null"]},)"
                                 R"("Free":{},)"
                                 R"("Load":{"anyOf":[{"$ref":"#/components/schemas/Weights"},{"type":"null"}]},)"
                                 R"("Meta":{"additionalProperties":{"type":"string"},"type":["object","null"]},)"
                                 R"("Name":{"type":"string"},)"
                                 R"("Perhaps":{"examples":["10s","1h30m0s"],"type":["string","null"]},)"
                                 R"("Port":{"maximum":65535,"minimum":0,"type":"integer"},)"
                                 R"("Raw":{"description":"nanoseconds","format":"int64","type":"integer"},)"
                                 R"("Tags":{"items":{"type":"string"},"type":["array","null"]},)"
                                 R"("Wait":{"examples":["10s","1h30m0s"],"type":"string"},)"
                                 R"("parent":{"anyOf":[{"$ref":"#/components/schemas/Item"},{"type":"null"}]}})");
}

TEST(Schema, WhatIsReadMayLackFieldsAndSayDurationsAsText) {
  SchemaBuilder builder(SchemaBuilder::Use::read);

  EXPECT_EQ(to_json(builder.schema<Item>()), R"({"$ref":"#/components/schemas/ItemInput"})");
  const Value& item = builder.components().at("ItemInput");
  EXPECT_EQ(item.find("required"), nullptr);
  EXPECT_EQ(to_json(*item.find("properties")->find("Wait")), R"({"examples":["10s"],"type":["string","integer"]})");
  EXPECT_EQ(to_json(*item.find("properties")->find("Perhaps")),
            R"({"examples":["10s"],"type":["string","integer","null"]})");
}

TEST(Schema, TellsTypesOfOneNameApartByTheirPackage) {
  SchemaBuilder builder;

  EXPECT_EQ(to_json(builder.schema<Weights>()), R"({"$ref":"#/components/schemas/Weights"})");
  EXPECT_EQ(to_json(builder.schema<OtherWeights>()), R"({"$ref":"#/components/schemas/api.Weights"})");
  EXPECT_EQ(to_json(builder.schema<Weights>()), R"({"$ref":"#/components/schemas/Weights"})");
}

}  // namespace
}  // namespace proconsul::base
