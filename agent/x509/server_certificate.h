// What a certificate says of a server: its names, and how long it holds.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::x509 {

struct ServerCertificate {
  std::vector<std::string> names{};  // of DNS
  base::Time not_before{}, not_after{};
};
/// Of the first certificate of a text (PEM).
base::Result<ServerCertificate> read_server_certificate(const std::string& pem);

}  // namespace proconsul::agent::x509
