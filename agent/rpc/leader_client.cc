#include "agent/rpc/leader_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "agent/rpc/types.h"
#include "catalog/commands.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/register.h"
#include "catalog/types/system.h"
#include "gossip/serf/message.h"

namespace proconsul::agent::rpc {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::Loop;
using catalog::ApplyResult;
using catalog::Command;

namespace {

constexpr auto kPause = std::chrono::milliseconds(20);  // between two looks for a leader

template <class Req, class Rep>
TypedInvocation<Req, Rep>& typed(Invocation& invocation) {
  return static_cast<TypedInvocation<Req, Rep>&>(invocation);
}

/// The method that does what a command does; their requests are the same bytes.
struct Forwarded {
  Command command;
  std::string_view method;
  ApplyResult (*result)(Invocation& invocation);
};

template <class Req, class Rep>
ApplyResult reply_of(Invocation& invocation) {
  ApplyResult result;
  if constexpr (!std::is_same_v<Rep, Nothing>) result.value = std::move(typed<Req, Rep>(invocation).reply);
  return result;
}

constexpr std::array<Forwarded, 7> kForwarded = {{
    {Command::register_, "Catalog.Register", &reply_of<catalog::RegisterRequest, Nothing>},
    {Command::deregister, "Catalog.Deregister", &reply_of<catalog::DeregisterRequest, Nothing>},
    {Command::kvs, "KVS.Apply", &reply_of<catalog::KVSRequest, bool>},
    {Command::session, "Session.Apply", &reply_of<catalog::SessionRequest, std::string>},
    {Command::prepared_query, "PreparedQuery.Apply", &reply_of<catalog::PreparedQueryRequest, std::string>},
    {Command::txn, "Txn.Apply", &reply_of<catalog::TxnRequest, catalog::TxnResponse>},
    {Command::autopilot, "Operator.AutopilotSetConfiguration", &reply_of<catalog::AutopilotSetConfigRequest, bool>},
}};

/// Coordinates travel one by one and are gathered by the leader.
void send_coordinates(Dispatcher& dispatcher, Loop& loop, std::string_view body, server::ApplyDone done) {
  Result<catalog::Coordinates> batch = base::from_msgpack<catalog::Coordinates>(body);
  if (!batch) return done(batch.error());
  struct Gathered {
    std::size_t left;
    Result<ApplyResult> result{};
    server::ApplyDone done;
  };
  if (batch->empty()) return done(ApplyResult{});
  auto gathered = std::make_shared<Gathered>();
  gathered->left = batch->size();
  gathered->done = std::move(done);
  const Method& method = *find_method("Coordinate.Update");
  for (const base::Pointer<catalog::Coordinate>& each : *batch) {
    InvocationPtr invocation = method.make();
    auto& request = typed<catalog::CoordinateUpdateRequest, Nothing>(*invocation).request;
    request.Token = dispatcher.server_token();
    if (each) {
      request.Node = each->Node;
      request.Segment = each->Segment;
      request.Coord = each->Coord;
    }
    // All come back on this loop.
    ask(dispatcher, loop, method, std::move(invocation), [gathered](Result<> result) {
      if (!result) gathered->result = result.error();
      if (--gathered->left == 0) gathered->done(std::move(gathered->result));
    });
  }
}

}  // namespace

void LeaderClient::apply(std::string command, server::ApplyDone done) {
  Dispatcher* dispatcher = dispatcher_.load(std::memory_order_acquire);
  if (!dispatcher) return done(Error{Errc::no_leader, kNoLeader});
  if (command.empty()) return done(Error{Errc::internal, "an empty command"});
  const auto number = static_cast<Command>(static_cast<std::uint8_t>(command.front()) & ~catalog::kIgnoreUnknown);
  const std::string_view body = std::string_view(command).substr(1);
  Loop& loop = loops_.next();
  if (number == Command::coordinate_batch) return send_coordinates(*dispatcher, loop, body, std::move(done));
  const auto forwarded = std::ranges::find(kForwarded, number, &Forwarded::command);
  const Method* method = forwarded == kForwarded.end() ? nullptr : find_method(forwarded->method);
  if (!method) return done(Error{Errc::internal, "only the leader makes changes of this kind"});
  InvocationPtr invocation = method->make();
  if (Result<> decoded = invocation->decode_request(body); !decoded) return done(decoded.error());
  if (number == Command::prepared_query) {
    // The leader chooses the id of a new one, and refuses any other.
    auto& request = typed<catalog::PreparedQueryRequest, std::string>(*invocation).request;
    if (request.Op == "create" && request.Query) request.Query->ID.clear();
  }
  ask(*dispatcher, loop, *method, invocation,
      [invocation, result = forwarded->result, done = std::move(done)](Result<> answered) mutable {
        if (!answered) return done(answered.error());
        done(result(*invocation));
      });
}

/// First a read that the leader answers only when a quorum says that it still leads; then the end of its log, which by
/// then has all that was committed before. (It may have lost the lead in between: what was committed stays in its log.)
class LeaderClient::Question : public std::enable_shared_from_this<Question> {
 public:
  using Done = std::move_only_function<void(Result<std::uint64_t>)>;
  Question(LeaderClient& client, Loop& loop, Done done)
      : client_(client),
        loop_(loop),
        done_(std::move(done)),
        give_up_(Clock::now() + std::chrono::nanoseconds(client.hold_timeout_.nanoseconds)) {}

