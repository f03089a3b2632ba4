#include "base/time.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace proconsul::base {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

/// How Go's time package quotes in its errors: bytes outside printable ASCII as \xNN.
std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || byte < ' ') {
      out += "\\x";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// --- durations ---

constexpr std::uint64_t kTop = std::uint64_t{1} << 63;

/// The digits in front. False if they exceed 2^63.
bool leading_integer(std::string_view& text, std::uint64_t& value) {
  value = 0;
  while (!text.empty() && is_digit(text[0])) {
    if (value > kTop / 10) return false;
    value = value * 10 + static_cast<std::uint64_t>(text[0] - '0');
    if (value > kTop) return false;
    text.remove_prefix(1);
  }
  return true;
}

/// The digits behind a decimal point; what does not fit is dropped.
void leading_fraction(std::string_view& text, std::uint64_t& value, double& scale) {
  value = 0;
  scale = 1;
  bool overflow = false;
  while (!text.empty() && is_digit(text[0])) {
    const auto digit = static_cast<std::uint64_t>(text[0] - '0');
    text.remove_prefix(1);
    if (overflow) continue;
    if (value > (kTop - 1) / 10 || value * 10 + digit > kTop) {
      overflow = true;
      continue;
    }
    value = value * 10 + digit;
    scale *= 10;
  }
}

std::uint64_t unit_nanoseconds(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return 1'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return kNanosPerSecond;
  if (unit == "m") return 60 * kNanosPerSecond;
  if (unit == "h") return 3600 * kNanosPerSecond;
  return 0;
}

/// Prepends the last `digits` digits of value as a fraction without trailing zeros; value keeps the rest.
void prepend_fraction(std::string& out, std::uint64_t& value, int digits) {
  std::string fraction;
  for (int i = 0; i < digits; ++i) {
    const char digit = static_cast<char>('0' + value % 10);
    value /= 10;
    if (!fraction.empty() || digit != '0') fraction.insert(fraction.begin(), digit);
  }
  if (!fraction.empty()) out.insert(0, "." + fraction);
}

// --- calendar ---

struct Date {
  std::int64_t year;
  unsigned month, day;
};

/// Days since 0001-01-01 to a date of the proleptic Gregorian calendar (years from March: Hinnant's algorithm).
Date date_from_days(std::int64_t days) {
  days += 306;  // since 0000-03-01
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_index = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_index + 2) / 5 + 1;
  const unsigned month = month_index < 10 ? month_index + 3 : month_index - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::int64_t days_from_date(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 306;
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  static constexpr std::array<unsigned, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

void append_padded(std::string& out, std::uint64_t value, int digits) {
  std::array<char, 20> buffer{};
  for (int i = digits - 1; i >= 0; --i, value /= 10) buffer[i] = static_cast<char>('0' + value % 10);
  out.append(buffer.data(), digits);
}

constexpr std::string_view kRfc3339Layout = "2006-01-02T15:04:05Z07:00";

/// Walks the layout as Go's time.Parse does, so that the same part is named in errors.
class Rfc3339Parser {
 public:
  explicit Rfc3339Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<Time> parse() {
    std::int64_t year = 0;
    std::int64_t month = 0;
    std::int64_t day = 0;
    std::int64_t hour = 0;
    std::int64_t minute = 0;
    std::int64_t second = 0;
    std::int64_t nanoseconds = 0;
    std::int64_t offset = 0;
    bool utc = true;
    const bool parsed = number(year, "2006", 4, 4) && skip("-") && number(month, "01", 2, 2) &&
                        in_range(month, 1, 12, "month") && skip("-") && number(day, "02", 2, 2) && skip("T") &&
                        number(hour, "15", 1, 2) && in_range(hour, 0, 23, "hour") && skip(":") &&
                        number(minute, "04", 2, 2) && in_range(minute, 0, 59, "minute") && skip(":") &&
                        number(second, "05", 2, 2) && in_range(second, 0, 59, "second") && fraction(nanoseconds) &&
                        zone(offset, utc);
    if (!parsed) return Error{Errc::invalid_argument, std::move(error_)};
    if (!rest_.empty()) return whole(": extra text: " + quoted(rest_));
    if (day < 1 || day > days_in_month(year, static_cast<unsigned>(month))) return whole(": day out of range");

    Time time;
    time.seconds = days_from_date(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kSecondsPerDay +
                   hour * 3600 + minute * 60 + second - offset;
    time.nanoseconds = static_cast<std::int32_t>(nanoseconds);
    if (!utc) time.zone_minutes = static_cast<std::int16_t>(offset / 60);
    return time;
  }

 private:
  Error whole(const std::string& message) const {
    return {Errc::invalid_argument, "parsing time " + quoted(text_) + message};
  }
  bool fail(std::string_view value, std::string_view element) {
    error_ =
        whole(" as " + quoted(kRfc3339Layout) + ": cannot parse " + quoted(value) + " as " + quoted(element)).detail;
    return false;
  }
  bool number(std::int64_t& value, std::string_view element, std::size_t least, std::size_t most) {
    std::size_t digits = 0;
    value = 0;
    for (; digits < most && digits < rest_.size() && is_digit(rest_[digits]); ++digits) {
      value = value * 10 + (rest_[digits] - '0');
    }
    if (digits < least) return fail(rest_, element);
    rest_.remove_prefix(digits);
    return true;
  }
  bool in_range(std::int64_t value, std::int64_t low, std::int64_t high, std::string_view what) {
    if (value >= low && value <= high) return true;
    error_ = whole(": " + std::string(what) + " out of range").detail;
    return false;
  }
  bool skip(std::string_view literal) {
    if (!rest_.starts_with(literal)) return fail(rest_, literal);
    rest_.remove_prefix(literal.size());
    return true;
  }
  /// Go accepts a fraction behind the seconds although the layout has none; digits after the ninth are dropped.
  bool fraction(std::int64_t& nanoseconds) {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return true;
    rest_.remove_prefix(1);
    int digits = 0;
    for (; !rest_.empty() && is_digit(rest_[0]); rest_.remove_prefix(1), ++digits) {
      if (digits < 9) nanoseconds = nanoseconds * 10 + (rest_[0] - '0');
    }
    for (; digits < 9; ++digits) nanoseconds *= 10;
    return true;
  }
  bool zone(std::int64_t& offset, bool& utc) {
    static constexpr std::string_view kElement = "Z07:00";
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return true;
    }
    const std::string_view hold = rest_;
    if (rest_.size() < 6 || rest_[3] != ':' || (rest_[0] != '+' && rest_[0] != '-') || !is_digit(rest_[1]) ||
        !is_digit(rest_[2]) || !is_digit(rest_[4]) || !is_digit(rest_[5])) {
      return fail(hold, kElement);
    }
    const std::int64_t hours = (rest_[1] - '0') * 10 + (rest_[2] - '0');
    const std::int64_t minutes = (rest_[4] - '0') * 10 + (rest_[5] - '0');
    if (!in_range(hours, 0, 24, "time zone offset hour")) return false;
    if (!in_range(minutes, 0, 60, "time zone offset minute")) return false;
    offset = (hours * 60 + minutes) * 60 * (rest_[0] == '-' ? -1 : 1);
    utc = false;
    rest_.remove_prefix(6);
    return true;
  }

  std::string_view text_;
  std::string_view rest_;
  std::string error_{};
};

}  // namespace

std::string to_string(Duration duration) {
  const bool negative = duration.nanoseconds < 0;
  std::uint64_t value = static_cast<std::uint64_t>(duration.nanoseconds);
  if (negative) value = 0 - value;
  std::string out;
  if (value < kNanosPerSecond) {
    if (value == 0) return "0s";
    if (value < 1'000) {
      out = "ns";
    } else if (value < 1'000'000) {
      out = "\u00b5s";
      prepend_fraction(out, value, 3);
    } else {
      out = "ms";
      prepend_fraction(out, value, 6);
    }
    out.insert(0, std::to_string(value));
  } else {
    out = "s";
    prepend_fraction(out, value, 9);
    out.insert(0, std::to_string(value % 60));
    value /= 60;
    if (value > 0) {
      out.insert(0, std::to_string(value % 60) + "m");
      value /= 60;
      if (value > 0) out.insert(0, std::to_string(value) + "h");
    }
  }
  if (negative) out.insert(0, "-");
  return out;
}

Result<Duration> parse_duration(std::string_view text) {
  const std::string_view original = text;
  const auto fail = [&](const std::string& what) {
    return Error{Errc::invalid_argument, "time: " + what + quoted(original)};
  };
  const std::string kInvalid = "invalid duration ";

  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration{};
  if (text.empty()) return fail(kInvalid);

  std::uint64_t total = 0;
  while (!text.empty()) {
    if (text[0] != '.' && !is_digit(text[0])) return fail(kInvalid);
    std::uint64_t value = 0;
    std::uint64_t fraction = 0;
    double scale = 1;
    const std::size_t before = text.size();
    if (!leading_integer(text, value)) return fail(kInvalid);
    const bool whole_digits = before != text.size();
    bool fraction_digits = false;
    if (!text.empty() && text[0] == '.') {
      text.remove_prefix(1);
      const std::size_t point = text.size();
      leading_fraction(text, fraction, scale);
      fraction_digits = point != text.size();
    }
    if (!whole_digits && !fraction_digits) return fail(kInvalid);

    std::size_t length = 0;
    while (length < text.size() && text[length] != '.' && !is_digit(text[length])) ++length;
    if (length == 0) return fail("missing unit in duration ");
    const std::uint64_t unit = unit_nanoseconds(text.substr(0, length));
    if (unit == 0) return fail("unknown unit " + quoted(text.substr(0, length)) + " in duration ");
    text.remove_prefix(length);

    if (value > kTop / unit) return fail(kInvalid);
    value *= unit;
    if (fraction > 0) {
      value += static_cast<std::uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit) / scale));
      if (value > kTop) return fail(kInvalid);
    }
    total += value;
    if (total > kTop) return fail(kInvalid);
  }
  if (negative) return Duration{static_cast<std::int64_t>(0 - total)};
  if (total > kTop - 1) return fail(kInvalid);
  return Duration{static_cast<std::int64_t>(total)};
}

