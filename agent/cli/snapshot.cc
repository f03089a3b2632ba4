// snapshot save, restore, inspect, decode.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/cli/api_types.h"
#include "agent/cli/autopilot_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/files.h"
#include "agent/cli/snapshot_decode.h"
#include "agent/cli/snapshot_file.h"
#include "agent/cli/snapshot_summary.h"
#include "agent/cli/text.h"
#include "base/json.h"
#include "base/quote.h"
#include "catalog/types/snapshot_loss.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;

// The one argument that all of these commands take; empty after a complaint.
std::string file_argument(const Context& context) {
  if (context.arguments.size() == 1) return context.arguments[0];
  if (context.arguments.empty()) {
    context.ui.error("Missing FILE argument");
  } else {
    too_many_arguments(context, "1");
  }
  return "";
}

// Shows how many bytes have gone, at most every mebibyte.
class Progress {
 public:
  Progress(const Ui& ui, std::string verb) : ui_(ui), verb_(std::move(verb)) {}
  ~Progress() { ui_.end_progress(); }
  void operator()(std::uint64_t bytes) {
    if (bytes < next_) return;
    next_ = bytes + (std::uint64_t{1} << 20);
    ui_.show_progress(verb_ + ' ' + byte_size(bytes));
  }

 private:
  const Ui& ui_;
  std::string verb_;
  std::uint64_t next_{1};
};

// ---- save

constexpr Flag kSaveFlags[] = {
    {.name = "append-filename",
     .kind = FlagKind::text,
     .help = "Add to the file's name, before its extension: version (the leader's), dc, or both with a comma.",
     .value_name = "version,dc"},
};

bool lists(std::string_view list, std::string_view word) {
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    if (list.substr(start, end - start) == word) return true;
    start = end + 1;
  }
  return false;
}

/// The file's name with what -append-filename asks for; the detail of an error is the whole message.
Result<std::string> save_path(const Context& context, ApiClient& client, const std::string& file) {
  const std::string& append = context.flags.text("append-filename");
  if (append.empty()) return file;
  const std::size_t slash = file.rfind('/');
  std::size_t dot = file.rfind('.');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) dot = file.size();
  std::string stem = file.substr(0, dot);
  if (lists(append, "version")) {
    const auto health =
        client.fetch<AutopilotHealth>(client.request("GET", "/v1/operator/autopilot/health"), {200, 429});
    if (!health) return {Errc::internal, "Error fetching version of Consul agent Leader: " + health.error().detail};
    stem += '-';
    for (const AutopilotHealth::Server& server : health->Servers) {
      if (server.Leader) stem += server.Version;
    }
  }
  if (lists(append, "dc")) {
    const auto self = client.fetch<AgentSelf>(client.request("GET", "/v1/agent/self"));
    if (!self) {
      return {Errc::internal,
              "Error connecting to Consul agent and fetching datacenter/version: " + self.error().detail};
    }
    stem += '-' + self->Config.Datacenter;
  }
  return stem + file.substr(dot);
}

// A file that is removed again unless it is renamed.
class UnverifiedFile {
 public:
  explicit UnverifiedFile(std::string path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600)) {}
  UnverifiedFile(const UnverifiedFile&) = delete;
  ~UnverifiedFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!renamed_) ::unlink(path_.c_str());
  }
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool rename_to(const std::string& path) {
    return renamed_ = ::fsync(fd_) == 0 && ::rename(path_.c_str(), path.c_str()) == 0;
  }

 private:
  std::string path_;
  int fd_;
  bool renamed_{};
};

int run_save(const Context& context) {
  std::string file = file_argument(context);
  if (file.empty()) return 1;
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  Result<std::string> path = save_path(context, *client, file);
  if (!path) return fail(context, path.error().detail);

  UnverifiedFile unverified(*path + ".unverified");
  const auto write_failed = [&](std::string_view operation) {
    return fail(context, "Error writing unverified snapshot file: " + std::string(operation) + ' ' + unverified.path() +
                             ": " + errno_text(errno));
  };
  if (unverified.fd() < 0) return write_failed("open");
  ApiRequest request = client->request("GET", "/v1/snapshot");
  apply_stale(context, request);
  bool written = true;
  int write_error = 0;
  request.sink = [&](std::string_view piece) {
    written = unverified.write(piece);
    write_error = errno;
    return written;
  };
  Result<ApiResponse> response = [&] {
    Progress progress(context.ui, "saving");
    request.progress = [&](std::uint64_t bytes) { progress(bytes); };
    return client->call(request);
  }();
  if (!written) {
    errno = write_error;
    return write_failed("write");
  }
  if (!response) return fail(context, "Error saving snapshot: " + response.error().detail);
  if (Result<> verified = verify_snapshot_file(unverified.path()); !verified) {
    return fail(context, "Error verifying snapshot file: " + verified.error().detail);
  }
  if (!unverified.rename_to(*path)) {
    return fail(context, "Error renaming " + base::quote(unverified.path()) + " to " + base::quote(*path) + ": " +
                             errno_text(errno));
  }
  context.ui.output("Saved and verified snapshot to index " + std::to_string(response->index));
  return 0;
}

// ---- restore

/// What a restore has left out, if it says that it has.
void print_left_out(const Context& context, const std::string& json) {
  if (json.empty()) return;
  context.ui.error("What the servers do not know was left out:");
  const auto losses = base::from_json<base::List<catalog::SnapshotLoss>>(json);
  if (!losses) return context.ui.error("  " + json);
  for (const catalog::SnapshotLoss& loss : *losses) context.ui.error("  " + catalog::text(loss));
}

