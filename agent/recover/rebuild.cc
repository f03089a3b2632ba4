#include "agent/recover/rebuild.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/net/socket.h"
#include "base/strconv.h"
#include "base/uuid.h"
#include "raft/configuration.h"
#include "raft/recovery.h"

namespace proconsul::agent::recover {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Result;

Error invalid(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}

/// A host or an IP, and a port.
Result<> check_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string wrong = "the address \"" + address + "\" ";
  if (colon == std::string::npos || colon == 0) {
    return invalid(wrong + "needs a port, which is the server port (8300 unless configured)");
  }
  const std::string host = address.substr(0, colon);
  if (host.find(':') != std::string::npos && (host.front() != '[' || host.back() != ']')) {
    return invalid(wrong + "needs brackets around its IPv6 part");
  }
  const Result<std::uint64_t> port = base::parse_uint(address.substr(colon + 1), 10, 16);
  if (!port || *port == 0) return invalid(wrong + "has no usable port");
  return {};
}

Result<> sync(const std::string& path, int flags) {
  const base::net::Fd file(::open(path.c_str(), flags | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) {
    return {Errc::unavailable, "sync " + path + ": " + base::net::errno_text(errno)};
  }
  return {};
}

/// All of it, or nothing that has its name.
Result<> copy_folder(const std::string& from, const std::string& to) {
  const std::string temporary = to + ".tmp";
  std::error_code failed;
  fs::remove_all(temporary, failed);
  fs::copy(from, temporary, fs::copy_options::recursive, failed);
  Result<> copied;
  if (failed) copied = {Errc::unavailable, "copy " + from + " to " + temporary + ": " + failed.message()};
  for (const auto& item : fs::recursive_directory_iterator(temporary, failed)) {
    if (!copied) break;
    copied = sync(item.path().string(), item.is_directory() ? O_RDONLY | O_DIRECTORY : O_RDONLY);
  }
  if (copied) fs::rename(temporary, to, failed);
  if (copied && failed) copied = {Errc::unavailable, "rename " + temporary + " to " + to + ": " + failed.message()};
  if (copied) copied = sync(fs::path(to).parent_path().string(), O_RDONLY | O_DIRECTORY);
  if (!copied) fs::remove_all(temporary, failed);
  return copied;
}

}  // namespace

Result<raft::Configuration> parse_servers(const std::string& text, const DataDirectory& directory) {
  raft::Configuration servers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return invalid("\"" + one + "\" is no server: it should read ID=ADDRESS:PORT");
    }
    std::string id = one.substr(0, equals);
    std::string address = one.substr(equals + 1);
    if (!base::parse_uuid(id)) {
      const auto& names = directory.server_names;
      const auto named = std::ranges::find(names, id);
      if (named == names.end()) {
        return invalid("\"" + id + "\" is neither a node ID nor the name of a server that " + directory.path +
                       " knows");
      }
      id = directory.servers.servers[static_cast<std::size_t>(named - names.begin())].id.value;
    }
    if (Result<> usable = check_address(address); !usable) return usable.error();
    servers.servers.push_back({.id = {std::move(id)}, .address = std::move(address)});
  }
  if (Result<> usable = raft::check(servers); !usable) return usable.error();
  return servers;
}

Result<raft::Configuration> this_server_alone(const DataDirectory& directory) {
  if (directory.node_id.empty()) {
    return invalid(directory.path + " has no file node-id, so that it is not known which server it belongs to: " +
                   "name it with -servers=ID=ADDRESS:PORT");
  }
  const raft::Server* own = raft::find(directory.servers, {directory.node_id});
  if (own == nullptr) {
    return invalid("the server of " + directory.path + ", " + directory.node_id +
                   ", is not among the servers that it knows: name it with -servers=" + directory.node_id +
                   "=ADDRESS:PORT");
  }
  return raft::Configuration{{{.id = own->id, .address = own->address}}};
}

Result<> check_rebuild(const DataDirectory& directory, const raft::Configuration& servers) {
  if (!directory.problem.empty()) return {Errc::corrupt, directory.path + ": " + directory.problem};
  if (!directory.readable()) return {Errc::corrupt, directory.path + ": there is no raft log"};
  if (!directory.node_id.empty() && raft::find(servers, {directory.node_id}) == nullptr) {
    return invalid("the server of " + directory.path + ", " + directory.node_id + ", is not among -servers");
  }
  const Result<raft::SnapshotMeta> possible =
      raft::forced_snapshot(directory.log.last(), directory.log.last_term(), servers);
  if (!possible && directory.log.last().value == 0) {
    return invalid(directory.path + " holds nothing: its server never was part of a cluster");
  }
  if (!possible) return possible.error();
  return {};
}

Result<Rebuilt> rebuild(const DataDirectory& directory, const raft::Configuration& servers, bool backup,
                        std::int64_t unix_seconds) {
  const std::string raft = directory.path + "/raft";
  const std::string mark = ".before-recover-" + std::to_string(unix_seconds);
  Rebuilt rebuilt;
  if (backup) {
    rebuilt.backup = raft + mark;
    if (fs::exists(rebuilt.backup)) return {Errc::unavailable, rebuilt.backup + " exists already"};
    if (Result<> copied = copy_folder(raft, rebuilt.backup); !copied) return copied.error();
  }
  if (directory.recovery_asked) {
    std::error_code failed;
    fs::rename(raft + "/peers.json", raft + "/peers.json" + mark, failed);
    if (failed) return {Errc::unavailable, "rename " + raft + "/peers.json: " + failed.message()};
  }
  if (Result<> asked = raft::request_recovery(raft, servers); !asked) return asked.error();
  return rebuilt;
}

}  // namespace proconsul::agent::recover
