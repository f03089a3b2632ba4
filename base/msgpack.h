// MessagePack as Consul speaks it, through the four codecs it uses; described types (base/type.h), free values, and the
// plain reader and writer below for hand-written records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::base {

enum class MsgpackHandle : std::uint8_t {
  consul,  // server RPC, raft log commands, snapshot records
  plain,   // memberlist, serf
  raft,    // raft transport and configuration: signed integers are written signed
  event,   // user events: str8 and bin are written
};

/// Appends to a string that must outlive it.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out, MsgpackHandle handle = MsgpackHandle::consul) : out_(out), handle_(handle) {}

  void nil() { out_.push_back('\xc0'); }
  void boolean(bool value) { out_.push_back(value ? '\xc3' : '\xc2'); }
  void integer(std::int64_t value);            // a signed Go type
  void unsigned_integer(std::uint64_t value);  // an unsigned Go type
  void float64(double value);
  void float32(float value);
  void string(std::string_view text);
  void bytes(std::string_view bytes);
  void time(const Time& time);
  void array(std::size_t size);  // header; the elements follow
  void map(std::size_t size);    // header; the pairs follow
  void value(const Value& value);
  void object(const Type& type, const void* object);
  template <class T>
  void object(const T& value) {
    object(type_of<T>(), &value);
  }
  /// Bytes that are msgpack already.
  void raw(std::string_view encoded) { out_.append(encoded); }
  /// One raw around all that is written until end_wrapped (types that marshal themselves).
  std::size_t begin_wrapped() const { return out_.size(); }
  void end_wrapped(std::size_t mark);

 private:
  void structure(const Type& type, const void* object);
  void free_value(const Value& value, bool nested);

  std::string& out_;
  MsgpackHandle handle_;
};

/// Reads from bytes that must outlive it. After the first failure every read returns a zero value; look at status()
/// once at the end. Lengths are checked against the bytes that are left before anything is allocated.
class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view input, MsgpackHandle handle = MsgpackHandle::consul)
      : input_(input), handle_(handle) {}

  bool ok() const { return !failed_; }
  Result<> status() const;
  std::size_t position() const { return position_; }
  std::string_view rest() const { return input_.substr(position_); }
  bool at_end() const { return position_ == input_.size(); }

  bool next_is_nil() const { return !failed_ && position_ < input_.size() && input_[position_] == '\xc0'; }
  bool skip_nil();  // consumes a nil if one is next
  bool boolean();
  std::int64_t integer(unsigned bits = 64);
  std::uint64_t unsigned_integer(unsigned bits = 64);
  double floating();
  std::string_view string();  // nil gives ""; points into the input
  std::string_view bytes();   // also bin
  Time time();
  std::size_t array();  // header: how many elements follow (nil: 0)
  std::size_t map();    // header: how many pairs follow (nil: 0)
  Value value();
  void skip();  // one value of any kind
  /// Decodes into an existing object; absent keys keep their values.
  void object(const Type& type, void* object);
  template <class T>
  void object(T& object) {
    this->object(type_of<T>(), &object);
  }
  void fail(std::string detail);

 private:
  std::uint8_t next();
  std::string_view take(std::size_t size);
  template <class T>
  T big_endian();
  std::size_t length(std::uint8_t descriptor, std::uint8_t fix, std::uint8_t fix_size, std::uint8_t wide);
  std::size_t bounded(std::uint64_t count, std::size_t least_bytes);
  std::int64_t any_integer(std::uint8_t descriptor);
  std::string_view raw(std::uint8_t descriptor, bool accept_bin);
  std::string_view extension(std::uint8_t descriptor, std::uint8_t& tag);
  Time time_extension(std::string_view bytes);
  Time binary_time(std::string_view bytes);
  void scalar_value(Value& value, std::uint8_t descriptor);
  void free_value(Value& value);
  void typed(const Type& type, void* object, bool top);
  void structure(const Type& type, void* object);
  void list(const Type& type, void* object);
  void byte_list(Bytes& bytes);
  void map_of(const Type& type, void* object);
  bool spend(std::size_t bytes);
  bool is_raft() const { return handle_ == MsgpackHandle::raft; }
  /// What untyped raws become: text for Consul's own handles, bytes for the others.
  bool raw_is_text() const { return handle_ == MsgpackHandle::consul || handle_ == MsgpackHandle::event; }
  /// Fails with the text that the handle's codec has for it.
  void codec_error(const std::string& old_text, const std::string& v2_text);

  std::string_view input_;
  std::size_t position_ = 0;
  std::size_t spent_ = 0;  // memory of decoded elements
  unsigned depth_ = 0;     // of described types
  MsgpackHandle handle_;
  bool failed_ = false;
  std::string detail_{};
};

template <class T>
void append_msgpack(std::string& out, const T& object, MsgpackHandle handle = MsgpackHandle::consul) {
  MsgpackWriter(out, handle).object(object);
}
template <class T>
std::string to_msgpack(const T& object, MsgpackHandle handle = MsgpackHandle::consul) {
  std::string out;
  MsgpackWriter(out, handle).object(object);
  return out;
}
/// Decodes the first value of the input (Go ignores what follows). Errc::invalid_argument with the codec's text.
template <class T>
Result<> read_msgpack(std::string_view input, T& object, MsgpackHandle handle = MsgpackHandle::consul) {
  MsgpackReader reader(input, handle);
  reader.object(object);
  return reader.status();
}
template <class T>
Result<T> from_msgpack(std::string_view input, MsgpackHandle handle = MsgpackHandle::consul) {
  T object{};
  if (Result<> read = read_msgpack(input, object, handle); !read) return read.error();
  return object;
}

}  // namespace proconsul::base