int run_restore(const Context& context) {
  const std::string file = file_argument(context);
  if (file.empty()) return 1;
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(context, "Error opening snapshot file: open " + file + ": " + errno_text(errno));

  ApiRequest request = client->request("PUT", "/v1/snapshot");
  request.content_type = "application/octet-stream";
  request.body_file = fd;
  const Result<ApiResponse> response = [&] {
    Progress progress(context.ui, "restoring");
    request.progress = [&](std::uint64_t bytes) { progress(bytes); };
    return client->call(request);
  }();
  ::close(fd);
  if (!response) return fail(context, "Error restoring snapshot: " + response.error().detail);
  context.ui.output("Restored snapshot");
  print_left_out(context, response->left_out);
  return 0;
}

// ---- inspect

constexpr Flag kInspectFlags[] = {
    {.name = "format", .kind = FlagKind::text, .help = "pretty or json.", .default_value = "pretty"},
    {.name = "kvdepth",
     .kind = FlagKind::integer,
     .help = "With -kvdetails: how many segments of a key make one row.",
     .default_value = "2"},
    {.name = "kvdetails", .kind = FlagKind::boolean, .help = "Also show the size of keys by prefix."},
    {.name = "kvfilter",
     .kind = FlagKind::text,
     .help = "With -kvdetails: only keys with this prefix.",
     .value_name = "prefix"},
};

int run_inspect(const Context& context) {
  const std::string file = file_argument(context);
  if (file.empty()) return 1;
  const Result<SnapshotFile> snapshot = read_snapshot_file(file);
  if (!snapshot) return fail(context, snapshot.error().detail);
  Result<SnapshotSummary> summary = summarise(snapshot->state, {.key_details = context.flags.boolean("kvdetails"),
                                                                .key_depth = context.flags.integer("kvdepth"),
                                                                .key_filter = context.flags.text("kvfilter")});
  if (!summary) return fail(context, "Error extracting snapshot data: " + summary.error().detail);
  summary->Meta = snapshot->meta;
  const std::string& format = context.flags.text("format");
  if (format == "pretty") {
    context.ui.output(summary_text(*summary));
  } else if (format == "json") {
    context.ui.output(indented_json(base::to_json(*summary), "   "));
  } else {
    return fail(context, "Error outputting enhanced snapshot data: Unknown format: " + format);
  }
  return 0;
}

// ---- decode

int run_decode(const Context& context) {
  const std::string file = file_argument(context);
  if (file.empty()) return 1;
  const Result<SnapshotFile> snapshot = read_snapshot_file(file);
  if (!snapshot) return fail(context, snapshot.error().detail);
  context.ui.output("{\"Data\":" + snapshot->meta_json + ",\"Type\":\"SnapshotHeader\"}");
  if (Result<> decoded = decode_records(snapshot->state, [&](std::string_view line) { context.ui.output(line); });
      !decoded) {
    return fail(context, "Error extracting snapshot data: " + decoded.error().detail);
  }
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "snapshot",
     .synopsis = "Save, restore and inspect the state of the servers",
     .usage = "snapshot <subcommand> [options] [args]",
     .help = R"(  A snapshot holds all that the servers agree on at one moment: keys, catalog, sessions,
  queries, ACLs. With ACLs on, saving and restoring need a management token.)"},
    {.name = "snapshot decode",
     .synopsis = "Print every record of a snapshot as JSON",
     .usage = "snapshot decode FILE",
     .help = R"(  Checks a snapshot and prints its records, one JSON object a line, with the kind in Type
  and the content in Data. Secrets are among them. FILE may also be the state.bin of a
  server's own snapshot, with its meta.json beside it.

      $ consul snapshot decode backup.snap | grep '"Type":"KVS"')",
     .run = run_decode,
     .bad_flag = BadFlag::repeated},
    {.name = "snapshot inspect",
     .synopsis = "Show what a snapshot holds",
     .usage = "snapshot inspect [options] FILE",
     .help = R"(  Checks a snapshot and prints how much of each kind it holds. FILE may also be the
  state.bin of a server's own snapshot, with its meta.json beside it.

      $ consul snapshot inspect backup.snap
      $ consul snapshot inspect -kvdetails -kvdepth=1 backup.snap)",
     .flags = {kInspectFlags},
     .run = run_inspect,
     .bad_flag = BadFlag::repeated},
    {.name = "snapshot restore",
     .synopsis = "Put the servers back to the state of a snapshot",
     .usage = "snapshot restore [options] FILE",
     .help = R"(  Replaces the whole state of the servers by the snapshot's. Meant for a disaster or for
  new servers, not for daily use. Records and fields that the servers do not know, such as
  those of namespaces, are left out; what they are is printed and in the leader's log.

      $ consul snapshot restore backup.snap)",
     .flags = {kClientFlags, kServerFlags},
     .run = run_restore},
    {.name = "snapshot save",
     .synopsis = "Save the state of the servers to a file",
     .usage = "snapshot save [options] FILE",
     .help = R"(  Fetches a snapshot, checks it, and only then gives the file its name. With -stale any
  server will do, even if nobody leads.

      $ consul snapshot save backup.snap
      $ consul snapshot save -append-filename=version,dc backup.snap)",
     .flags = {kSaveFlags, kClientFlags, kServerFlags},
     .run = run_save},
};

}  // namespace

std::span<const Command> snapshot_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
