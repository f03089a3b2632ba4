// Results of what can fail, and the errors a program reacts to.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace proconsul::base {

/// What a caller can react to. A new code needs a caller that does; otherwise it is another `detail`.
enum class Errc : std::uint8_t {
  invalid_argument,   // the caller's input is wrong: HTTP 400
  unauthorized,       // HTTP 401: the feature is switched off
  permission_denied,  // HTTP 403
  not_found,          // HTTP 404
  conflict,           // HTTP 409
  too_large,          // HTTP 413
  internal,           // HTTP 500; also Consul's texts for failures that have no better status
  no_leader,          // HTTP 500 "No cluster leader"; callers retry
  not_leader,         // this server cannot decide; ask the leader
  unavailable,        // disk full, shutting down, overloaded: HTTP 503
  timeout,
  cancelled,
  corrupt,  // bytes on disk fail their checksum or their format
  eof,
};

struct Error {
  Errc code{};
  std::string detail{};  // what a person reads; the exact text that clients match on, where Consul has one
};

template <class T = void>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}
  Result(Errc code, std::string detail) : std::expected<T, Error>(std::unexpect, Error{code, std::move(detail)}) {}
};

}  // namespace proconsul::base
