#include "base/net/client_limit.h"

namespace proconsul::base::net {

static std::string address_of(std::string_view remote) {
  return std::string(remote.substr(0, remote.rfind(':')));
}

void ClientLimit::set_most(std::int64_t most) {
  std::lock_guard lock(mutex_);
  most_ = most;
}

bool ClientLimit::enter(std::string_view remote) {
  if (remote == "@") return true;
  std::lock_guard lock(mutex_);
  std::int64_t& count = open_[address_of(remote)];
  if (most_ > 0 && count >= most_) return false;
  ++count;
  return true;
}

void ClientLimit::leave(std::string_view remote) {
  if (remote == "@") return;
  std::lock_guard lock(mutex_);
  const auto found = open_.find(address_of(remote));
  if (found != open_.end() && --found->second <= 0) open_.erase(found);
}

}  // namespace proconsul::base::net
