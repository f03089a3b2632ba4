// What an operator writes where an agent is to join, and what becomes of it: addresses of members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gossip/swim/membership.h"

namespace proconsul::agent::cluster {

/// "host", "host:port", "[::1]:8301", "::1", "name/host": taken apart. `srv` for names such as
/// "_serf._tcp.example.com", whose records say host and port.
struct JoinAddress {
  std::string node{};  // the member's name, where the text says it
  std::string host{};
  std::uint16_t port{};
  bool srv = false;
  bool operator==(const JoinAddress&) const = default;
};
base::Result<JoinAddress> parse_join_address(std::string_view text, std::uint16_t default_port);

/// All addresses behind a name; an IP stands for itself. Waits for name servers: not for a loop's thread. Errors as Go
/// words them: "lookup NAME: no such host".
base::Result<std::vector<gossip::swim::Address>> resolve(const JoinAddress& address);

/// Before a program that prints addresses.
inline constexpr std::string_view kProgram = "exec=";
/// The standard output of a program, as addresses between blanks: what follows kProgram. Not for a loop's thread.
base::Result<std::vector<std::string>> addresses_of_program(std::string_view command);

/// An address, or what stands for some, as others may see it: of "exec=" the program, of a cloud provider's string
/// which provider, since both may have secrets behind that.
std::string shown_address(std::string_view text);

/// Words between blanks; within quotes, or behind a backslash, blanks belong to a word.
base::Result<std::vector<std::string>> split_words(std::string_view text);

}  // namespace proconsul::agent::cluster
