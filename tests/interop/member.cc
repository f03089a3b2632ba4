// A member of a pool, as this project makes it: commands come in lines, what happens goes out in lines (see
// memberlist_test.py).
//
//   interop_member -name cc1 -ip 127.0.0.1 [-key HEX] [-label TEXT]
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/net/loop.h"
#include "gossip/keyring.h"
#include "gossip/swim/driver.h"
#include "gossip/vectors.h"

namespace base = proconsul::base;
namespace gossip = proconsul::gossip;
namespace swim = proconsul::gossip::swim;

namespace {

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class Member final : public swim::Delegate {
 public:
  std::string node_meta() override { return meta; }
  void user_message(std::string_view message) override { say("message " + std::string(message)); }
  std::vector<std::string> broadcasts(std::size_t, std::size_t) override { return {}; }
  bool has_broadcasts() const override { return false; }
  std::string local_state(bool) override { return "state-of-" + name; }
  void merge_remote_state(std::string_view state, bool) override { say("merged " + std::string(state)); }
  void node_joined(const swim::Node& node) override { say("joined " + node.name); }
  void node_left(const swim::Node& node) override {
    say((node.state == swim::NodeState::left ? "left " : "dead ") + node.name);
  }
  void node_updated(const swim::Node& node) override { say("updated " + node.name + " " + node.meta); }
  void name_conflict(const swim::Node& existing, const swim::Node&) override { say("conflict " + existing.name); }
  base::Result<> allow_merge(const std::vector<swim::Node>&) override { return {}; }
  base::Result<> allow_alive(const swim::Node&) override { return {}; }
  std::string ack_payload() override { return "ack-of-" + name; }
  void ping_complete(const swim::Node& node, base::Duration, std::string_view payload) override {
    say("ping " + node.name + " " + std::string(payload));
  }

  void run(const std::vector<std::string>& command) {
    const auto known = [&]() { return command.size() > 1 ? driver->find(command[1]) : nullptr; };
    if (command[0] == "join") {
      std::vector<swim::Address> addresses;
      for (std::size_t i = 1; i < command.size(); ++i) addresses.push_back(address_of(command[i]));
      driver->join(std::move(addresses), [](swim::JoinOutcome outcome) {
        std::string line = "outcome " + std::to_string(outcome.joined);
        for (const std::string& error : outcome.errors) line += " " + error;
        say(line);
      });
    } else if (command[0] == "send" && known() != nullptr) {
      (void)driver->send_user_message(known()->address, known(), command[2]);
    } else if (command[0] == "stream" && known() != nullptr) {
      driver->send_user_message_reliably(known()->address, command[2], [](base::Result<>) {});
    } else if (command[0] == "meta") {
      meta = command[1];
      driver->update_node(base::seconds(5), [](base::Result<>) {});
    } else if (command[0] == "members") {
      std::vector<std::string> names;
      for (const swim::Node* node : driver->members()) names.push_back(node->name);
      std::sort(names.begin(), names.end());
      std::string line = "members";
      for (const std::string& one : names) line += " " + one;
      say(line);
    } else if (command[0] == "leave") {
      driver->leave(base::seconds(5), [](base::Result<> left) { say(left ? "leaving" : left.error().detail); });
    }
  }

  /// "127.0.0.1:7946"; IPv4 alone.
  static swim::Address address_of(const std::string& text) {
    swim::Address address;
    std::istringstream in(text);
    unsigned byte = 0, port = 0;
    char point = 0;
    for (int i = 0; i < 4; ++i) {
      in >> byte >> point;
      address.ip.push_back(static_cast<char>(byte));
    }
    in >> port;
    address.port = static_cast<std::uint16_t>(port);
    return address;
  }

  std::string name{};
  std::string meta{};
  std::unique_ptr<swim::Driver> driver{};
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  gossip::Keyring ring;
  base::net::Loops loops(1);
  Member member;
  member.name = flags["-name"];
  swim::DriverOptions options;
  options.bind_ip = flags.contains("-ip") ? flags["-ip"] : "127.0.0.1";
  options.config.name = member.name;
  options.config.timing = swim::Timing::local();
  options.config.timing.push_pull_interval = base::seconds(1);
  options.config.timing.probe_interval = base::milliseconds(300);
  options.config.timing.probe_timeout = base::milliseconds(150);
  options.config.wrapping.label = flags["-label"];
  if (flags.contains("-key")) {
    if (!ring.add(gossip::from_hex(flags["-key"]))) return 2;
    options.config.wrapping.keyring = &ring;
  }
  loops[0].run([&] {
    auto driver = swim::Driver::open(loops[0], std::move(options));
    if (!driver) {
      std::fprintf(stderr, "%s\n", driver.error().detail.c_str());
      std::_Exit(1);
    }
    member.driver = std::move(*driver);
    if (!member.driver->start(member)) std::_Exit(1);
    say("ready " + swim::to_string(member.driver->local().address));
  });
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    const std::vector<std::string> command{std::istream_iterator<std::string>(words), {}};
    if (!command.empty()) loops[0].run([&] { member.run(command); });
  }
  loops[0].run([&] { member.driver.reset(); });
  return 0;
}
