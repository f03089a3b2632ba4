// HTTP checks against peers that answer well, badly, for ever or not at all.
#include <gtest/gtest.h>
#include <zlib.h>

#include <deque>

#include "agent/checks/test_peer.h"
#include "base/net/http_exchange.h"

namespace proconsul::agent::checks {

using base::net::AnswerReader;
namespace {

using test::Bench;
using test::Outcome;
using test::Peer;

catalog::CheckType http_check(const std::string& url, base::Duration timeout = base::seconds(5)) {
  catalog::CheckType check;
  check.HTTP = url;
  check.Interval = base::seconds(1);
  check.Timeout = timeout;
  return check;
}

/// A peer that gives these answers in turn, the last one again and again, and keeps the requests.
struct Web {
  explicit Web(std::vector<std::string> answers_) : answers(std::move(answers_)) {}
  std::string url(const std::string& path = "/") const { return "http://" + peer.address() + path; }
  std::vector<std::string> answers;
  std::vector<std::string> requests{};  // read only after a run
  Peer peer{[this](int fd) {
    requests.push_back(test::read_until(fd, "\r\n\r\n"));
    test::write_all(fd, answers[std::min(requests.size(), answers.size()) - 1]);
  }};
};

TEST(HttpProbe, TheStatusDecidesAndTheBodyIsShown) {
  Bench bench;
  Web web({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 429 Too Many Requests\r\n\r\nslow",
           "HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n"});

  const Outcome good = bench.run(http_check(web.url()));
  const Outcome busy = bench.run(http_check(web.url()));
  const Outcome bad = bench.run(http_check(web.url()));

  EXPECT_EQ(good.status, "passing");
  EXPECT_EQ(good.output, "HTTP GET " + web.url() + ": 200 OK Output: hello");
  EXPECT_EQ(busy.status, "warning");
  EXPECT_EQ(busy.output, "HTTP GET " + web.url() + ": 429 Too Many Requests Output: slow");
  EXPECT_EQ(bad.status, "critical");
  EXPECT_EQ(bad.output, "HTTP GET " + web.url() + ": 500 Internal Server Error Output: bad");
}

TEST(HttpProbe, SendsWhatTheDefinitionSays) {
  Bench bench;
  Web web({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  catalog::CheckType check = http_check("http://user:pw@" + web.peer.address() + "/a?b=c");
  check.Method = "POST";
  check.Body = "payload";
  check.Header = {{"X-One", {"a", "b"}}, {"host", {"other"}}, {"accept", {"x/y"}}};

  bench.run(check);

  const std::string& request = web.requests.at(0);
  EXPECT_TRUE(request.starts_with("POST /a?b=c HTTP/1.1\r\nHost: other\r\n")) << request;
  for (const char* line :
       {"X-One: a\r\nX-One: b\r\n", "User-Agent: Consul Health Check\r\n", "accept: x/y\r\n", "Content-Length: 7\r\n",
        "Accept-Encoding: gzip\r\n", "Connection: close\r\n", "Authorization: Basic dXNlcjpwdw==\r\n"}) {
    EXPECT_NE(request.find(line), std::string::npos) << line;
  }
  EXPECT_TRUE(request.ends_with("\r\n\r\npayload")) << request;
}

TEST(HttpProbe, AHeaderCannotSmuggleALineBreak) {
  Bench bench;
  catalog::CheckType check = http_check("http://127.0.0.1:1/");
  check.Header = {{"X", {"a\r\nEvil: yes"}}};

  EXPECT_EQ(bench.run(check).output, "Get \"http://127.0.0.1:1/\": net/http: invalid header field value for \"X\"");
}

TEST(HttpProbe, FollowsRedirectsButNotForEver) {
  Bench bench;
  Web once({"HTTP/1.1 302 Found\r\nLocation: /next?x\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  Web forever({"HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"});
  catalog::CheckType stays = http_check(forever.url());
  stays.DisableRedirects = true;

  const Outcome followed = bench.run(http_check(once.url()));
  const Outcome endless = bench.run(http_check(forever.url()));
  const Outcome stayed = bench.run(stays);

  EXPECT_EQ(followed.status, "passing");
  EXPECT_TRUE(once.requests.at(1).starts_with("GET /next?x HTTP/1.1\r\n"));
  EXPECT_NE(once.requests.at(1).find("Referer: " + once.url()), std::string::npos);
  EXPECT_EQ(endless.status, "critical");
  EXPECT_EQ(endless.output, "Get \"" + forever.url("/again") + "\": stopped after 10 redirects");
  EXPECT_EQ(stayed.output, "HTTP GET " + forever.url() + ": 307 Temporary Redirect Output: ");
}

TEST(HttpProbe, SecretsDoNotFollowARedirectToAnotherHost) {
  Bench bench;
  Web second({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  Web first({"HTTP/1.1 301 Moved\r\nLocation: http://localhost:" + std::to_string(second.peer.port()) +
             "/\r\nContent-Length: 0\r\n\r\n"});
  catalog::CheckType check = http_check(first.url());
  check.Header = {{"Authorization", {"secret"}}, {"X", {"y"}}};

  EXPECT_EQ(bench.run(check).status, "passing");

  EXPECT_NE(first.requests.at(0).find("Authorization: secret"), std::string::npos);
  EXPECT_EQ(second.requests.at(0).find("secret"), std::string::npos);
  EXPECT_NE(second.requests.at(0).find("X: y"), std::string::npos);
}

TEST(HttpProbe, FaultsAreToldInGosWords) {
  Bench bench;
  Web garbage({"garbage\r\n\r\n"});
  Web silent_end({""});
  const std::string closed = std::to_string(test::closed_port());

  EXPECT_EQ(
      bench.run(http_check("http://127.0.0.1:" + closed + "/x")).output,
      "Get \"http://127.0.0.1:" + closed + "/x\": dial tcp 127.0.0.1:" + closed + ": connect: connection refused");
  EXPECT_EQ(bench.run(http_check("127.0.0.1")).output, "Get \"127.0.0.1\": unsupported protocol scheme \"\"");
  EXPECT_EQ(bench.run(http_check("localhost:80/x")).output,
            "Get \"localhost:80/x\": unsupported protocol scheme \"localhost\"");
  EXPECT_EQ(bench.run(http_check(garbage.url())).output,
            "Get \"" + garbage.url() +
                "\": net/http: HTTP/1.x transport connection broken: malformed HTTP response \"garbage\"");
  EXPECT_EQ(bench.run(http_check(silent_end.url())).output, "Get \"" + silent_end.url() + "\": EOF");
}

TEST(HttpProbe, ASilentServerTimesOut) {
  Bench bench;
  Peer silent([](int fd) { test::wait_closed(fd); });
  const std::string url = "http://" + silent.address();

  const Outcome outcome = bench.run(http_check(url, base::milliseconds(50)));

  EXPECT_EQ(outcome.status, "critical");
  EXPECT_EQ(outcome.output,
            "Get \"" + url + "\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
}

TEST(HttpProbe, ABodyWithoutEndCountsByItsStatus) {
  Bench bench;
  Peer endless([](int fd) {
    test::read_until(fd, "\r\n\r\n");
    test::write_all(fd, "HTTP/1.1 200 OK\r\n\r\npart");
    test::wait_closed(fd);
  });
  Peer flood([](int fd) {
    test::read_until(fd, "\r\n\r\n");
    test::write_all(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (test::write_all(fd, std::string(65536, 'x'))) {
    }
  });

  const Outcome stuck = bench.run(http_check("http://" + endless.address(), base::milliseconds(100)));
  const Outcome flooded = bench.run(http_check("http://" + flood.address()), 10);

  EXPECT_EQ(stuck.status, "passing");
  EXPECT_TRUE(stuck.output.ends_with(": 200 OK Output: part")) << stuck.output;
  EXPECT_EQ(flooded.status, "passing");
  EXPECT_TRUE(flooded.output.ends_with(" Output: xxxxxxxxxx")) << flooded.output;
}

TEST(HttpProbe, ANameIsResolved) {
  Bench bench;
  Web web({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});

  EXPECT_EQ(bench.run(http_check("http://localhost:" + std::to_string(web.peer.port()))).status, "passing");
  const Outcome unknown = bench.run(http_check("http://no-such-host.invalid/"));
  EXPECT_TRUE(
      unknown.output.starts_with("Get \"http://no-such-host.invalid/\": dial tcp: lookup no-such-host.invalid: "))
      << unknown.output;
}

TEST(HttpProbe, DroppingItClosesTheConnection) {
  Bench bench;
  std::promise<void> asked, closed;
  Peer silent([&](int fd) {
    test::read_until(fd, "\r\n\r\n");
    asked.set_value();
    test::wait_closed(fd);
    closed.set_value();
  });
  bench.start(http_check("http://" + silent.address()));
  asked.get_future().get();

  bench.drop();

  closed.get_future().get();
}

// ---- the reader of answers

struct Read {
  base::Result<bool> last{false};
  AnswerReader reader;
};
std::unique_ptr<Read> read(std::string_view text, std::size_t piece, bool decode = false, bool head = false) {
  auto out = std::unique_ptr<Read>(new Read{.reader = AnswerReader(100, decode, head)});
  for (; !text.empty() && out->last && !*out->last; text.remove_prefix(std::min(piece, text.size()))) {
    out->last = out->reader.take(text.substr(0, piece));
  }
  return out;
}

std::string packed(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(AnswerReader, DoesNotCareHowAnAnswerIsCut) {
  const std::string body = packed("some text");
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 OK hello"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "204 No Content "},
      {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "200 x"},
      {"HTTP/1.0 200 OK\nContent-Length: 2\n\nhi", "200 OK hi"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: v\r\n\r\n",
       "200 OK abcde"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 OK "},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body,
       "200 OK some text"},
  };
  for (const auto& [text, expected] : answers) {
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
      const auto out = read(text, piece, true);
      ASSERT_TRUE(out->last && *out->last) << text << " in pieces of " << piece;
      EXPECT_EQ(out->reader.status_text() + ' ' + out->reader.body().text(), expected) << piece;
    }
  }
}

TEST(AnswerReader, TheAnswerToHeadHasNoBody) {
  EXPECT_TRUE(*read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100, false, true)->last);
}

TEST(AnswerReader, HeadsAreBounded) {
  AnswerReader reader(10, false, false);
  base::Result<bool> last = reader.take("HTTP/1.1 200 OK\r\n");
  for (int i = 0; last && i < 100; ++i) last = reader.take("X: " + std::string(60'000, 'x') + "\r\n");

  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().detail, "net/http: server response headers exceeded 1048576 bytes; aborted");
}

TEST(AnswerReader, ABombIsCutShort) {
  const std::string bomb = packed(std::string(100 << 20, 'x'));
  AnswerReader reader(10, true, false);
  ASSERT_TRUE(reader.take("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"));

  EXPECT_TRUE(*reader.take(bomb));
  EXPECT_LT(reader.body().total(), 65U << 20);
}

}  // namespace
}  // namespace proconsul::agent::checks
