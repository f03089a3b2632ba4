#include "agent/config/flags.h"

#include <algorithm>

#include "agent/config/keys.h"
#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::config {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Value;

constexpr AgentFlag kFlags[] = {
    {"advertise", "advertise_addr", "Address that other agents reach this one at."},
    {"advertise-wan", "advertise_addr_wan", "Address that agents of other datacenters reach this one at."},
    {"allow-write-http-from", "http_config.allow_write_http_from",
     "Networks whose requests may change something. May be repeated."},
    {"alt-domain", "alt_domain", "A second domain for the DNS interface."},
    {"auto-reload-config", "auto_reload_config",
     "Watch configuration and certificate files, and reload when they change.", true},
    {"bind", "bind_addr", "Address to listen on for other agents."},
    {"bootstrap", "bootstrap", "Elect this server the leader without waiting for others.", true},
    {"bootstrap-expect", "bootstrap_expect", "Number of servers to wait for before the first election."},
    {"check_output_max_size", "check_output_max_size", "Longest output of a check that is kept, in bytes."},
    {"client", "client_addr", "Addresses to listen on for clients: HTTP, HTTPS, DNS, gRPC."},
    {"config-dir", "", "Read every .hcl and .json file of this directory, by name. May be repeated."},
    {"config-file", "", "Read this .hcl or .json file. May be repeated."},
    {"config-format", "", "Format of every file, whatever its name: hcl or json."},
    {"data-dir", "data_dir", "Directory for all that must survive a restart."},
    {"datacenter", "datacenter", "Name of the datacenter of this agent."},
    {"default-query-time", "default_query_time", "How long a blocking query waits that names no time."},
    {"dev", "", "Development mode: a server on loopback that keeps nothing.", true},
    {"disable-host-node-id", "disable_host_node_id", "Draw the node ID at random instead of deriving it from the host.",
     true},
    {"disable-keyring-file", "disable_keyring_file", "Do not keep the gossip keys in a file.", true},
    {"dns-port", "ports.dns", "Port of the DNS server."},
    {"domain", "domain", "Domain of the DNS interface."},
    {"enable-local-script-checks", "enable_local_script_checks",
     "Allow script checks that come from configuration files.", true},
    {"enable-script-checks", "enable_script_checks", "Allow script checks from everywhere, the HTTP API included.",
     true},
    {"encrypt", "encrypt", "Gossip encryption key."},
    {"grpc-port", "ports.grpc", "Port of the gRPC server, without TLS."},
    {"grpc-tls-port", "ports.grpc_tls", "Port of the gRPC server, with TLS."},
    {"hcl", "", "A fragment of configuration. May be repeated."},
    {"http-port", "ports.http", "Port of the HTTP API."},
    {"https-port", "ports.https", "Port of the HTTPS API."},
    {"join", "start_join", "Deprecated: use -retry-join."},
    {"join-wan", "start_join_wan", "Deprecated: use -retry-join-wan."},
    {"log-file", "log_file", "File for the log."},
    {"log-json", "log_json", "Write the log as JSON.", true},
    {"log-level", "log_level", "Least severity that is logged: TRACE, DEBUG, INFO, WARN or ERROR."},
    {"log-rotate-bytes", "log_rotate_bytes", "Size at which a log file is closed and a new one begun."},
    {"log-rotate-duration", "log_rotate_duration", "Age at which a log file is closed and a new one begun."},
    {"log-rotate-max-files", "log_rotate_max_files", "Number of old log files to keep."},
    {"max-query-time", "max_query_time", "Longest time a blocking query may wait."},
    {"node", "node_name", "Name of this node, unique in its datacenter."},
    {"node-id", "node_id", "ID of this node, unique everywhere."},
    {"node-meta", "node_meta", "Metadata of this node, as key:value. May be repeated."},
    {"non-voting-server", "read_replica", "Enterprise only; deprecated: use -read-replica.", true},
    {"pid-file", "pid_file", "File for the process ID."},
    {"primary-gateway", "primary_gateways", "Address of a mesh gateway of the primary datacenter. May be repeated."},
    {"protocol", "protocol", "Version of the gossip protocol."},
    {"raft-protocol", "raft_protocol", "Version of the raft protocol."},
    {"read-replica", "read_replica", "Enterprise only: a server that does not vote.", true},
    {"recursor", "recursors", "DNS server for names outside the domain. May be repeated."},
    {"rejoin", "rejoin_after_leave", "Join the cluster again even after having left it.", true},
    {"retry-interval", "retry_interval", "Time between attempts to join."},
    {"retry-interval-wan", "retry_interval_wan", "Time between attempts to join over the WAN."},
    {"retry-join", "retry_join", "Agent to join, again and again until it works. May be repeated."},
    {"retry-join-wan", "retry_join_wan", "Server of another datacenter to join. May be repeated."},
    {"retry-max", "retry_max", "Number of attempts to join; 0 is no limit."},
    {"retry-max-wan", "retry_max_wan", "Number of attempts to join over the WAN; 0 is no limit."},
    {"segment", "segment", "Enterprise only: network segment to join."},
    {"serf-lan-allowed-cidrs", "serf_lan_allowed_cidrs", "Networks whose agents may join. May be repeated."},
    {"serf-lan-bind", "serf_lan", "Address to listen on for gossip."},
    {"serf-lan-port", "ports.serf_lan", "Port for gossip."},
    {"serf-wan-allowed-cidrs", "serf_wan_allowed_cidrs",
     "Networks whose servers may join over the WAN. May be repeated."},
    {"serf-wan-bind", "serf_wan", "Address to listen on for gossip over the WAN."},
    {"serf-wan-port", "ports.serf_wan", "Port for gossip over the WAN."},
    {"server", "server", "Be a server.", true},
    {"server-port", "ports.server", "Port for requests between agents."},
    {"syslog", "enable_syslog", "Send the log to syslog as well.", true},
    {"ui", "ui_config.enabled", "Serve the web UI.", true},
    {"ui-content-path", "ui_config.content_path", "Path that the web UI is served under."},
    {"ui-dir", "ui_config.dir", "Directory of a web UI of your own."},
};

