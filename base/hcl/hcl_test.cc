#include "base/hcl/hcl.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/json.h"

namespace proconsul::base::hcl {
namespace {

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

std::string answer_of(std::string_view text) {
  Result<Value::MapType> decoded = decode(text);
  if (!decoded) return "error: " + decoded.error().detail;
  return to_json(*decoded);
}

TEST(Hcl, ReadsEveryRecordedFileAsThePublishedDecoderDoes) {
  const char* other = std::getenv("PROCONSUL_HCL_VECTORS");
  std::ifstream vectors(other != nullptr ? other : PROCONSUL_SOURCE_DIR "/tests/vectors/hcl.tsv");
  int count = 0;

  for (std::string line; std::getline(vectors, line); ++count) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, line.npos) << line;

    EXPECT_EQ(answer_of(unescape(std::string_view(line).substr(0, tab))),
              unescape(std::string_view(line).substr(tab + 1)))
        << line.substr(0, tab);
  }

  EXPECT_GT(count, 200);
}

TEST(Hcl, KeepsThePositionOfEveryKeyAndValue) {
  Result<Node> file = parse("a = 1\n\nports {\n  http = [1,\n    \"x\"]\n}\n");

  ASSERT_TRUE(file);
  const Item& ports = file->items[1];
  EXPECT_EQ(to_string(ports.keys[0].position), "3:1");
  EXPECT_EQ(to_string(ports.value.items[0].keys[0].position), "4:3");
  EXPECT_EQ(to_string(ports.value.items[0].value.elements[1].position), "5:5");
}

TEST(Hcl, RefusesASecondAssignmentWhereAsked) {
  EXPECT_TRUE(parse("a = 1\na = 2"));
  EXPECT_EQ(parse("a = 1\na = 2", {.refuse_duplicates = true}).error().detail,
            "The argument \"a\" at 2:1 was already set. Each argument can only be defined once");
}

TEST(Hcl, RefusesWhatIsNestedTooDeeply) {
  std::string lists = "a = " + std::string(100'000, '[');
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "a {";

  EXPECT_NE(parse(lists).error().detail.find("nested too deeply"), std::string::npos);
  EXPECT_NE(parse(objects).error().detail.find("nested too deeply"), std::string::npos);
  EXPECT_TRUE(parse("a = " + std::string(200, '[') + std::string(200, ']')));
}

TEST(Hcl, ATextThatBeginsWithABraceIsJson) {
  EXPECT_EQ(answer_of(" {\"a\": {\"b\": [1, null]}}"), "{\"a\":{\"b\":[1,null]}}");
}

}  // namespace
}  // namespace proconsul::base::hcl
