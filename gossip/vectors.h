// For tests: bytes recorded from Go's memberlist and serf (tests/vectors).
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/value.h"

namespace proconsul::gossip {

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}
inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(digits[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back(digits[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

inline std::int64_t integer_of(const base::Value& number) {
  return static_cast<std::int64_t>(number.number());
}

/// The vectors of one file; each is an object with a "name".
inline std::vector<base::Value> vectors_of(const std::string& file) {
  std::ifstream stream(PROCONSUL_SOURCE_DIR "/tests/vectors/" + file);
  std::ostringstream text;
  text << stream.rdbuf();
  const base::Result<base::Value> root = base::from_json<base::Value>(text.str());
  if (!root) throw std::runtime_error(file + ": " + root.error().detail);
  const auto& list = *root->find("vectors")->as_list();
  return {list.begin(), list.end()};
}
/// A member of an object, or of one within it: "extra.plain". Empty if it is not there or no text.
inline std::string text_of(const base::Value& vector, std::string_view path) {
  const base::Value* at = &vector;
  while (at != nullptr) {
    const std::size_t dot = path.find('.');
    at = at->find(path.substr(0, dot));
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  const std::string* text = at == nullptr ? nullptr : at->as_string();
  return text == nullptr ? std::string() : *text;
}
inline base::Value vector_of(const std::string& file, std::string_view name) {
  for (const base::Value& vector : vectors_of(file)) {
    if (text_of(vector, "name") == name) return vector;
  }
  throw std::runtime_error(file + " has no " + std::string(name));
}
inline std::string bytes_of(const std::string& file, std::string_view name, std::string_view path = "hex") {
  return from_hex(text_of(vector_of(file, name), path));
}

}  // namespace proconsul::gossip
