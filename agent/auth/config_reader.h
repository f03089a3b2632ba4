// The free-form configuration of an auth method or of the mesh's authority, read as leniently as Consul reads it: keys
// in any letter case, numbers for texts, one text for a list of one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/value.h"

namespace proconsul::agent::auth {

/// Untyped texts come as bytes from other servers: here as what they were.
void as_texts(base::Value& value);

class ConfigReader {
 public:
  explicit ConfigReader(const base::Map<base::Value>& config) : config_(config) {}

  // What is not there, or null, leaves `to` as it is.
  void read(std::string_view key, std::string& to);
  void read(std::string_view key, bool& to);
  void read(std::string_view key, std::int64_t& to);
  void read(std::string_view key, double& to);
  /// A number of nanoseconds, also as text.
  void read(std::string_view key, base::Duration& to);
  /// "72h"; or a number of nanoseconds, which is no text.
  void read_written(std::string_view key, base::Duration& to);
  void read(std::string_view key, std::vector<std::string>& to);
  void read(std::string_view key, std::map<std::string, std::string>& to);

  /// Whether keys that nobody asked for are an error.
  enum class Unknown : bool { refused, kept };
  /// After all that there may be was read: "error decoding config: 2 error(s) decoding:\n\n* ..."
  base::Result<> finish(Unknown unknown = Unknown::refused);

 private:
  const base::Value* take(std::string_view key);
  void take_text(const std::string& name, const base::Value& value, std::string& to);
  void take_number(const std::string& name, const base::Value& value, std::int64_t& to, std::string_view type);
  void take_map(const std::string& name, const base::Value& value, std::map<std::string, std::string>& to);
  void mismatch(const std::string& name, const base::Value& value, std::string_view type);

  const base::Map<base::Value>& config_;
  std::set<std::string, std::less<>> taken_{};
  std::vector<std::string> faults_{};
};

}  // namespace proconsul::agent::auth
