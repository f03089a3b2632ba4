#include "raft/snapshot_meta.h"

#include "base/json.h"
#include "base/type.h"
#include "raft/configuration.h"

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;

struct ServerJson {
  std::uint64_t Suffrage{};
  std::string ID{};
  std::string Address{};
};
PROCONSUL_DECLARE_TYPE(ServerJson)
PROCONSUL_DESCRIBE_TYPE(ServerJson, "raft.Server") {
  type.field("Suffrage", &ServerJson::Suffrage);
  type.field("ID", &ServerJson::ID);
  type.field("Address", &ServerJson::Address);
}

struct ConfigurationJson {
  base::List<ServerJson> Servers{};
};
PROCONSUL_DECLARE_TYPE(ConfigurationJson)
PROCONSUL_DESCRIBE_TYPE(ConfigurationJson, "raft.Configuration") {
  type.field("Servers", &ConfigurationJson::Servers);
}

struct MetaJson {
  std::int64_t Version{};
  std::string ID{};
  std::uint64_t Index{};
  std::uint64_t Term{};
  base::Bytes Peers{};  // addresses of the voters, for readers older than Configuration
  ConfigurationJson Configuration{};
  std::uint64_t ConfigurationIndex{};
  std::int64_t Size{};
  base::Bytes CRC{};  // 8 bytes, big endian
};
PROCONSUL_DECLARE_TYPE(MetaJson)
PROCONSUL_DESCRIBE_TYPE(MetaJson, "raft.SnapshotMeta") {
  type.field("Version", &MetaJson::Version);
  type.field("ID", &MetaJson::ID);
  type.field("Index", &MetaJson::Index);
  type.field("Term", &MetaJson::Term);
  type.field("Peers", &MetaJson::Peers);
  type.field("Configuration", &MetaJson::Configuration);
  type.field("ConfigurationIndex", &MetaJson::ConfigurationIndex);
  type.field("Size", &MetaJson::Size);
  type.field("CRC", &MetaJson::CRC).omit_empty();
}

}  // namespace

std::string encode_meta(const MetaFile& file) {
  MetaJson json;
  json.Version = 1;
  json.ID = file.meta.id;
  json.Index = file.meta.index.value;
  json.Term = file.meta.term.value;
  json.ConfigurationIndex = file.meta.configuration_index.value;
  json.Size = static_cast<std::int64_t>(file.meta.size);
  json.Configuration.Servers.make_present();
  for (const Server& server : file.meta.configuration.servers) {
    json.Configuration.Servers.push_back(
        {static_cast<std::uint64_t>(server.suffrage), server.id.value, server.address});
  }
  json.Peers = base::Bytes(encode_peers(file.meta.configuration));
  if (file.crc) {
    std::string crc(8, '\0');
    for (int i = 0; i < 8; ++i) crc[i] = static_cast<char>(*file.crc >> (56 - 8 * i));
    json.CRC = base::Bytes(std::move(crc));
  }
  return base::to_json(json) + "\n";
}

Result<MetaFile> decode_meta(std::string_view text) {
  if (text.size() > kMaxMetaBytes)
    return {Errc::corrupt, "meta.json is larger than " + std::to_string(kMaxMetaBytes) + " bytes"};
  MetaJson json;
  if (Result<> read = base::read_json(text, json); !read) return {Errc::corrupt, "meta.json: " + read.error().detail};
  if (json.Version != 1) return {Errc::corrupt, "meta.json: version " + std::to_string(json.Version) + " is not known"};
  if (json.Index == 0 || json.Term == 0) return {Errc::corrupt, "meta.json: index or term is missing"};
  if (json.Size < 0) return {Errc::corrupt, "meta.json: negative size"};
  MetaFile file;
  file.meta.id = std::move(json.ID);
  file.meta.index = {json.Index};
  file.meta.term = {json.Term};
  file.meta.configuration_index = {json.ConfigurationIndex};
  file.meta.size = static_cast<std::uint64_t>(json.Size);
  for (ServerJson& server : json.Configuration.Servers) {
    if (server.Suffrage > static_cast<std::uint64_t>(Suffrage::staging))
      return {Errc::corrupt, "meta.json: unknown suffrage"};
    file.meta.configuration.servers.push_back(
        {{std::move(server.ID)}, std::move(server.Address), static_cast<Suffrage>(server.Suffrage)});
  }
  if (!json.CRC.empty()) {
    if (json.CRC.size() != 8) return {Errc::corrupt, "meta.json: CRC has not eight bytes"};
    std::uint64_t crc = 0;
    for (char byte : json.CRC) crc = crc << 8 | static_cast<unsigned char>(byte);
    file.crc = crc;
  }
  return file;
}

}  // namespace proconsul::raft
