// A client's side of auto_config: it asks servers to be introduced, keeps what they said, and makes settings of it.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "agent/auto_config/messages.h"
#include "agent/config/load.h"
#include "agent/mesh/auto_encrypt.h"
#include "base/net/loop.h"
#include "base/net/tcp_channel.h"
#include "base/result.h"

namespace proconsul::agent::auto_config {

/// What a client's certificates are asked for with.
mesh::AutoEncrypt::Settings certificate_settings(const config::Config& config);

/// One round over all of auto_config.server_addresses, or a first one that answers. Waits; not on a loop's thread.
/// Errors: "No server successfully responded to the auto-config request", what is wrong with the token's file.
using Insecure = std::function<base::Result<base::net::Destination>(const std::string& address)>;
base::Result<Response> ask_servers(base::net::Loops& loops, const config::Config& config, const Insecure& insecure,
                                   const std::stop_token& over);

/// What the response says of certificates. Error: it has none.
base::Result<rpc::SignedResponse> certificates_of(const Response& response);
/// What it says of the configuration.
config::Settings settings_of(const Config& config);

/// data_dir/auto-config.json, as Consul has it; for its owner alone, since keys are in it. Safe from any thread.
class KeptResponse {
 public:
  explicit KeptResponse(const std::string& data_dir);
  /// Errc::not_found: there is none. Other errors: what is there is damaged.
  base::Result<Response> read() const;
  /// Makes a change of what was read or written last, and writes it.
  base::Result<> change(const std::function<void(Response&)>& how);

 private:
  const std::string path_;
  std::mutex mutex_{};
  Response last_{};
};

/// The configuration with what servers said: in an earlier run, or now; asks them until one answers, and keeps that.
/// Into the options it puts what a reload needs. Waits. Errors: it is `over`, or the answer is of no use.
base::Result<config::Loaded> introduce(const config::Config& config, config::LoadOptions& options,
                                       const std::stop_token& over);

}  // namespace proconsul::agent::auto_config
