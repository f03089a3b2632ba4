#include "agent/auto_config/messages.h"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <type_traits>
#include <utility>

#include "agent/auto_config/fields.h"
#include "base/json.h"
#include "base/protobuf.h"
#include "base/quote.h"
#include "base/strconv.h"
#include "base/value.h"

namespace proconsul::agent::auto_config {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

namespace {

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::size_t kMostItems = 4096;  // of a list that comes from outside

struct Ignore {
  template <class Member>
  void operator()(int, const char*, Member&) const {}
};
template <class M>
concept IsMessage = requires(M& m) { each(m, Ignore{}); };
template <class T>
concept IsList = requires(T& list) { list.emplace_back(); };

// ---- protobuf ----

void write(std::string& out, std::uint32_t number, const std::string& text) {
  if (!text.empty()) base::pb::append_text_field(out, number, text);
}
template <std::integral T>
void write(std::string& out, std::uint32_t number, T value) {
  if (value) base::pb::append_varint_field(out, number, static_cast<std::uint64_t>(value));
}
void write(std::string& out, std::uint32_t number, const base::Int& value) {
  write(out, number, static_cast<std::int64_t>(value));
}
void write_time(std::string& out, std::uint32_t number, std::int64_t seconds, std::int64_t nanoseconds) {
  std::string message;
  write(message, 1, seconds);
  write(message, 2, nanoseconds);
  base::pb::append_bytes_field(out, number, message);
}
void write(std::string& out, std::uint32_t number, const base::Time& time) {
  write_time(out, number, base::unix_seconds(time), time.nanoseconds);
}
void write(std::string& out, std::uint32_t number, const base::Duration& duration) {
  write_time(out, number, duration.nanoseconds / kBillion, duration.nanoseconds % kBillion);
}
template <class M>
std::string message_of(const M& message);
template <IsMessage M>
void write(std::string& out, std::uint32_t number, const M& message) {
  base::pb::append_bytes_field(out, number, message_of(message));
}
template <class M>
void write(std::string& out, std::uint32_t number, const std::optional<M>& message) {
  if (message) write(out, number, *message);
}
template <class M>
void write(std::string& out, std::uint32_t number, const base::Pointer<M>& message) {
  if (message) write(out, number, *message);
}
template <IsList List>
void write(std::string& out, std::uint32_t number, const List& list) {
  for (const auto& item : list) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(item)>, std::string>) {
      base::pb::append_text_field(out, number, item);
    } else {
      write(out, number, item);
    }
  }
}

/// Its fields by their numbers, as Go has them.
template <class M>
std::string message_of(const M& message) {
  std::vector<std::pair<int, std::string>> fields;
  each(message, [&]<class T>(int number, const char*, const T& member) {
    if constexpr (!std::same_as<T, EnterpriseMeta>) {
      write(fields.emplace_back(number, std::string()).second, static_cast<std::uint32_t>(number), member);
    }
  });
  std::ranges::sort(fields, {}, &std::pair<int, std::string>::first);
  std::string out;
  for (const auto& [number, field] : fields) out += field;
  return out;
}

using base::pb::Wire;

Error malformed() {
  return {Errc::invalid_argument, base::pb::kInvalidFormat};
}

Result<> take(const base::pb::Reader& field, std::string& to) {
  if (field.wire() != Wire::bytes) return malformed();
  to = field.bytes();
  return {};
}
template <class T>
  requires std::integral<T> || std::same_as<T, base::Int>
