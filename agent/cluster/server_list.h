// Which server a client agent asks: it keeps to one, leaves it when it does not answer, and now and then begins anew so
// that the load of many clients stays even. Plain code; one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/rpc/cluster.h"
#include "base/random.h"
#include "base/time.h"

namespace proconsul::agent::cluster {

class ServerList {
 public:
  explicit ServerList(base::Random& random) : random_(random) {}

  /// Joined, or has new tags.
  void add(rpc::Target server);
  void remove(std::string_view node);
  std::size_t size() const { return servers_.size(); }
  const std::vector<rpc::Target>& servers() const { return servers_; }

  /// The one to ask; null: none is known.
  const rpc::Target* chosen();
  /// It did not answer: the next one is asked from now on. Whether that changes anything.
  bool failed(std::string_view node);

  /// All of them in a new order: the first that answers a ping is to be chosen.
  std::vector<rpc::Target> shuffled();
  /// Takes that choice over, unless it has gone meanwhile: those of `order` that are still there in that order, then
  /// who has come since.
  bool choose(std::size_t answering, std::vector<rpc::Target> order);

  /// How long until the next shuffle, so that a server gets no more than 64 new connections a second.
  static base::Duration until_shuffle(std::size_t servers, std::size_t nodes, base::Random& random);

 private:
  base::Random& random_;
  std::vector<rpc::Target> servers_{};  // the first is asked
  bool asked_ = false;                  // the first has been chosen: who joins does not take its place
};

}  // namespace proconsul::agent::cluster
