// The flags and environment variables by which every client command finds its agent.
#pragma once

#include "agent/cli/api_client.h"
#include "agent/cli/command.h"

namespace proconsul::agent::cli {

inline constexpr Flag kClientFlags[] = {
    {.name = "http-addr",
     .kind = FlagKind::text,
     .help = "Where the agent's HTTP API listens: host:port, a http:// or https:// URL, or unix:// and the path of a "
             "socket. Also CONSUL_HTTP_ADDR; CONSUL_HTTP_SSL=true selects https. By default 127.0.0.1:8500.",
     .value_name = "address"},
    {.name = "token",
     .kind = FlagKind::text,
     .help = "ACL token sent with the request. Also CONSUL_HTTP_TOKEN. Without one the agent's own token counts."},
    {.name = "token-file",
     .kind = FlagKind::text,
     .help = "File that holds the ACL token; wins over -token. Also CONSUL_HTTP_TOKEN_FILE.",
     .value_name = "path"},
    {.name = "ca-file",
     .kind = FlagKind::text,
     .help = "File of the certificate authorities to trust when the agent is reached by TLS. Also CONSUL_CACERT.",
     .value_name = "path"},
    {.name = "ca-path",
     .kind = FlagKind::text,
     .help = "Folder of such files. Also CONSUL_CAPATH.",
     .value_name = "path"},
    {.name = "client-cert",
     .kind = FlagKind::text,
     .help = "Certificate to show to an agent that verifies its clients. Also CONSUL_CLIENT_CERT.",
     .value_name = "path"},
    {.name = "client-key",
     .kind = FlagKind::text,
     .help = "Private key of -client-cert. Also CONSUL_CLIENT_KEY.",
     .value_name = "path"},
    {.name = "tls-server-name",
     .kind = FlagKind::text,
     .help = "Name to ask for and to expect in the agent's certificate. Also CONSUL_TLS_SERVER_NAME.",
     .value_name = "name"},
};

inline constexpr Flag kServerFlags[] = {
    {.name = "datacenter",
     .kind = FlagKind::text,
     .help = "Datacenter to ask; by default the agent's own.",
     .value_name = "name"},
    {.name = "stale",
     .kind = FlagKind::boolean,
     .help = "Let any server answer a read, not only the leader: faster, possibly out of date.",
     .strconv_errors = true},
};

inline constexpr Flag kPartitionFlags[] = {
    {.name = "partition",
     .kind = FlagKind::text,
     .help = "Admin partition to ask. Also CONSUL_PARTITION. The one partition of this edition is \"default\".",
     .value_name = "name"},
};

inline constexpr Flag kTenancyFlags[] = {
    {.name = "namespace",
     .kind = FlagKind::text,
     .help = "Namespace to ask. Also CONSUL_NAMESPACE. The one namespace of this edition is \"default\".",
     .value_name = "name"},
    kPartitionFlags[0],
};

/// How to reach the agent, from the command's flags and the environment. The command must have kClientFlags; the others
/// count if it has them.
base::Result<ApiConfig> client_config(const Context& context);

/// A client of that. `interrupt`, which may be null and outlives the client, ends its requests.
base::Result<ApiClient> make_client(const Context& context, base::Interrupt* interrupt = nullptr);

/// make_client(), or the message "`prefix`: why" on the error stream and nothing.
std::optional<ApiClient> connect(const Context& context, std::string_view prefix = "Error connecting to Consul agent",
                                 base::Interrupt* interrupt = nullptr);
std::optional<ApiClient> connect(const Context& context, base::Interrupt& interrupt);

/// Adds ?stale if the command has the flag and it is set.
void apply_stale(const Context& context, ApiRequest& request);

}  // namespace proconsul::agent::cli
