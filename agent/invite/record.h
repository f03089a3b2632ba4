// What the primary's state keeps of invitations: entries of the system metadata, which every version of Consul passes
// on as they are. Decisions about them, without a clock or a log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/invite/messages.h"
#include "base/result.h"
#include "base/type.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::invite {

/// A place of an invitation, and who took it.
struct TakenPlace : Place {
  std::string Attempt{};  // the digest of his attempt; empty: it is free
  std::string Node{};
};
PROCONSUL_DECLARE_TYPE(TakenPlace)

struct Record {
  std::string ID{};
  std::string Digest{};
  std::int64_t Expires{};  // seconds since 1970
  base::List<TakenPlace> Places{};
};
PROCONSUL_DECLARE_TYPE(Record)

/// The tokens that invitations made for a datacenter, by their accessors, so that they go with it.
struct Guest {
  std::string Datacenter{};
  std::string Replication{};
  base::Map<std::string> Agents{};  // by node
};
PROCONSUL_DECLARE_TYPE(Guest)

/// An invitation as it is written first. Errors say what is wrong with the request.
base::Result<Record> new_record(const InviteRequest& request, std::string_view primary, std::int64_t now);

/// Why a server that joins cannot have this name; empty: it can. `acls`: it gets tokens, which are for a name of their
/// own rules.
std::string wrong_node_name(std::string_view name, bool acls);

/// The number of the place that is his now, which is marked as taken. Errors: the invitation is over, or used up, the
/// proof is wrong, or the datacenter is another one.
base::Result<std::size_t> take_place(Record& record, const RedeemRequest& request, std::int64_t now);
/// "there is no such invitation ..."
base::Error unknown_invitation();
/// How many servers of the datacenter it is for.
std::int64_t places_for(const Record& record, std::string_view datacenter);

// Where they are. Nothing, or an empty one, if there is none.
base::Result<Record> find_record(const catalog::Tables& tables, std::string_view id);
Guest find_guest(const catalog::Tables& tables, std::string_view datacenter);
/// Keys of those that are over, and of those that are for this datacenter alone.
std::vector<std::string> keys_over(const catalog::Tables& tables, std::int64_t now);
std::vector<std::string> keys_for(const catalog::Tables& tables, std::string_view datacenter);

std::string key_of_record(std::string_view id);
std::string key_of_guest(std::string_view datacenter);
/// The commands that change an entry.
std::string write_command(std::string key, std::string value);
std::string delete_command(std::string key);

}  // namespace proconsul::agent::invite
