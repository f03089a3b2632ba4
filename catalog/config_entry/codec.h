// Config entries in msgpack, where the kind has to be known before the entry can be read: the command and the snapshot
// record are one raw of two values, the kind and the request.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/msgpack.h"
#include "base/result.h"
#include "catalog/types/config_entry.h"

namespace proconsul::catalog {

/// Appends one value.
void write_config_entry(base::MsgpackWriter& writer, const ConfigEntry& entry);
void write_config_entry_request(base::MsgpackWriter& writer, const ConfigEntryRequest& request);

/// Reads one value into an entry of the right kind; the reader has the error.
void read_config_entry(base::MsgpackReader& reader, ConfigEntry& entry);
/// Errc::corrupt for what is no request, of an unknown kind, or without an entry.
base::Result<ConfigEntryRequest> read_config_entry_request(std::string_view body);

/// What the log holds: the number of the command, then the request.
std::string encode_config_entry_command(const ConfigEntryRequest& request);

/// Where the entry itself lies in a request, for those who look at its bytes.
base::Result<std::string_view> config_entry_bytes(std::string_view body);

}  // namespace proconsul::catalog
