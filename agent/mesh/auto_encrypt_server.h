// What a server tells client agents that have no certificate yet.
#pragma once

#include <functional>

#include "base/type.h"

namespace proconsul::agent::auto_config {
class Server;
}

namespace proconsul::agent::mesh {

struct AutoEncryptServer {
  bool allowed = false;                                     // auto_encrypt.allow_tls
  std::function<base::List<std::string>()> manual_roots{};  // of the servers' own certificates, PEM; reads files
  bool verify_server_hostname = false;
  auto_config::Server* auto_config = nullptr;  // null: nobody is introduced
};

}  // namespace proconsul::agent::mesh
