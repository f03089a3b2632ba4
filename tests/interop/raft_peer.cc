// This side of raft_test.py: a raft server of ours that obeys the same lines as raft/main.go.
#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <future>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "agent/rpc/raft_transport.h"
#include "base/net/socket.h"
#include "raft/lines_fsm.h"
#include "raft/node.h"

using namespace proconsul;
using base::Result;
using base::net::Fd;

namespace {

std::string word(const Result<>& result) {
  return result ? "ok" : result.error().detail;
}

std::string hash_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum);
  std::string hex;
  for (const unsigned char byte : sum) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  return hex;
}

class Peer {
 public:
  explicit Peer(std::string id) : id_{std::move(id)} {
    Fd listener = *base::net::listen_tcp("127.0.0.1", 0);
    address_ = base::net::local_name(listener.get());
    transport_ = std::make_unique<agent::rpc::RaftTransport>(
        loops_[0], agent::rpc::RaftTransport::Options{.id = id_, .address = address_});
    loops_[1].run([&] {
      acceptor_ = std::make_unique<base::net::Acceptor>(loops_[1], std::move(listener), [this](Fd fd) {
        pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
        char kind = 0;
        ::poll(&ready, 1, 10'000);
        if (::recv(fd.get(), &kind, 1, 0) == 1 && kind == 1) transport_->accept(std::move(fd), nullptr);
      });
    });
  }
  ~Peer() {
    if (node_) node_->stop();
    loops_[1].run([&] { acceptor_.reset(); });
  }

  const std::string& address() const { return address_; }
  std::string obey(const std::vector<std::string>& words) {
    if (words[0] == "servers") return start(words);
    if (words[0] == "leader") return node_->is_ready() ? "true" : "false";
    if (words[0] == "propose") return propose(std::stoul(words[1]), std::stoul(words[2]));
    if (words[0] == "count") {
      const std::vector<std::string> lines = fsm_.lines();
      return std::to_string(lines.size()) + ' ' + hash_of(lines);
    }
    if (words[0] == "snapshot") {
      std::promise<Result<>> done;
      node_->snapshot([&](auto meta) { done.set_value(meta ? Result<>() : Result<>(meta.error())); });
      return word(done.get_future().get());
    }
    if (words[0] == "transfer") {
      std::promise<Result<>> done;
      node_->transfer_leadership({words[1]}, [&](Result<> result) { done.set_value(std::move(result)); });
      return word(done.get_future().get());
    }
    return "what?";
  }

 private:
  std::string start(const std::vector<std::string>& words) {
    raft::NodeOptions options;
    options.id = id_;
    options.address = address_;
    options.core.snapshots = {.threshold = 1 << 30, .trailing_logs = 10};
    raft::Configuration configuration;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t at = words[i].find('=');
      configuration.servers.push_back({{words[i].substr(0, at)}, words[i].substr(at + 1), raft::Suffrage::voter});
    }
    options.bootstrap = std::move(configuration);
    Result<std::unique_ptr<raft::Node>> node = raft::Node::start(std::move(options), fsm_, *transport_);
    if (!node) return node.error().detail;
    node_ = std::move(*node);
    return "ok";
  }
  std::string propose(std::size_t count, std::size_t size) {
    std::vector<std::promise<Result<>>> done(count);
    for (std::promise<Result<>>& one : done) {
      node_->propose(std::string(size, 'x'),
                     [&one](auto applied) { one.set_value(applied ? Result<>() : Result<>(applied.error())); });
    }
    std::string said = "ok";
    for (std::promise<Result<>>& one : done) {
      const std::string text = word(one.get_future().get());
      if (text != "ok") said = text;
    }
    return said;
  }

  const raft::ServerId id_;
  base::net::Loops loops_{2};
  std::string address_;
  raft::LinesFsm fsm_;
  std::unique_ptr<agent::rpc::RaftTransport> transport_;
  std::unique_ptr<base::net::Acceptor> acceptor_;
  std::unique_ptr<raft::Node> node_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: raft_peer ID\n", stderr);
    return 2;
  }
  Peer peer(arguments[1]);
  std::cout << peer.address() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream text(line);
    std::vector<std::string> words;
    for (std::string each; text >> each;) words.push_back(each);
    if (!words.empty()) std::cout << peer.obey(words) << std::endl;
  }
  return 0;
}
