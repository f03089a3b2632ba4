#include <memory>
#include <utility>

#include "agent/auto_config/invocation.h"
#include "agent/auto_config/server.h"
#include "agent/mesh/auto_encrypt_server.h"
#include "agent/rpc/methods/auto_config.h"
#include "base/msgpack.h"

namespace proconsul::agent::auto_config {

using base::Errc;
using base::Error;
using base::Result;

namespace {

void append_raw(std::string& out, std::string_view message) {
  base::MsgpackWriter(out).bytes(message);
}

template <class Message>
Result<> read_raw(std::string_view body, Result<Message> (*read)(std::string_view), Message& to) {
  base::MsgpackReader reader(body);
  const std::string_view bytes = reader.bytes();
  if (Result<> sound = reader.status(); !sound) return sound;
  Result<Message> message = read(bytes);
  if (!message) return message.error();
  to = std::move(*message);
  return {};
}

}  // namespace

Result<> Call::decode_request(std::string_view body) {
  return read_raw(body, &read_request, request);
}
void Call::encode_request(std::string& out) const {
  append_raw(out, to_protobuf(request));
}
Result<> Call::decode_reply(std::string_view body) {
  return read_raw(body, &read_response, reply);
}
void Call::encode_reply(std::string& out) const {
  append_raw(out, to_protobuf(reply));
}

void Call::run(rpc::Services& services, rpc::Finished done) {
  Server* const server = services.auto_encrypt ? services.auto_encrypt->auto_config : nullptr;
  if (!server) return done(Error{Errc::internal, "Auto Config is disabled"});
  server->introduce(services, request, [this, done = std::move(done)](Result<Response> answered) mutable {
    if (!answered) return done(answered.error());
    reply = std::move(*answered);
    done({});
  });
}

}  // namespace proconsul::agent::auto_config

namespace proconsul::agent::rpc {

std::span<const Method> auto_config_methods() {
  // By itself it finds the leader: the way on is the one for clients without a certificate.
  static constexpr Method kRows[] = {
      {.name = auto_config::kMethod,
       .flags = kHere | kInsecure,
       .make = []() -> InvocationPtr { return std::make_shared<auto_config::Call>(); }},
  };
  return kRows;
}

}  // namespace proconsul::agent::rpc
