// What a server tells client agents that ask it for a first certificate (auto_encrypt.allow_tls).
#pragma once

#include <functional>

#include "base/type.h"

namespace proconsul::agent::mesh {

struct AutoEncryptServer {
  std::function<base::List<std::string>()> manual_roots{};  // of the servers' own certificates, PEM; reads files
  bool verify_server_hostname = false;
};

}  // namespace proconsul::agent::mesh
