// TLS as others bring it: the bytes with which a connection begins, at a server that wants certificates, and files of
// certificates and keys. OpenSSL reads them all; what is ours is that nothing of it is trusted, that each ends in an
// error with a text or in a context, and that nobody without a certificate gets through. The first byte tells which of
// them the rest is.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/cli/certificates.h"
#include "agent/telemetry/certificate_expiry.h"
#include "base/net/tls.h"

namespace {

using namespace proconsul;
using base::net::TlsContext;
using base::net::TlsStream;

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

/// A file in memory, by a path under which it can be opened.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    demand(fd_ >= 0);
    demand(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

/// The server of all conversations: it has a certificate, and wants one of the same authority.
std::shared_ptr<TlsContext> server() {
  static const std::shared_ptr<TlsContext> kServer = [] {
    const auto authority = agent::cli::make_authority({.days = 1});
    const auto pair = agent::cli::make_certificate(
        *authority,
        {.common_name = "server.dc1.consul", .days = 1, .dns_names = {"server.dc1.consul"}, .for_server = true});
    static const MemoryFile kCertificate(pair->certificate), kKey(pair->key), kAuthority(authority->certificate);
    auto made = TlsContext::server({.cert_file = kCertificate.path(),
                                    .key_file = kKey.path(),
                                    .ca_file = kAuthority.path(),
                                    .verify_incoming = true,
                                    .min_version = "TLSv1_0",
                                    .protocols = "\x02h2\x08http/1.1"});
    demand(made.has_value());
    return *made;
  }();
  return kServer;
}

/// What the client says goes in whole; what the server answers is thrown away.
void converse(std::string_view hello) {
  int ends[2];
  demand(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  {
    TlsStream stream(server(), ends[0]);
    bool over = false;
    while (!over) {
      const ssize_t sent = hello.empty() ? 0 : ::send(ends[1], hello.data(), hello.size(), MSG_NOSIGNAL);
      if (sent > 0) hello.remove_prefix(static_cast<std::size_t>(sent));
      if (hello.empty()) ::shutdown(ends[1], SHUT_WR);
      const TlsStream::Progress progress = stream.handshake();
      demand(progress.need != TlsStream::Need::none);  // nobody here has a certificate
      if (progress.need == TlsStream::Need::failed) demand(!stream.reason().empty());
      char answer[4096];
      while (::recv(ends[1], answer, sizeof answer, 0) > 0) {
      }
      over = progress.need != TlsStream::Need::read && progress.need != TlsStream::Need::write;
      over = over || (hello.empty() && progress.need == TlsStream::Need::read && sent <= 0);
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

void take(const base::Result<std::shared_ptr<TlsContext>>& context) {
  demand(context.has_value() || !context.error().detail.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      converse(bytes);
      break;
    case 1:
      take(TlsContext::client({.ca_pem = std::string(bytes)}));
      break;
    case 2: {
      const MemoryFile file(bytes);
      take(TlsContext::server({.cert_file = file.path(), .key_file = file.path(), .ca_file = file.path()}));
      break;
    }
    default: {
      const MemoryFile file(bytes);
      (void)agent::validity_of(file.path());
      (void)agent::cli::make_certificate({.certificate = std::string(bytes), .key = std::string(bytes)},
                                         {.common_name = "a", .days = 1, .dns_names = {"a"}});
    }
  }
  return 0;
}
