// Asking other DNS servers: one question, sent to the recursors one after the other until one answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/dns/reply.h"
#include "agent/dns/settings.h"
#include "base/net/loop.h"
#include "base/net/socket.h"
#include "base/random.h"

namespace proconsul::agent::dns {

/// Lives on one loop; destroying it gives up.
class Recursion final : base::net::Pollable, base::net::Timer {
 public:
  /// The answer with the ID of the question that was given; empty if every recursor failed. Runs once, later, and may
  /// destroy the recursion.
  using Done = std::move_only_function<void(std::string answer)>;

  Recursion(base::net::Loop& loop, std::shared_ptr<const Settings> settings, Transport transport,
            std::string_view question, base::Random& random, Done done);
  ~Recursion() override;
  /// Once, after construction.
  void start();

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer() override;
  void try_next();
  void fail(std::string_view why);
  bool open(const Recursor& recursor);
  void receive_datagram();
  void receive_stream();
  bool send_stream();
  void received(std::string_view answer);
  bool is_answer(std::string_view answer) const;
  void finish(std::string answer);
  void close();

  base::net::Loop& loop_;
  const std::shared_ptr<const Settings> settings_;
  const Transport transport_;
  std::string question_;  // with an ID of our own
  const std::uint16_t original_id_;
  base::Random& random_;
  Done done_;
  std::vector<std::uint32_t> order_{};  // recursors still to be tried, the next one last
  const Recursor* current_ = nullptr;
  base::net::Fd socket_{};
  std::string sent_{};      // TCP: what is still to be sent
  std::string received_{};  // TCP: what has come
};

/// A question for the addresses of a host, with recursion desired.
std::string host_question(std::string_view name, std::uint16_t type);

}  // namespace proconsul::agent::dns
