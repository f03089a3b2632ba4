#include "agent/cli/recover_text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "agent/cli/snapshot_summary.h"
#include "agent/cli/text.h"
#include "agent/recover/compare.h"
#include "base/json.h"
#include "base/time.h"

namespace proconsul::agent::cli {

using recover::DataDirectory;

struct RecoverPosition {
  std::uint64_t Term{};
  std::uint64_t Index{};
};
struct RecoverVote {
  std::uint64_t Term{};
  std::string For{};
};
struct RecoverSnapshot {
  std::string ID{};
  std::uint64_t Index{};
  std::uint64_t Term{};
  std::uint64_t Size{};
  std::string Problem{};
};
struct RecoverServer {
  std::string ID{};
  std::string Node{};
  std::string Address{};
  bool Voter{};
};
struct RecoverContents {
  RecoverPosition UpTo{};
  std::uint64_t Nodes{};
  std::uint64_t Services{};
  std::uint64_t Checks{};
  std::uint64_t Keys{};
  std::uint64_t Sessions{};
  std::uint64_t Queries{};
  std::uint64_t OtherRecords{};
};
struct RecoverLoss {
  std::string Directory{};
  std::uint64_t From{};
  std::uint64_t To{};
  std::uint64_t Entries{};
  std::uint64_t Changes{};
};
struct RecoverDirectory {
  std::string Path{};
  std::string Kind{};  // "proconsul", "consul"; empty: no server's
  bool Running{};
  std::string Problem{};
  base::List<std::string> Remarks{};
  std::string NodeID{};
  std::string Node{};
  std::string LastSeen{};
  bool RecoveryAsked{};
  std::uint64_t Term{};
  RecoverVote Vote{};
  std::uint64_t FirstIndex{};
  RecoverPosition Last{};
  base::List<RecoverSnapshot> Snapshots{};
  std::uint64_t ServersIndex{};
  base::List<RecoverServer> Servers{};
  base::Pointer<RecoverContents> Holds{};
  bool Newest{};
  base::List<RecoverLoss> Lacks{};
};
struct RecoverReport {
  base::List<RecoverDirectory> Directories{};
};
PROCONSUL_DECLARE_TYPE(RecoverPosition)
PROCONSUL_DECLARE_TYPE(RecoverVote)
PROCONSUL_DECLARE_TYPE(RecoverSnapshot)
PROCONSUL_DECLARE_TYPE(RecoverServer)
PROCONSUL_DECLARE_TYPE(RecoverContents)
PROCONSUL_DECLARE_TYPE(RecoverLoss)
PROCONSUL_DECLARE_TYPE(RecoverDirectory)
PROCONSUL_DECLARE_TYPE(RecoverReport)

PROCONSUL_DESCRIBE_TYPE(RecoverPosition, "recover.Position") {
  type.field("Term", &RecoverPosition::Term);
  type.field("Index", &RecoverPosition::Index);
}
PROCONSUL_DESCRIBE_TYPE(RecoverVote, "recover.Vote") {
  type.field("Term", &RecoverVote::Term);
  type.field("For", &RecoverVote::For);
}
PROCONSUL_DESCRIBE_TYPE(RecoverSnapshot, "recover.Snapshot") {
  type.field("ID", &RecoverSnapshot::ID);
  type.field("Index", &RecoverSnapshot::Index);
  type.field("Term", &RecoverSnapshot::Term);
  type.field("Size", &RecoverSnapshot::Size);
  type.field("Problem", &RecoverSnapshot::Problem).omit_empty();
}
PROCONSUL_DESCRIBE_TYPE(RecoverServer, "recover.Server") {
  type.field("ID", &RecoverServer::ID);
  type.field("Node", &RecoverServer::Node);
  type.field("Address", &RecoverServer::Address);
  type.field("Voter", &RecoverServer::Voter);
}
PROCONSUL_DESCRIBE_TYPE(RecoverContents, "recover.Contents") {
  type.field("UpTo", &RecoverContents::UpTo);
  type.field("Nodes", &RecoverContents::Nodes);
  type.field("Services", &RecoverContents::Services);
  type.field("Checks", &RecoverContents::Checks);
  type.field("Keys", &RecoverContents::Keys);
  type.field("Sessions", &RecoverContents::Sessions);
  type.field("Queries", &RecoverContents::Queries);
  type.field("OtherRecords", &RecoverContents::OtherRecords);
}
PROCONSUL_DESCRIBE_TYPE(RecoverLoss, "recover.Loss") {
  type.field("Directory", &RecoverLoss::Directory);
  type.field("From", &RecoverLoss::From);
  type.field("To", &RecoverLoss::To);
  type.field("Entries", &RecoverLoss::Entries);
  type.field("Changes", &RecoverLoss::Changes);
}
PROCONSUL_DESCRIBE_TYPE(RecoverDirectory, "recover.Directory") {
  type.field("Path", &RecoverDirectory::Path);
  type.field("Kind", &RecoverDirectory::Kind);
  type.field("Running", &RecoverDirectory::Running);
  type.field("Problem", &RecoverDirectory::Problem);
  type.field("Remarks", &RecoverDirectory::Remarks).omit_empty();
  type.field("NodeID", &RecoverDirectory::NodeID);
  type.field("Node", &RecoverDirectory::Node);
  type.field("LastSeen", &RecoverDirectory::LastSeen).omit_empty();
  type.field("RecoveryAsked", &RecoverDirectory::RecoveryAsked);
  type.field("Term", &RecoverDirectory::Term);
  type.field("Vote", &RecoverDirectory::Vote);
  type.field("FirstIndex", &RecoverDirectory::FirstIndex);
  type.field("Last", &RecoverDirectory::Last);
  type.field("Snapshots", &RecoverDirectory::Snapshots);
  type.field("ServersIndex", &RecoverDirectory::ServersIndex);
  type.field("Servers", &RecoverDirectory::Servers);
  type.field("Holds", &RecoverDirectory::Holds);
  type.field("Newest", &RecoverDirectory::Newest);
  type.field("Lacks", &RecoverDirectory::Lacks);
}
PROCONSUL_DESCRIBE_TYPE(RecoverReport, "recover.Report") {
  type.field("Directories", &RecoverReport::Directories);
}

namespace {

RecoverPosition shown(recover::Position position) {
  return {position.term.value, position.index.value};
}

RecoverDirectory report(const DataDirectory& directory, const std::vector<DataDirectory>& all) {
  constexpr const char* kKinds[] = {"", "proconsul", "consul"};
  RecoverDirectory out{.Path = directory.path,
                       .Kind = kKinds[static_cast<std::size_t>(directory.kind)],
                       .Running = directory.running,
                       .Problem = directory.problem};
  for (const std::string& remark : directory.remarks) out.Remarks.push_back(remark);
  out.NodeID = directory.node_id;
  out.Node = directory.node;
  if (directory.last_seen != 0) out.LastSeen = base::to_rfc3339(base::from_unix(directory.last_seen));
  out.RecoveryAsked = directory.recovery_asked;
  out.Term = directory.hard_state.term.value;
  out.Vote = {directory.hard_state.vote_term.value, directory.hard_state.voted_for};
  if (directory.readable() && directory.log.last() >= directory.log.first()) {
    out.FirstIndex = directory.log.first().value;
  }
  out.Last = shown(directory.last());
  out.Snapshots.make_present();
  for (const recover::Snapshot& snapshot : directory.snapshots) {
    out.Snapshots.push_back(
        {snapshot.id, snapshot.position.index.value, snapshot.position.term.value, snapshot.bytes, snapshot.problem});
  }
  out.ServersIndex = directory.servers_index.value;
  out.Servers.make_present();
  for (std::size_t i = 0; i < directory.servers.servers.size(); ++i) {
    const raft::Server& server = directory.servers.servers[i];
    out.Servers.push_back({server.id.value, i < directory.server_names.size() ? directory.server_names[i] : "",
                           server.address, server.suffrage == raft::Suffrage::voter});
  }
  if (const auto& has = directory.contents) {
    out.Holds = RecoverContents{shown(directory.contents_at),
                                has->nodes,
                                has->services,
                                has->checks,
                                has->keys,
                                has->sessions,
                                has->queries,
                                has->foreign};
  }
  out.Lacks.make_present();
  if (!directory.readable()) return out;
  const DataDirectory* best = recover::newest(all);
  out.Newest = best != nullptr && directory.last() == best->last();
  for (const DataDirectory& other : all) {
    if (&other == &directory || !other.readable()) continue;
    if (const auto lost = recover::missing(directory, other)) {
      out.Lacks.push_back({other.path, lost->from.value, lost->to.value, lost->entries(), lost->changes});
    }
  }
  return out;
}

std::string counted(std::uint64_t number, const char* what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

class Paragraph {
 public:
  explicit Paragraph(std::string heading) : text_(std::move(heading) + '\n') {}
  void line(std::string_view label, std::string_view value) {
    constexpr std::size_t kLabel = 12;
    std::string padded(label);
    padded.resize(std::max(kLabel, label.size() + 1), ' ');
    text_ += "  " + padded + std::string(value) + '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string heading(const RecoverDirectory& directory) {
  std::string text = directory.Path + ':';
  if (!directory.Node.empty()) text += " the server " + directory.Node;
  if (!directory.NodeID.empty()) text += (directory.Node.empty() ? " node " : ", ") + directory.NodeID;
  return text;
}

std::string paragraph(const RecoverDirectory& directory, const DataDirectory& read, std::size_t all) {
  Paragraph out(heading(directory));
  if (!directory.Problem.empty()) out.line("Problem", directory.Problem);
  for (const std::string& remark : directory.Remarks) out.line("Remark", remark);
  if (!directory.LastSeen.empty()) out.line("Last seen", directory.LastSeen);
  if (read.readable()) {
    std::string log = directory.FirstIndex == 0 ? "no entries"
                                                : "entries " + std::to_string(directory.FirstIndex) + " to " +
                                                      std::to_string(directory.Last.Index);
    if (directory.Last.Index != 0) {
      log += directory.FirstIndex == 0 ? " behind index " + std::to_string(directory.Last.Index) : "";
      log += ", the last of term " + std::to_string(directory.Last.Term);
    }
    out.line("Log", log);
    out.line("Term", std::to_string(directory.Term) + (directory.Vote.For.empty()
                                                           ? ""
                                                           : ", voted for " + directory.Vote.For + " in term " +
                                                                 std::to_string(directory.Vote.Term)));
  }
  for (const RecoverSnapshot& snapshot : directory.Snapshots) {
    out.line("Snapshot", snapshot.Problem.empty()
                             ? "index " + std::to_string(snapshot.Index) + " of term " + std::to_string(snapshot.Term) +
                                   ", " + byte_size(snapshot.Size) + " (" + snapshot.ID + ")"
                             : snapshot.Problem);
  }
  if (!directory.Servers.empty()) {
    out.line("Servers", "as of index " + std::to_string(directory.ServersIndex));
    std::vector<std::vector<std::string>> rows = server_rows(read.servers, read);
    const std::string table = columns(rows);
    for (std::size_t at = 0; at < table.size();) {
      const std::size_t end = std::min(table.find('\n', at), table.size());
      out.line("", table.substr(at, end - at));
      at = end + 1;
    }
  }
  if (const auto& has = directory.Holds) {
    std::string text = counted(has->Nodes, "node") + ", " + counted(has->Services, "service") + ", " +
                       counted(has->Checks, "check") + ", " + counted(has->Keys, "key") + ", " +
                       counted(has->Sessions, "session") + ", " + std::to_string(has->Queries) +
                       (has->Queries == 1 ? " prepared query" : " prepared queries");
    if (has->OtherRecords > 0) text += ", " + counted(has->OtherRecords, "record") + " of parts to come";
    out.line("Holds", text + ", up to index " + std::to_string(has->UpTo.Index));
  }
  if (directory.RecoveryAsked) out.line("Remark", "a peers.json waits for the next start");
  for (const RecoverLoss& loss : directory.Lacks) {
    out.line("Lacks", (loss.Entries == 1 ? "entry " + std::to_string(loss.From)
                                         : "entries " + std::to_string(loss.From) + " to " + std::to_string(loss.To)) +
                          " of " + loss.Directory + ", " + counted(loss.Changes, "change"));
  }
  if (directory.Newest && all > 1) {
    out.line("Newest", directory.Lacks.empty() ? "it has all that the others have, as far as they could be read"
                                               : "its last entry is of the latest term: raft would choose it");
  }
  return out.take();
}

}  // namespace

std::vector<std::vector<std::string>> server_rows(const raft::Configuration& servers, const DataDirectory& directory) {
  std::vector<std::vector<std::string>> rows;
  for (const raft::Server& server : servers.servers) {
    std::string name;
    for (std::size_t i = 0; i < directory.server_names.size(); ++i) {
      if (directory.servers.servers[i].id == server.id) name = directory.server_names[i];
    }
    std::string role = server.suffrage == raft::Suffrage::voter ? "voter" : "non-voter";
    if (server.id.value == directory.node_id) role += ", this one";
    rows.push_back({name.empty() ? "-" : name, server.id.value, server.address, role});
  }
  return rows;
}

std::string recover_text(const std::vector<DataDirectory>& directories) {
  std::string text;
  for (const DataDirectory& directory : directories) {
    text += (text.empty() ? "" : "\n") + paragraph(report(directory, directories), directory, directories.size());
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string recover_json(const std::vector<DataDirectory>& directories) {
  RecoverReport out;
  out.Directories.make_present();
  for (const DataDirectory& directory : directories) out.Directories.push_back(report(directory, directories));
  return base::to_json(out);
}

}  // namespace proconsul::agent::cli
