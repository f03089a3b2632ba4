#include "base/weak_decode.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "base/time.h"

namespace proconsul::base {
namespace {

struct WeakInner {
  std::string MeshMode{};
  List<std::string> Names{};
};
PROCONSUL_DECLARE_TYPE(WeakInner)
struct WeakOuter {
  std::string Name{};
  Int Count{};
  std::uint32_t Small{};
  float Weight{};
  bool Enabled{};
  Duration Timeout{};
  Pointer<WeakInner> Inner{};
  List<WeakInner> Routes{};
  Map<std::string> Meta{};
  Map<Value> Config{};
};
PROCONSUL_DECLARE_TYPE(WeakOuter)

PROCONSUL_DESCRIBE_TYPE(WeakInner, "test.Inner") {
  type.field("MeshMode", &WeakInner::MeshMode).go_type("test.Mode").alias("mesh_mode");
  type.field("Names", &WeakInner::Names);
}
PROCONSUL_DESCRIBE_TYPE(WeakOuter, "test.Outer") {
  type.field("Name", &WeakOuter::Name);
  type.field("Count", &WeakOuter::Count);
  type.field("Small", &WeakOuter::Small);
  type.field("Weight", &WeakOuter::Weight);
  type.field("Enabled", &WeakOuter::Enabled);
  type.field("Timeout", &WeakOuter::Timeout);
  type.field("Inner", &WeakOuter::Inner).omit_empty();
  type.field("Routes", &WeakOuter::Routes).omit_empty();
  type.field("Meta", &WeakOuter::Meta).omit_empty();
  type.field("Config", &WeakOuter::Config).omit_empty();
}

/// The object as JSON, or what is wrong; then the keys that nothing took.
std::string decoded(std::string_view json) {
  const Result<Value> raw = from_json<Value>(json);
  EXPECT_TRUE(raw) << json;
  WeakOuter outer;
  const auto unused = decode_weakly(*raw->as_map(), type_of<WeakOuter>(), &outer);
  if (!unused) return unused.error().detail;
  std::string out = to_json(outer);
  for (const std::string& key : *unused) out += " " + key;
  return out;
}

constexpr std::string_view kEmpty = R"({"Name":"","Count":0,"Small":0,"Weight":0,"Enabled":false,"Timeout":0)";

TEST(WeakDecode, KeysComeInAnyCaseOrByTheirAlias) {
  EXPECT_EQ(decoded(R"({"NAME":"a","inner":{"mesh_mode":"x"}})"),
            R"({"Name":"a","Count":0,"Small":0,"Weight":0,"Enabled":false,"Timeout":0,)"
            R"("Inner":{"MeshMode":"x","Names":null}})");
}

TEST(WeakDecode, ScalarsStandForEachOther) {
  EXPECT_EQ(decoded(R"({"Name":5,"Count":"0x10","Small":true,"Weight":"1.5","Enabled":"t","Timeout":"3s"})"),
            R"({"Name":"5","Count":16,"Small":1,"Weight":1.5,"Enabled":true,"Timeout":3000000000})");
  EXPECT_EQ(decoded(R"({"Meta":{"a":1,"b":true}})"), std::string(kEmpty) + R"(,"Meta":{"a":"1","b":"1"}})");
}

TEST(WeakDecode, OneElementStandsForAListAndAListOfOneForItsElement) {
  EXPECT_EQ(
      decoded(R"({"Inner":[{"Names":"a"}],"Routes":{"MeshMode":["m"]}})"),
      std::string(kEmpty) + R"(,"Inner":{"MeshMode":"","Names":["a"]},"Routes":[{"MeshMode":"m","Names":null}]})");
  EXPECT_EQ(decoded(R"({"Config":{"a":[{"b":[1]}],"c":{"d":[1]},"e":[1,2]}})"),
            std::string(kEmpty) + R"(,"Config":{"a":{"b":1},"c":{"d":[1]},"e":[1,2]}})");
}

TEST(WeakDecode, WhatNothingTookIsTold) {
  EXPECT_EQ(decoded(R"({"Bogus":1,"Routes":[{},{"X":1}]})"),
            std::string(kEmpty) +
                R"(,"Routes":[{"MeshMode":"","Names":null},{"MeshMode":"","Names":null}]} Routes[1].X Bogus)");
}

TEST(WeakDecode, FaultsAreToldTogether) {
  EXPECT_EQ(
      decoded(R"({"Name":{"a":1},"Count":"x","Timeout":"soon","Inner":5,"Routes":[{"MeshMode":["a","b"]}]})"),
      "5 error(s) decoding:\n\n"
      "* 'Inner' expected a map, got 'float64'\n"
      "* 'Name' expected type 'string', got unconvertible type 'map[string]interface {}', value: 'map[a:1]'\n"
      "* 'Routes[0].MeshMode' expected type 'test.Mode', got unconvertible type '[]interface {}', value: '[a b]'\n"
      "* cannot parse 'Count' as int: strconv.ParseInt: parsing \"x\": invalid syntax\n"
      "* error decoding 'Timeout': time: invalid duration \"soon\"");
}

TEST(WeakDecode, NullChangesNothingButWithinAListIsFound) {
  EXPECT_EQ(decoded(R"({"Name":null,"Inner":null,"Routes":[null]})"),
            std::string(kEmpty) + R"(,"Routes":[{"MeshMode":"","Names":null}]})");
  EXPECT_TRUE(has_null_in_list(*from_json<Value>(R"({"a":{"b":[1,[null]]}})")));
  EXPECT_FALSE(has_null_in_list(*from_json<Value>(R"({"a":null,"b":[1]})")));
}

}  // namespace
}  // namespace proconsul::base
