// tls_load HOW PORT THREADS COUNT PATH: what the connection of small requests costs a server. Prints one line of JSON:
// rate, p50 of one operation, sessions that were resumed, answers that were not 200.
//   plain | keep      COUNT requests on THREADS connections, without and with TLS
//   fresh | resumed   COUNT connections that shake hands and close; the latter with a session of an earlier connection
// tls_load bare CERTIFICATE KEY COUNT: handshakes within this process, without sockets; prints the processor time of
// the server's half of one in microseconds. No server can do with less.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/bench/client.h"

namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* stream) const { SSL_free(stream); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
using Stream = std::unique_ptr<SSL, Free>;
using Session = std::unique_ptr<SSL_SESSION, Free>;

[[noreturn]] void fail_tls(const char* what) {
  std::fprintf(stderr, "%s: ", what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

/// A connection with or without TLS.
class Connection {
 public:
  Connection(int port, SSL_CTX* context, SSL_SESSION* session) : fd_(bench::connect_to(port)) {
    if (context == nullptr) return;
    stream_.reset(SSL_new(context));
    SSL_set_fd(stream_.get(), fd_);
    if (session != nullptr) SSL_set_session(stream_.get(), session);
    if (SSL_connect(stream_.get()) != 1) fail_tls("handshake");
  }
  ~Connection() {
    if (stream_)
      SSL_set_shutdown(stream_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or its session would end
    close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool resumed() const { return SSL_session_reused(stream_.get()) == 1; }
  Session session() const { return Session(SSL_get1_session(stream_.get())); }

  /// The status of the answer.
  int exchange(const std::string& request) {
    if (!stream_) return bench::status_of(bench::exchange(fd_, request));
    if (SSL_write(stream_.get(), request.data(), static_cast<int>(request.size())) <= 0) fail_tls("write");
    in_.clear();
    char buffer[16384];
    while (bench::answer_size(in_) == 0) {
      const int got = SSL_read(stream_.get(), buffer, sizeof buffer);
      if (got <= 0) fail_tls("read");
      in_.append(buffer, static_cast<std::size_t>(got));
    }
    return bench::status_of(in_);
  }

 private:
  int fd_;
  Stream stream_{};
  std::string in_{};
};

double thread_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Processor time of the server's half of `count` handshakes, the tickets that it sends after them included.
double bare(const char* certificate, const char* key, int count) {
  const Context server(SSL_CTX_new(TLS_server_method()));
  const Context client(SSL_CTX_new(TLS_client_method()));
  if (SSL_CTX_use_certificate_chain_file(server.get(), certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(server.get(), key, SSL_FILETYPE_PEM) != 1) {
    fail_tls("certificate");
  }
  double spent = 0;
  for (int i = 0; i < count; ++i) {
    double begin = thread_micros();
    const Stream ours(SSL_new(server.get()));
    spent += thread_micros() - begin;
    const Stream theirs(SSL_new(client.get()));
    BIO *near = nullptr, *far = nullptr;
    if (BIO_new_bio_pair(&near, 65536, &far, 65536) != 1) fail_tls("pair");
    SSL_set_bio(ours.get(), near, near);
    SSL_set_bio(theirs.get(), far, far);
    while (!SSL_is_init_finished(ours.get()) || !SSL_is_init_finished(theirs.get())) {
      SSL_connect(theirs.get());
      begin = thread_micros();
      SSL_accept(ours.get());
      spent += thread_micros() - begin;
    }
  }
  return spent / count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "bare") {
    std::printf("{\"cpu_us\": %.2f}\n", bare(argv[2], argv[3], std::atoi(argv[4])));
    return 0;
  }
  if (argc != 6) {
    std::fprintf(stderr,
                 "tls_load plain|keep|fresh|resumed PORT THREADS COUNT PATH\ntls_load bare CERTIFICATE KEY COUNT\n");
    return 2;
  }
  const std::string how = argv[1];
  const int port = std::atoi(argv[2]), threads = std::atoi(argv[3]);
  const long count = std::atol(argv[4]);
  const std::string request = std::string("GET ") + argv[5] + " HTTP/1.1\r\nHost: bench\r\n\r\n";
  const bool keeps = how == "plain" || how == "keep";

  const Context context(how == "plain" ? nullptr : SSL_CTX_new(TLS_client_method()));
  Session session;
  if (how == "resumed") {  // tickets come with the first bytes after the handshake
    Connection first(port, context.get(), nullptr);
    first.exchange(request);
    session = first.session();
  }
  std::atomic<long> resumed = 0, bad = 0;
  std::mutex mutex;
  std::vector<float> micros;
  const auto work = [&](long share) {
    std::vector<float> own;
    own.reserve(static_cast<std::size_t>(share));
    std::unique_ptr<Connection> kept;
    if (keeps) kept = std::make_unique<Connection>(port, context.get(), nullptr);
    for (long i = 0; i < share; ++i) {
      const auto begin = bench::Clock::now();
      if (keeps) {
        if (kept->exchange(request) != 200) ++bad;
      } else {
        const Connection one(port, context.get(), session.get());
        if (one.resumed()) ++resumed;
      }
      own.push_back(static_cast<float>(bench::seconds_since(begin) * 1e6));
    }
    const std::scoped_lock lock(mutex);
    micros.insert(micros.end(), own.begin(), own.end());
  };
  const auto start = bench::Clock::now();
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(work, count / threads + (i < count % threads ? 1 : 0));
  for (std::thread& thread : all) thread.join();
  const double seconds = bench::seconds_since(start);
  std::sort(micros.begin(), micros.end());
  std::printf("{\"rate\": %.0f, \"p50_us\": %.1f, \"resumed\": %ld, \"bad\": %ld}\n", double(count) / seconds,
              double(micros[micros.size() / 2]), resumed.load(), bad.load());
  return bad == 0 ? 0 : 1;
}
