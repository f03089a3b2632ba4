#include "gossip/swim/stream.h"

#include <utility>

#include "gossip/swim/exchange.h"
#include "gossip/swim/layers.h"

namespace proconsul::gossip::swim {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kSealHeader = 5;
constexpr std::size_t kMostHeaders = kSealHeader + 2 + 255;  // and a label

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

/// What a msgpack descriptor says: how many bytes of a length follow, how many bytes after these, how many values.
struct Descriptor {
  std::size_t length = 0;
  std::size_t bytes = 0;     // without those that the length counts
  std::uint64_t values = 0;  // without those that the length counts
  int values_each = 0;       // what one unit of the length stands for: this many values, or a byte if 0
};

Result<Descriptor> describe(unsigned char byte) {
  if (byte <= 0x7f || byte >= 0xe0) return Descriptor{};
  if (byte <= 0x8f) return Descriptor{.values = 2u * (byte & 15)};
  if (byte <= 0x9f) return Descriptor{.values = byte & 15u};
  if (byte <= 0xbf) return Descriptor{.bytes = byte & 31u};
  switch (byte) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return Descriptor{};
    case 0xc4:
    case 0xd9:
      return Descriptor{.length = 1};
    case 0xc5:
    case 0xda:
      return Descriptor{.length = 2};
    case 0xc6:
    case 0xdb:
      return Descriptor{.length = 4};
    case 0xc7:
      return Descriptor{.length = 1, .bytes = 1};
    case 0xc8:
      return Descriptor{.length = 2, .bytes = 1};
    case 0xc9:
      return Descriptor{.length = 4, .bytes = 1};
    case 0xcc:
    case 0xd0:
      return Descriptor{.bytes = 1};
    case 0xcd:
    case 0xd1:
    case 0xd4:
      return Descriptor{.bytes = 2};
    case 0xd5:
      return Descriptor{.bytes = 3};
    case 0xca:
    case 0xce:
    case 0xd2:
      return Descriptor{.bytes = 4};
    case 0xd6:
      return Descriptor{.bytes = 5};
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return Descriptor{.bytes = 8};
    case 0xd7:
      return Descriptor{.bytes = 9};
    case 0xd8:
      return Descriptor{.bytes = 17};
    case 0xdc:
      return Descriptor{.length = 2, .values_each = 1};
    case 0xdd:
      return Descriptor{.length = 4, .values_each = 1};
    case 0xde:
      return Descriptor{.length = 2, .values_each = 2};
    case 0xdf:
      return Descriptor{.length = 4, .values_each = 2};
    default:
      return {Errc::invalid_argument, "not msgpack"};
  }
}

}  // namespace

Result<bool> MsgpackExtent::reach(std::string_view bytes) {
  while (values_ > 0) {
    if (position_ >= bytes.size()) return false;
    const Result<Descriptor> next = describe(static_cast<unsigned char>(bytes[position_]));
    if (!next) return next.error();
    if (position_ + 1 + next->length > bytes.size()) return false;
    const std::uint64_t length = big_endian(bytes.substr(position_ + 1, next->length));
    position_ += 1 + next->length + next->bytes;
    values_ += next->values - 1;
    if (next->values_each == 0) {
      position_ += length;
    } else {
      values_ += length * static_cast<std::uint64_t>(next->values_each);
    }
  }
  return position_ <= bytes.size();
}

Result<bool> StreamReader::take(std::string_view bytes) {
  if (stage_ == Stage::whole) return true;
  if (in_.size() + bytes.size() > kMostStreamBytes + kMostHeaders) {
    return {Errc::too_large, "Remote node state is larger than limit (" + std::to_string(kMostStreamBytes) + ")"};
  }
  in_ += bytes;
  while (stage_ != Stage::whole) {
    const Stage before = stage_;
    Result<bool> got = false;
    switch (stage_) {
      case Stage::label:
        got = take_label();
        break;
      case Stage::type:
        got = take_type();
        break;
      case Stage::sealed:
        got = take_sealed();
        break;
      case Stage::compressed:
        got = take_compressed();
        break;
      case Stage::header:
        got = take_header();
        break;
      case Stage::nodes:
        got = take_nodes();
        break;
      case Stage::tail:
        if (in_.size() - end_ >= tail_) {
          end_ += tail_;
          stage_ = Stage::whole;
        }
        break;
      case Stage::whole:
        break;
    }
    if (!got) return got.error();
    if (stage_ == before && !*got) return false;
  }
  return true;
}

// Each of these is true when it got on: more may be there already.

Result<bool> StreamReader::take_label() {
  if (in_.empty()) return false;
  const bool has_label = static_cast<MessageType>(in_[0]) == MessageType::label;
  if (has_label && (in_.size() < 2 || in_.size() < 2 + std::size_t{static_cast<unsigned char>(in_[1])})) return false;
  std::string_view rest = in_;
  const Result<std::string> label = swim::take_label(rest);
  if (!label)
    return {label.error().code, "failed to receive and remove the stream label header: " + label.error().detail};
  if (*label != wrapping_->label) {
    return {Errc::permission_denied, "discarding stream with unacceptable label"};
  }
  in_.erase(0, in_.size() - rest.size());
  stage_ = Stage::type;
  return true;
}

