// The declared table of gRPC methods: what is served, and how a method sees a call of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/grpc/frame.h"
#include "base/net/h2_fields.h"
#include "base/net/loop.h"
#include "base/result.h"

namespace proconsul::agent::grpc {

/// grpc-status.
enum class Code : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

/// How a call ends.
struct Status {
  Code code = Code::ok;
  std::string message{};
};

/// One call. It and its handler live on the loop of their connection.
class Call {
 public:
  virtual ~Call() = default;
  /// What the client sent with it: ":authority", "x-consul-token" ... Names in small letters.
  virtual const base::net::H2Fields& metadata() const = 0;
  /// Its field x-consul-token; empty: none.
  std::string token() const { return std::string(base::net::field(metadata(), "x-consul-token")); }
  /// "10.0.0.1:51234"
  virtual const std::string& from() const = 0;
  virtual base::net::Loop& loop() = 0;

  /// What the client's windows have no room for is kept: see unsent(). Nothing after end().
  virtual void send(Frames messages) = 0;
  virtual std::size_t unsent() const = 0;
  /// Handler::sent() comes once all of that has gone; false: nothing is kept.
  virtual bool tell_when_sent() = 0;
  /// After what was sent. The handler hears nothing more, and is destroyed some time later.
  virtual void end(Status status) = 0;
  /// Further fields of the answer's head, names in small letters; before the first send().
  virtual void add_head(base::net::H2Fields fields) = 0;
};

/// What answers one call. Destroyed when the call is over, whoever ended it: done, cancelled, out of time, or the
/// connection gone. That is the time to forget the call.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Of unary and server_stream methods there is exactly one.
  virtual void received(std::string_view message) = 0;
  /// The client sends no more.
  virtual void finished() {}
  /// What was kept has gone, where Call::tell_when_sent() asked. Must not send within the call.
  virtual void sent() {}
};

enum class Shape : std::uint8_t { unary, server_stream, client_stream, both_stream };

/// What limits of requests take a call for.
enum class Load : std::uint8_t { exempt, read, write };

struct Method {
  std::string name{};
  Shape shape{};
  /// Null: it has ended the call already.
  std::function<std::unique_ptr<Handler>(Call& call)> start{};
  Load load = Load::exempt;
  bool sees_path = false;  // metadata() has ":path", too
};

/// What a server serves. Filled before it starts.
class Services {
 public:
  /// "subscribe.StateChangeSubscription"
  void add(std::string service, std::vector<Method> methods);
  /// What calls come to that name no service or method of these.
  void set_fallback(Method method) { fallback_ = std::move(method); }
  /// Of the services, sorted.
  std::vector<std::string> names() const;
  /// By path, "/service/method". The error has grpc-go's text; its code on the wire is unimplemented.
  base::Result<const Method*> find(std::string_view path) const;

 private:
  std::map<std::string, std::vector<Method>, std::less<>> services_{};
  std::optional<Method> fallback_{};
};

}  // namespace proconsul::agent::grpc
