// What is wrong in a file is one error that names file, line and key - for every key of the table.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/config/keys.h"
#include "agent/config/load.h"
#include "agent/config/source.h"

namespace proconsul::agent::config {
namespace {

namespace fs = std::filesystem;

/// A step of a key's path.
struct Step {
  std::string name;
  bool list{};  // "segments[]"
  bool map{};   // "sink.<key>"
};

std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> steps;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    std::string word(path.substr(0, dot));
    path.remove_prefix(dot == path.npos ? path.size() : dot + 1);
    if (word == "<key>") {
      steps.back().map = true;
      continue;
    }
    const bool list = word.ends_with("[]");
    if (list) word.resize(word.size() - 2);
    steps.push_back({.name = word, .list = list});
  }
  return steps;
}

/// What errors call the key in the files below: the first of every list, the element "k" of every map.
std::string name_of(const std::vector<Step>& steps, bool lists_are_seen) {
  std::string out;
  for (const Step& step : steps) {
    const bool last = &step == &steps.back();
    out += (out.empty() ? "" : ".") + step.name;
    if (!last && step.list && lists_are_seen) out += "[0]";
    if (!last && step.map) out += "[k]";
  }
  return out;
}

/// Each step of the path stands in its own line, the key in the last but one.
std::string json_with(const std::vector<Step>& steps, const std::string& value) {
  std::string text = "{", end = "\n}";
  for (const Step& step : steps) {
    text += "\n\"" + step.name + "\": ";
    if (&step == &steps.back()) break;
    text += step.list ? "[{" : step.map ? "{\"k\": {" : "{";
    end = (step.list ? "}]" : step.map ? "}}" : "}") + end;
  }
  return text + value + end;
}

std::string hcl_with(const std::vector<Step>& steps, const std::string& value) {
  std::string text = "# a comment", end;
  for (const Step& step : steps) {
    if (&step == &steps.back()) {
      text += "\n" + step.name + " = " + value;
    } else {
      text += "\n" + step.name + (step.map ? " \"k\" {" : " {");
      end += "\n}";
    }
  }
  return text + end + "\n";
}

std::string wrong_value(KeyType type) {
  return type == KeyType::boolean || type == KeyType::integer || type == KeyType::unsigned_integer ||
                 type == KeyType::number
             ? "\"x\""
             : "1";
}

std::string error_of(const std::string& format, const std::string& text) {
  std::vector<std::string> warnings;
  base::Result<Settings> settings = read_source({.name = "a." + format, .format = format, .text = text}, warnings);
  return settings ? "" : settings.error().detail;
}

bool is_object(KeyType type) {
  return type == KeyType::object || type == KeyType::object_list || type == KeyType::object_map;
}

TEST(BadInput, EveryKeyWithAValueOfTheWrongTypeIsNamedWithFileAndLine) {
  for (const Key& key : keys()) {
    const std::vector<Step> steps = steps_of(key.path);
    const std::string line = " (line " + std::to_string(steps.size() + 1) + ")";
    for (const std::string format : {"json", "hcl"}) {
      const std::string text =
          format == "json" ? json_with(steps, wrong_value(key.type)) : hcl_with(steps, wrong_value(key.type));
      const std::string error = error_of(format, text);

      const bool named = error.find("'" + name_of(steps, true) + "'") != error.npos ||
                         error.find("'" + name_of(steps, false) + "'") != error.npos;
      EXPECT_TRUE(named) << text << "\n" << error;
      EXPECT_TRUE(error.starts_with("failed to parse a." + format + ": 1 error(s) decoding:\n\n* ")) << error;
      EXPECT_TRUE(error.ends_with(line)) << text << "\n" << error;
    }
  }
}

