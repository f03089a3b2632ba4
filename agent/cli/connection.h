// One stream to an agent: TCP, a unix socket, or TLS over TCP; blocking. Errors are worded as Go's net and crypto/tls
// do.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/interrupt.h"
#include "base/result.h"

namespace boost::system {
class error_code;
}
struct ssl_ctx_st;

namespace proconsul::agent::cli {

struct TlsFiles {
  std::string ca_file{};
  std::string ca_path{};  // a folder, searched to its bottom
  std::string client_cert{};
  std::string client_key{};
  std::string server_name{};  // instead of the host's; a port behind it is ignored
  bool verify_server{true};
};

struct Endpoint {
  std::string host{};         // host or host:port; what the Host header says
  std::string socket_path{};  // a unix socket, if not empty
  bool use_tls{};
  std::string server_name{};
  std::shared_ptr<ssl_ctx_st> tls{};
  base::Interrupt* interrupt{};  // ends connecting, reading and writing; may be null

  /// Reads the certificates and prepares TLS, whether or not it will be used.
  base::Result<> load_tls(const TlsFiles& files);
};

/// Whether a TCP connection to the host and port comes about in that time.
bool accepts_connections(const std::string& host, const std::string& port, int timeout_ms);

class Connection {
 public:
  static base::Result<std::unique_ptr<Connection>> open(const Endpoint& endpoint);
  ~Connection();

  base::Result<> write(std::string_view bytes);
  std::size_t read_some(std::span<char> into, boost::system::error_code& error);
  /// What went wrong in a read or write, as Go would say it.
  base::Error error(std::string_view operation, const boost::system::error_code& code) const;

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace proconsul::agent::cli
