#include "base/net/tls_socket.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "base/free_with.h"

namespace proconsul::base::net {
namespace {

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool try_again(int error) {
  return error == EAGAIN || error == EINTR;
}

int send_some(BIO* bio, const char* data, int size) {
  errno = 0;  // what it says afterwards is of this call
  const ssize_t sent = ::send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && try_again(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receive_some(BIO* bio, char* data, int size) {
  errno = 0;
  const ssize_t received = ::recv(fd_of(bio), data, static_cast<std::size_t>(size), 0);
  BIO_clear_retry_flags(bio);
  if (received < 0 && try_again(errno)) BIO_set_retry_read(bio);
  if (received == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(received);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH;  // nothing is held back
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (!method) return nullptr;
  BIO_meth_set_write(method, send_some);
  BIO_meth_set_read(method, receive_some);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

void use_socket(SSL* stream, int fd) {
  static const std::unique_ptr<BIO_METHOD, FreeWith<BIO_meth_free>> kMethod(make_method());
  BIO* bio = kMethod ? BIO_new(kMethod.get()) : nullptr;
  if (!bio) return;  // every call fails then
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(stream, bio, bio);
}

}  // namespace proconsul::base::net