Time from_unix(std::int64_t seconds, std::int32_t nanoseconds) {
  return {.seconds = wrapping_add(seconds, kUnixEpochSeconds), .nanoseconds = nanoseconds};
}

Time operator+(const Time& time, Duration duration) {
  Time sum = time;
  std::int64_t nanoseconds = time.nanoseconds + duration.nanoseconds % kNanosPerSecond;
  std::int64_t seconds = duration.nanoseconds / kNanosPerSecond;
  if (nanoseconds < 0) {
    nanoseconds += kNanosPerSecond;
    --seconds;
  } else if (nanoseconds >= kNanosPerSecond) {
    nanoseconds -= kNanosPerSecond;
    ++seconds;
  }
  sum.seconds = wrapping_add(time.seconds, seconds);
  sum.nanoseconds = static_cast<std::int32_t>(nanoseconds);
  return sum;
}

Duration operator-(const Time& time, const Time& other) {
  std::int64_t seconds = 0;
  std::int64_t total = 0;
  if (__builtin_sub_overflow(time.seconds, other.seconds, &seconds) ||
      __builtin_mul_overflow(seconds, kNanosPerSecond, &total) ||
      __builtin_add_overflow(total, std::int64_t{time.nanoseconds} - other.nanoseconds, &total)) {
    return {time < other ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max()};
  }
  return {total};
}

