// The declared table of RPC methods. A row says what a method is called, what it takes and gives, and how it may be
// answered: forwarding, consistency, blocking and limits follow from its row and happen around the handler.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "agent/server/operator.h"
#include "agent/server/server.h"
#include "agent/tokens/needs.h"
#include "base/msgpack.h"
#include "base/result.h"
#include "base/time.h"
#include "base/type_of.h"
#include "catalog/types/common.h"

namespace proconsul::base {
class KeySet;
}
namespace proconsul::catalog {
class View;
}
namespace proconsul::agent::server {
class CoordinateBatch;
struct AclSettings;
}  // namespace proconsul::agent::server
namespace proconsul::agent::tokens {
class Resolver;
}
namespace proconsul::agent::auth {
class Logins;
}
namespace proconsul::agent::mesh {
class Authority;
struct AutoEncryptServer;
}  // namespace proconsul::agent::mesh

namespace proconsul::base::net {
class Loops;
}

namespace proconsul::agent::rpc {

class Caller;
class Federation;

/// What handlers work with.
struct Services {
  server::Server& server;
  server::Operator* cluster = nullptr;             // null: only where no method of operators is called
  server::CoordinateBatch* coordinates = nullptr;  // null: each is written at once
  std::string datacenter = "dc1";
  base::Duration session_ttl_min = base::seconds(10);
  bool sort_by_distance = true;              // false with disable_coordinates
  bool connect_enabled = false;              // connect.enabled
  std::string default_intention_policy{};    // empty: what ACLs say
  Federation* federation = nullptr;          // null: there is no other datacenter
  tokens::Resolver* tokens = nullptr;        // null: ACLs are off
  const server::AclSettings* acl = nullptr;  // beside it
  // For methods that ask other servers; the dispatcher fills them in.
  Caller* caller = nullptr;
  base::net::Loops* loops = nullptr;
  auth::Logins* logins = nullptr;                         // beside tokens
  mesh::Authority* authority = nullptr;                   // null: the mesh is off
  const mesh::AutoEncryptServer* auto_encrypt = nullptr;  // beside it; null: auto_encrypt.allow_tls is off
};

enum MethodFlag : std::uint32_t {
  kReads = 1u << 0,           // may be asked again after a lost connection (`read` in wire_schema.json)
  kHere = 1u << 1,            // answered by the server that is asked, whatever the request says
  kDatacenterOnly = 1u << 2,  // forwarded to another datacenter, but never to the leader
  kLeaderAlways = 1u << 3,    // AllowStale does not count
  kCountsAsWrite = 1u << 5,   // among the limits, though it may be asked again
  kInsecure = 1u << 4,        // also, and only, served to clients that have no certificate yet
};

/// Whether a query found what it looks for: one that waits sleeps on while that stays absent.
enum class Found : bool { no, yes };

using Finished = std::move_only_function<void(base::Result<>)>;

/// One call of a method: its request, and its reply once it is there. On one thread at a time.
class Invocation {
 public:
  virtual ~Invocation() = default;
  virtual base::Result<> decode_request(std::string_view body) = 0;
  virtual void encode_request(std::string& out) const = 0;
  virtual base::Result<> decode_reply(std::string_view body) = 0;
  virtual void encode_reply(std::string& out) const = 0;

  /// Empty: this one's.
  virtual std::string_view datacenter() const = 0;
  /// Null for what is no query.
  virtual const catalog::QueryOptions* query() const = 0;
  virtual catalog::QueryMeta* meta() = 0;
  virtual std::string_view token() const = 0;

