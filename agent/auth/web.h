// Asks other servers over HTTP and HTTPS. Every answer is bounded in size and time.
#pragma once

#include <memory>
#include <string>

#include "base/interrupt.h"
#include "base/net/loop.h"
#include "base/net/resolver.h"
#include "base/net/tls.h"
#include "base/net/url.h"
#include "base/net/waited_exchange.h"
#include "base/result.h"

namespace proconsul::agent::auth {

/// Safe from several threads, none of them a loop's: calls wait.
class Web {
 public:
  /// Requests are made on `loop`, which outlives it.
  explicit Web(base::net::Loop& loop) : loop_(loop) {}
  /// Ends what is under way, and everything that comes later. Before the loop is stopped.
  void stop() { stopping_.raise(); }
  /// Waits; false once it is stopped.
  bool pause(base::Duration duration) { return stopping_.sleep(duration); }

  struct Question {
    std::string method = "GET";
    base::net::Url url{};
    std::string host{};  // header; empty: the URL's
    base::net::Headers headers{};
    std::string body{};
    std::shared_ptr<base::net::TlsContext> tls{};  // of https; null: the system's authorities count
    bool follows = false;                          // redirects, as long as they keep to the scheme; of GET
  };
  /// Errors have the words of Go's net/http: `Get "http://x": dial tcp ...`.
  base::Result<base::net::WaitedAnswer> ask(Question question);

 private:
  base::Result<base::net::WaitedAnswer> ask_once(const Question& question);
  base::net::Loop& loop_;
  base::net::Resolver resolver_{};
  base::Interrupt stopping_{};
};

/// Authorities from a PEM text; empty: the system's. Error: "could not parse CA PEM value successfully".
base::Result<std::shared_ptr<base::net::TlsContext>> trusting(const std::string& ca_pem);

/// A text of somebody else, for an error: not more than a few lines of it.
std::string excerpt(std::string_view text);

}  // namespace proconsul::agent::auth
