// Command line flags by the rules of Go's flag package, which Consul's users and scripts rely on: one dash or two,
// `-flag=value` or `-flag value`, booleans without a value, `--` and the first bare argument end the flags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::cli {

enum class FlagKind : std::uint8_t {
  boolean,
  text,
  integer,
  number,  // unsigned
  duration,
  list,  // may be repeated
  map,   // key=value, may be repeated
};

/// One row of a command's flag table.
struct Flag {
  std::string_view name{};
  FlagKind kind{};
  std::string_view help{};
  std::string_view value_name{};     // how help calls the value; by kind when empty
  std::string_view default_value{};  // of booleans, text, integers, durations; the others start as their zero
  bool strconv_errors{};             // a bad value is explained in strconv's words instead of "parse error"
};

/// Values of one command's flags. Asking for a flag that the command does not declare is a bug and stops the process.
class FlagValues {
 public:
  explicit FlagValues(std::span<const std::span<const Flag>> tables);

  /// Consumes the flags at the front of `arguments` and returns what follows them. On failure the detail is Go's text.
  base::Result<std::vector<std::string>> parse(std::span<const std::string> arguments);

  bool has(std::string_view name) const;     // declared
  bool is_set(std::string_view name) const;  // given on the command line
  bool boolean(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::uint64_t number(std::string_view name) const;
  base::Duration duration(std::string_view name) const;
  const std::vector<std::string>& list(std::string_view name) const;
  const std::map<std::string, std::string>& map(std::string_view name) const;

 private:
  using Value = std::variant<bool, std::string, std::int64_t, std::uint64_t, base::Duration, std::vector<std::string>,
                             std::map<std::string, std::string>>;
  struct Slot {
    const Flag* flag{};
    Value value{};
    bool set{};
  };

  Slot* find(std::string_view name);
  const Slot& at(std::string_view name) const;
  static base::Result<> assign(Slot& slot, std::string_view text);

  std::vector<Slot> slots_;
};

}  // namespace proconsul::agent::cli
