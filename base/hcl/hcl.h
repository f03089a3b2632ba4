// HCL 1, the language of configuration files and ACL rules: text to a tree with positions, and from there to the free
// value that the published decoder makes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace proconsul::base::hcl {

struct Position {
  std::size_t offset{};
  std::size_t line{};    // from 1; 0: unknown
  std::size_t column{};  // from 1
};
/// "3:14", or "-" when unknown.
std::string to_string(const Position& position);

struct Item;

struct Node {
  enum class Kind : std::uint8_t { boolean, integer, floating, text, list, object };
  Kind kind{};
  Position position{};
  std::string literal{};         // a number or boolean as it is written; the text that a string or heredoc means
  std::vector<Node> elements{};  // of a list
  std::vector<Item> items;       // of an object, in the order of the file
};

/// `key = value`, `key { ... }` or `key "label" { ... }`.
struct Item {
  struct Key {
    std::string text{};
    Position position{};
    std::string written{};  // with its quotes, if it has them
  };
  std::vector<Key> keys{};  // at least one
  bool assigned{};          // with "="
  Node value{};
};

constexpr std::size_t kMaxDepth = 200;

struct Options {
  bool refuse_duplicates = false;  // the same `key =` twice in one object is an error
};

/// The file as an object node. Errors as the published parser words them: "At 2:7: illegal char".
Result<Node> parse(std::string_view text, Options options = {});

/// What decoding into a map of free values gives: an object becomes a list of maps (one per repetition of its block),
/// except within a list, where it is a map; a label becomes one more level; integers stay integers. A text that begins
/// with `{` is JSON.
Result<Value::MapType> decode(std::string_view text, Options options = {});
Result<Value::MapType> decode(const Node& file);

}  // namespace proconsul::base::hcl
