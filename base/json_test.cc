#include "base/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include "base/base64.h"
#include "base/quote.h"
#include "base/time.h"

namespace proconsul::base {
namespace {

// --- twins of the Go types that the vectors were made with ---

struct Leaf {
  std::string Name{};
  Int Port{};
  std::int8_t Small{};
  std::uint8_t U8{};
  std::uint64_t U{};
  float F32{};
  double F{};
  bool Ok{};
};
struct Emb {
  std::uint64_t CreateIndex{}, ModifyIndex{};
};
struct Token {
  std::string Name{};
  Duration ExpirationTTL{};
  Bytes Hash{};
  Pointer<Leaf> OneLeaf{};
};
struct Service : Emb {
  std::string Name{};
  Int Port{};
  bool EnableTagOverride{};
  Map<Leaf> TaggedAddresses{};
  Token OneToken{};
};
struct Session {
  std::string ID{};
  Duration LockDelay{};
  List<std::string> Checks{};
  Service OneService{};
  Pointer<Leaf> Inner{};
};
struct Route {
  std::string Name{};
  Duration RequestTimeout{}, IdleTimeout{};
};
struct Kitchen : Emb {
  std::string ID{}, Renamed{}, Omit{};
  Int OmitInt{};
  base::List<std::string> OmitList{};
  base::Map<std::string> OmitMap{};
  Pointer<Leaf> OmitPtr{};
  Value OmitAny{};
  base::Bytes OmitBytes{};
  Duration OmitDur{};
  double OmitF{};
  bool OmitOk{};
  std::string Hidden{};
  base::List<std::string> List{};
  base::List<Int> Ints{};
  base::List<Leaf> Leaves{};
  base::List<Pointer<Leaf>> PtrLeaves{};
  base::Map<std::string> Map{};
  base::Map<Leaf> LeafMap{};
  base::Map<base::List<Int>> Lists{};
  Pointer<Leaf> Ptr{};
  Leaf OneLeaf{};
  Pointer<std::string> PtrStr{};
  base::Bytes Bytes{};
  base::Time Time{};
  Pointer<base::Time> PtrTime{};
  Duration Dur{}, Read{};
  Pointer<Duration> PtrRead{};
  Value Any{};
  base::Map<Value> AnyMap{};
  base::List<Value> Anys{};
  Rare<Session> OneSession{};  // by value in Go
  Pointer<Session> PtrSess{};
  base::List<Session> Sessions{};
  Route OneRoute{};
};

struct Strict {
  std::string Name{};
};
struct Box {
  Rare<Strict> OneStrict{};
  base::List<Strict> Stricts{};
  Pointer<Strict> OnePointer{};
};

PROCONSUL_DECLARE_TYPE(Strict)
PROCONSUL_DECLARE_TYPE(Box)
PROCONSUL_DECLARE_TYPE(Leaf)
PROCONSUL_DECLARE_TYPE(Emb)
PROCONSUL_DECLARE_TYPE(Token)
PROCONSUL_DECLARE_TYPE(Service)
PROCONSUL_DECLARE_TYPE(Session)
PROCONSUL_DECLARE_TYPE(Route)
PROCONSUL_DECLARE_TYPE(Kitchen)

PROCONSUL_DESCRIBE_TYPE(Strict, "main.Strict") {
  type.field("Name", &Strict::Name);
  type.json_shadow("struct { Hash string; *main.Alias }");
  type.json_refuses_null();
}
PROCONSUL_DESCRIBE_TYPE(Box, "main.Box") {
  type.field("Strict", &Box::OneStrict);
  type.field("Stricts", &Box::Stricts);
  type.field("Pointer", &Box::OnePointer);
}

PROCONSUL_DESCRIBE_TYPE(Leaf, "main.Leaf") {
  type.field("Name", &Leaf::Name);
  type.field("Port", &Leaf::Port);
  type.field("Small", &Leaf::Small);
  type.field("U8", &Leaf::U8);
  type.field("U", &Leaf::U);
  type.field("F32", &Leaf::F32);
  type.field("F", &Leaf::F);
  type.field("Ok", &Leaf::Ok);
}
PROCONSUL_DESCRIBE_TYPE(Emb, "main.Emb") {
  type.field("CreateIndex", &Emb::CreateIndex);
  type.field("ModifyIndex", &Emb::ModifyIndex);
}
PROCONSUL_DESCRIBE_TYPE(Token, "main.Token") {
  type.field("Name", &Token::Name);
  type.field("ExpirationTTL", &Token::ExpirationTTL);
  type.field("Hash", &Token::Hash);
  type.field("Leaf", &Token::OneLeaf);
  type.json_shadow("struct { ExpirationTTL interface {}; Hash string; *main.Alias }");
}
PROCONSUL_DESCRIBE_TYPE(Service, "main.Service") {
  type.field("Name", &Service::Name);
  type.field("Port", &Service::Port);
  type.field("EnableTagOverride", &Service::EnableTagOverride).alias("enable_tag_override");
  type.field("TaggedAddresses", &Service::TaggedAddresses).alias("tagged_addresses");
  type.field("Token", &Service::OneToken);
  type.embed<Emb>();
  type.json_shadow(R"(struct { Address string; EnableTagOverrideSnake bool "json:\"enable_tag_override\""; )"
                   R"(TaggedAddressesSnake map[string]main.Leaf "json:\"tagged_addresses\""; *main.Alias })");
}
PROCONSUL_DESCRIBE_TYPE(Session, "main.Session") {
  type.field("ID", &Session::ID);
  type.field("LockDelay", &Session::LockDelay);
  type.field("Checks", &Session::Checks);
  type.field("Service", &Session::OneService);
  type.field("Inner", &Session::Inner);
  type.json_shadow_lenient("struct { LockDelay interface {}; *main.Alias }");
}
PROCONSUL_DESCRIBE_TYPE(Route, "main.Route") {
  type.field("Name", &Route::Name);
  type.field("RequestTimeout", &Route::RequestTimeout);
  type.field("IdleTimeout", &Route::IdleTimeout);
  type.json_shadow("struct { RequestTimeout string; IdleTimeout string; *main.Alias }");
}
PROCONSUL_DESCRIBE_TYPE(Kitchen, "main.Kitchen") {
  type.field("ID", &Kitchen::ID);
  type.field("Renamed", &Kitchen::Renamed).json("re_named");
  type.field("Omit", &Kitchen::Omit).omit_empty();
  type.field("OmitInt", &Kitchen::OmitInt).omit_empty();
  type.field("OmitList", &Kitchen::OmitList).omit_empty();
  type.field("OmitMap", &Kitchen::OmitMap).omit_empty();
  type.field("OmitPtr", &Kitchen::OmitPtr).omit_empty();
  type.field("OmitAny", &Kitchen::OmitAny).omit_empty();
  type.field("OmitBytes", &Kitchen::OmitBytes).omit_empty();
  type.field("OmitDur", &Kitchen::OmitDur).omit_empty();
  type.field("OmitF", &Kitchen::OmitF).omit_empty();
  type.field("OmitOk", &Kitchen::OmitOk).omit_empty();
  type.field("Hidden", &Kitchen::Hidden).no_json();
  type.field("List", &Kitchen::List);
  type.field("Ints", &Kitchen::Ints);
  type.field("Leaves", &Kitchen::Leaves);
  type.field("PtrLeaves", &Kitchen::PtrLeaves);
  type.field("Map", &Kitchen::Map);
  type.field("LeafMap", &Kitchen::LeafMap);
  type.field("Lists", &Kitchen::Lists);
  type.field("Ptr", &Kitchen::Ptr);
  type.field("Leaf", &Kitchen::OneLeaf);
  type.field("PtrStr", &Kitchen::PtrStr);
  type.field("Bytes", &Kitchen::Bytes);
  type.field("Time", &Kitchen::Time);
  type.field("PtrTime", &Kitchen::PtrTime);
  type.field("Dur", &Kitchen::Dur);
  type.field("Read", &Kitchen::Read).readable();
  type.field("PtrRead", &Kitchen::PtrRead).readable();
  type.field("Any", &Kitchen::Any);
  type.field("AnyMap", &Kitchen::AnyMap);
  type.field("Anys", &Kitchen::Anys);
  type.field("Session", &Kitchen::OneSession);
  type.field("PtrSess", &Kitchen::PtrSess);
  type.field("Sessions", &Kitchen::Sessions);
  type.field("Route", &Kitchen::OneRoute);
  type.embed<Emb>();
}

