#include "agent/invite/record.h"

#include <algorithm>
#include <set>

#include "agent/invite/secret.h"
#include "agent/invite/token.h"
#include "agent/tokens/compile.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/type_of.h"
#include "base/uuid.h"
#include "catalog/acl/builtin.h"
#include "catalog/commands.h"
#include "catalog/registry/settings.h"
#include "catalog/types/system.h"

namespace proconsul::agent::invite {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(TakenPlace, "proconsul.TakenPlace") {
  type.embed<Place>();
  type.field("Attempt", &TakenPlace::Attempt);
  type.field("Node", &TakenPlace::Node);
}

PROCONSUL_DESCRIBE_TYPE(Record, "proconsul.InvitationRecord") {
  type.field("ID", &Record::ID);
  type.field("Digest", &Record::Digest);
  type.field("Expires", &Record::Expires);
  type.field("Places", &Record::Places);
}

PROCONSUL_DESCRIBE_TYPE(Guest, "proconsul.InvitedDatacenter") {
  type.field("Datacenter", &Guest::Datacenter);
  type.field("Replication", &Guest::Replication);
  type.field("Agents", &Guest::Agents);
}

namespace {

constexpr std::string_view kRecords = "federation-invitation-";
constexpr std::string_view kGuests = "federation-guest-";
constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr base::Duration kShortest = base::seconds(60);
constexpr base::Duration kLongest = base::seconds(7 * 24 * 3600);
constexpr std::size_t kDigestSize = 64;  // hexadecimal digits
constexpr std::size_t kMostSealed = 32 * 1024;
constexpr std::size_t kMostAttempt = 256;
constexpr std::size_t kMostNode = 128;

Error bad(std::string text) {
  return {Errc::invalid_argument, "Invalid invitation: " + std::move(text)};
}
Error refused(std::string text) {
  return {Errc::permission_denied, std::move(text)};
}

bool fits(const TakenPlace& place, std::string_view datacenter) {
  return place.Datacenter.empty() || place.Datacenter == datacenter;
}

template <class Fn>
void each_record(const catalog::Tables& tables, Fn visit) {
  for (const auto [key, row] : tables.system_metadata.all()) {
    if (!row->Key.starts_with(kRecords)) continue;
    if (const Result<Record> record = base::from_json<Record>(row->Value)) visit(row->Key, *record);
  }
}

}  // namespace

Result<Record> new_record(const InviteRequest& request, std::string_view primary, std::int64_t now) {
  if (!base::parse_uuid(request.ID)) return bad("ID must be a UUID");
  if (request.Digest.size() != kDigestSize || !base::from_hex(request.Digest)) return bad("Digest must be a SHA-256");
  if (request.TTL < kShortest || request.TTL > kLongest) return bad("TTL must be between 1m and 168h");
  if (request.Places.empty()) return bad("it is for no server");
  if (request.Places.size() > kMostServers) {
    return bad("it is for more than " + std::to_string(kMostServers) + " servers");
  }
  Record record{.ID = request.ID, .Digest = request.Digest, .Expires = now + request.TTL.nanoseconds / kNanoseconds};
  std::set<std::string> datacenters;
  for (const Place& place : request.Places) {
    if (place.Sealed.size() > kMostSealed) return bad("Sealed is too large");
    if (place.Datacenter.empty() && !place.Sealed.empty()) return bad("something is sealed for no datacenter");
    if (!place.Datacenter.empty() && !is_datacenter_name(place.Datacenter)) {
      return bad(base::quote(place.Datacenter) + " is no name of a datacenter");
    }
    if (place.Datacenter == primary) return bad(base::quote(place.Datacenter) + " is the primary datacenter itself");
    datacenters.insert(place.Datacenter);
    record.Places.emplace_back().Place::operator=(place);
  }
  if (datacenters.size() > kMostDatacenters) return bad("it is for too many datacenters");
  return record;
}

std::string wrong_node_name(std::string_view name, bool acls) {
  if (name.empty()) return "the server needs a name";
  if (name.size() > kMostNode) return "the name of the server is longer than " + std::to_string(kMostNode);
  const std::string is_called = "the server is called " + base::quote(name);
  if (name.find_first_of("./") != name.npos) {
    return is_called + ": between datacenters a name must not have a dot or a slash; give it another one with -node";
  }
  if (acls && !catalog::is_identity_name(name)) {
    return is_called +
           ", and with ACLs its token can only be for lower-case letters, digits, - and _, with a letter or a digit at "
           "both ends; give it another name with -node";
  }
  return {};
}

Error unknown_invitation() {
  return refused(
      "there is no such invitation: it was used up or is over, or the datacenter was removed since; make a new one "
      "with "
      "\"federation invite\" in the primary datacenter");
}

Result<std::size_t> take_place(Record& record, const RedeemRequest& request, std::int64_t now) {
  // The proof first: who has none learns nothing of the invitation.
  if (!tokens::equal_secrets(digest_of(request.Proof), record.Digest)) {
    return refused("the token's secret is wrong: it was forged or changed");
  }
  if (now >= record.Expires) {
    return refused("the invitation is over since " + base::to_rfc3339(base::from_unix(record.Expires)) +
                   ": make a new one with \"federation invite\" in the primary datacenter");
  }
  if (request.Attempt.empty() || request.Attempt.size() > kMostAttempt || request.Node.empty()) {
    return Error{Errc::invalid_argument, "Node and Attempt must be there"};
  }
  const auto is_for = [&](const TakenPlace& place) { return fits(place, request.Joining); };
  if (std::ranges::none_of(record.Places, is_for)) {
    std::set<std::string> names;
    for (const TakenPlace& place : record.Places) names.insert(place.Datacenter);
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return refused("the invitation is for datacenter " + list + ", not for " + base::quote(request.Joining));
  }
  const std::string attempt = digest_of(request.Attempt);
  std::size_t free = record.Places.size();
  for (std::size_t i = 0; i < record.Places.size(); ++i) {
    const TakenPlace& place = record.Places[i];
    if (!is_for(place)) continue;
    if (place.Attempt == attempt && place.Node == request.Node) return i;
    if (place.Attempt.empty() && free == record.Places.size()) free = i;
  }
  if (free == record.Places.size()) {
    std::string by;
    for (const TakenPlace& place : record.Places) {
      if (is_for(place)) by += (by.empty() ? "" : ", ") + place.Node;
    }
    return refused("the invitation is used up, by " + by +
                   ": make a new one with \"federation invite\", with -servers for several servers of a datacenter");
  }
  TakenPlace& place = record.Places[free];
  place.Attempt = attempt;
  place.Node = request.Node;
  return free;
}

std::int64_t places_for(const Record& record, std::string_view datacenter) {
  return std::ranges::count_if(record.Places, [&](const TakenPlace& place) { return fits(place, datacenter); });
}

Result<Record> find_record(const catalog::Tables& tables, std::string_view id) {
  const std::string_view value = catalog::system_metadata(tables, key_of_record(id));
  if (value.empty()) return unknown_invitation();
  return base::from_json<Record>(value);
}

Guest find_guest(const catalog::Tables& tables, std::string_view datacenter) {
  Guest guest;
  guest.Datacenter = datacenter;
  const std::string_view value = catalog::system_metadata(tables, key_of_guest(datacenter));
  if (value.empty()) return guest;
  Result<Guest> known = base::from_json<Guest>(value);
  return known ? std::move(*known) : guest;
}

std::vector<std::string> keys_over(const catalog::Tables& tables, std::int64_t now) {
  std::vector<std::string> keys;
  each_record(tables, [&](const std::string& key, const Record& record) {
    if (now >= record.Expires) keys.push_back(key);
  });
  return keys;
}

std::vector<std::string> keys_for(const catalog::Tables& tables, std::string_view datacenter) {
  std::vector<std::string> keys;
  each_record(tables, [&](const std::string& key, const Record& record) {
    const bool alone =
        std::ranges::all_of(record.Places, [&](const TakenPlace& place) { return place.Datacenter == datacenter; });
    if (alone) keys.push_back(key);
  });
  return keys;
}

std::string key_of_record(std::string_view id) {
  return std::string(kRecords) + std::string(id);
}
std::string key_of_guest(std::string_view datacenter) {
  return std::string(kGuests) + std::string(datacenter);
}

namespace {

std::string command(const char* operation, std::string key, std::string value) {
  catalog::SystemMetadataRequest request;
  request.Op = operation;
  catalog::SystemMetadataEntry& entry = request.Entry.emplace();
  entry.Key = std::move(key);
  entry.Value = std::move(value);
  return catalog::encode_command(catalog::Command::system_metadata, request);
}

}  // namespace

std::string write_command(std::string key, std::string value) {
  return command("upsert", std::move(key), std::move(value));
}
std::string delete_command(std::string key) {
  return command("delete", std::move(key), {});
}

}  // namespace proconsul::agent::invite
