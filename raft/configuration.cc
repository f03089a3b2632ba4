#include "raft/configuration.h"

#include <algorithm>
#include <unordered_set>

#include "base/msgpack.h"

namespace proconsul::raft {

namespace {

// A cluster has a handful of servers; more in one configuration is damage, not a cluster.
constexpr std::size_t kMaxServers = 4096;

base::Error unreadable(const base::MsgpackReader& reader, const char* what) {
  base::Result<> status = reader.status();
  return {base::Errc::corrupt, std::string("failed to decode ") + what + (status ? "" : ": " + status.error().detail)};
}

std::string describe(const Configuration& configuration) {
  std::string text = "{[";
  for (const Server& server : configuration.servers) {
    if (text.size() > 2) text += ' ';
    const char* suffrage = server.suffrage == Suffrage::voter      ? "Voter"
                           : server.suffrage == Suffrage::nonvoter ? "Nonvoter"
                                                                   : "Staging";
    text += std::string("{") + suffrage + ' ' + server.id.value + ' ' + server.address + '}';
  }
  return text + "]}";
}

}  // namespace

const Server* find(const Configuration& configuration, const ServerId& id) {
  auto found = std::ranges::find(configuration.servers, id, &Server::id);
  return found == configuration.servers.end() ? nullptr : &*found;
}

bool is_voter(const Configuration& configuration, const ServerId& id) {
  const Server* server = find(configuration, id);
  return server != nullptr && server->suffrage == Suffrage::voter;
}

std::size_t voters(const Configuration& configuration) {
  return static_cast<std::size_t>(std::ranges::count(configuration.servers, Suffrage::voter, &Server::suffrage));
}

base::Result<> check(const Configuration& configuration) {
  std::unordered_set<std::string> ids;
  std::unordered_set<std::string> addresses;
  for (const Server& server : configuration.servers) {
    if (server.id.value.empty()) {
      return {base::Errc::invalid_argument, "empty ID in configuration: " + describe(configuration)};
    }
    if (server.address.empty()) {
      return {base::Errc::invalid_argument, "empty address in configuration: " + server.id.value};
    }
    if (!ids.insert(server.id.value).second) {
      return {base::Errc::invalid_argument, "found duplicate ID in configuration: " + server.id.value};
    }
    if (!addresses.insert(server.address).second) {
      return {base::Errc::invalid_argument, "found duplicate address in configuration: " + server.address};
    }
  }
  if (voters(configuration) == 0) {
    return {base::Errc::invalid_argument, "need at least one voter in configuration: " + describe(configuration)};
  }
  return {};
}

base::Result<Configuration> changed(const Configuration& current, const MembershipChange& change) {
  Configuration next = current;
  auto server = std::ranges::find(next.servers, change.id, &Server::id);
  const bool known = server != next.servers.end();
  switch (change.kind) {
    case Change::add_voter:
      if (!known) {
        next.servers.push_back({change.id, change.address, Suffrage::voter});
      } else {
        server->address = change.address;
        server->suffrage = Suffrage::voter;
      }
      break;
    case Change::add_nonvoter:
      // A voter stays one; only demote_voter takes the vote away.
      if (!known) {
        next.servers.push_back({change.id, change.address, Suffrage::nonvoter});
      } else {
        server->address = change.address;
      }
      break;
    case Change::demote_voter:
      if (known) server->suffrage = Suffrage::nonvoter;
      break;
    case Change::remove_server:
      if (known) next.servers.erase(server);
      break;
  }
  if (base::Result<> usable = check(next); !usable) return usable.error();
  return next;
}

std::string encode(const Configuration& configuration) {
  std::string out;
  base::MsgpackWriter writer(out, base::MsgpackHandle::raft);
  writer.map(1);
  writer.string("Servers");
  if (configuration.servers.empty()) {
    writer.nil();
    return out;
  }
  writer.array(configuration.servers.size());
  for (const Server& server : configuration.servers) {
    writer.map(3);
    writer.string("Address");
    writer.string(server.address);
    writer.string("ID");
    writer.string(server.id.value);
    writer.string("Suffrage");
    writer.integer(static_cast<std::int64_t>(server.suffrage));
  }
  return out;
}

base::Result<Configuration> decode_configuration(std::string_view data) {
  Configuration configuration;
  base::MsgpackReader reader(data, base::MsgpackHandle::raft);
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    if (reader.string() != "Servers") {
      reader.skip();
      continue;
    }
    const std::size_t count = reader.array();
    if (count > kMaxServers)
      return base::Error{base::Errc::corrupt, "failed to decode configuration: too many servers"};
    configuration.servers.assign(count, {});
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
      Server& server = configuration.servers[i];
      for (std::size_t fields = reader.map(); fields > 0 && reader.ok(); --fields) {
        const std::string_view field = reader.string();
        if (field == "Address") {
          server.address = reader.string();
        } else if (field == "ID") {
          server.id.value = reader.string();
        } else if (field == "Suffrage") {
          const std::int64_t suffrage = reader.integer();
          if (suffrage < 0 || suffrage > 2) reader.fail("unknown suffrage");
          server.suffrage = static_cast<Suffrage>(suffrage);
        } else {
          reader.skip();
        }
      }
    }
  }
  if (!reader.ok()) return unreadable(reader, "configuration");
  return configuration;
}

std::string encode_peers(const Configuration& configuration) {
  std::string out;
  base::MsgpackWriter writer(out, base::MsgpackHandle::raft);
  if (voters(configuration) == 0) {
    writer.nil();
    return out;
  }
  writer.array(voters(configuration));
  for (const Server& server : configuration.servers) {
    if (server.suffrage == Suffrage::voter) writer.bytes(server.address);
  }
  return out;
}

base::Result<Configuration> decode_peers(std::string_view data) {
  Configuration configuration;
  base::MsgpackReader reader(data, base::MsgpackHandle::raft);
  const std::size_t count = reader.array();
  if (count > kMaxServers) return base::Error{base::Errc::corrupt, "failed to decode peers: too many servers"};
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    std::string address(reader.bytes());
    configuration.servers.push_back({ServerId{address}, address, Suffrage::voter});
  }
  if (!reader.ok()) return unreadable(reader, "peers");
  return configuration;
}

base::Result<Configuration> configuration_of(const Entry& entry) {
  return entry.type == EntryType::configuration ? decode_configuration(entry.data) : decode_peers(entry.data);
}

base::Result<SnapshotMeta> forced_snapshot(LogIndex last_index, Term last_term, const Configuration& configuration) {
  if (last_index.value == 0) {
    return base::Error{base::Errc::invalid_argument,
                       "refused to recover cluster with no initial state, this is probably an operator error"};
  }
  if (base::Result<> usable = check(configuration); !usable) return usable.error();
  return SnapshotMeta{
      .index = last_index, .term = last_term, .configuration = configuration, .configuration_index = {1}};
}

}  // namespace proconsul::raft