Result<bool> StreamReader::take_type() {
  if (in_.empty()) return false;
  const auto type = static_cast<MessageType>(in_[0]);
  if (type == MessageType::encrypt) {
    if (!wrapping_->decrypts()) {
      return {Errc::invalid_argument, "Remote state is encrypted and encryption is not configured"};
    }
    stage_ = Stage::sealed;
    return true;
  }
  if (wrapping_->decrypts() && wrapping_->verify_incoming) {
    return {Errc::permission_denied, "Encryption is configured but remote state is not encrypted"};
  }
  end_ = 1;
  switch (type) {
    case MessageType::compress:
      stage_ = Stage::compressed;
      return true;
    case MessageType::push_pull:
    case MessageType::user:
    case MessageType::ping:
    case MessageType::ack:
    case MessageType::error:
      stage_ = Stage::header;
      return true;
    default:
      stage_ = Stage::whole;  // nobody knows where it ends, and nobody wants it
      return true;
  }
}

Result<bool> StreamReader::take_sealed() {
  if (in_.size() < kSealHeader) return false;
  const std::size_t size = big_endian(std::string_view(in_).substr(1, 4));
  if (size > kMostStreamBytes) {
    return {Errc::too_large, "Remote node state is larger than limit (" + std::to_string(size) + ")"};
  }
  if (in_.size() < kSealHeader + size) return false;
  const std::string additional = in_.substr(0, kSealHeader) + wrapping_->label;
  Result<std::string> plain = wrapping_->keyring->open(std::string_view(in_).substr(kSealHeader, size), additional);
  if (!plain) return plain.error();
  if (plain->empty()) return {Errc::invalid_argument, "missing message type byte"};
  if (static_cast<MessageType>((*plain)[0]) == MessageType::compress) {
    plain = decompressed(std::string_view(*plain).substr(1), kMostStreamBytes);
    if (!plain) return plain.error();
  }
  if (Result<> unpacked = unpack(std::move(*plain)); !unpacked) return unpacked.error();
  return true;
}

Result<bool> StreamReader::take_compressed() {
  const Result<bool> whole = extent_.reach(std::string_view(in_).substr(1));
  if (!whole || !*whole) return whole;
  Result<std::string> plain = decompressed(std::string_view(in_).substr(1, extent_.end()), kMostStreamBytes);
  if (!plain) return plain.error();
  if (Result<> unpacked = unpack(std::move(*plain)); !unpacked) return unpacked.error();
  return true;
}

Result<> StreamReader::unpack(std::string plain) {
  if (plain.empty()) return {Errc::invalid_argument, "missing message type byte"};
  plain_ = std::move(plain);
  stage_ = Stage::whole;
  return {};
}

Result<bool> StreamReader::take_header() {
  const std::string_view rest = std::string_view(in_).substr(1);
  const Result<bool> reached = extent_.reach(rest);
  if (!reached || !*reached) return reached;
  const std::string_view header = rest.substr(0, extent_.end());
  end_ = 1 + extent_.end();
  const auto type = static_cast<MessageType>(in_[0]);
  if (type == MessageType::push_pull) {
    const Result<PushPullHeader> read = decode<PushPullHeader>(header);
    if (!read) return read.error();
    if (Result<> sane = check_header(*read); !sane) return sane.error();
    nodes_ = read->Nodes;
    tail_ = static_cast<std::size_t>(read->UserStateLen);
    extent_ = {};
    stage_ = Stage::nodes;
  } else if (type == MessageType::user) {
    const Result<UserMessageHeader> read = decode<UserMessageHeader>(header);
    if (!read) return read.error();
    if (read->UserMsgLen < 0 || static_cast<std::size_t>(read->UserMsgLen) > kMostStreamBytes) {
      return {Errc::too_large, "user message of " + std::to_string(read->UserMsgLen) + " bytes, at most " +
                                   std::to_string(kMostStreamBytes) + " are read"};
    }
    tail_ = static_cast<std::size_t>(read->UserMsgLen);
    stage_ = Stage::tail;
  } else {
    stage_ = Stage::whole;
  }
  return true;
}

Result<bool> StreamReader::take_nodes() {
  while (nodes_ > 0) {
    const Result<bool> reached = extent_.reach(std::string_view(in_).substr(end_));
    if (!reached || !*reached) return reached;
    end_ += extent_.end();
    extent_ = {};
    --nodes_;
  }
  stage_ = Stage::tail;
  return true;
}

Result<std::string> wrap_stream(std::string message, const Wrapping& wrapping, bool labelled, base::Random& random) {
  if (wrapping.compress) message = compressed(message);  // even if that makes it longer: Go's readers expect either
  if (wrapping.encrypts()) {
    const std::size_t size = message.size() + kSealOverhead;
    if (size > kMostStreamBytes) {
      return {Errc::too_large, "local state of " + std::to_string(size) + " bytes is larger than limit (" +
                                   std::to_string(kMostStreamBytes) + ")"};
    }
    std::string header(1, static_cast<char>(MessageType::encrypt));
    for (int shift = 24; shift >= 0; shift -= 8) header.push_back(static_cast<char>(size >> shift));
    message = header + wrapping.keyring->seal(message, header + wrapping.label, random);
  }
  return labelled && !wrapping.label.empty() ? label_header(wrapping.label) + message : message;
}

}  // namespace proconsul::gossip::swim
