#include "agent/rpc/codec.h"

#include "base/msgpack.h"
#include "base/msgpack_size.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::MsgpackReader;
using base::MsgpackWriter;
using base::Result;

namespace {

// An error text is all that can be long in a header, and whoever writes one is a server.
constexpr std::size_t kMostHeader = 1024 * 1024;

template <class Take>
Result<> read_fields(std::string_view value, Take take) {
  MsgpackReader reader(value);
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const std::string_view key = reader.string();
    if (!take(reader, key)) reader.skip();
  }
  return reader.status();
}

}  // namespace

void append_header(std::string& out, const RequestHeader& header) {
  MsgpackWriter writer(out);
  writer.map(2);
  writer.string("Seq");
  writer.unsigned_integer(header.seq);
  writer.string("ServiceMethod");
  writer.string(header.service_method);
}

void append_header(std::string& out, const ResponseHeader& header) {
  MsgpackWriter writer(out);
  writer.map(3);
  writer.string("Error");
  writer.string(header.error);
  writer.string("Seq");
  writer.unsigned_integer(header.seq);
  writer.string("ServiceMethod");
  writer.string(header.service_method);
}

Result<RequestHeader> read_request_header(std::string_view value) {
  RequestHeader header;
  Result<> read = read_fields(value, [&](MsgpackReader& reader, std::string_view key) {
    if (key == "Seq") return header.seq = reader.unsigned_integer(), true;
    if (key == "ServiceMethod") return header.service_method = reader.string(), true;
    return false;
  });
  if (!read) return read.error();
  return header;
}

Result<ResponseHeader> read_response_header(std::string_view value) {
  ResponseHeader header;
  Result<> read = read_fields(value, [&](MsgpackReader& reader, std::string_view key) {
    if (key == "Error") return header.error = reader.string(), true;
    if (key == "Seq") return header.seq = reader.unsigned_integer(), true;
    if (key == "ServiceMethod") return header.service_method = reader.string(), true;
    return false;
  });
  if (!read) return read.error();
  return header;
}

Result<std::size_t> header_size(std::string_view stream) {
  return base::msgpack_size(stream, kMostHeader);
}

Result<Pair> measure(std::string_view stream, std::size_t max_body) {
  base::MsgpackPlace beginning;
  return measure(stream, max_body, beginning);
}

Result<Pair> measure(std::string_view stream, std::size_t max_body, base::MsgpackPlace& seen) {
  Pair pair;
  Result<std::size_t> header = header_size(stream);
  if (!header) return header.error();
  pair.header = *header;
  if (pair.header == 0 || stream.size() == pair.header) return pair;
  Result<std::size_t> body = base::msgpack_size(stream.substr(pair.header), max_body, seen);
  if (!body) return body.error();
  pair.body = *body;
  return pair;
}

}  // namespace proconsul::agent::rpc
