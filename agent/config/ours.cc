#include "agent/config/ours.h"

#include <limits>
#include <string>
#include <string_view>

namespace proconsul::agent::config {

using base::Duration;
using base::Errc;
using base::Error;
using base::Result;
using base::Value;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// Reads keys one after the other; the first that is wrong counts.
class Reader {
 public:
  explicit Reader(const Settings& settings) : settings_(settings) {}

  std::int64_t integer(std::string_view path, std::int64_t least, std::int64_t most) {
    const Value* const value = find(settings_, path);
    const std::int64_t* const number = value ? value->as_int() : nullptr;
    if (number == nullptr || *number < least || *number > most) {
      fail(path, "must be between " + std::to_string(least) + " and " + std::to_string(most));
    }
    return number ? *number : 0;
  }
  bool flag(std::string_view path) {
    const Value* const value = find(settings_, path);
    const bool* const flag = value ? value->as_bool() : nullptr;
    return flag != nullptr && *flag;
  }
  Duration duration(std::string_view path) {
    const Value* const value = find(settings_, path);
    const std::string* const text = value ? value->as_string() : nullptr;
    const Result<Duration> time = base::parse_duration(text ? *text : "0s");
    if (!time) fail(path, time.error().detail);
    if (time && time->nanoseconds < 0) fail(path, "cannot be negative");
    return time ? *time : Duration{};
  }
  const Result<>& result() const { return result_; }

 private:
  void fail(std::string_view path, const std::string& why) {
    if (result_) result_ = Error{Errc::invalid_argument, std::string(path) + ": " + why};
  }

  const Settings& settings_;
  Result<> result_{};
};

}  // namespace

Result<Ours> ours(const Loaded& loaded) {
  Reader read(loaded.settings);
  Ours values;
  values.acl_login = {.max_tokens_per_method = read.integer("acl.login.max_tokens_per_method", 0, kMost),
                      .rate = read.integer("acl.login.rate", 0, 1'000'000),
                      .burst = read.integer("acl.login.burst", 1, 1'000'000)};
  values.certificate_expiry_check = {.enabled = read.flag("certificate_expiry_check.enabled"),
                                     .warning = read.duration("certificate_expiry_check.warning"),
                                     .critical = read.duration("certificate_expiry_check.critical")};
  if (!read.result()) return read.result().error();
  return values;
}

}  // namespace proconsul::agent::config