  void start() {
    if (!client_.dispatcher_.load(std::memory_order_acquire)) return finish(Error{Errc::no_leader, kNoLeader});
    if (client_.cluster_.leads()) return finish(Error{Errc::no_leader, kNoLeader});
    Result<Target> leader = client_.cluster_.leader();
    if (!leader) return again(leader.error());
    target_ = std::move(*leader);
    auto read = std::make_shared<TypedInvocation<SessionSpecificRequest, IndexedSessions>>();
    read->request.SessionID = "00000000-0000-0000-0000-000000000000";
    read->request.RequireConsistent = true;
    ask("Session.Get", read,
        [self = shared_from_this()](Result<> leads) { leads ? self->ask_index() : self->again(leads.error()); });
  }

 private:
  void ask_index() {
    auto stats = std::make_shared<TypedInvocation<Nothing, RaftStats>>();
    ask("Status.RaftStats", stats, [self = shared_from_this(), stats](Result<> told) {
      told ? self->finish(stats->reply.LastIndex) : self->again(told.error());
    });
  }
  void ask(std::string_view method, InvocationPtr invocation, Finished then) {
    call_ = client_.pool_.call(loop_, target_, method, std::move(invocation),
                               [this, then = std::move(then)](Result<> result) mutable {
                                 loop_.post([dead = std::move(call_)] {});  // it is on the stack
                                 then(std::move(result));
                               });
  }
  void again(const Error& error) {
    if (Clock::now() > give_up_) return finish(Error{Errc::no_leader, error.detail});
    loop_.after(kPause, [self = shared_from_this()] { self->start(); });
  }
  void finish(Result<std::uint64_t> result) {
    Done done = std::exchange(done_, nullptr);
    done(std::move(result));
  }

  LeaderClient& client_;
  Loop& loop_;
  Done done_;
  const Clock::time_point give_up_;
  Target target_{};
  std::unique_ptr<Pool::Call> call_{};
};

void LeaderClient::read_index(std::move_only_function<void(Result<std::uint64_t>)> done) {
  Loop& loop = loops_.next();
  loop.post([question = std::make_shared<Question>(*this, loop, std::move(done))] { question->start(); });
}

void LeaderClient::renew_session(const std::string& id, server::Done done) {
  Dispatcher* dispatcher = dispatcher_.load(std::memory_order_acquire);
  if (!dispatcher) return done(Error{Errc::no_leader, kNoLeader});
  const Method& method = *find_method("Session.Renew");
  InvocationPtr invocation = method.make();
  using Call = TypedInvocation<SessionSpecificRequest, IndexedSessions>;
  static_cast<Call&>(*invocation).request.SessionID = id;
  static_cast<Call&>(*invocation).request.Token = dispatcher->server_token();
  ask(*dispatcher, loops_.next(), method, invocation,
      [invocation, id, done = std::move(done)](Result<> answered) mutable {
        if (!answered) return done(answered.error());
        if (!static_cast<Call&>(*invocation).reply.Sessions.empty()) return done({});
        done(Error{Errc::not_found, "Session id '" + id + "' not found"});
      });
}

void LeaderClient::health(std::move_only_function<void(Result<server::Operator::Health>)> done) {
  Dispatcher* dispatcher = dispatcher_.load(std::memory_order_acquire);
  if (!dispatcher) return done(Error{Errc::no_leader, kNoLeader});
  const Method& method = *find_method("Operator.ServerHealth");
  InvocationPtr invocation = method.make();
  typed<DCSpecificRequest, AutopilotHealthReply>(*invocation).request.Token = dispatcher->server_token();
  ask(*dispatcher, loops_.next(), method, invocation, [invocation, done = std::move(done)](Result<> answered) mutable {
    if (!answered) return done(answered.error());
    server::Operator::Health health;
    for (AutopilotServerHealth& shown : typed<DCSpecificRequest, AutopilotHealthReply>(*invocation).reply.Servers) {
      server::Operator::ServerHealth& server = health.servers.emplace_back();
      server.peer = {.id = std::move(shown.ID),
                     .address = std::move(shown.Address),
                     .voter = shown.Voter,
                     .leader = shown.Leader,
                     .last_index = shown.LastIndex};
      server.healthy = shown.Healthy;
      server.last_contact = shown.LastContact;
      server.last_term = shown.LastTerm;
      server.stable_since = shown.StableSince;
      server.gossip_status = to_string(static_cast<gossip::serf::MemberStatus>(shown.SerfStatus));
      server.version = std::move(shown.Version);
    }
    done(std::move(health));
  });
}

void LeaderClient::after(base::Duration delay, base::net::Task task) {
  Loop& loop = loops_.next();
  loop.post([&loop, delay, task = std::move(task)]() mutable {
    loop.after(std::chrono::nanoseconds(delay.nanoseconds), std::move(task));
  });
}

}  // namespace proconsul::agent::rpc
