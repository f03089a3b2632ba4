#include "agent/cli/snapshot_decode.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "agent/cli/snapshot_summary.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/msgpack.h"
#include "base/utf8.h"
#include "base/value.h"
#include "catalog/snapshot_records.h"
#include "catalog/types/coordinate.h"
#include "catalog/types/kv.h"
#include "catalog/types/prepared_query.h"
#include "catalog/types/register.h"
#include "catalog/types/session.h"
#include "catalog/types/system.h"

namespace proconsul::agent::cli {
namespace {

using base::Errc;
using base::Result;
using base::Value;
using catalog::Record;

constexpr std::size_t kBinaryTimeBytes = 15;

template <class T>
std::string shown(base::MsgpackReader& reader) {
  T object{};
  reader.object(object);
  return reader.ok() ? base::to_json(object) : "";
}

// Consul shows some records inside the command that would write them, and loses their content on the way. We keep the
// form and show the content.
template <class T>
std::string shown_in(base::MsgpackReader& reader, std::string_view before, std::string_view after) {
  std::string out(before);
  out += shown<T>(reader);
  out += after;
  return out;
}

bool is_utf8(std::string_view text) {
  for (; !text.empty();) {
    const base::DecodedRune rune = base::decode_rune(text);
    if (rune.rune == base::kReplacementCharacter && rune.size == 1) return false;
    text.remove_prefix(rune.size);
  }
  return true;
}

// Records of parts that we do not know: bytes that are no text become times in Go's binary form, or base64.
void make_readable(Value& value) {
  if (std::string* text = value.as_string(); text != nullptr && !is_utf8(*text)) {
    if (text->size() == kBinaryTimeBytes && text->front() == '\x01') {
      const std::string encoded = static_cast<char>(0xa0 + kBinaryTimeBytes) + *text;
      base::MsgpackReader reader(encoded);
      const base::Time time = reader.time();
      if (reader.ok()) {
        value = Value(base::to_rfc3339(time));
        return;
      }
    }
    value = Value(base::to_base64(*text));
  } else if (Value::ListType* list = value.as_list()) {
    for (Value& element : *list) make_readable(element);
  } else if (Value::MapType* map = value.as_map()) {
    for (auto& [key, element] : *map) make_readable(element);
  }
}

// net.IP as text: IPv4 in its own form, even where it lies in 16 bytes.
std::string ip_text(std::string_view ip) {
  char text[INET6_ADDRSTRLEN] = {};
  if (ip.size() == 16) {
    in6_addr address{};
    std::memcpy(&address, ip.data(), 16);
    if (IN6_IS_ADDR_V4MAPPED(&address)) return ip_text(ip.substr(12));
    ::inet_ntop(AF_INET6, &address, text, sizeof text);
  } else if (ip.size() == 4) {
    ::inet_ntop(AF_INET, ip.data(), text, sizeof text);
  }
  return text;
}

std::string data_of(std::uint8_t kind, base::MsgpackReader& reader) {
  constexpr std::string_view kCommand = R"({"Datacenter":"","Op":"",)";
  switch (static_cast<Record>(kind)) {
    case Record::registration:
      return shown<catalog::RegisterRequest>(reader);
    case Record::kv:
      return shown_in<catalog::DirEntry>(reader, std::string(kCommand) + R"("DirEnt":)", R"(,"Token":""})");
    case Record::session:
      return shown_in<catalog::Session>(reader, std::string(kCommand) + R"("Session":)", R"(,"Token":""})");
    case Record::tombstone: {
      catalog::DirEntry entry;
      reader.object(entry);
      std::string key;
      base::append_json_string(key, entry.Key);
      return std::string(kCommand) + R"("Key":)" + key + R"(,"ReapIndex":)" + std::to_string(entry.ModifyIndex) +
             R"(,"Token":""})";
    }
    case Record::coordinates:
      return shown<catalog::Coordinates>(reader);
    case Record::prepared_query:
      return shown_in<catalog::PreparedQuery>(reader, std::string(kCommand) + R"("Query":)", R"(,"Token":""})");
    case Record::autopilot:
      return shown_in<catalog::AutopilotConfig>(reader, R"({"Datacenter":"","Config":)", R"(,"CAS":false,"Token":""})");
    case Record::index:
      return shown<catalog::IndexEntry>(reader);
    case Record::system_metadata:
      return shown<catalog::SystemMetadataEntry>(reader);
    case Record::virtual_ip: {
      catalog::ServiceVirtualIP row;
      reader.object(row);
      return "{\"Service\":" + base::to_json(row.Service) + ",\"IP\":\"" + ip_text(row.IP) +
             "\",\"ManualIPs\":" + base::to_json(row.ManualIPs) +
             ",\"CreateIndex\":" + std::to_string(row.CreateIndex) +
             ",\"ModifyIndex\":" + std::to_string(row.ModifyIndex) + '}';
    }
    case Record::free_virtual_ip: {
      catalog::FreeVirtualIP row;
      reader.object(row);
      return "{\"IP\":\"" + ip_text(row.IP) + "\",\"IsCounter\":" + (row.IsCounter ? "true" : "false") + '}';
    }
    default:
      break;  // shown as it comes
  }
  Value value = reader.value();
  if (!reader.ok()) return "";
  make_readable(value);
  return base::to_json(value);
}

}  // namespace

Result<> decode_records(std::string_view state, const std::function<void(std::string_view line)>& line) {
  base::MsgpackReader header(state);
  header.skip();
  if (Result<> read = header.status(); !read) return read.error();
  for (std::size_t at = header.position(); at < state.size();) {
    const auto kind = static_cast<std::uint8_t>(state[at]);
    base::MsgpackReader record(state.substr(at + 1));
    const std::string data = data_of(kind, record);
    if (Result<> read = record.status(); !read) {
      return {Errc::corrupt,
              "failed to decode msg type " + catalog::record_name(kind) + ", error " + read.error().detail};
    }
    std::string name;
    base::append_json_string(name, catalog::record_name(kind));
    line("{\"Data\":" + data + ",\"Type\":" + name + '}');
    at += 1 + record.position();
  }
  return {};
}

}  // namespace proconsul::agent::cli
