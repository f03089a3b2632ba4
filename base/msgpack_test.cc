#include "base/msgpack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/json.h"

namespace proconsul::base {
namespace {

// --- the types of the recorded vectors, named as they are there ---

struct Holder {  // struct{L []string; B []byte; M map[string]string; P *int; E interface{}}
  List<std::string> L{};
  Bytes B{};
  Map<std::string> M{};
  Pointer<Int> P{};
  Value E{};
};
struct Lists {
  List<std::string> L{};
  Bytes B{};
  Map<std::string> M{};
};
struct InInterface {
  Value V{};
};
struct Inner {
  Int A{};
  std::string B{};
};
struct Tagged {
  Inner Nested{};
  std::string Z{};
  Int Alpha{};
  List<Int> Empty{};
  std::string Hidden{};
};
struct Base2 {
  Int X{}, Y{};
};
struct Base3 {
  Int Z{};
};
struct Embedding : Base2, Base3 {
  std::string Top{};
};
struct EmbeddedTagged : Base3 {
  Base2 In{};
};
struct NameBase {
  std::string Name{};
};
struct ShadowFirst : NameBase {
  std::string Outer{};
};
struct Pointers {
  Pointer<Int> I{};
  Pointer<std::string> S{};
  Pointer<Inner> N{};
};
struct Nothing {};
struct WithTime {
  Time T{};
};
struct Sample {  // the target of the decoding vectors
  Int A{};
  std::string B{};
  Bytes C{};
  List<std::string> L{};
};
struct OnlyBytes {
  Bytes C{};
};
struct Wrapped {
  std::string Name{};
};
struct Tree {
  List<Tree> Children{};
};

PROCONSUL_DECLARE_TYPE(Holder)
PROCONSUL_DECLARE_TYPE(Lists)
PROCONSUL_DECLARE_TYPE(InInterface)
PROCONSUL_DECLARE_TYPE(Inner)
PROCONSUL_DECLARE_TYPE(Tagged)
PROCONSUL_DECLARE_TYPE(Base2)
PROCONSUL_DECLARE_TYPE(Base3)
PROCONSUL_DECLARE_TYPE(Embedding)
PROCONSUL_DECLARE_TYPE(EmbeddedTagged)
PROCONSUL_DECLARE_TYPE(NameBase)
PROCONSUL_DECLARE_TYPE(ShadowFirst)
PROCONSUL_DECLARE_TYPE(Pointers)
PROCONSUL_DECLARE_TYPE(Nothing)
PROCONSUL_DECLARE_TYPE(WithTime)
PROCONSUL_DECLARE_TYPE(Sample)
PROCONSUL_DECLARE_TYPE(OnlyBytes)
PROCONSUL_DECLARE_TYPE(Wrapped)
PROCONSUL_DECLARE_TYPE(Tree)

PROCONSUL_DESCRIBE_TYPE(Holder, "Holder") {
  type.field("L", &Holder::L);
  type.field("B", &Holder::B);
  type.field("M", &Holder::M);
  type.field("P", &Holder::P);
  type.field("E", &Holder::E);
}
PROCONSUL_DESCRIBE_TYPE(Lists, "Lists") {
  type.field("L", &Lists::L);
  type.field("B", &Lists::B);
  type.field("M", &Lists::M);
}
PROCONSUL_DESCRIBE_TYPE(InInterface, "InInterface") {
  type.field("V", &InInterface::V);
}
PROCONSUL_DESCRIBE_TYPE(Inner, "Inner") {
  type.field("A", &Inner::A);
  type.field("B", &Inner::B);
}
PROCONSUL_DESCRIBE_TYPE(Tagged, "Tagged") {
  type.field("Z", &Tagged::Z).wire("z");
  type.field("Alpha", &Tagged::Alpha).wire("alpha").wire_omit_empty();
  type.field("Hidden", &Tagged::Hidden).no_wire();
  type.field("Empty", &Tagged::Empty).wire_omit_empty();
  type.field("Nested", &Tagged::Nested);
}
PROCONSUL_DESCRIBE_TYPE(Base2, "Base2") {
  type.field("X", &Base2::X);
  type.field("Y", &Base2::Y);
}
PROCONSUL_DESCRIBE_TYPE(Base3, "Base3") {
  type.field("Z", &Base3::Z);
}
PROCONSUL_DESCRIBE_TYPE(Embedding, "Embedding") {
  type.field("Top", &Embedding::Top);
  type.embed<Base2>();
  type.embed<Base3>();
}
PROCONSUL_DESCRIBE_TYPE(EmbeddedTagged, "EmbeddedTagged") {
  type.field("In", &EmbeddedTagged::In);
  type.embed<Base3>();
}
PROCONSUL_DESCRIBE_TYPE(NameBase, "NameBase") {
  type.field("Name", &NameBase::Name);
}
PROCONSUL_DESCRIBE_TYPE(ShadowFirst, "ShadowFirst") {
  type.embed<NameBase>();
  type.field("Name", &ShadowFirst::Outer);
}
PROCONSUL_DESCRIBE_TYPE(Pointers, "Pointers") {
  type.field("I", &Pointers::I);
  type.field("S", &Pointers::S);
  type.field("N", &Pointers::N);
}
PROCONSUL_DESCRIBE_TYPE(Nothing, "Nothing") {}
PROCONSUL_DESCRIBE_TYPE(WithTime, "WithTime") {
  type.field("T", &WithTime::T);
}
PROCONSUL_DESCRIBE_TYPE(Sample, "Sample") {
  type.field("A", &Sample::A);
  type.field("B", &Sample::B);
  type.field("C", &Sample::C);
  type.field("L", &Sample::L);
}
PROCONSUL_DESCRIBE_TYPE(OnlyBytes, "OnlyBytes") {
  type.field("C", &OnlyBytes::C);
}
PROCONSUL_DESCRIBE_TYPE(Wrapped, "Wrapped") {
  type.field("Name", &Wrapped::Name);
  type.wrapped();
}
PROCONSUL_DESCRIBE_TYPE(Tree, "Tree") {
  type.field("Children", &Tree::Children);
}

// --- vectors ---

struct Vector {
  std::string name, what, input, go, target;
  std::map<std::string, Value, std::less<>> per_handle;
};

std::vector<Vector> load(const std::string& file) {
  std::ifstream stream(std::string(PROCONSUL_SOURCE_DIR) + "/tests/vectors/" + file);
  std::stringstream content;
  content << stream.rdbuf();
  Result<Value> root = from_json<Value>(content.str());
  std::vector<Vector> vectors;
  if (!root) return vectors;
  for (const Value& row : *root->find("vectors")->as_list()) {
    Vector vector;
    auto text = [](const Value* value) { return value && value->as_string() ? *value->as_string() : std::string(); };
    vector.name = text(row.find("name"));
    vector.what = text(row.find("what"));
    vector.input = from_hex(text(row.find("hex"))).value_or("");
    const Value& extra = *row.find("extra");
    vector.go = text(extra.find("go"));
    vector.target = text(extra.find("target"));
    for (const char* handle : {"consul", "plain", "raft", "event"}) {
      const Value* found = extra.find(handle);
      if (!found) continue;
      vector.per_handle[handle] = text(found) == "same" ? vector.per_handle["consul"] : *found;
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

MsgpackHandle handle_of(std::string_view name) {
  if (name == "consul") return MsgpackHandle::consul;
  if (name == "plain") return MsgpackHandle::plain;
  return name == "raft" ? MsgpackHandle::raft : MsgpackHandle::event;
}

/// Whole bytes, or the beginning and "...+N" for N more.
bool matches(const std::string& bytes, const std::string& expected) {
  const std::size_t cut = expected.find("...+");
  if (cut == std::string::npos) return to_hex(bytes) == expected;
  return to_hex(bytes).starts_with(expected.substr(0, cut)) &&
         bytes.size() == cut / 2 + std::stoul(expected.substr(cut + 4));
}

class WireVectors : public testing::Test {
 protected:
  /// Encodes, compares, decodes what was encoded and encodes that again.
  template <class T>
  void check(const std::string& name, const T& value) {
    SCOPED_TRACE(name);
    const Vector& vector = find(name);
    for (const auto& [handle, expected] : vector.per_handle) {
      if (!expected.as_string() || expected.as_string()->starts_with("error:")) continue;
      SCOPED_TRACE(handle);
      const std::string bytes = to_msgpack(value, handle_of(handle));
      EXPECT_TRUE(matches(bytes, *expected.as_string())) << to_hex(bytes.substr(0, 200));
      T decoded{};
      Result<> read = read_msgpack(bytes, decoded, handle_of(handle));
      EXPECT_TRUE(read) << read.error().detail;
      EXPECT_EQ(to_hex(to_msgpack(decoded, handle_of(handle))), to_hex(bytes));
    }
  }
  /// For values that are encoded by hand.
  void check_bytes(const std::string& name, const std::function<void(MsgpackWriter&)>& write) {
    SCOPED_TRACE(name);
    for (const auto& [handle, expected] : find(name).per_handle) {
      if (!expected.as_string() || expected.as_string()->starts_with("error:")) continue;
      SCOPED_TRACE(handle);
      std::string bytes;
      MsgpackWriter writer(bytes, handle_of(handle));
      write(writer);
      EXPECT_TRUE(matches(bytes, *expected.as_string())) << to_hex(bytes);
      MsgpackReader reader(bytes, handle_of(handle));
      reader.skip();
      EXPECT_TRUE(reader.status() && reader.at_end());
    }
  }
  const Vector& find(const std::string& name) {
    seen_.push_back(name);
    for (const Vector& vector : vectors_) {
      if (vector.name == name) return vector;
    }
    ADD_FAILURE() << "no vector " << name;
    static const Vector none;
    return none;
  }

  std::vector<Vector> vectors_ = load("msgpack.json");
  std::vector<std::string> seen_;
};

Value map_value(Value member) {
  Value value;
  value.make_map()["k"] = std::move(member);
  return value;
}

TEST_F(WireVectors, EveryRecordedValueIsWrittenAndReadInEveryCodec) {
  ASSERT_EQ(vectors_.size(), 100u);

  for (const Vector& vector : std::vector<Vector>(vectors_)) {
    const std::string& name = vector.name;
    const auto size = [&](std::string_view prefix) { return std::stoul(name.substr(prefix.size())); };
    if (name.starts_with("int64_")) check(name, static_cast<std::int64_t>(std::stoll(name.substr(6))));
    if (name.starts_with("uint64_")) check(name, static_cast<std::uint64_t>(std::stoull(name.substr(7))));
    if (name.starts_with("string_") && name != "string_invalid_utf8") check(name, std::string(size("string_"), 'x'));
    if (name.starts_with("bytes_") && name != "bytes_0") check(name, Bytes(std::string(size("bytes_"), '\xee')));
    if (name.starts_with("array_") && name != "array_65536") {
      check(name, List<std::string>(std::vector<std::string>(size("array_"))));
    }
    if (name == "map_0" || name == "map_1") {
      Map<Int> map;
      map.make_present();
      if (name == "map_1") map["k00"] = 0;
      check(name, map);
    }
    if (name == "map_15" || name == "map_16") {
      Map<Int> map;
      for (int i = 0; i < std::stoi(name.substr(4)); ++i) map["k" + std::to_string(i)] = i;
      EXPECT_EQ(to_hex(to_msgpack(map)).find(name == "map_15" ? "8f" : "de0010"), 0u);
      EXPECT_EQ(from_msgpack<Map<Int>>(to_msgpack(map)).value(), map);
      seen_.push_back(name);
    }
  }
  // An empty raw reads back as nil bytes in the 0.5 codecs, so this one has no round trip.
  check_bytes("bytes_0", [](MsgpackWriter& writer) { writer.bytes(""); });
  check("bool_true", true);
  check("bool_false", false);
  check("nil", Value());
  check("float64", 1.5);
  check("float64_whole", 3.0);
  check("float32", 1.5f);
  check("string_invalid_utf8", std::string("\xff\xfe"));
  check_bytes("array_65536", [](MsgpackWriter& writer) {
    writer.array(65536);
    for (int i = 0; i < 65536; ++i) writer.boolean(false);
  });

  check("nil_slice_field", Holder{});
  Lists empty;
  empty.L.make_present();
  empty.M.make_present();
  empty.B = Bytes(std::string());
  check_bytes("empty_slice_field", [&](MsgpackWriter& writer) { writer.object(empty); });
  check_bytes("iface_nil_slice", [](MsgpackWriter& writer) { writer.object(InInterface{List<Value>()}); });
  check_bytes("iface_nil_map", [](MsgpackWriter& writer) { writer.object(InInterface{Map<Value>()}); });
  check_bytes("iface_nil_bytes", [](MsgpackWriter& writer) { writer.object(InInterface{Bytes()}); });
  check_bytes("iface_map_of_nils", [](MsgpackWriter& writer) { writer.value(map_value(List<Value>())); });
  check_bytes("iface_map_nil_bytes", [](MsgpackWriter& writer) { writer.value(map_value(Bytes())); });
  check_bytes("iface_map_nil_map", [](MsgpackWriter& writer) { writer.value(map_value(Map<Value>())); });
  check_bytes("iface_int", [](MsgpackWriter& writer) { writer.value(map_value(200)); });
  check("iface_float", map_value(2.0));
  check_bytes("iface_list", [](MsgpackWriter& writer) { writer.value(map_value(List<Value>{1, "a", nullptr, true})); });

  Tagged tagged{.Nested = {1, "b"}, .Z = "q", .Hidden = "h"};
  check("struct_tags", tagged);
  tagged.Alpha = 5;
  tagged.Empty = List<Int>{1};
  tagged.Nested.A = 1;
  check("struct_tags_full", tagged);
  Embedding embedding;
  embedding.Top = "t";
  embedding.X = 1;
  embedding.Y = 2;
  embedding.Z = 3;
  check("struct_embedded", embedding);
  EmbeddedTagged in;
  in.In.X = 1;
  in.In.Y = 2;
  in.Z = 3;
  check("struct_embedded_tagged", in);
  ShadowFirst shadow;
  shadow.Name = "inner";
  shadow.Outer = "outer";
  check_bytes("struct_shadow_last", [](MsgpackWriter& writer) { writer.object(NameBase{"outer"}); });
  EXPECT_EQ(to_hex(to_msgpack(shadow)), *find("struct_shadow_first").per_handle.at("consul").as_string());
  Pointers pointers;
  check("pointers_nil", pointers);
  pointers = {Int{7}, std::string("s"), Inner{1, "x"}};
  check("pointers_set", pointers);
  check("pointer_to_pointer", Pointer<Pointer<Inner>>(Pointer<Inner>(Inner{1, "x"})));
  check("empty_struct", Nothing{});

  check("time_zero", WithTime{});
  check("time_utc", WithTime{parse_rfc3339("2025-01-02T03:04:05.678901234Z").value()});
  check("time_offset", WithTime{parse_rfc3339("2025-01-02T03:04:05+01:30").value()});
  check("time_offset_zero", WithTime{parse_rfc3339("2025-01-02T03:04:05+00:00").value()});
  Time odd = parse_rfc3339("1900-01-02T02:44:33Z").value();
  odd.zone_minutes = 19;
  odd.zone_seconds = 32;
  check("time_offset_seconds", WithTime{odd});
  EXPECT_EQ(to_rfc3339(odd), "1900-01-02T03:04:05+00:19");
  check("time_pre1970", WithTime{parse_rfc3339("1969-12-31T23:59:59Z").value()});
  check("duration", Duration{3'600'000'000'000});
  for (const bool zero : {false, true}) {
    const Time time = parse_rfc3339("2025-01-02T03:04:05Z").value();
    check_bytes(zero ? "misc_zero" : "misc", [&](MsgpackWriter& writer) {
      writer.map(10);
      writer.string("A");
      writer.bytes(zero ? std::string_view("\0\0\0\0", 4) : "\1\2\3\4");
      writer.string("B");
      writer.object(zero ? List<Int>{0, 0} : List<Int>{1, 2});
      writer.string("D");
      writer.object(zero ? Duration{} : seconds(90));
      writer.string("IP");
      writer.object(zero ? Bytes() : Bytes(std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16)));
      writer.string("K");
      if (zero) {
        writer.nil();
      } else {
        writer.map(1);
        writer.unsigned_integer(300);
        writer.string("v");
      }
      writer.string("L");
      writer.object(zero ? List<std::string>() : List<std::string>{"x"});
      writer.string("M");
      writer.object(zero ? Map<std::string>() : Map<std::string>{{"a", "b"}});
      writer.string("P");
      writer.object(zero ? Pointer<Time>() : Pointer<Time>(time));
      writer.string("S");
      writer.object(zero ? Map<Bytes>() : Map<Bytes>{{"k", Bytes(std::string("v"))}});
      writer.string("T");
      writer.object(zero ? Time{} : time);
    });
  }
  // Go's embedded pointers and types with lower-case names have no counterpart here; nothing of Consul sends them.
  find("struct_embedded_nil");
  find("struct_embedded_unexported");

  for (const Vector& vector : vectors_) {
    EXPECT_GT(std::ranges::count(seen_, vector.name), 0) << "not checked: " << vector.name;
  }
}

// --- what the Go decoders accept ---

/// Decoded values in the notation of the vector file.
Value shown(Int value) {
  return static_cast<double>(value);
}
Value shown(std::int8_t value) {
  return static_cast<double>(value);
}
Value shown(std::uint8_t value) {
  return static_cast<double>(value);
}
Value shown(std::uint64_t value) {
  return static_cast<double>(value);
}
Value shown(bool value) {
  return value;
}
Value shown(const std::string& text) {
  return text;
}
Value shown(const Bytes& bytes) {
  Value value;
  if (!bytes.is_nil()) value.make_map()["$bytes"] = to_hex(bytes);
  return value;
}
Value shown(double number) {
  Value value;
  std::string text;
  append_json_number(text, number);
  value.make_map()["$f64"] = text;
  return value;
}
Value shown(const List<std::string>& list) {
  Value value;
  if (list.is_nil()) return value;
  value.make_list();
  for (const std::string& item : list) value.as_list()->push_back(item);
  return value;
}
Value shown(const Map<std::string>& map) {
  Value value;
  if (map.is_nil()) return value;
  value.make_map();
  for (const auto& [key, item] : map) (*value.as_map())[key] = item;
  return value;
}
Value shown(const Sample& sample) {
  Value value;
  value.make_map() = {{"A", shown(sample.A)}, {"B", shown(sample.B)}, {"C", shown(sample.C)}, {"L", shown(sample.L)}};
  return value;
}
Value shown(const OnlyBytes& object) {
  Value value;
  value.make_map()["C"] = shown(object.C);
  return value;
}
Value shown(const WithTime& object) {
  const std::string encoded = to_msgpack(object.T);
  Value value;
  Value& time = value.make_map()["T"];
  time.make_map()["$bytes"] = to_hex(std::string_view(encoded).substr(1));
  Time utc = object.T;
  utc.zone_minutes = -1;
  (*time.as_map())["$time"] = to_rfc3339(utc);
  return value;
}
/// As Go's %T %v shows an interface{}; the test's expectations for the few cases that Go's types name differently.
Value shown(const Value& value) {
  if (value.as_int()) return "int64 " + std::to_string(*value.as_int());
  if (value.as_uint()) return "uint64 " + std::to_string(*value.as_uint());
  if (value.as_bytes()) return "[]uint8 [" + std::to_string(static_cast<unsigned char>(value.as_bytes()->at(0))) + "]";
  if (value.as_string()) return "string " + *value.as_string();
  return to_json(value);
}

template <class T>
std::string outcome(const Vector& vector, const std::string& handle, T target) {
  Result<> read = read_msgpack(vector.input, target, handle_of(handle));
  return to_json(read ? shown(target) : Value("error: " + read.error().detail));
}

std::string outcome(const Vector& vector, const std::string& handle) {
  const std::string& target = vector.target;
  if (target == "string") return outcome(vector, handle, std::string());
  if (target == "[]byte") return outcome(vector, handle, Bytes());
  if (target == "int") return outcome(vector, handle, Int{});
  if (target == "int8") return outcome(vector, handle, std::int8_t{});
  if (target == "uint8") return outcome(vector, handle, std::uint8_t{});
  if (target == "uint64") return outcome(vector, handle, std::uint64_t{});
  if (target == "float64") return outcome(vector, handle, 0.0);
  if (target == "bool") return outcome(vector, handle, false);
  if (target == "[]string") return outcome(vector, handle, List<std::string>());
  if (target == "map[string]string") return outcome(vector, handle, Map<std::string>());
  if (target == "interface{}") return outcome(vector, handle, Value());
  if (target == "struct{C []byte}") return outcome(vector, handle, OnlyBytes{});
  if (target == "struct{T time.Time}") return outcome(vector, handle, WithTime{});
  if (target == "struct{A int; B string; C []byte; L []string}") return outcome(vector, handle, Sample{});
  if (target.starts_with("same struct, prefilled")) {
    return outcome(vector, handle, Sample{7, "old", Bytes(std::string("\1")), {"x", "y"}});
  }
  return "no such target: " + target;
}

TEST(WireDecoding, AcceptsAndRefusesWhatTheGoCodecsDo) {
  // Maps, extensions and times in untyped places have other C++ types than Go's; these are their contents.
  const std::map<std::string, std::string, std::less<>> contents = {
      {"iface_map", R"("{\"a\":1}")"},
      {"iface_ext", R"("{\"Data\":\"AQ==\",\"Tag\":5}")"},
      {"iface_time_ext/raft", R"("string 1970-01-01T00:00:01Z")"},
      {"iface_time_ext", R"("{\"Data\":\"AAAAAQ==\",\"Tag\":255}")"},
  };
  const std::vector<Vector> vectors = load("msgpack_decode.json");
  ASSERT_EQ(vectors.size(), 61u);

  for (const Vector& vector : vectors) {
    for (const auto& [handle, expected] : vector.per_handle) {
      auto special = contents.find(vector.name + "/" + handle);
      if (special == contents.end()) special = contents.find(vector.name);
      EXPECT_EQ(outcome(vector, handle), special != contents.end() ? special->second : to_json(expected))
          << vector.name << " with " << handle;
    }
  }
}

TEST(WireDecoding, WrappedTypesTravelAsOneRaw) {
  const std::string bytes = to_msgpack(Wrapped{"x"});

  EXPECT_EQ(to_hex(bytes), "a881a44e616d65a178");
  EXPECT_EQ(from_msgpack<Wrapped>(bytes)->Name, "x");
}

TEST(WireDecoding, LengthsBeyondTheInputAreRefusedBeforeAnythingIsAllocated) {
  EXPECT_EQ(from_msgpack<Value>(std::string("\xdd\xff\xff\xff\xff", 5)).error().detail, "EOF");
  EXPECT_EQ(from_msgpack<Value>(std::string("\xdf\x7f\xff\xff\xff\xc0", 6)).error().detail, "EOF");
  EXPECT_EQ(from_msgpack<List<std::string>>(std::string("\xdd\xff\xff\xff\xff\xa0", 6)).error().detail, "EOF");
  EXPECT_FALSE(from_msgpack<std::string>(std::string("\xdb\xff\xff\xff\xff\x61", 6)));
}

TEST(WireDecoding, ManyNilsDoNotBecomeManyLargeElements) {
  std::string bytes = "\xdd";
  const std::size_t count = 2'000'000;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(count >> shift));
  bytes.append(count, '\xc0');

  EXPECT_EQ(from_msgpack<List<Holder>>(bytes).error().detail, "message decodes into too much memory");
}

TEST(WireDecoding, DeepNestingIsRefusedAndShallowerNestingIsNot) {
  std::string deep(20'000, '\x91');
  deep.push_back('\xc0');
  EXPECT_EQ(from_msgpack<Value>(deep).error().detail, "maximum decoding depth exceeded");
  MsgpackReader reader(deep);
  reader.skip();
  EXPECT_TRUE(reader.status());

  EXPECT_TRUE(from_msgpack<Value>(std::string_view(deep).substr(10'001)));
  std::string tree;
  for (int i = 0; i < 2'000; ++i) tree += std::string("\x81\xa8") + "Children" + "\x91";
  tree += "\x80";
  EXPECT_EQ(from_msgpack<Tree>(tree).error().detail, "maximum decoding depth exceeded");
}

TEST(MsgpackReader, ReadsHandWrittenRecordsAndRemembersTheFirstFailure) {
  std::string bytes;
  MsgpackWriter writer(bytes);
  writer.map(2);
  writer.string("a");
  writer.integer(-5);
  writer.string("b");
  writer.array(1);
  writer.boolean(true);

  MsgpackReader reader(bytes);
  EXPECT_EQ(reader.map(), 2u);
  EXPECT_EQ(reader.string(), "a");
  EXPECT_EQ(reader.integer(), -5);
  EXPECT_EQ(reader.string(), "b");
  EXPECT_EQ(reader.array(), 1u);
  EXPECT_TRUE(reader.boolean());
  EXPECT_TRUE(reader.at_end());
  EXPECT_TRUE(reader.status());
  EXPECT_EQ(reader.integer(), 0);
  EXPECT_EQ(reader.string(), "");
  EXPECT_EQ(reader.status().error().detail, "EOF");
}

}  // namespace
}  // namespace proconsul::base