Result<> take(const base::pb::Reader& field, T& to) {
  if (field.wire() != Wire::varint) return malformed();
  to = static_cast<T>(field.value());
  return {};
}
struct Seconds {
  std::int64_t whole{}, nanoseconds{};
};
Result<Seconds> take_seconds(const base::pb::Reader& field) {
  if (field.wire() != Wire::bytes) return malformed();
  Seconds seconds;
  base::pb::Reader reader(field.bytes());
  while (reader.next()) {
    if (reader.number() > 2) continue;
    std::int64_t& to = reader.number() == 1 ? seconds.whole : seconds.nanoseconds;
    if (Result<> taken = take(reader, to); !taken) return taken.error();
  }
  const bool sound = !reader.broken() && std::abs(seconds.nanoseconds) < kBillion;
  if (!sound) return malformed();
  return seconds;
}
Result<> take(const base::pb::Reader& field, base::Time& to) {
  const Result<Seconds> seconds = take_seconds(field);
  if (!seconds || seconds->nanoseconds < 0) return malformed();
  to = base::from_unix(seconds->whole, static_cast<std::int32_t>(seconds->nanoseconds));
  return {};
}
Result<> take(const base::pb::Reader& field, base::Duration& to) {
  const Result<Seconds> seconds = take_seconds(field);
  constexpr std::int64_t kMost = std::int64_t{1} << 33;
  if (!seconds || seconds->whole > kMost || seconds->whole < -kMost) return malformed();
  to.nanoseconds = seconds->whole * kBillion + seconds->nanoseconds;
  return {};
}
template <class M>
Result<> read(std::string_view bytes, M& message);
template <IsMessage M>
Result<> take(const base::pb::Reader& field, M& to) {
  if (field.wire() != Wire::bytes) return malformed();
  return read(field.bytes(), to);
}
template <class M>
Result<> take(const base::pb::Reader& field, std::optional<M>& to) {
  if (!to) to.emplace();
  return take(field, *to);
}
template <class M>
Result<> take(const base::pb::Reader& field, base::Pointer<M>& to) {
  return take(field, to.emplace());
}
template <IsList List>
Result<> take(const base::pb::Reader& field, List& to) {
  if (to.size() >= kMostItems) return malformed();
  return take(field, to.emplace_back());
}

template <class M>
Result<> read(std::string_view bytes, M& message) {
  base::pb::Reader reader(bytes);
  Result<> taken;
  while (taken && reader.next()) {
    each(message, [&](int number, const char*, auto& member) {
      if (taken && reader.number() == static_cast<std::uint32_t>(number)) taken = take(reader, member);
    });
  }
  if (reader.broken()) return malformed();
  return taken;
}

template <class M>
Result<M> read_message(std::string_view bytes) {
  M message;
  if (Result<> done = read(bytes, message); !done) return done.error();
  return message;
}

// ---- JSON ----

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void value(const std::string& text) { base::append_json_string(out_, text); }
  void value(bool flag) { out_ += flag ? "true" : "false"; }
  void value(std::uint64_t number) { out_ += '"' + std::to_string(number) + '"'; }
  void value(const base::Int& number) { out_ += std::to_string(static_cast<std::int64_t>(number)); }
  void value(const base::Time& time) {
    base::Time utc = time;
    utc.zone_minutes = -1;
    out_ += '"' + base::to_rfc3339(utc) + '"';
  }
  void value(const base::Duration& duration) {
    const std::int64_t part = std::abs(duration.nanoseconds % kBillion);
    std::string text = duration.nanoseconds < 0 ? "-" : "";
    text += std::to_string(std::abs(duration.nanoseconds / kBillion));
    if (part != 0) {
      std::string digits = std::to_string(part);
      text += '.' + std::string(9 - digits.size(), '0') + digits;
    }
    out_ += '"' + text + "s\"";
  }
  void value(const EnterpriseMeta&) { out_ += "null"; }
  template <class M>
  void value(const std::optional<M>& message) {
    if (message) return value(*message);
    out_ += "null";
  }
  template <class M>
  void value(const base::Pointer<M>& message) {
    if (message) return value(*message);
    out_ += "null";
  }
  template <IsMessage M>
  void value(const M& message) {
    open('{');
    each(message, [&](int, const char* name, const auto& member) {
      item();
      out_ += '"' + std::string(name) + "\": ";
      value(member);
    });
    close('}');
  }
  template <IsList List>
  void value(const List& list) {
    if (list.empty()) {
      out_ += "[]";
      return;
    }
    open('[');
    for (const auto& each : list) {
      item();
      value(each);
    }
    close(']');
  }

 private:
  void line() { out_ += '\n' + std::string(std::size_t{3} * depth_, ' '); }
  void open(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void item() {
    if (!std::exchange(first_, false)) out_ += ',';
    line();
  }
  void close(char bracket) {
    --depth_;
    line();
    out_ += bracket;
    first_ = false;
  }

  std::string& out_;
  std::size_t depth_ = 0;
  bool first_ = true;
};

