// The instances of a service as the events of a subscription tell them (streaming.md of the wire reference): what is
// shown, and what has been heard of a snapshot that is not whole. Plain code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/grpc/messages.h"
#include "agent/http/context.h"
#include "agent/http/reply.h"
#include "agent/rpc/types.h"
#include "base/filter/filter.h"
#include "base/result.h"
#include "catalog/query/instances.h"

namespace proconsul::agent::http {

class ServiceInstances {
 public:
  using Request = rpc::ServiceSpecificRequest;
  /// What is wrong with the request's filter, as Consul says it.
  static base::Result<base::filter::Filter> filter_of(const Request& request);

  /// `agent` outlives it; the request's filter is right. An error comes when more than about `most_bytes` are kept.
  ServiceInstances(const Context& agent, Request request, std::size_t most_bytes);

  /// What to subscribe to next: from where what is shown ends, or anew. A subscription begins with this call.
  grpc::SubscribeRequest subscribe();
  /// The next message of the subscription, an Event. Whether that changes what is shown. An error: no such event can
  /// follow; all is to be had anew.
  base::Result<bool> take(std::string_view message);
  /// All is to be had anew. What is shown stays until it is.
  void forget() { index_ = 0; }

  /// Of what is shown; 0: nothing yet, or forgotten.
  std::uint64_t index() const { return index_; }
  /// The instances by node and ID, as a list in JSON; shares their bytes.
  Body render() const;
  /// About what it keeps.
  std::size_t bytes() const { return bytes_; }
  const Request& request() const { return request_; }

 private:
  using Key = std::pair<std::string, std::string>;  // node and ID
  using Instances = std::map<Key, std::shared_ptr<const std::string>>;
  enum class Phase : std::uint8_t { resuming, snapshot, live };

  base::Result<bool> take(const grpc::Event& event);
  base::Result<> update(const grpc::Event& event);
  bool shows(const catalog::CheckServiceNode& instance) const;
  void replace(Key key, std::shared_ptr<const std::string> json);

  const Context& agent_;
  const Request request_;
  const std::size_t most_bytes_;
  const base::filter::Filter filter_;
  const catalog::MetaFilter meta_;
  Phase phase_{};
  Instances shown_{};
  Instances incoming_{};  // of a snapshot
  std::uint64_t index_ = 0;
  std::size_t bytes_ = 0;  // of both
};

}  // namespace proconsul::agent::http
