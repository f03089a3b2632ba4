#include "ui-proxy/metrics_proxy.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "base/net/socket.h"

namespace proconsul::ui_proxy {
namespace {

using base::Errc;
using base::Result;

std::string target(const MetricsProxySettings& settings, const std::string& path, const std::string& query = {}) {
  const auto url = target_of(settings, {.path = path, .query = query, .has_query = !query.empty()});
  return url ? url->scheme + "://" + url->host + url->request_target() : url.error().detail;
}

TEST(MetricsProxy, ThePathFollowsTheBaseUrl) {
  const MetricsProxySettings settings{.base_url = "http://metrics:9090/prom"};

  EXPECT_EQ(target(settings, "/api/v1/query", "q=a%20b"), "http://metrics:9090/prom/api/v1/query?q=a%20b");
  EXPECT_EQ(target(settings, "/a//b/./c"), "http://metrics:9090/prom/a/b/c");
  EXPECT_EQ(target(settings, "/"), "http://metrics:9090/prom");
  EXPECT_EQ(target(settings, "/a b"), "http://metrics:9090/prom/a%20b");
  EXPECT_EQ(target(settings, "/a?b=c"), "http://metrics:9090/prom/a") << "only the query's own parameters count";
}

TEST(MetricsProxy, NothingOutsideTheBaseUrlOrTheAllowedPathsIsReached) {
  MetricsProxySettings settings{.base_url = "http://metrics:9090/prom"};

  EXPECT_EQ(target(settings, "/../secret"), "Invalid path.");
  EXPECT_EQ(target(settings, "/%2e%2e/secret"), "Invalid path.");
  EXPECT_EQ(target(settings, "/a%zz"), "Invalid path.");
  settings = {.base_url = "http://metrics:9090", .path_allowlist = {"/api/v1/query"}};
  EXPECT_EQ(target(settings, "/api/v1/query"), "http://metrics:9090/api/v1/query");
  EXPECT_EQ(target(settings, "/api/v1/x/../query"), "http://metrics:9090/api/v1/query");
  for (const char* path : {"/", "/api/v1", "/api/v1/query_range", "/api/v1/query/x"}) {
    EXPECT_EQ(target_of(settings, {.path = path}).error().code, Errc::permission_denied) << path;
  }
}

/// Answers one connection and keeps what it was sent.
class Upstream {
 public:
  explicit Upstream(std::string answer)
      : listener_(*base::net::listen_tcp("127.0.0.1", 0)),
        thread_([this, answer = std::move(answer)] { serve(answer); }) {}
  ~Upstream() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(base::net::local_port(listener_.get())); }
  std::string asked() {
    thread_.join();
    thread_ = std::thread([] {});
    return asked_;
  }

 private:
  void serve(const std::string& answer) {
    int fd = -1;
    while ((fd = ::accept(listener_.get(), nullptr, nullptr)) < 0 && (errno == EAGAIN || errno == EINTR)) {
      std::this_thread::yield();
    }
    const base::net::Fd connection(fd);
    char bytes[4096];
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      asked_.append(bytes, static_cast<std::size_t>(got));
    }
    (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  base::net::Fd listener_;
  std::string asked_{};
  std::thread thread_;
};

Result<ProxyAnswer> forward(MetricsProxy& proxy, base::net::Loops& loops, ProxyRequest request) {
  std::promise<Result<ProxyAnswer>> promise;
  auto answer = promise.get_future();
  loops[0].post(
      [&] { proxy.forward(std::move(request), [&](Result<ProxyAnswer> got) { promise.set_value(std::move(got)); }); });
  return answer.get();
}

TEST(MetricsProxy, PassesRequestAndAnswerOn) {
  base::net::Loops loops(1);
  Upstream upstream(
      "HTTP/1.1 503 Busy\r\nContent-Type: text/x\r\nX-Own: 1\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"
      "Content-Length: 4\r\n\r\nbody");
  MetricsProxy proxy(nullptr);
  proxy.set({.base_url = upstream.url(), .add_headers = {{"X-Added", "yes"}, {"Accept", "all"}, {"Host", "other"}}});

  const auto answer = forward(proxy, loops,
                              {.method = "GET",
                               .path = "/q",
                               .query = "a=b",
                               .has_query = true,
                               .host = "agent:8500",
                               .headers = {{"Accept", "some"}, {"X-Forwarded-For", "10.0.0.1"}, {"Te", "x"}},
                               .client_ip = "10.0.0.2"});

  const std::string asked = upstream.asked();
  EXPECT_TRUE(asked.starts_with("GET /q?a=b HTTP/1.1\r\nHost: other\r\n")) << asked;
  EXPECT_NE(asked.find("\r\nX-Added: yes\r\n"), std::string::npos);
  EXPECT_NE(asked.find("\r\nAccept: all\r\n"), std::string::npos);
  EXPECT_EQ(asked.find("some"), std::string::npos);
  EXPECT_EQ(asked.find("Te: "), std::string::npos);
  EXPECT_NE(asked.find("\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n"), std::string::npos);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "body");
  EXPECT_EQ(answer->headers, (Headers{{"Content-Type", "text/x"}, {"X-Own", "1"}}));
  loops.stop();
}

TEST(MetricsProxy, AnAnswerThatBreaksOffIsNone) {
  base::net::Loops loops(1);
  Upstream upstream("HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nbody");
  MetricsProxy proxy(nullptr);
  proxy.set({.base_url = upstream.url()});

  const auto answer = forward(proxy, loops, {.method = "GET", .path = "/q"});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  loops.stop();
}

TEST(MetricsProxy, AServerThatIsNotThereOrAHeaderThatMustNotBeSentIsAnError) {
  base::net::Loops loops(1);
  MetricsProxy proxy(nullptr);

  EXPECT_FALSE(proxy.configured());
  proxy.set({.base_url = "http://127.0.0.1:1"});
  EXPECT_TRUE(proxy.configured());
  EXPECT_EQ(forward(proxy, loops, {.method = "GET", .path = "/q"}).error().code, Errc::unavailable);
  proxy.set({.base_url = "http://127.0.0.1:1", .add_headers = {{"X-Bad", "a\r\nb"}}});
  EXPECT_EQ(forward(proxy, loops, {.method = "GET", .path = "/q"}).error().detail,
            "net/http: invalid header field value for \"X-Bad\"");
  loops.stop();
}

}  // namespace
}  // namespace proconsul::ui_proxy