Error wrong(const std::string& path, const char* what) {
  return {Errc::invalid_argument, "invalid value for field " + path + ": expected " + what};
}

Result<> assign(const std::string& path, const Value& from, std::string& to) {
  const std::string* text = from.as_string();
  if (!text) return wrong(path, "a string");
  to = *text;
  return {};
}
Result<> assign(const std::string& path, const Value& from, bool& to) {
  const bool* flag = from.as_bool();
  if (!flag) return wrong(path, "a boolean");
  to = *flag;
  return {};
}
Result<> assign(const std::string& path, const Value& from, std::uint64_t& to) {
  if (const std::string* text = from.as_string()) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), to);
    if (error == std::errc() && end == text->data() + text->size() && !text->empty()) return {};
  } else if (const double* number = from.as_double(); number && *number >= 0 && *number < 9e15) {
    to = static_cast<std::uint64_t>(*number);
    return {};
  }
  return wrong(path, "an unsigned number");
}
Result<> assign(const std::string& path, const Value& from, base::Int& to) {
  const double* number = from.as_double();
  if (!number || std::abs(*number) > 2e9) return wrong(path, "a number");
  to = static_cast<base::Int>(*number);
  return {};
}
Result<> assign(const std::string& path, const Value& from, base::Time& to) {
  const std::string* text = from.as_string();
  const Result<base::Time> time = text ? base::parse_rfc3339(*text) : Result<base::Time>(wrong(path, "a time"));
  if (!time) return wrong(path, "a time");
  to = *time;
  return {};
}
Result<> assign(const std::string& path, const Value& from, base::Duration& to) {
  const std::string* text = from.as_string();
  const Result<base::Duration> duration =
      text ? base::parse_duration(*text) : Result<base::Duration>(wrong(path, "a duration"));
  if (!duration) return wrong(path, "a duration");
  to = *duration;
  return {};
}
template <IsMessage M>
Result<> assign(const std::string& path, const Value& from, M& to);
template <class M>
Result<> assign(const std::string& path, const Value& from, std::optional<M>& to) {
  return assign(path, from, to.emplace());
}
template <class M>
Result<> assign(const std::string& path, const Value& from, base::Pointer<M>& to) {
  return assign(path, from, to.emplace());
}
template <IsList List>
Result<> assign(const std::string& path, const Value& from, List& to) {
  const Value::ListType* list = from.as_list();
  if (!list || list->size() > kMostItems) return wrong(path, "a list");
  for (const Value& item : *list) {
    if (Result<> done = assign(path, item, to.emplace_back()); !done) return done;
  }
  return {};
}
template <IsMessage M>
Result<> assign(const std::string& path, const Value& from, M& to) {
  const Value::MapType* map = from.as_map();
  if (!map) return wrong(path.empty() ? "(the whole)" : path, "an object");
  Result<> done;
  std::size_t known = 0;
  std::vector<std::string_view> names;
  each(to, [&](int, const char* name, auto& member) {
    names.emplace_back(name);
    const auto found = map->find(name);
    if (found == map->end()) return;
    ++known;
    if (!done || found->second.is_nil()) return;
    done = assign(path.empty() ? name : path + '.' + name, found->second, member);
  });
  if (!done || known == map->size()) return done;
  for (const auto& [name, value] : *map) {
    if (std::ranges::find(names, std::string_view(name)) == names.end()) {
      return Error{Errc::invalid_argument, "unknown field " + base::quote(name)};
    }
  }
  return {};
}

}  // namespace

std::string to_protobuf(const Request& request) {
  return message_of(request);
}
std::string to_protobuf(const Response& response) {
  return message_of(response);
}
Result<Request> read_request(std::string_view message) {
  return read_message<Request>(message);
}
Result<Response> read_response(std::string_view message) {
  return read_message<Response>(message);
}

std::string to_json(const Response& response) {
  std::string out;
  JsonWriter(out).value(response);
  return out;
}

Result<Response> from_json(std::string_view text) {
  const Result<Value> value = base::from_json<Value>(text);
  if (!value) return value.error();
  Response response;
  if (Result<> done = assign("", *value, response); !done) return done.error();
  return response;
}

}  // namespace proconsul::agent::auto_config
