// What TLS reads and writes records through: a non-blocking socket.
#pragma once

typedef struct ssl_st SSL;

namespace proconsul::base::net {

/// As SSL_set_fd(), but by recv() and send(): these find their way through the kernel sooner than read() and write(),
/// and a peer that is gone is never a signal. The socket stays the caller's.
void use_socket(SSL* stream, int fd);

}  // namespace proconsul::base::net
