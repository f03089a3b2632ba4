// What a server tells those that have nothing of it yet: client agents without a certificate, and servers that join.
#pragma once

#include <functional>

#include "base/type.h"

namespace proconsul::agent::auto_config {
class Server;
}
namespace proconsul::agent::invite {
class Invitations;
}

namespace proconsul::agent::mesh {

struct AutoEncryptServer {
  bool allowed = false;                                     // auto_encrypt.allow_tls
  std::function<base::List<std::string>()> manual_roots{};  // of the servers' own certificates, PEM; reads files
  bool verify_server_hostname = false;
  auto_config::Server* auto_config = nullptr;  // null: nobody is introduced
  invite::Invitations* invitations = nullptr;  // of other datacenters; null: none
};

}  // namespace proconsul::agent::mesh
