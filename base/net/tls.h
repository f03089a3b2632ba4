// TLS over a non-blocking socket, driven by whoever watches the socket.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proconsul::base::net {

struct TlsSettings {
  std::string cert_file{};
  std::string key_file{};
  std::string ca_file{};
  std::string ca_path{};
  std::string ca_pem{};                 // certificates themselves; beside the files
  bool verify_incoming = false;         // clients must show a certificate that the CA signed
  std::string min_version = "TLSv1_2";  // TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3
  std::string cipher_suites{};          // IANA's names for TLS 1.2 and below, ":" between; empty: the default
  std::string protocols{};              // a server's ALPN, each with its length before it; a client must offer one of
                                        // them or none; empty: ALPN is not looked at
};

/// A certificate with what stands behind it, and its key, in PEM.
struct TlsPair {
  std::string certificate{};
  std::string key{};
};

/// Certificates and rules of one listener; shared by its connections.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> server(const TlsSettings& settings);
  /// The same with a certificate that is in no file; those of the settings do not count.
  static Result<std::shared_ptr<TlsContext>> server(const TlsSettings& settings, const TlsPair& shown);
  /// For connecting: the certificate, if any, is shown to servers that ask; without a CA the system's ones count.
  static Result<std::shared_ptr<TlsContext>> client(const TlsSettings& settings);
  /// The same with a certificate that is in no file; those of the settings do not count.
  static Result<std::shared_ptr<TlsContext>> client(const TlsSettings& settings, const TlsPair& shown);
  ~TlsContext();
  /// Of a server, before it is shared: clients that ask for `name` see this certificate, and need to show none. Whoever
  /// serves them asks was_shown_by_name() what they may do.
  Result<> show_to(const std::string& name, const TlsPair& shown);
  TlsContext(const TlsContext&) = delete;
  /// For connections from now on; those that stand keep what they began with. An error changes nothing. Any thread.
  Result<> reload(const TlsSettings& settings);

 private:
  friend class TlsStream;
  explicit TlsContext(void* context) : context_(context) {}
  void* new_stream() const;  // SSL

  mutable std::mutex mutex_{};
  void* context_;  // SSL_CTX
};

/// Whom a client expects.
struct TlsPeer {
  std::string name{};       // host name or IP address, in the certificate too
  bool verify = true;       // its certificate is one that the CA signed
  bool verify_name = true;  // and is for `name`
  std::string protocols{};  // ALPN, each with its length before it: "\x02h2"; empty: not offered
};

/// One end of a connection. The socket stays the caller's.
class TlsStream {
 public:
  enum class Need : std::uint8_t { none, read, write, closed, failed };
  struct Progress {
    std::size_t bytes = 0;
    Need need = Need::none;  // none: `bytes` were moved; read, write: wait for the socket; closed: an orderly end
  };
  TlsStream(std::shared_ptr<TlsContext> context, int fd);                // the server's end
  TlsStream(std::shared_ptr<TlsContext> context, int fd, TlsPeer peer);  // the client's end
  ~TlsStream();
  Progress handshake();
  Progress read(char* data, std::size_t size);
  /// From now on whatever the socket has is read at once, and not each record in two pieces. The socket then no longer
  /// tells of what holds_bytes(): read on while there is any.
  void read_ahead();
  bool holds_bytes() const;
  Progress write(std::string_view data);
  void shutdown();
  /// Of a server: whether the client asked for the name of show_to().
  bool was_shown_by_name() const;
  /// The ALPN protocol that was agreed upon; empty if none was.
  std::string_view protocol() const;
  /// Whether the cipher is one that HTTP/2 does not prohibit (RFC 9113 appendix A).
  bool is_fit_for_h2() const;
  /// Whether the peer showed a certificate, verified by the handshake, that is for this host name.
  Result<> check_peer_name(const std::string& name) const;
  /// Whether one of the authorities of ca_file and ca_path alone vouches for it.
  Result<> check_peer_chain(const TlsSettings& trusted) const;
  /// Why the last call failed: for a client in the words of Go's crypto/tls, for a server for its log.
  const std::string& reason() const { return reason_; }

 private:
  Progress outcome(int result);
  std::shared_ptr<TlsContext> context_;
  void* stream_ = nullptr;  // SSL
  TlsPeer peer_{};
  bool is_client_ = false;
  std::string reason_{};
};

}  // namespace proconsul::base::net