Error fail(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

const AgentFlag* find_flag(std::string_view name) {
  const auto found = std::ranges::find(kFlags, name, &AgentFlag::name);
  return found == std::end(kFlags) ? nullptr : &*found;
}

void append(Settings& settings, std::string_view path, std::string_view item) {
  const Value* before = find(settings, path);
  Value list = before != nullptr ? *before : Value();
  if (list.as_list() == nullptr) list.make_list();
  list.as_list()->push_back(Value(item));
  set(settings, path, std::move(list));
}

/// Takes one flag's value; the error is the reason alone.
Result<> take(const AgentFlag& flag, std::string_view text, LoadOptions& options) {
  if (flag.takes_no_value) {
    Result<bool> value = base::parse_bool(text);
    if (!value) return value.error();
    if (flag.name == "dev") {
      options.development = *value;
    } else {
      set(options.flags, flag.path, *value);
    }
    return {};
  }
  if (flag.path.empty()) {
    if (flag.name == "config-format") {
      options.format = text;
    } else {
      (flag.name == "hcl" ? options.fragments : options.paths).emplace_back(text);
    }
    return {};
  }
  switch (find_key(flag.path)->key->type) {
    case KeyType::integer: {
      Result<std::int64_t> value = base::parse_atoi(text);
      if (!value) return value.error();
      set(options.flags, flag.path, *value);
      break;
    }
    case KeyType::text_map: {
      const std::size_t colon = text.find(':');
      const Value* before = find(options.flags, flag.path);
      Value map = before != nullptr ? *before : Value();
      if (map.as_map() == nullptr) map.make_map();
      (*map.as_map())[std::string(text.substr(0, colon))] =
          colon == text.npos ? std::string_view() : text.substr(colon + 1);
      set(options.flags, flag.path, std::move(map));
      break;
    }
    case KeyType::text_list:
      append(options.flags, flag.path, text);
      break;
    default:
      set(options.flags, flag.path, text);
      break;
  }
  return {};
}

/// -join and -join-wan are the retrying ones by another name.
void rename_joins(LoadOptions& options) {
  for (const auto& [from, to, old_flag, new_flag] :
       {std::tuple{"start_join", "retry_join", "-join", "-retry-join"},
        std::tuple{"start_join_wan", "retry_join_wan", "-join-wan", "-retry-join-wan"}}) {
    const Value* items = find(options.flags, from);
    if (items == nullptr) continue;
    const Value copy = *items;
    erase(options.flags, from);
    for (const Value& item : *copy.as_list()) append(options.flags, to, *item.as_string());
    options.warnings.push_back("The flag '" + std::string(old_flag) + "' is deprecated. Use the '" + new_flag +
                               "' flag instead.");
  }
}

}  // namespace

std::span<const AgentFlag> agent_flags() {
  return kFlags;
}

Result<LoadOptions> parse_agent_flags(std::span<const std::string> arguments) {
  LoadOptions options;
  std::size_t next = 0;
  while (next < arguments.size()) {
    const std::string_view argument = arguments[next];
    if (argument.size() < 2 || argument[0] != '-') break;
    ++next;
    if (argument == "--") break;
    std::string_view name = argument.substr(argument[1] == '-' ? 2 : 1);
    if (name.starts_with('-') || name.starts_with('=')) return fail("bad flag syntax: " + std::string(argument));
    std::string_view value;
    const std::size_t equals = name.find('=');
    const bool has_value = equals != name.npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const AgentFlag* flag = find_flag(name);
    if (flag == nullptr) {
      if (name == "h" || name == "help") return fail("flag: help requested");
      return fail("flag provided but not defined: -" + std::string(name));
    }
    if (!has_value && flag->takes_no_value) {
      value = "true";
    } else if (!has_value) {
      if (next == arguments.size()) return fail("flag needs an argument: -" + std::string(name));
      value = arguments[next++];
    }
    if (Result<> taken = take(*flag, value, options); !taken) {
      const bool boolean = flag->takes_no_value;
      return fail(std::string("invalid ") + (boolean ? "boolean " : "") + "value " + base::quote(value) + " for " +
                  (boolean ? "-" : "flag -") + std::string(name) + ": " + taken.error().detail);
    }
  }
  if (next < arguments.size()) {
    std::string rest;
    for (; next < arguments.size(); ++next) rest += (rest.empty() ? "" : " ") + arguments[next];
    return fail("Unexpected extra arguments: [" + rest + "]");
  }
  rename_joins(options);
  return options;
}

}  // namespace proconsul::agent::config
