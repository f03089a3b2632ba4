#include "catalog/config_entry/codec.h"

#include <utility>

#include "catalog/commands.h"
#include "catalog/config_entry/kinds.h"
#include "catalog/types/config_gateways.h"

namespace proconsul::catalog {

using base::Errc;
using base::Error;
using base::MsgpackReader;
using base::MsgpackWriter;
using base::Result;

namespace {

// A bound gateway's services are a map whose keys are maps themselves ({Name}), which no described type has.
void write_bound_gateway(MsgpackWriter& writer, const BoundAPIGatewayConfigEntry& entry) {
  writer.map(8);
  writer.string("CreateIndex");
  writer.unsigned_integer(entry.CreateIndex);
  writer.string("Hash");
  writer.unsigned_integer(entry.Hash);
  writer.string("Kind");
  writer.string(entry.Kind);
  writer.string("Listeners");
  writer.object(entry.Listeners);
  writer.string("Meta");
  writer.object(entry.Meta);
  writer.string("ModifyIndex");
  writer.unsigned_integer(entry.ModifyIndex);
  writer.string("Name");
  writer.string(entry.Name);
  writer.string("Services");
  if (entry.Services.is_nil()) return writer.nil();
  writer.map(entry.Services.size());
  for (const auto& [service, routes] : entry.Services) {
    writer.map(1);
    writer.string("Name");
    writer.string(service);
    writer.object(routes);
  }
}

std::string read_service_name(MsgpackReader& reader) {
  std::string name;
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    if (reader.string() == "Name") {
      name = reader.string();
    } else {
      reader.skip();
    }
  }
  return name;
}

template <class T>
void read_unless_nil(MsgpackReader& reader, T& object) {
  if (!reader.skip_nil()) reader.object(object);
}

void read_bound_gateway(MsgpackReader& reader, BoundAPIGatewayConfigEntry& entry) {
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const std::string_view key = reader.string();
    if (key == "CreateIndex") {
      entry.CreateIndex = reader.unsigned_integer();
    } else if (key == "Hash") {
      entry.Hash = reader.unsigned_integer();
    } else if (key == "Kind") {
      entry.Kind = reader.string();
    } else if (key == "Listeners") {
      read_unless_nil(reader, entry.Listeners);
    } else if (key == "Meta") {
      read_unless_nil(reader, entry.Meta);
    } else if (key == "ModifyIndex") {
      entry.ModifyIndex = reader.unsigned_integer();
    } else if (key == "Name") {
      entry.Name = reader.string();
    } else if (key == "Services") {
      if (reader.skip_nil()) continue;
      entry.Services.make_present();
      for (std::size_t left = reader.map(); left > 0 && reader.ok(); --left) {
        std::string service = read_service_name(reader);
        read_unless_nil(reader, entry.Services[std::move(service)]);
      }
    } else {
      reader.skip();
    }
  }
}

struct Envelope {
  std::string_view kind{};
  std::string_view request{};  // the map behind it
};

Result<Envelope> open(std::string_view body) {
  MsgpackReader outer(body);
  const std::string_view inside = outer.bytes();
  if (Result<> read = outer.status(); !read) return Error{Errc::corrupt, read.error().detail};
  MsgpackReader reader(inside);
  Envelope envelope{.kind = reader.string()};
  if (Result<> read = reader.status(); !read) return Error{Errc::corrupt, read.error().detail};
  envelope.request = reader.rest();
  return envelope;
}

}  // namespace

void write_config_entry(MsgpackWriter& writer, const ConfigEntry& entry) {
  if (const auto* bound = entry_as<BoundAPIGatewayConfigEntry>(&entry)) return write_bound_gateway(writer, *bound);
  writer.object(entry.kind->type(), &entry);
}

void write_config_entry_request(MsgpackWriter& writer, const ConfigEntryRequest& request) {
  const std::size_t mark = writer.begin_wrapped();
  writer.string(request.Entry->kind->name);
  writer.map(4);
  writer.string("Datacenter");
  writer.string(request.Datacenter);
  writer.string("Entry");
  write_config_entry(writer, *request.Entry);
  writer.string("Op");
  writer.string(request.Op);
  writer.string("Token");
  writer.string(request.Token);
  writer.end_wrapped(mark);
}

void read_config_entry(MsgpackReader& reader, ConfigEntry& entry) {
  const ConfigKind* kind = entry.kind;
  if (auto* bound = entry_as<BoundAPIGatewayConfigEntry>(&entry)) {
    read_bound_gateway(reader, *bound);
  } else {
    reader.object(kind->type(), &entry);
  }
  entry.kind = kind;
}

Result<ConfigEntryRequest> read_config_entry_request(std::string_view body) {
  Result<Envelope> envelope = open(body);
  if (!envelope) return envelope.error();
  Result<std::shared_ptr<ConfigEntry>> entry = make_config_entry(envelope->kind);
  if (!entry) return Error{Errc::corrupt, entry.error().detail};

  ConfigEntryRequest request;
  MsgpackReader reader(envelope->request);
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const std::string_view key = reader.string();
    if (key == "Datacenter") {
      request.Datacenter = reader.string();
    } else if (key == "Op") {
      request.Op = reader.string();
    } else if (key == "Token") {
      request.Token = reader.string();
    } else if (key == "Entry" && !reader.next_is_nil()) {
      request.Entry = *entry;
      read_config_entry(reader, *request.Entry);
    } else {
      reader.skip();
    }
  }
  if (Result<> read = reader.status(); !read) return Error{Errc::corrupt, read.error().detail};
  if (!request.Entry) return {Errc::corrupt, "the config entry is missing"};
  return request;
}

std::string encode_config_entry_command(const ConfigEntryRequest& request) {
  std::string data(1, static_cast<char>(Command::config_entry));
  MsgpackWriter writer(data);
  write_config_entry_request(writer, request);
  return data;
}

Result<std::string_view> config_entry_bytes(std::string_view body) {
  Result<Envelope> envelope = open(body);
  if (!envelope) return envelope.error();
  MsgpackReader reader(envelope->request);
  for (std::size_t keys = reader.map(); keys > 0 && reader.ok(); --keys) {
    const bool found = reader.string() == "Entry";
    const std::size_t start = reader.position();
    reader.skip();
    if (found && reader.ok()) return envelope->request.substr(start, reader.position() - start);
  }
  return {Errc::corrupt, "the config entry is missing"};
}

}  // namespace proconsul::catalog