  /// Queries over the state: may run many times, each time from the beginning. `watch` collects what it depends on.
  virtual bool is_query() const = 0;
  virtual base::Result<Found> evaluate(Services& services, const catalog::View& view, base::KeySet* watch) = 0;
  /// All else; `done` comes from any thread.
  virtual void run(Services& services, Finished done) = 0;
};
using InvocationPtr = std::shared_ptr<Invocation>;

struct Method {
  std::string_view name{};  // "KVS.Apply"
  std::uint32_t flags{};
  InvocationPtr (*make)(){};
  tokens::Needs needs{};  // the dispatcher asks for it where the call is answered
  bool reads() const { return (flags & kReads) != 0; }
  bool writes() const { return !reads() || (flags & kCountsAsWrite) != 0; }
};

/// Every family's rows, in methods.cc. Null: there is none of this name.
const Method* find_method(std::string_view name);
/// Is there a method of this service ("KVS")?
bool has_service(std::string_view service);
std::span<const std::span<const Method>> all_methods();

/// struct{}: no fields, on the wire an empty map.
struct Nothing {};
PROCONSUL_DECLARE_TYPE(Nothing)

/// A call with its types.
template <class Req, class Rep>
class TypedInvocation : public Invocation {
 public:
  Req request{};
  Rep reply{};

  base::Result<> decode_request(std::string_view body) override { return base::read_msgpack(body, request); }
  void encode_request(std::string& out) const override { base::append_msgpack(out, request); }
  base::Result<> decode_reply(std::string_view body) override {
    reply = {};
    return base::read_msgpack(body, reply);
  }
  void encode_reply(std::string& out) const override { base::append_msgpack(out, reply); }

  std::string_view datacenter() const override {
    if constexpr (requires { request.Datacenter; }) return request.Datacenter;
    return {};
  }
  const catalog::QueryOptions* query() const override {
    if constexpr (std::is_base_of_v<catalog::QueryOptions, Req>) return &request;
    return nullptr;
  }
  catalog::QueryMeta* meta() override {
    if constexpr (std::is_base_of_v<catalog::QueryMeta, Rep>) return &reply;
    return nullptr;
  }
  std::string_view token() const override {
    if constexpr (requires { request.Token; }) return request.Token;
    return {};
  }
  bool is_query() const override { return false; }
  base::Result<Found> evaluate(Services&, const catalog::View&, base::KeySet*) override { return Found::yes; }
  void run(Services&, Finished done) override { done({}); }
};

/// A query over the state.
template <class Req, class Rep>
using QueryFn = base::Result<Found> (*)(Services& services, const catalog::View& view, base::KeySet* watch,
                                        const Req& request, Rep& reply);
/// Answers at once, on the loop; must not block.
template <class Req, class Rep>
using CallFn = base::Result<> (*)(Services& services, const Req& request, Rep& reply);
/// Answers later, from any thread.
template <class Req, class Rep>
using AsyncFn = void (*)(Services& services, Req& request, std::move_only_function<void(base::Result<Rep>)> done);

namespace detail {

template <class Fn>
struct Signature;
template <class Req, class Rep>
struct Signature<QueryFn<Req, Rep>> {
  using Base = TypedInvocation<Req, Rep>;
  template <auto kFn>
  struct Bound final : Base {
    bool is_query() const override { return true; }
    base::Result<Found> evaluate(Services& services, const catalog::View& view, base::KeySet* watch) override {
      this->reply = {};
      return kFn(services, view, watch, this->request, this->reply);
    }
  };
};
template <class Req, class Rep>
struct Signature<CallFn<Req, Rep>> {
  using Base = TypedInvocation<Req, Rep>;
  template <auto kFn>
  struct Bound final : Base {
    void run(Services& services, Finished done) override { done(kFn(services, this->request, this->reply)); }
  };
};
template <class Req, class Rep>
struct Signature<AsyncFn<Req, Rep>> {
  using Base = TypedInvocation<Req, Rep>;
  template <auto kFn>
  struct Bound final : Base {
    void run(Services& services, Finished done) override {
      kFn(services, this->request, [this, done = std::move(done)](base::Result<Rep> result) mutable {
        if (!result) return done(result.error());
        this->reply = std::move(*result);
        done({});
      });
    }
  };
};

}  // namespace detail

/// A row: method<&kvs_get>("KVS.Get", kReads).
template <auto kFn>
constexpr Method method(std::string_view name, std::uint32_t flags, tokens::Needs needs = {}) {
  return {name, flags,
          []() -> InvocationPtr {
            return std::make_shared<typename detail::Signature<decltype(kFn)>::template Bound<kFn>>();
          },
          needs};
}

}  // namespace proconsul::agent::rpc
