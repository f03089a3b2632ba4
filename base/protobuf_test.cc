#include "base/protobuf.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/time.h"
#include "base/type_of.h"
#include "base/value.h"

namespace proconsul::base::pb {
namespace {

struct Inner {
  std::string Text{};
  Int Number{};
};
PROCONSUL_DECLARE_TYPE(Inner)
PROCONSUL_DESCRIBE_TYPE(Inner, "test.Inner") {
  type.field("Text", &Inner::Text);
  type.field("Number", &Inner::Number);
}

struct Outer {
  bool Flag{};
  std::uint64_t Big{};
  Int Small{};
  double Real{};
  Bytes Raw{};
  List<std::string> Texts{};
  List<Inner> Inners{};
  Map<std::string> Pairs{};
  Map<Inner> Named{};
  Map<List<std::string>> Headers{};
  Map<Value> Free{};
  Duration Wait{};
  Pointer<Inner> Maybe{};
  Rare<Inner> Always{};
  std::uint64_t Created{}, Modified{};
};
PROCONSUL_DECLARE_TYPE(Outer)
PROCONSUL_DESCRIBE_TYPE(Outer, "test.Outer") {
  type.field("Flag", &Outer::Flag);
  type.field("Big", &Outer::Big);
  type.field("Small", &Outer::Small);
  type.field("Real", &Outer::Real);
  type.field("Raw", &Outer::Raw);
  type.field("Texts", &Outer::Texts);
  type.field("Inners", &Outer::Inners);
  type.field("Pairs", &Outer::Pairs);
  type.field("Named", &Outer::Named);
  type.field("Headers", &Outer::Headers);
  type.field("Free", &Outer::Free);
  type.field("Wait", &Outer::Wait);
  type.field("Maybe", &Outer::Maybe);
  type.field("Always", &Outer::Always);
  type.field("Created", &Outer::Created);
  type.field("Modified", &Outer::Modified);
}

constexpr Row kInner[] = {{1, "Text"}, {2, "Number"}};
constexpr Row kIndex[] = {{1, "Created"}, {2, "Modified"}};
constexpr Row kOuter[] = {{1, "Flag"},  {2, "Big"},    {3, "Small"},  {4, "Real"},    {5, "Raw"},
                          {6, "Texts"}, {7, "Inners"}, {8, "Pairs"},  {9, "Named"},   {10, "Headers"},
                          {11, "Free"}, {12, "Wait"},  {13, "Maybe"}, {20, "Always"}, {17, "Index", kIndex}};

const Schema& test_schema() {
  static const Schema& schema = [] -> const Schema& {
    auto* made = new Schema;
    made->add<Inner>(kInner);
    made->add<Outer>(kOuter);
    made->link();
    return *made;
  }();
  return schema;
}

template <class T>
std::string encode(const T& message) {
  std::string out;
  test_schema().append(out, message);
  return out;
}

template <class T>
Result<T> decode(std::string_view bytes) {
  T message;
  if (const Result<> parsed = test_schema().parse(bytes, message); !parsed) return parsed.error();
  return message;
}

std::string hex(std::string_view text) {
  return *from_hex(text);
}

TEST(Protobuf, FieldsTravelAsTheDocumentationOfTheFormatShowsThem) {
  EXPECT_EQ(encode(Inner{.Text = "testing", .Number = 150}), hex("0a0774657374696e67109601"));
  EXPECT_EQ(encode(Inner{.Text = {}, .Number = -1}), hex("10ffffffffffffffffff01"));
  EXPECT_EQ(decode<Inner>(hex("10ffffffffffffffffff01"))->Number, -1);
  // An int32 of a peer that sends only its 32 bits.
  EXPECT_EQ(decode<Inner>(hex("10ffffffff0f"))->Number, -1);
}

TEST(Protobuf, WhatIsZeroIsLeftOutButMessagesInPlaceAreThere) {
  EXPECT_EQ(encode(Outer{}), hex("62008a0100a20100"));
}

TEST(Protobuf, EverythingComesBack) {
  Outer sent;
  sent.Flag = true;
  sent.Big = ~std::uint64_t{0};
  sent.Small = -7;
  sent.Real = 0.5;
  sent.Raw = Bytes(std::string("\0\xff", 2));
  sent.Texts = {"a", "", "c"};
  sent.Inners.push_back({.Text = "x", .Number = 1});
  sent.Inners.push_back({});
  sent.Pairs = {{"", "empty"}, {"k", ""}};
  sent.Named["n"] = {.Text = std::string(300, 'y'), .Number = 2};
  sent.Headers["h"] = {"1", "2"};
  sent.Headers["none"] = {};
  Value& free = sent.Free["deep"];
  free.make_map()["list"].make_list() = {Value(1.5), Value("t"), Value(true), Value(nullptr)};
  sent.Wait = {-1'500'000'000};
  sent.Maybe = Inner{};
  sent.Always.edit().Number = 3;
  sent.Created = 5;
  sent.Modified = 1u << 20;

  const Result<Outer> got = decode<Outer>(encode(sent));

  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(encode(*got), encode(sent));
  EXPECT_EQ(got->Big, sent.Big);
  EXPECT_EQ(got->Small, -7);
  EXPECT_EQ(got->Raw, sent.Raw);
  EXPECT_EQ(got->Texts, sent.Texts);
  EXPECT_EQ(got->Inners.size(), 2u);
  EXPECT_EQ(got->Pairs, sent.Pairs);
  EXPECT_EQ(got->Named.at("n").Text.size(), 300u);
  EXPECT_EQ(got->Headers.at("h"), sent.Headers.at("h"));
  EXPECT_TRUE(got->Headers.contains("none"));
  EXPECT_EQ(got->Free, sent.Free);
  EXPECT_EQ(got->Wait, sent.Wait);
  EXPECT_TRUE(got->Maybe);
  EXPECT_EQ(got->Modified, sent.Modified);
}

TEST(Protobuf, UnknownFieldsAndGroupsArePassedOver) {
  const Result<Inner> got =
      decode<Inner>(hex("1a03616263"
                        "230801240a0168"
                        "31"
                        "0102030405060708"
                        "3d01020304"
                        "1005"));

  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->Text, "h");
  EXPECT_EQ(got->Number, 5);
}

TEST(Protobuf, LaterFieldsReplaceAndMessagesMerge) {
  // Maybe{Text "a"} and Maybe{Number 2} are one; Small is said twice.
  const Result<Outer> got =
      decode<Outer>(hex("6a030a0161"
                        "6a021002"
                        "1801"
                        "1802"));

  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->Maybe->Text, "a");
  EXPECT_EQ(got->Maybe->Number, 2);
  EXPECT_EQ(got->Small, 2);
}

TEST(Protobuf, WhatIsNoMessageIsRefused) {
  for (const char* bytes : {"08", "0a05", "0a", "00", "07", "0c", "0b", "ffffffffffffffffffff01", "080b0b", "0b14"}) {
    const Result<Inner> got = decode<Inner>(hex(bytes));
    ASSERT_FALSE(got) << bytes;
    EXPECT_EQ(got.error().detail, kInvalidFormat) << bytes;
  }
  EXPECT_EQ(decode<Inner>(hex("0a01ff")).error().detail, "proto: string field contains invalid UTF-8");
}

TEST(Protobuf, InvalidTextIsSentAsReplacementCharacters) {
  EXPECT_EQ(decode<Inner>(encode(Inner{.Text = "a\xff\xfe"
                                               "b",
                                       .Number = 0}))
                ->Text,
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
}

TEST(Protobuf, DepthAndMemoryAreBounded) {
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    std::string outer;
    append_bytes_field(outer, 5, deep);  // Value.struct_value
    std::string entry;
    append_bytes_field(entry, 2, outer);
    deep.clear();
    append_bytes_field(deep, 1, entry);
  }
  std::string message;
  append_bytes_field(message, 11, deep);
  EXPECT_FALSE(decode<Outer>(message));

  std::string many;
  for (int i = 0; i < 2'000'000; ++i) many.append("\x3a\0", 2);
  const Result<Outer> got = decode<Outer>(many);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().detail, "proto: the message is too large in memory");
}

}  // namespace
}  // namespace proconsul::base::pb
