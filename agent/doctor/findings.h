// What was tried, and what came of it: all that the diagnosis knows.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/view.h"
#include "base/time.h"

namespace proconsul::agent::doctor {

/// A call of one server: by its own address, or by the name in TLS through a gateway.
struct Probe {
  std::string datacenter{};   // that was meant
  std::string node{};         // the server that was meant; empty: any
  std::string address{};      // that was dialed
  std::string kind{};         // local, direct, remembered: a gateway's (WayView::Kind); server: its own
  std::string server_name{};  // in TLS; empty: plain
  std::string error{};        // why Status.Ping was not answered; empty: it was
  base::Duration round_trip{};
  std::optional<base::Duration> ahead{};  // its clock before ours; nothing: not told
  std::string refusal{};                  // why it did not show what it sees; empty: it did, or was not asked
  std::optional<View> view{};

  bool works() const { return error.empty(); }
  bool through_gateway() const { return kind != "server"; }
};

/// An entry of primary_gateways (without what may be secret in it).
struct Resolution {
  std::string entry{};
  std::vector<std::string> addresses{};
  std::string error{};
};

/// The replication token, as the primary sees it.
struct TokenTrial {
  bool tried = false;
  std::string error{};
  std::vector<std::string> missing{};  // permissions, "operator:write"
};

struct Findings {
  View own{};
  base::Time now{};
  std::vector<Resolution> names{};
  std::vector<Probe> probes{};
  std::map<std::string, std::size_t> left_out{};  // calls by datacenter that were not tried: there are too many
  TokenTrial token{};
};

}  // namespace proconsul::agent::doctor
