#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_scanner.h"
#include "base/quote.h"
#include "base/scalar.h"
#include "base/time.h"
#include "base/utf8.h"

namespace proconsul::base {

namespace {

/// Nesting of described types that still decodes; only recursive types could go deeper, and each level is a stack
/// frame.
constexpr unsigned kMaxTypedDepth = 1'000;

/// Memory of decoded elements per byte of input, above a start: "{}" makes an element of any size.
constexpr std::size_t kMemoryPerByte = 64;
constexpr std::size_t kFreeMemory = std::size_t{16} << 20;

/// The struct fields around a value, innermost first, up to the nearest UnmarshalJSON.
struct Frame {
  const Frame* up;
  const Type* type;
  const Field* field;
  const std::string* alias;  // the key that was used, when it is not the field's own
};

/// Go's first error of a decode. Type errors get their context (struct and field) when they are recorded, and again at
/// each UnmarshalJSON that they leave.
struct Failure {
  bool is_type_error = false;
  std::string text{};  // any other error
  std::string value{};
  std::string type{};
  std::string in_struct{};
  std::string path{};

  std::string message() const {
    if (!is_type_error) return text;
    if (in_struct.empty() && path.empty()) return "json: cannot unmarshal " + value + " into Go value of type " + type;
    return "json: cannot unmarshal " + value + " into Go struct field " + in_struct + "." + path + " of type " + type;
  }
};

std::string_view after_dot(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

void add_context(Failure& failure, const Frame* frame) {
  if (!failure.is_type_error || !frame) return;
  failure.in_struct = frame->type->json_shadow.empty() ? after_dot(frame->type->name) : std::string_view();
  for (const Frame* at = frame; at; at = at->up) {
    std::string part = at->alias ? *at->alias : at->field->json_path;
    failure.path = failure.path.empty() ? std::move(part) : part + "." + failure.path;
  }
}

/// time.Duration(float64) on amd64: truncation, and the smallest integer for what does not fit.
std::int64_t to_nanoseconds(double number) {
  if (!(number > -9.3e18 && number < 9.223372036854775807e18)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

/// A number token as strconv.ParseFloat reads it; false when it exceeds the range.
template <class T>
bool parse_floating(std::string_view token, T& number) {
  const auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (failure == std::errc()) return true;
  // from_chars does not tell overflow from underflow, which is no error.
  const double value = std::strtod(std::string(token).c_str(), nullptr);
  if (std::fabs(value) > 1) return false;
  number = static_cast<T>(value);
  return true;
}

/// Decodes text that scan_json() has accepted. A null `object` checks the value against its type and stores nothing.
class Reader {
 public:
  Reader(std::string_view text, bool strict)
      : at_(text.data()),
        end_(at_ + text.size()),
        strict_(strict),
        memory_(kFreeMemory + kMemoryPerByte * text.size()) {}

  Result<> run(const Type& type, void* object) {
    // At the top null changes nothing, whatever the type.
    if (*at_ != 'n') value(type, object, nullptr, nullptr);
    if (failure_) return Error{Errc::invalid_argument, failure_->message()};
    return {};
  }

 private:
  // Functions that return bool return false to give up at once (what Go returns rather than saves).

  bool value(const Type& declared, void* object, const Field* field, const Frame* frame) {
    const Type* type = &declared;
    while (type->kind == Kind::pointer || type->kind == Kind::rare) {
      if (*at_ == 'n' && (type->kind == Kind::pointer || !type->element().json_refuses_null)) {
        if (object && type->kind == Kind::pointer) type->pointer.reset(object);
        return skip();
      }
      if (object && *at_ != 'n') {
        if (!type->pointer.get(object) && !spend(type->element().size)) return false;
        object = type->pointer.make(object);
      }
      type = &type->element();
    }
    if (*at_ == 'n' && type->json_refuses_null) {
      return give_up("null is no " + type->go_name() + ": leave the key out or give an object");
    }
    if (type->kind == Kind::any) return any(object, frame);
    if (type->kind == Kind::duration && field && (field->has(kReadable) || field->json_as != JsonAs::itself)) {
      return readable_duration(static_cast<Duration*>(object), *field, frame);
    }
    if (field && field->json_as == JsonAs::text) return plain_text(*type, object, frame);
    if (type->kind == Kind::time) return time(static_cast<Time*>(object));
    if (!type->json_shadow.empty() && *at_ != '{' && *at_ != 'n') {  // its UnmarshalJSON fails
      failure_.reset();
      mismatch(kind_of_value(), *type, nullptr, frame);
      return false;
    }
    switch (*at_) {
      case '{':
        return object_value(*type, object, field, frame);
      case '[':
        return array(*type, object, field, frame);
      case '"':
        return text(*type, object, field, frame);
      case 'n':
        if (object && type->kind == Kind::list) type->list.clear(object, false);
        if (object && type->kind == Kind::map) type->map.clear(object, false);
        if (object && type->kind == Kind::bytes) {
          static_cast<Bytes*>(object)->clear();
          static_cast<Bytes*>(object)->present = false;
        }
        return skip();
      case 't':
      case 'f':
        if (type->kind != Kind::boolean) {
          mismatch("bool", *type, field, frame);
        } else if (object) {
          store(object, *at_ == 't');
        }
        return skip();
      default:
        return number(*type, object, field, frame);
    }
  }

  // --- errors ---

  void save(Failure failure, const Frame* frame) {
    if (failure_) return;
    add_context(failure, frame);
    failure_ = std::move(failure);
  }
  void save_text(std::string text) {
    if (!failure_) failure_ = Failure{.text = std::move(text)};
  }
  /// What Go returns takes the place of what it saved before.
  bool give_up(std::string text) {
    failure_ = Failure{.text = std::move(text)};
    return false;
  }
  void mismatch(std::string value, const Type& type, const Field* field, const Frame* frame) {
    if (failure_) return;
    std::string name = type.json_shadow.empty() ? type.go_name() : type.json_shadow;
    if (field && !field->go_type.empty()) {
      name = field->go_type;
    } else if (!field && frame) {  // an element: Go's name of it is in that of the list or map
      const std::string& container = frame->field->go_type;
      if (const std::size_t end = container.rfind(']'); end != std::string::npos) name = container.substr(end + 1);
    }
    save({.is_type_error = true, .value = std::move(value), .type = std::move(name)}, frame);
  }

  // --- tokens ---

  void skip_spaces() {
    while (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r') ++at_;
  }
  void skip_string() {
    for (++at_; *at_ != '"'; ++at_) {
      if (*at_ == '\\') ++at_;
    }
    ++at_;
  }
  /// Passes over one value of any kind.
  bool skip() {
    std::size_t depth = 0;
    do {
      switch (*at_) {
        case '"':
          skip_string();
          break;
        case '{':
        case '[':
          ++depth;
          ++at_;
          break;
        case '}':
        case ']':
          --depth;
          ++at_;
          break;
        case 't':
        case 'n':
          at_ += 4;
          break;
        case 'f':
          at_ += 5;
          break;
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
          number_token();
          break;
        default:
          ++at_;  // spaces, commas, colons
      }
    } while (depth > 0);
    return true;
  }
  std::string_view number_token() {
    const char* const begin = at_;
    while (at_ != end_ &&
           ((*at_ >= '0' && *at_ <= '9') || *at_ == '-' || *at_ == '+' || *at_ == '.' || *at_ == 'e' || *at_ == 'E')) {
      ++at_;
    }
    return {begin, at_};
  }
  /// The string's content; in place if it needs no change, else in `buffer`.
  std::string_view string_token(std::string& buffer) {
    const char* const begin = ++at_;
    while (*at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) < 0x80) ++at_;
    if (*at_ == '"') return {begin, at_++};
    buffer.assign(begin, at_);
    unquote_rest(buffer);
    return buffer;
  }
  void string_token_into(std::string& out) {
    const char* const begin = ++at_;
    while (*at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) < 0x80) ++at_;
    out.assign(begin, at_);
    if (*at_ == '"') {
      ++at_;
    } else {
      unquote_rest(out);
    }
  }
  void unquote_rest(std::string& out) {
    while (*at_ != '"') {
      if (*at_ == '\\') {
        ++at_;
        unescape(out);
      } else if (static_cast<unsigned char>(*at_) < 0x80) {
        out.push_back(*at_++);
      } else {
        const DecodedRune next = decode_rune({at_, end_});
        if (next.size == 1) {
          append_rune(out, kReplacementCharacter);
        } else {
          out.append(at_, next.size);
        }
        at_ += next.size;
      }
    }
    ++at_;
  }
  void unescape(std::string& out) {
    switch (const char c = *at_++; c) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        char32_t rune = four_hex(at_);
        at_ += 4;
        if (rune >= 0xD800 && rune < 0xE000) {
          const bool escape_follows = at_[0] == '\\' && at_[1] == 'u';
          const char32_t low = escape_follows ? four_hex(at_ + 2) : 0;
          if (rune < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            rune = 0x10000 + ((rune - 0xD800) << 10 | (low - 0xDC00));
            at_ += 6;
          } else {
            rune = kReplacementCharacter;
          }
        }
        append_rune(out, rune);
        break;
      }
      default:
        out.push_back(c);
    }
  }
  static char32_t four_hex(const char* digits) {
    std::uint16_t value = 0;
    std::from_chars(digits, digits + 4, value, 16);
    return value;
  }

  // --- scalars ---

  bool number(const Type& type, void* object, const Field* field, const Frame* frame) {
    const std::string_view token = number_token();
    const char* const last = token.data() + token.size();
    bool fits = false;
    switch (type.kind) {
      case Kind::integer:
      case Kind::duration: {
        std::int64_t value = 0;
        const auto [end, failure] = std::from_chars(token.data(), last, value);
        fits = failure == std::errc() && end == last && fits_signed(type.bits, value);
        if (fits && object) store_signed(type, object, value);
        break;
      }
      case Kind::unsigned_integer: {
        std::uint64_t value = 0;
        const auto [end, failure] = std::from_chars(token.data(), last, value);
        fits = failure == std::errc() && end == last && fits_unsigned(type.bits, value);
        if (fits && object) store_unsigned(type, object, value);
        break;
      }
      case Kind::floating:
        if (type.bits == 32) {
          float value = 0;
          fits = parse_floating(token, value);
          if (fits && object) store(object, value);
        } else {
          double value = 0;
          fits = parse_floating(token, value);
          if (fits && object) store(object, value);
        }
        break;
      default:
        mismatch("number", type, field, frame);
        return true;
    }
    if (!fits) mismatch("number " + std::string(token), type, field, frame);
    return true;
  }

  bool text(const Type& type, void* object, const Field* field, const Frame* frame) {
    if (type.kind == Kind::string) {
      if (object) {
        string_token_into(*static_cast<std::string*>(object));
      } else {
        skip_string();
      }
      return true;
    }
    if (type.kind != Kind::bytes) {
      mismatch("string", type, field, frame);
      skip_string();
      return true;
    }
    Result<std::string> bytes = from_base64(string_token(buffer_));
    if (!bytes) {
      save_text(std::move(bytes.error().detail));
    } else if (object) {
      *static_cast<Bytes*>(object) = Bytes(std::move(*bytes));
    }
    return true;
  }

  /// A field that the Go type decodes as a string although it holds something else (JsonAs::text).
  bool plain_text(const Type& type, void* object, const Frame* frame) {
    if (*at_ == 'n') return skip();
    if (*at_ != '"') {
      mismatch(kind_of_value(), type_of<std::string>(), nullptr, frame);
      return skip();
    }
    const std::string_view content = string_token(buffer_);
    if (type.kind == Kind::bytes && object && !content.empty()) {
      *static_cast<Bytes*>(object) = Bytes(std::string(content));
    }
    return true;
  }

  const char* kind_of_value() const {
    switch (*at_) {
      case '{':
        return "object";
      case '[':
        return "array";
      case '"':
        return "string";
      case 't':
      case 'f':
        return "bool";
      default:
        return "number";
    }
  }

  bool time(Time* object) {
    if (*at_ == 'n') return skip();
    const char* const begin = at_;
    skip();
    if (*begin != '"') return give_up("Time.UnmarshalJSON: input is not a JSON string");
    Result<Time> parsed = parse_rfc3339({begin + 1, at_ - 1});  // as it stands: Go does not unescape here
    if (!parsed) return give_up(std::move(parsed.error().detail));
    if (object) *object = *parsed;
    return true;
  }

  bool readable_duration(Duration* object, const Field& field, const Frame* frame) {
    const char* const begin = at_;
    if (field.json_as == JsonAs::itself) {  // api.ReadableDuration has an UnmarshalJSON: text or number, nothing else
      skip();
      const std::string_view raw(begin, at_);
      if (raw.front() == '"') {
        Result<Duration> parsed = parse_duration(raw.substr(1, raw.size() - 2));
        if (!parsed) return give_up(std::move(parsed.error().detail));
        if (object) *object = *parsed;
        return true;
      }
      double number = 0;
      const bool is_number = raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9');
      if (!is_number) return give_up("strconv.ParseFloat: parsing " + quote(raw) + ": invalid syntax");
      if (!parse_floating(raw, number)) {
        return give_up("strconv.ParseFloat: parsing " + quote(raw) + ": value out of range");
      }
      if (object) object->nanoseconds = to_nanoseconds(number);
      return true;
    }
    if (*at_ == 'n') return skip();
    if (*at_ == '"') {
      const std::string_view content = string_token(buffer_);
      if (field.json_as == JsonAs::text && content.empty()) return true;
      Result<Duration> parsed = parse_duration(content);
      if (!parsed) {
        postpone(field, std::move(parsed.error().detail));
      } else if (object) {
        *object = *parsed;
      }
      return true;
    }
    if (field.json_as == JsonAs::text) {
      mismatch(kind_of_value(), type_of<std::string>(), nullptr, frame);
      return skip();
    }
    Value value;
    if (!any(&value, frame)) return false;
    if (const double* number = value.as_double(); number && object) object->nanoseconds = to_nanoseconds(*number);
    return true;
  }

  /// Go parses such durations when the struct has been decoded without error, in the order of its fields.
  void postpone(const Field& field, std::string detail) {
    if (!postponed_ || &field < postponed_field_) {
      postponed_ = std::move(detail);
      postponed_field_ = &field;
    }
  }

  // --- containers ---

  /// Before an element is made.
  bool spend(std::size_t bytes) {
    if (bytes > memory_) return give_up("JSON decodes into too much memory");
    memory_ -= bytes;
    return true;
  }

  bool too_deep() {
    if (depth_ < kMaxTypedDepth) return false;
    give_up("invalid character " + quote_byte(static_cast<unsigned char>(*at_)) + " exceeded max depth");
    return true;
  }

  bool array(const Type& type, void* object, const Field* field, const Frame* frame) {
    if (type.kind == Kind::bytes) return byte_array(static_cast<Bytes*>(object), frame);
    if (type.kind != Kind::list) {
      mismatch("array", type, field, frame);
      return skip();
    }
    if (too_deep()) return false;
    ++depth_;
    const Type& element = type.element();
    const std::size_t old_size = object ? type.list.size(object) : 0;
    std::size_t size = 0;
    ++at_;
    for (skip_spaces(); *at_ != ']'; ++size) {
      void* item = nullptr;
      if (object) {  // elements that are there already are decoded over, as in Go
        if (size >= old_size && !spend(element.size)) return false;
        item = size < old_size ? const_cast<void*>(type.list.at(object, size)) : type.list.append(object);
      }
      if (!value(element, item, nullptr, frame)) return false;
      next_item();
    }
    ++at_;
    if (object) {
      if (size == 0) {
        type.list.clear(object, true);
      } else if (size < old_size) {
        type.list.truncate(object, size);
      }
    }
    --depth_;
    return true;
  }

  bool byte_array(Bytes* object, const Frame* frame) {
    Bytes bytes{std::string()};
    ++at_;
    for (skip_spaces(); *at_ != ']';) {
      std::uint8_t byte = 0;  // an element that does not decode keeps what was there
      if (object && bytes.size() < object->size()) byte = static_cast<std::uint8_t>((*object)[bytes.size()]);
      if (!value(type_of<std::uint8_t>(), &byte, nullptr, frame)) return false;
      bytes.push_back(static_cast<char>(byte));
      next_item();
    }
    ++at_;
    if (object) *object = std::move(bytes);
    return true;
  }

  /// Behind an element or member: passes over a comma.
  void next_item() {
    skip_spaces();
    if (*at_ == ',') {
      ++at_;
      skip_spaces();
    }
  }

  void colon() {
    skip_spaces();
    ++at_;
    skip_spaces();
  }

  bool object_value(const Type& type, void* object, const Field* field, const Frame* frame) {
    if (type.kind == Kind::structure) {
      if (too_deep()) return false;
      ++depth_;
      const bool go_on = type.json_shadow.empty() ? members(type, object, frame) : shadow(type, object, frame);
      --depth_;
      if (go_on && object && type.json_after) type.json_after(object);
      return go_on;
    }
    if (type.kind != Kind::map) {
      mismatch("object", type, field, frame);
      return skip();
    }
    if (too_deep()) return false;
    ++depth_;
    if (object && type.map.is_nil(object)) type.map.clear(object, true);
    const Type& element = type.element();
    ++at_;
    for (skip_spaces(); *at_ != '}'; next_item()) {
      const std::string_view key = string_token(buffer_);
      void* item = nullptr;
      if (object) {
        if (!spend(element.size)) return false;
        item = type.map.insert(object, std::string(key));
        element.reset(item);
      }
      colon();
      if (!value(element, item, nullptr, frame)) return false;
    }
    ++at_;
    --depth_;
    return true;
  }

  /// A type whose Go twin has an UnmarshalJSON: a decoder of its own, whose error ends the outer one.
  bool shadow(const Type& type, void* object, const Frame* outer) {
    std::optional<Failure> outer_failure = std::exchange(failure_, std::nullopt);
    std::optional<std::string> outer_postponed = std::exchange(postponed_, std::nullopt);
    const Field* outer_field = std::exchange(postponed_field_, nullptr);
    const bool outer_strict = std::exchange(strict_, type.reject_unknown);

    const char* const begin = at_;
    bool go_on = members(type, object, nullptr);
    if (go_on && !failure_ && object && type.json_defaults && type.json_defaults(object)) {
      at_ = begin;
      go_on = members(type, object, nullptr, true);
    }
    if (go_on && !failure_ && postponed_) failure_ = Failure{.text = std::move(*postponed_)};
    if (failure_) {
      add_context(*failure_, outer);
      go_on = false;
    } else {
      failure_ = std::move(outer_failure);
    }

    postponed_ = std::move(outer_postponed);
    postponed_field_ = outer_field;
    strict_ = outer_strict;
    return go_on;
  }

  /// `again`: for the second time, after json_defaults has set what explicit keys override, alternate ones too.
  bool members(const Type& type, void* object, const Frame* frame, bool again = false) {
    struct Alias {
      const Field* field;
      const char* at;
    };
    std::vector<Alias> aliases;
    std::vector<const Field*> explicitly;
    std::size_t expected = 0;  // writers keep to the order of the fields
    const bool strict = strict_ || type.reject_unknown;
    ++at_;
    for (skip_spaces(); *at_ != '}'; next_item()) {
      const std::string_view key = string_token(buffer_);
      const std::string* alias = nullptr;
      const Field* field = nullptr;
      if (expected < type.fields.size() && type.fields[expected].json == key && !type.fields[expected].has(kNoJson)) {
        field = &type.fields[expected];
      } else {
        field = type.by_json(key, &alias);
      }
      bool ignored = false;
      if (field) {
        if (!alias) expected = static_cast<std::size_t>(field - type.fields.data()) + 1;
      } else {
        field = type.ignored_by_json(key);
        ignored = field != nullptr;
      }
      if (!field) {
        if (strict) save_text("json: unknown field " + quote(key));
        colon();
        skip();
        continue;
      }
      colon();
      const Frame inner{frame, &type, field, alias};
      void* const member = object && !ignored ? field->in(object) : nullptr;
      if (alias) {
        // The field's own key is preferred, wherever it stands, unless it brings an empty value: decide at the end.
        aliases.push_back({field, at_});
        if (!value(field->type(), nullptr, field, &inner)) return false;
        continue;
      }
      if (again) explicitly.push_back(field);
      if (!value(field->type(), member, field, &inner)) {
        return false;
      }
    }
    ++at_;
    if (!object || aliases.empty() || failure_) return true;

    const char* const end = at_;
    for (const Alias& alias : aliases) {
      const bool overridable = again && std::ranges::find(explicitly, alias.field) == explicitly.end();
      if (!overridable && !is_zero(alias.field->type(), alias.field->in(object))) continue;
      explicitly.push_back(alias.field);
      at_ = alias.at;
      const Frame inner{frame, &type, alias.field, nullptr};
      if (!value(alias.field->type(), alias.field->in(object), alias.field, &inner)) return false;
    }
    at_ = end;
    return true;
  }

  // --- free values ---

  /// Iterative, since the nesting is the sender's choice.
  bool any(void* object, const Frame* frame) {
    Value ignored;
    Value& root = object ? *static_cast<Value*>(object) : ignored;
    std::vector<Value*> open;
    Value* slot = &root;
    while (true) {
      bool ended = true;
      switch (*at_) {
        case '{': {
          Value::MapType& map = slot->make_map();
          ++at_;
          skip_spaces();
          if (*at_ == '}') {
            ++at_;
          } else {
            open.push_back(slot);
            slot = member_slot(map);
            ended = false;
          }
          break;
        }
        case '[': {
          Value::ListType& list = slot->make_list();
          ++at_;
          skip_spaces();
          if (*at_ == ']') {
            ++at_;
          } else {
            open.push_back(slot);
            slot = &list.emplace_back();
            ended = false;
          }
          break;
        }
        case '"':
          string_token_into(slot->data().emplace<std::string>());
          break;
        case 't':
          *slot = true;
          at_ += 4;
          break;
        case 'f':
          *slot = false;
          at_ += 5;
          break;
        case 'n':
          *slot = Value();
          at_ += 4;
          break;
        default: {
          const std::string_view token = number_token();
          double number = 0;
          if (parse_floating(token, number)) {
            *slot = number;
          } else {
            mismatch("number " + std::string(token), type_of<double>(), nullptr, frame);
          }
        }
      }
      while (ended) {
        if (open.empty()) return true;
        skip_spaces();
        if (*at_ == ',') {
          ++at_;
          skip_spaces();
          Value& parent = *open.back();
          slot = parent.as_map() ? member_slot(*parent.as_map()) : &parent.as_list()->emplace_back();
          ended = false;
        } else {
          ++at_;
          open.pop_back();
        }
      }
    }
  }
  Value* member_slot(Value::MapType& map) {
    const std::string_view key = string_token(buffer_);
    // Members mostly come in order, as every writer of ours and Go's sorts them: look at the end first.
    Value& member = map.try_emplace(map.end(), std::string(key))->second;
    member = Value();
    colon();
    return &member;
  }

  const char* at_;
  const char* const end_;
  bool strict_;
  std::size_t memory_;  // that elements may still take
  unsigned depth_ = 0;
  std::string buffer_{};
  std::optional<Failure> failure_{};
  std::optional<std::string> postponed_{};
  const Field* postponed_field_ = nullptr;
};

}  // namespace

Result<> read_json(std::string_view text, const Type& type, void* object, JsonReadOptions options) {
  Result<std::string_view> found = scan_json(text, options.input);
  if (!found) return std::move(found.error());
  return Reader(*found, options.reject_unknown).run(type, object);
}

}  // namespace proconsul::base
