#include "agent/rpc/config_types.h"

#include <utility>

#include "base/type_of.h"
#include "catalog/config_entry/codec.h"
#include "catalog/config_entry/kinds.h"

namespace proconsul::agent::rpc {

PROCONSUL_DESCRIBE_TYPE(ConfigEntryQuery, "structs.ConfigEntryQuery") {
  type.field("Kind", &ConfigEntryQuery::Kind);
  type.field("Name", &ConfigEntryQuery::Name);
  type.field("Datacenter", &ConfigEntryQuery::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ConfigEntryListAllRequest, "structs.ConfigEntryListAllRequest") {
  type.field("Kinds", &ConfigEntryListAllRequest::Kinds);
  type.field("Datacenter", &ConfigEntryListAllRequest::Datacenter);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ConfigEntryDeleteResponse, "structs.ConfigEntryDeleteResponse") {
  type.field("Deleted", &ConfigEntryDeleteResponse::Deleted);
}

PROCONSUL_DESCRIBE_TYPE(ServiceConfigRequest, "structs.ServiceConfigRequest") {
  type.field("Name", &ServiceConfigRequest::Name);
  type.field("Datacenter", &ServiceConfigRequest::Datacenter);
  type.field("MeshGateway", &ServiceConfigRequest::MeshGateway);
  type.field("Mode", &ServiceConfigRequest::Mode).go_type("structs.ProxyMode");
  type.field("UpstreamServiceNames", &ServiceConfigRequest::UpstreamServiceNames);
  type.embed<catalog::QueryOptions>();
}

PROCONSUL_DESCRIBE_TYPE(ServiceConfigResponse, "structs.ServiceConfigResponse") {
  type.embed<catalog::ServiceConfig>();
  type.embed<catalog::QueryMeta>();
  type.wrapped();
}

}  // namespace proconsul::agent::rpc

namespace proconsul::base {
namespace {

using agent::rpc::ConfigEntryResponse;
using agent::rpc::IndexedConfigEntries;
using agent::rpc::IndexedGenericConfigEntries;
using catalog::ConfigEntry;
using catalog::ConfigEntryRequest;
using catalog::QueryMeta;

/// What is in a raw.
Result<std::string_view> opened(std::string_view input) {
  MsgpackReader outer(input);
  const std::string_view inside = outer.bytes();
  if (Result<> read = outer.status(); !read) return read.error();
  return inside;
}

/// The kind, then the entry.
void write_with_kind(MsgpackWriter& writer, const ConfigEntry& entry) {
  writer.string(entry.kind->name);
  catalog::write_config_entry(writer, entry);
}
/// Null, with the error in the reader: it could not be read.
std::shared_ptr<ConfigEntry> read_of_kind(MsgpackReader& reader, std::string_view kind) {
  Result<std::shared_ptr<ConfigEntry>> entry = catalog::make_config_entry(kind);
  if (!entry) {
    reader.fail(entry.error().detail);
    return nullptr;
  }
  catalog::read_config_entry(reader, **entry);
  return reader.ok() ? std::move(*entry) : nullptr;
}

}  // namespace

template <>
void append_msgpack(std::string& out, const ConfigEntryRequest& request, MsgpackHandle handle) {
  MsgpackWriter writer(out, handle);
  catalog::write_config_entry_request(writer, request);
}

template <>
Result<> read_msgpack(std::string_view input, ConfigEntryRequest& request, MsgpackHandle handle) {
  constexpr unsigned char kFixMap = 0x80, kFixMapMask = 0xf0;
  if (!input.empty() && (static_cast<unsigned char>(input[0]) & kFixMapMask) == kFixMap) {
    MsgpackReader reader(input, handle);
    for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
      const std::string_view key = reader.string();
      if (key == "Datacenter") {
        request.Datacenter = reader.string();
      } else if (key == "Token") {
        request.Token = reader.string();
      } else {
        reader.skip();
      }
    }
    return reader.status();
  }
  Result<ConfigEntryRequest> read = catalog::read_config_entry_request(input);
  if (!read) return {Errc::invalid_argument, read.error().detail};
  request = std::move(*read);
  return {};
}

template <>
void append_msgpack(std::string& out, const ConfigEntryResponse& reply, MsgpackHandle handle) {
  MsgpackWriter writer(out, handle);
  const std::size_t mark = writer.begin_wrapped();
  if (reply.Entry) {
    write_with_kind(writer, *reply.Entry);
  } else {
    writer.string("");
  }
  writer.object<QueryMeta>(reply);
  writer.end_wrapped(mark);
}

template <>
Result<> read_msgpack(std::string_view input, ConfigEntryResponse& reply, MsgpackHandle handle) {
  const Result<std::string_view> inside = opened(input);
  if (!inside) return inside.error();
  MsgpackReader reader(*inside, handle);
  const std::string_view kind = reader.string();
  if (!kind.empty()) reply.Entry = read_of_kind(reader, kind);
  reader.object<QueryMeta>(reply);
  return reader.status();
}

template <>
void append_msgpack(std::string& out, const IndexedConfigEntries& reply, MsgpackHandle handle) {
  MsgpackWriter writer(out, handle);
  const std::size_t mark = writer.begin_wrapped();
  writer.integer(static_cast<std::int64_t>(reply.Entries.size()));
  writer.string(reply.Kind);
  writer.map(9);
  writer.string("Backend");
  writer.integer(reply.Backend);
  writer.string("ConsistencyLevel");
  writer.string(reply.ConsistencyLevel);
  writer.string("Entries");
  writer.array(reply.Entries.size());
  for (const auto& entry : reply.Entries) catalog::write_config_entry(writer, *entry);
  writer.string("Index");
  writer.unsigned_integer(reply.Index);
  writer.string("Kind");
  writer.string(reply.Kind);
  writer.string("KnownLeader");
  writer.boolean(reply.KnownLeader);
  writer.string("LastContact");
  writer.integer(reply.LastContact.nanoseconds);
  writer.string("NotModified");
  writer.boolean(reply.NotModified);
  writer.string("ResultsFilteredByACLs");
  writer.boolean(reply.ResultsFilteredByACLs);
  writer.end_wrapped(mark);
}

template <>
Result<> read_msgpack(std::string_view input, IndexedConfigEntries& reply, MsgpackHandle handle) {
  const Result<std::string_view> inside = opened(input);
  if (!inside) return inside.error();
  MsgpackReader reader(*inside, handle);
  reader.integer();  // how many; the list below says so too
  reply.Kind = reader.string();
  if (!reader.ok()) return reader.status();
  MsgpackReader meta(reader.rest(), handle);
  meta.object<QueryMeta>(reply);  // what it does not know, it passes over
  if (!meta.ok()) return meta.status();
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    if (reader.string() != "Entries") {
      reader.skip();
      continue;
    }
    for (std::size_t left = reader.array(); left > 0 && reader.ok(); --left) {
      if (auto entry = read_of_kind(reader, reply.Kind)) reply.Entries.push_back(std::move(entry));
    }
  }
  return reader.status();
}

template <>
void append_msgpack(std::string& out, const IndexedGenericConfigEntries& reply, MsgpackHandle handle) {
  MsgpackWriter writer(out, handle);
  const std::size_t mark = writer.begin_wrapped();
  writer.integer(static_cast<std::int64_t>(reply.Entries.size()));
  for (const auto& entry : reply.Entries) write_with_kind(writer, *entry);
  writer.object<QueryMeta>(reply);
  writer.end_wrapped(mark);
}

template <>
Result<> read_msgpack(std::string_view input, IndexedGenericConfigEntries& reply, MsgpackHandle handle) {
  const Result<std::string_view> inside = opened(input);
  if (!inside) return inside.error();
  MsgpackReader reader(*inside, handle);
  for (std::int64_t left = reader.integer(); left > 0 && reader.ok(); --left) {
    const std::string_view kind = reader.string();
    if (auto entry = read_of_kind(reader, kind)) reply.Entries.push_back(std::move(entry));
  }
  reader.object<QueryMeta>(reply);
  return reader.status();
}

}  // namespace proconsul::base
