// The declared table of endpoints. A row says what a path accepts and which kind of handler answers; everything around
// the handler (method checks, consistency, blocking, headers, errors, limits, metrics) follows from its row.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/http/context.h"
#include "agent/http/description.h"
#include "agent/http/reply.h"
#include "agent/http/request.h"
#include "base/result.h"

namespace proconsul::base {
class KeySet;
}
namespace proconsul::catalog {
class View;
}
namespace proconsul::agent::rpc {
class Invocation;
struct Method;
}  // namespace proconsul::agent::rpc

namespace proconsul::agent::http {

/// What a read function gets. It must be pure: the same view and request give the same answer, on any thread.
struct ReadContext {
  Context& agent;
  const catalog::View& view;
  base::KeySet* watch;  // collects what the query touches, to evaluate it again when that changes; null: nobody waits
  const Request& request;
};

/// What a read function answers.
struct Answer {
  Reply reply{};
  std::uint64_t index{};  // X-Consul-Index; the frame never shows 0
  bool absent = false;    // nothing there: a waiter sleeps on while it stays so (status is in `reply`)
  bool at_once = false;   // no blocking query: answered at once whatever ?index says, and shared with nobody
  bool settles = false;   // a waiter also sleeps on while the body stays the same, whatever the index does
  bool bare = false;      // no query after all (a parameter made no sense): shows no headers of one
  bool filtered_by_acls = false;
};

/// What a function that shows the reply of other servers gets.
struct AskedContext {
  const Context& agent;
  const Request& request;
};

/// A call of other servers that is to be made, and what its reply shows; index and leader are those of the reply's
/// meta.
struct Question {
  const rpc::Method* method = nullptr;
  std::shared_ptr<rpc::Invocation> call{};
  std::function<base::Result<Answer>(const AskedContext&, rpc::Invocation&)> show{};
  base::Error (*judge)(base::Error error) = nullptr;  // of a call that failed, where its text means another status
  std::optional<Reply> refused{};                     // instead of a call: what is wrong with the request
};

/// What a locally hashed read answers (?hash=, X-Consul-ContentHash).
struct HashedAnswer {
  Reply reply{};
  std::string hash{};
};

// The kinds of handler.
using CallFn = base::Result<Reply> (*)(Context&, const Request&);  // answers at once; must not block
using AsyncFn = void (*)(Context&, const Request&,
                         Responder);  // answers later, from any thread; the request is gone by then
using ReadFn = base::Result<Answer> (*)(const ReadContext&);  // a (blocking) query over a view
using HashFn = base::Result<HashedAnswer> (*)(Context&, const Request&,
                                              base::KeySet*);  // a blocking query over local state
using UploadFn = std::unique_ptr<BodySink> (*)(Context&, const Request&, Responder);

/// What is asked of other servers when the answer is not here (ask.h): the same answer, made of their reply.
using AskFn = base::Result<Question> (*)(const Context&, const Request&);

struct Handler {
  CallFn call{};
  AsyncFn async{};
  ReadFn read{};
  HashFn hash{};
  UploadFn upload{};
  AskFn ask{};  // beside one of the others, or alone
  explicit operator bool() const { return call || async || read || hash || upload || ask; }
  bool asks_alone() const { return ask && !call && !async && !read && !hash && !upload; }
};
constexpr Handler call(CallFn fn, AskFn ask = nullptr) {
  return {.call = fn, .ask = ask};
}
constexpr Handler async(AsyncFn fn, AskFn ask = nullptr) {
  return {.async = fn, .ask = ask};
}
constexpr Handler read(ReadFn fn, AskFn ask = nullptr) {
  return {.read = fn, .ask = ask};
}
/// Asked of the servers even where this is one.
constexpr Handler ask(AskFn fn) {
  return {.ask = fn};
}
constexpr Handler hashed(HashFn fn) {
  return {.hash = fn};
}
constexpr Handler upload(UploadFn fn) {
  return {.upload = fn};
}
/// The method is known (405, Allow and OPTIONS say so), but nothing serves it yet: answered like an unknown path.
constexpr Handler later() {
  return {};
}

enum RouteFlag : std::uint32_t {
  kQueryOptions = 1u << 0,     // request.options is filled, and its errors are answered; implied by read()
  kNoNamespace = 1u << 1,      // ?ns, ?partition and their headers: 400
  kNoPartition = 1u << 2,      // ?partition and its header: 400
  kShowConsistency = 1u << 3,  // X-Consul-Effective-Consistency
  kDiscovery = 1u << 4,        // catalog and health: kShowConsistency, and discovery_max_stale when none is named
  kCacheable = 1u << 5,        // ?cached: X-Cache and Age
  kLimitsItself = 1u << 20,    // whether it reads or writes depends on its body: the handler asks the limits
  kKvLimit = 1u << 6,          // body limit: limits.kv_max_value_size
  kTxnLimit = 1u << 7,         // body limit: limits.txn_max_req_len or kv_max_value_size, the larger
  kOctets = 1u << 8,           // Content-Type of an empty answer is application/octet-stream
  kLocalOnly = 1u << 9,        // the read does not need a leader (answers from this agent alone)
  kEndless = 1u << 10,         // a stream: compressed from the first byte
  kOddMethods = 1u << 11,      // OPTIONS is answered {}, and the Allow of a 405 does not name it
  kAnyDatacenter = 1u << 12,   // ?dc is the handler's business, or nobody's; a row that asks needs no such flag
  kStreaming = 1u << 13,       // waits and cached reads are answered as Consul's streaming backend does
  kMetaOnError = 1u << 15,     // a failed query (500, 403) shows the headers of a query that found nothing out
  kBareNotFound = 1u << 16,    // a 404 shows no headers of a query
  kGoesOn = 1u << 14,          // kQueryOptions, but the answer follows their error's text, as Consul has it
  kBare = 1u << 17,            // the answer has none of Consul's own headers
  kOpaqueIndex = 1u << 18,  // a hashed read whose hash is a number: ?index= and X-Consul-Index, compared for equality
  // Answered by every agent itself: where ACLs are on, a client agent asks who wants to know before the handler is
  // called, which hears it from asking.h. All other rows ask nobody there: the servers decide.
  kOwn = 1u << 22,
  kAlwaysCached = 1u << 24,  // with kCacheable: as if ?cached was given
  kHeaderToken = 1u << 23,   // with kOwn: a token counts in a header alone
  kNotRefreshed = 1u << 21,  // kCacheable, but Consul does not keep it up to date: max-age, must-revalidate, Age
  kUnchecked = 1u << 25,     // with kQueryOptions: what makes no sense is passed over, as Consul reads few of them
  kNeedsAcls = 1u << 26,     // where ACLs are off it is answered so (401), whatever else is wrong
  kStaleAtLast = 1u << 19,   // a read that found no leader in time is answered from what is here
};

struct Route {
  Method method{};
  /// A Go ServeMux pattern: one that ends in '/' takes every path below it, the longest pattern wins.
  std::string_view pattern{};
  Handler handler{};
  std::uint32_t flags{};
  Description says{};
  /// Not empty: only paths of the pattern's tree that end so ("/execute"), which rows without it then do not get.
  std::string_view ending{};
  /// request.options is filled.
  bool takes_options() const {
    return handler.read || handler.hash || handler.asks_alone() || (flags & (kQueryOptions | kGoesOn));
  }
  /// By its RPC it changes the replicated state.
  bool writes() const { return method != Method::get; }
};

/// Every family's rows; each family is a file of routes/.
std::span<const std::span<const Route>> all_routes();

}  // namespace proconsul::agent::http
