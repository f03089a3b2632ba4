#include "base/msgpack_unknown.h"

#include <gtest/gtest.h>

#include "base/msgpack.h"

namespace proconsul::base {
namespace {

struct Inner {
  std::string Name{};
};
PROCONSUL_DECLARE_TYPE(Inner)
PROCONSUL_DESCRIBE_TYPE(Inner, "test.Inner") { type.field("Name", &Inner::Name); }

struct Outer {
  Inner One{};
  List<Inner> Many{};
  Map<Inner> ByName{};
  Pointer<Inner> Perhaps{};
};
PROCONSUL_DECLARE_TYPE(Outer)
PROCONSUL_DESCRIBE_TYPE(Outer, "test.Outer") {
  type.field("One", &Outer::One);
  type.field("Many", &Outer::Many);
  type.field("ByName", &Outer::ByName);
  type.field("Perhaps", &Outer::Perhaps);
}

std::string unknown(std::string_view input) {
  std::string out;
  each_unknown_key(input, type_of<Outer>(), [&](std::string_view path, std::string_view value) {
    MsgpackReader reader(value);
    out += std::string(path) + '=' + std::string(reader.string()) + ' ';
  });
  return out;
}

TEST(MsgpackUnknown, KeysWithoutAFieldAreFoundWhereverTheyAre) {
  std::string input;
  MsgpackWriter writer(input);
  const auto inner = [&](const char* key) {
    writer.map(2);
    writer.string("Name");
    writer.string("n");
    writer.string(key);
    writer.string("v");
  };
  writer.map(5);
  writer.string("One");
  inner("A");
  writer.string("Many");
  writer.array(2);
  inner("B");
  inner("C");
  writer.string("ByName");
  writer.map(1);
  writer.string("x");
  inner("D");
  writer.string("Perhaps");
  inner("E");
  writer.string("F");
  writer.string("v");

  EXPECT_EQ(unknown(input), "One.A=v Many.B=v Many.C=v ByName.D=v Perhaps.E=v F=v ");
}

TEST(MsgpackUnknown, WhatIsKnownOrNilIsSilent) {
  Outer outer{};
  outer.Many = {Inner{"a"}};
  outer.Perhaps = Inner{"b"};
  EXPECT_EQ(unknown(to_msgpack(outer)), "");
  EXPECT_EQ(unknown(to_msgpack(Outer{})), "");
  EXPECT_EQ(unknown("\xc0"), "");
  EXPECT_EQ(unknown(""), "");
}

}  // namespace
}  // namespace proconsul::base
