#include "agent/auth/web.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/quote.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Url;
using base::net::WaitedAnswer;

namespace {

constexpr std::size_t kMostAnswer = std::size_t{1} << 20;
constexpr base::Duration kLongestWait = base::seconds(10);
constexpr int kMostRedirects = 10;
constexpr std::size_t kMostExcerpt = 1024;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// `Get "http://x"`, as Go names what failed.
std::string named(const std::string& method, const Url& url) {
  std::string text = method;
  for (std::size_t i = 1; i < text.size(); ++i) text[i] = static_cast<char>(text[i] | 0x20);
  return text + " " + base::quote(url.text());
}

}  // namespace

Result<WaitedAnswer> Web::ask_once(const Question& question) {
  const Url& url = question.url;
  if (url.scheme != "http" && url.scheme != "https") {
    return {Errc::invalid_argument, "unsupported protocol scheme " + base::quote(url.scheme)};
  }
  if (url.host.empty()) return {Errc::invalid_argument, "http: no Host in request URL"};
  base::net::HttpExchange::Request request{.method = question.method,
                                           .target = url.request_target(),
                                           .host = question.host.empty() ? url.host : question.host,
                                           .headers = question.headers,
                                           .body = question.body,
                                           .tells_length = question.method != "GET",
                                           .output_max_size = kMostAnswer};
  if (url.has_user) request.headers.emplace_back("Authorization", "Basic " + base::to_base64(url.user));
  request.endpoint.address = url.dial_address();
  if (url.scheme == "https") {
    Result<std::shared_ptr<base::net::TlsContext>> tls = question.tls;
    if (!*tls) tls = trusting({});
    if (!tls) return tls.error();
    request.endpoint.tls = std::move(*tls);
    request.endpoint.peer = {.protocols = "\x08http/1.1"};
  }
  return base::net::exchange_and_wait(loop_, resolver_, std::move(request), kLongestWait, stopping_);
}

Result<WaitedAnswer> Web::ask(Question question) {
  for (int hops = 0;; ++hops) {
    Result<WaitedAnswer> answer = ask_once(question);
    const auto failed = [&](Errc code, const std::string& why) {
      return Error{code, named(question.method, question.url) + ": " + why};
    };
    if (!answer) return failed(answer.error().code, answer.error().detail);
    const std::string_view location = answer->header("Location");
    if (!question.follows || !is_redirect(answer->status) || location.empty()) return answer;
    if (hops == kMostRedirects) return failed(Errc::unavailable, "stopped after 10 redirects");
    Result<Url> next = base::net::resolve_url(question.url, location);
    if (!next) return failed(Errc::unavailable, "failed to parse Location header: " + next.error().detail);
    // What was asked for under TLS is not taken from somewhere without; nor does the other way make sense.
    if (next->scheme != question.url.scheme) {
      return failed(Errc::unavailable, "refused a redirect from " + question.url.scheme + " to " + next->scheme);
    }
    question.url = std::move(*next);
  }
}

Result<std::shared_ptr<base::net::TlsContext>> trusting(const std::string& ca_pem) {
  base::net::TlsSettings settings;
  settings.ca_pem = ca_pem;
  return base::net::TlsContext::client(settings);
}

std::string excerpt(std::string_view text) {
  std::string out(text.substr(0, kMostExcerpt));
  if (text.size() > kMostExcerpt) out += "...";
  return out;
}

}  // namespace proconsul::agent::auth
