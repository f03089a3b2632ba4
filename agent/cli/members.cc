// members.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <tuple>

#include "agent/cli/api_types.h"
#include "agent/cli/client_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/text.h"
#include "base/regex.h"

namespace proconsul::agent::cli {
namespace {

using base::Result;

constexpr int kNoMembers = 2;  // exit code
constexpr std::string_view kAllSegments = "_all";

constexpr Flag kMembersFlags[] = {
    {.name = "detailed", .kind = FlagKind::boolean, .help = "Print every tag of the members."},
    {.name = "filter", .kind = FlagKind::text, .help = "Filter expression."},
    {.name = "segment",
     .kind = FlagKind::text,
     .help = "Only members of this network segment; this edition has none but the default.",
     .default_value = kAllSegments},
    {.name = "status",
     .kind = FlagKind::text,
     .help = "Only members whose status matches this regular expression: alive, leaving, left, failed.",
     .default_value = ".*"},
    {.name = "wan", .kind = FlagKind::boolean, .help = "List the servers of all datacenters that this server knows."},
};

std::string status_text(std::int64_t status) {
  switch (status) {
    case 0:
      return "none";
    case 1:
      return "alive";
    case 2:
      return "leaving";
    case 3:
      return "left";
    case 4:
      return "failed";
    default:
      return "unknown";
  }
}

std::string tag(const AgentMember& member, std::string_view name) {
  const auto found = member.Tags.find(name);
  return found == member.Tags.end() ? "" : found->second;
}

bool is_server(const AgentMember& member) {
  return tag(member, "role") == "consul";
}

// "127.0.0.1:8301", "[::1]:8301"; what is no address is left out.
std::string address_text(const AgentMember& member) {
  const std::string port = ':' + std::to_string(member.Port);
  char text[INET6_ADDRSTRLEN] = {};
  in_addr v4{};
  if (::inet_pton(AF_INET, member.Addr.c_str(), &v4) == 1) return member.Addr + port;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, member.Addr.c_str(), &v6) != 1) return port;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return std::string(::inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text)) + port;
  return '[' + std::string(::inet_ntop(AF_INET6, &v6, text, sizeof text)) + ']' + port;
}

// Members of releases before partitions and segments carry no such tags.
void complete_tags(AgentMember& member, const std::string& asked_segment) {
  std::string& partition = member.Tags["ap"];
  if (partition.empty()) partition = "default";
  std::string& segment = member.Tags["segment"];
  if (partition != "default") {
    segment.clear();
  } else if (asked_segment == kAllSegments && is_server(member)) {
    segment = "<all>";
  } else if (segment.empty()) {
    segment = "<default>";
  }
}

// Servers first, then the default partition, then by segment, partition and name.
bool precedes(const AgentMember& a, const AgentMember& b) {
  const auto key = [](const AgentMember& member) {
    const std::string partition = tag(member, "ap");
    return std::tuple(!is_server(member), partition != "default", tag(member, "segment"), partition, member.Name);
  };
  return key(a) < key(b);
}

std::vector<std::string> plain_row(const AgentMember& member) {
  const std::string role = tag(member, "role");
  std::vector<std::string> row{member.Name, address_text(member), status_text(member.Status)};
  if (role != "consul" && role != "node") {
    row.insert(row.end(), {"unknown", "", "", "", "", ""});
    return row;
  }
  std::string build = tag(member, "build");
  build = build.empty() ? "< 0.3" : build.substr(0, build.find(':'));
  row.insert(row.end(), {role == "consul" ? "server" : "client", build, tag(member, "vsn"), tag(member, "dc"),
                         tag(member, "ap"), tag(member, "segment")});
  return row;
}

std::vector<std::string> detailed_row(const AgentMember& member) {
  std::string tags;
  for (const auto& [key, value] : member.Tags) tags += (tags.empty() ? "" : ",") + key + '=' + value;
  return {member.Name, address_text(member), status_text(member.Status), tags};
}

Ui::Tone tone_of(const std::vector<std::string>& row) {
  if (row[2] == "failed") return Ui::Tone::bad;
  return row[2] == "alive" ? Ui::Tone::plain : Ui::Tone::doubtful;
}

int run_members(const Context& context) {
  const Result<base::Regex> status = base::Regex::compile(context.flags.text("status"));
  if (!status) return fail(context, "Failed to compile status regexp: " + status.error().detail);
  std::optional<ApiClient> client = connect(context);
  if (!client) return 1;

  const std::string& segment = context.flags.text("segment");
  ApiRequest request = client->request("GET", "/v1/agent/members");
  request.set("segment", segment);
  if (context.flags.boolean("wan")) request.set("wan", "1");
  if (const std::string& filter = context.flags.text("filter"); !filter.empty()) request.set("filter", filter);
  Result<base::List<AgentMember>> members = client->fetch<base::List<AgentMember>>(request);
  if (!members) return fail(context, "Error retrieving members: " + members.error().detail);

  std::erase_if(*members, [&](const AgentMember& member) { return !status->matches(status_text(member.Status)); });
  if (members->empty()) return kNoMembers;
  for (AgentMember& member : *members) complete_tags(member, segment);
  std::sort(members->begin(), members->end(), precedes);

  const bool detailed = context.flags.boolean("detailed");
  std::vector<std::vector<std::string>> rows;
  rows.push_back(detailed ? std::vector<std::string>{"Node", "Address", "Status", "Tags"}
                          : std::vector<std::string>{"Node", "Address", "Status", "Type", "Build", "Protocol", "DC",
                                                     "Partition", "Segment"});
  for (const AgentMember& member : *members) rows.push_back(detailed ? detailed_row(member) : plain_row(member));
  context.ui.table(rows, tone_of);
  return 0;
}

constexpr Command kCommands[] = {
    {.name = "members",
     .synopsis = "List the members of the cluster",
     .usage = "members [options]",
     .help = R"(  Prints the agents that gossip with this one, and how they are. The exit code is 2
  when none matches.)",
     .flags = {kMembersFlags, kClientFlags, kPartitionFlags},
     .run = run_members},
};

}  // namespace

std::span<const Command> member_commands() {
  return kCommands;
}

}  // namespace proconsul::agent::cli
