// The protobuf of peerings (pbpeering), which the log, snapshots and gRPC share.
#pragma once

#include <string>
#include <string_view>

#include "base/protobuf.h"
#include "base/result.h"
#include "catalog/commands.h"
#include "catalog/types/peering.h"

namespace proconsul::catalog {

/// The tables of all that types/peering.h declares.
void add_peering_messages(base::pb::Schema& schema);
const base::pb::Schema& peering_schema();

/// Log.Data: the number, then the body in protobuf.
template <class Request>
std::string encode_peering_command(Command command, const Request& request) {
  std::string data(1, static_cast<char>(command));
  peering_schema().append(data, request);
  return data;
}

/// A snapshot's record: a raw of msgpack that holds the protobuf.
base::Result<std::string_view> peering_record(std::string_view body);

}  // namespace proconsul::catalog