Kitchen prefilled() {
  Kitchen kitchen;
  kitchen.ID = "id";
  kitchen.List = {"a", "b", "c"};
  kitchen.Map["k"] = "v";
  kitchen.Leaves.resize(2);
  kitchen.Leaves[0].Name = "x";
  kitchen.Leaves[0].Port = 7;
  kitchen.Leaves[1].Name = "y";
  kitchen.Ptr.emplace().Name = "p";
  kitchen.Ptr->Port = 3;
  kitchen.PtrStr = std::string("s");
  kitchen.Bytes = Bytes(std::string("xyz"));
  kitchen.LeafMap["l"].Name = "m";
  kitchen.LeafMap["l"].Port = 4;
  kitchen.Any = "old";
  kitchen.OneLeaf.Name = "keep";
  kitchen.OneLeaf.Port = 1;
  return kitchen;
}

const Value& vectors() {
  static const Value root = [] {
    std::ifstream stream(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/json.json");
    std::stringstream content;
    content << stream.rdbuf();
    return from_json<Value>(content.str()).value_or(Value());
  }();
  return root;
}
const Value::ListType& rows(const char* section) {
  return *vectors().find(section)->as_list();
}
std::string text(const Value& row, const char* key) {
  const Value* found = row.find(key);
  return found && found->as_string() ? *found->as_string() : std::string();
}

/// The members of an encoded object that differ from those of another.
Value difference(const std::string& encoded, const std::string& zero) {
  Value value = from_json<Value>(encoded).value();
  const Value other = from_json<Value>(zero).value();
  std::erase_if(*value.as_map(), [&](const auto& member) {
    const Value* same = other.find(member.first);
    return same && *same == member.second;
  });
  return value;
}

template <class T>
void check(const Value& row, T target) {
  const std::string input = from_base64(text(row, "in")).value();
  const std::string mode = text(row, "mode");
  SCOPED_TRACE(text(row, "type") + " " + mode + " " + input);
  const std::string before = to_json(target);

  Result<> read =
      read_json(input, target,
                {.input = mode == "whole" ? JsonInput::whole : JsonInput::first, .reject_unknown = mode == "strict"});

  EXPECT_EQ(read ? std::string() : read.error().detail, text(row, "error"));
  const std::string out = to_json(target);
  const std::string expected = text(row, "out");
  if (row.find("full") || !out.starts_with('{') || text(row, "type") == "any") {
    EXPECT_EQ(out, expected);
  } else {
    EXPECT_EQ(to_json(difference(out, before)), to_json(from_json<Value>(expected.empty() ? "{}" : expected).value()));
  }
}

TEST(Json, DecodesAndEncodesAsGoDoes) {
  ASSERT_GT(rows("decode").size(), 3'000u);

  for (const Value& row : rows("decode")) {
    const std::string type = text(row, "type");
    if (type == "any") check(row, Value());
    if (type == "Kitchen") check(row, Kitchen{});
    if (type == "Session") check(row, Session{});
    if (type == "Service") check(row, Service{});
    if (type == "Token") check(row, Token{});
    if (type == "Route") check(row, Route{});
    if (type == "Leaves") check(row, List<Leaf>().make_present());
    if (type == "prefilled") check(row, prefilled());
  }
}

TEST(Json, WritesFloatsAsGoDoes) {
  for (const Value& row : rows("floats")) {
    const std::string wide = text(row, "bits");
    const std::string narrow = text(row, "bits32");
    if (!wide.empty()) {
      EXPECT_EQ(to_json(std::bit_cast<double>(std::stoull(wide, nullptr, 16))), text(row, "out"));
    } else {
      const auto bits = static_cast<std::uint32_t>(std::stoul(narrow, nullptr, 16));
      EXPECT_EQ(to_json(std::bit_cast<float>(bits)), text(row, "out"));
    }
  }
}

TEST(Json, IndentsAsGoDoes) {
  for (const Value& row : rows("indents")) {
    std::string out;
    append_indented_json(out, text(row, "in"));
    EXPECT_EQ(out, text(row, "out"));
  }
}

TEST(Json, NestingBeyondTenThousandIsRefused) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };

  Result<Value> deepest = from_json<Value>(nested(10'000));
  ASSERT_TRUE(deepest);
  EXPECT_EQ(to_json(*deepest), nested(10'000));
  const Value copy = *deepest;
  EXPECT_EQ(copy, *deepest);

  EXPECT_EQ(from_json<Value>(nested(10'001)).error().detail, text(vectors(), "depth10001"));
  EXPECT_EQ(from_json<Value>(std::string(1'000'000, '[')).error().detail, text(vectors(), "depth10001"));
  Kitchen kitchen;
  EXPECT_TRUE(read_json("{\"Unknown\":" + nested(9'000) + "}", kitchen));
}

TEST(Json, ManySmallElementsDoNotBecomeManyLargeOnes) {
  std::string list = "[{}";
  for (int i = 0; i < 400'000; ++i) list += ",{}";
  list += "]";

  List<Kitchen> kitchens;
  EXPECT_EQ(read_json(list, kitchens).error().detail, "JSON decodes into too much memory");
}

TEST(Json, NullIsNoValueOfATypeThatRefusesIt) {
  Box box;
  const std::string one = read_json(R"({"Strict":null})", box).error().detail;
  const std::string listed = read_json(R"({"Stricts":[null]})", box).error().detail;

  EXPECT_EQ(one, "null is no main.Strict: leave the key out or give an object");
  EXPECT_EQ(listed, one);
  EXPECT_TRUE(read_json(R"({"Pointer":null,"Strict":{}})", box));
}

TEST(Quote, QuotesAsGoDoes) {
  for (const Value& row : rows("quotes")) EXPECT_EQ(quote(from_base64(text(row, "in")).value()), text(row, "out"));
}

TEST(Duration, ParsesAndPrintsAsGoDoes) {
  for (const Value& row : rows("durations")) {
    Duration duration{std::stoll(text(row, "ns"))};
    if (const Value* input = row.find("in")) {
      const std::string decoded = from_base64(*input->as_string()).value();
      Result<Duration> parsed = parse_duration(decoded);
      EXPECT_EQ(parsed ? std::string() : parsed.error().detail, text(row, "error")) << decoded;
      if (!parsed) continue;
      EXPECT_EQ(*parsed, duration) << decoded;
    }
    EXPECT_EQ(to_string(duration), text(row, "out"));
  }
}

TEST(Time, ParsesAndPrintsAsGoDoes) {
  for (const Value& row : rows("times")) {
    SCOPED_TRACE(text(row, "in"));
    Result<Time> parsed = parse_rfc3339(text(row, "in"));
    EXPECT_EQ(parsed ? std::string() : parsed.error().detail, text(row, "error"));
    if (!parsed) continue;
    EXPECT_EQ(to_rfc3339(*parsed), text(row, "out"));
    EXPECT_EQ(std::to_string(unix_seconds(*parsed)), text(row, "unix"));
  }
}

TEST(Time, AddsAndSubtractsDurations) {
  const Time time = from_unix(10, 900'000'000);

  EXPECT_EQ(time + milliseconds(200), from_unix(11, 100'000'000));
  EXPECT_EQ(time + milliseconds(-1'000), from_unix(9, 900'000'000));
  EXPECT_EQ(from_unix(11, 100'000'000) - time, milliseconds(200));
  EXPECT_EQ(from_unix(std::int64_t{1} << 60) - time, Duration{std::numeric_limits<std::int64_t>::max()});
}

}  // namespace
}  // namespace proconsul::base