std::string to_rfc3339(const Time& time) {
  const std::int64_t offset =
      time.zone_minutes == -1 ? 0 : std::int64_t{time.zone_minutes} * 60 + std::int64_t{time.zone_seconds};
  const std::int64_t local = wrapping_add(time.seconds, offset);
  std::int64_t days = local / kSecondsPerDay;
  std::int64_t second = local % kSecondsPerDay;
  if (second < 0) {
    second += kSecondsPerDay;
    --days;
  }
  const Date date = date_from_days(days);

  std::string out;
  out.reserve(36);
  if (date.year < 0) out.push_back('-');
  const auto year = static_cast<std::uint64_t>(date.year < 0 ? -date.year : date.year);
  append_padded(out, year, year < 10'000 ? 4 : static_cast<int>(std::to_string(year).size()));
  out.push_back('-');
  append_padded(out, date.month, 2);
  out.push_back('-');
  append_padded(out, date.day, 2);
  out.push_back('T');
  append_padded(out, static_cast<std::uint64_t>(second / 3600), 2);
  out.push_back(':');
  append_padded(out, static_cast<std::uint64_t>(second / 60 % 60), 2);
  out.push_back(':');
  append_padded(out, static_cast<std::uint64_t>(second % 60), 2);
  if (time.nanoseconds != 0) {
    out.push_back('.');
    append_padded(out, static_cast<std::uint64_t>(time.nanoseconds), 9);
    out.resize(out.find_last_not_of('0') + 1);
  }
  if (offset == 0) {
    out.push_back('Z');
  } else {
    const std::int64_t minutes = (offset < 0 ? -offset : offset) / 60;
    out.push_back(offset < 0 ? '-' : '+');
    append_padded(out, static_cast<std::uint64_t>(minutes / 60), 2);
    out.push_back(':');
    append_padded(out, static_cast<std::uint64_t>(minutes % 60), 2);
  }
  return out;
}

Result<Time> parse_rfc3339(std::string_view text) {
  return Rfc3339Parser(text).parse();
}

}  // namespace proconsul::base