TEST(BadInput, AnUnknownKeyInEveryObjectIsNamedWithFileAndLine) {
  for (const Key& key : keys()) {
    if (!is_object(key.type)) continue;
    std::vector<Step> steps = steps_of(key.path);
    steps.back().list = key.type == KeyType::object_list;
    steps.back().map = key.type == KeyType::object_map;
    steps.push_back({.name = "no_such_key"});
    const std::string line = std::to_string(steps.size() + 1);
    for (const std::string format : {"json", "hcl"}) {
      const std::string error = error_of(format, format == "json" ? json_with(steps, "1") : hcl_with(steps, "1"));

      const std::string expected = "failed to parse a." + format + ": 1 error occurred:\n\t* invalid config key ";
      EXPECT_TRUE(error == expected + name_of(steps, true) + " (line " + line + ")\n\n" ||
                  error == expected + name_of(steps, false) + " (line " + line + ")\n\n")
          << error;
    }
  }
}

TEST(BadInput, AKeyThatIsGivenTwiceIsNamedInAWarning) {
  const auto warnings_of = [](const std::string& format, const std::string& text) {
    std::vector<std::string> warnings;
    EXPECT_TRUE(read_source({.name = "a." + format, .format = format, .text = text}, warnings));
    return warnings;
  };

  EXPECT_EQ(warnings_of("hcl",
                        "server = true\nports {\n dns = 1\n dns = 2\n}\nservices { name = \"a\" }\n"
                        "services { name = \"a\" }"),
            std::vector<std::string>{"a.hcl: ports.dns is given twice, in lines 3 and 4; the later value counts"});
  EXPECT_EQ(warnings_of("json",
                        "{\"ports\": {\"dns\": 1},\n\"node_meta\": {\"a\": \"ports\", \"b\": \"ports\"},\n"
                        "\"checks\": [{\"id\": \"a\"}, {\"id\": \"b\"}],\n\"ports\": {\"http\": 2}}"),
            std::vector<std::string>{"a.json: ports is given twice, in lines 1 and 4; the later value counts"});
}

TEST(BadInput, SyntaxErrorsNameTheLine) {
  EXPECT_EQ(error_of("json", "{\n\"server\": true,\n\"ports\": {]\n}"),
            "failed to parse a.json: invalid character ']' looking for beginning of object key string (line 3)");
  EXPECT_EQ(error_of("json", "{}\n\n x"),
            "failed to parse a.json: invalid character 'x' after top-level value (line 3)");
  EXPECT_EQ(error_of("json", "{\n\"server\":\n"), "failed to parse a.json: unexpected end of JSON input (line 3)");
  EXPECT_NE(error_of("hcl", "server = true\nports {").find("At 2:"), std::string::npos);
}

TEST(BadInput, NestingIsBounded) {
  const std::string json = error_of("json", "{\"a\":\n" + std::string(20'000, '['));
  std::string hcl;
  for (int i = 0; i < 20'000; ++i) hcl += "a {\n";

  EXPECT_EQ(json, "failed to parse a.json: invalid character '[' exceeded max depth (line 2)");
  EXPECT_TRUE(error_of("hcl", hcl).starts_with("failed to parse a.hcl: At ")) << error_of("hcl", hcl);
}

TEST(BadInput, AFileThatIsTooLargeIsRefusedUnread) {
  const fs::path path = fs::path(testing::TempDir()) / ("bad_input_test." + std::to_string(getpid()) + ".hcl");
  std::ofstream(path).close();
  fs::resize_file(path, kMaxFileSize + 1);
  LoadOptions options{.paths = {path.string()}};

  const base::Result<Loaded> loaded = load(options, {});

  fs::remove(path);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().detail, "config: failed to read " + path.string() + ": larger than 32 MiB");
}

TEST(BadInput, ADirectoryWithADanglingLinkIsRefused) {
  const fs::path folder = fs::path(testing::TempDir()) / ("bad_input_test." + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::create_symlink("nowhere", folder / "a.hcl");
  LoadOptions options{.paths = {folder.string()}};

  const base::Result<Loaded> loaded = load(options, {});

  fs::remove_all(folder);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().detail.find((folder / "a.hcl").string()), std::string::npos) << loaded.error().detail;
}

}  // namespace
}  // namespace proconsul::agent::config
