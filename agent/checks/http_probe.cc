// HTTP and HTTPS: passing for 2xx, warning for 429, critical for the rest.
#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>

#include "agent/checks/probes.h"
#include "base/base64.h"
#include "base/net/http_exchange.h"
#include "base/net/tls_errors.h"
#include "base/net/url.h"
#include "base/quote.h"

namespace proconsul::agent::checks {

using base::net::AnswerReader;
using base::net::HttpExchange;
using base::net::is_token;
using base::net::parse_url;
using base::net::refused_header;
using base::net::resolve_url;
using base::net::Url;
namespace {

using base::Result;
using base::net::Clock;

constexpr int kMostRedirects = 10;
constexpr std::string_view kUserAgent = "Consul Health Check";
constexpr std::string_view kAccept = "text/plain, text/*, */*";

using Headers = std::vector<std::pair<std::string, std::string>>;

bool equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

class HttpProbe final : public Probe {
 public:
  HttpProbe(const catalog::CheckType& check, std::size_t output_max_size, Surroundings& surroundings, ProbeUser& user)
      : Probe(user),
        surroundings_(surroundings),
        target_(check.ProxyHTTP.empty() ? check.HTTP : check.ProxyHTTP),
        method_(check.Method.empty() ? "GET" : check.Method),
        first_url_(is_token(method_)
                       ? parse_url(target_)
                       : base::Error{base::Errc::invalid_argument, "net/http: invalid method " + base::quote(method_)}),
        body_(check.Body),
        follow_(!check.DisableRedirects),
        output_max_size_(output_max_size),
        timeout_(check.Timeout.nanoseconds > 0 ? check.Timeout : kDefaultTimeout),
        tls_peer_{.name = check.TLSServerName, .verify = !check.TLSSkipVerify, .protocols = "\x02h2\x08http/1.1"} {
    for (const auto& [name, values] : check.Header) {
      if (equal(name, "host")) {
        if (!values.empty()) host_ = values.front();
        continue;
      }
      for (const std::string& value : values) headers_.push_back({name, value});
    }
    const auto has = [this](std::string_view name) {
      return std::any_of(headers_.begin(), headers_.end(),
                         [&](const auto& header) { return equal(header.first, name) && !header.second.empty(); });
    };
    if (!has("user-agent")) set_header("User-Agent", kUserAgent);
    if (!has("accept")) set_header("Accept", kAccept);
    decode_ = !has("accept-encoding") && !has("range") && method_ != "HEAD";
    first_method_ = method_;
  }

  void start() override {
    method_ = first_method_;
    sends_body_ = !body_.empty();
    redirects_ = 0;
    host_now_ = host_;
    sensitive_ = true;
    referer_.clear();
    if (!first_url_) return finish(catalog::kHealthCritical, first_url_.error().detail);
    url_ = *first_url_;
    deadline_ = Clock::now() + std::chrono::nanoseconds(timeout_.nanoseconds);
    timer_.arm(surroundings_.loop, deadline_);
    ask();
  }

 private:
  struct Deadline final : base::net::Timer {
    explicit Deadline(HttpProbe& probe) : probe_(probe) {}
    void on_timer() override { probe_.timed_out(); }
    HttpProbe& probe_;
  };

  void set_header(std::string_view name, std::string_view value) {
    std::erase_if(headers_, [&](const auto& header) { return equal(header.first, name); });
    headers_.push_back({std::string(name), std::string(value)});
  }

  void ask() {
    if (url_.scheme != "http" && url_.scheme != "https") {
      return fail("unsupported protocol scheme " + base::quote(url_.scheme));
    }
    if (url_.host.empty()) return fail("http: no Host in request URL");
    Headers headers = headers_;
    if (!sensitive_) {
      std::erase_if(headers, [](const auto& header) {
        return equal(header.first, "authorization") || equal(header.first, "www-authenticate") ||
               equal(header.first, "cookie") || equal(header.first, "cookie2");
      });
    }
    if (!referer_.empty()) headers.push_back({"Referer", referer_});
    const bool authorized = std::any_of(headers.begin(), headers.end(),
                                        [](const auto& header) { return equal(header.first, "authorization"); });
    if (url_.has_user && !authorized) headers.push_back({"Authorization", "Basic " + base::to_base64(url_.user)});
    if (const std::string refused = refused_header(headers); !refused.empty()) return fail(refused);
    HttpExchange::Request request{.method = method_, .output_max_size = output_max_size_, .decode = decode_};
    request.endpoint.address = url_.dial_address();
    if (url_.scheme == "https") {
      request.endpoint.tls = surroundings_.tls;
      request.endpoint.peer = tls_peer_;
    }
    request.target = url_.request_target();
    request.host = host_now_.empty() ? url_.host : host_now_;
    for (auto& header : headers) {
      // The body's length and the connection's end are ours to say.
      if (equal(header.first, "content-length") || equal(header.first, "transfer-encoding") ||
          equal(header.first, "connection")) {
        continue;
      }
      request.headers.push_back(std::move(header));
    }
    if (decode_) request.headers.emplace_back("Accept-Encoding", "gzip");
    request.tells_length = method_ == "POST" || method_ == "PUT" || method_ == "PATCH";
    if (sends_body_) request.body = body_;
    exchange_ = std::make_unique<HttpExchange>(surroundings_.loop, surroundings_.resolver, std::move(request),
                                               [this](const std::string& reason) { answered(reason); });
    exchange_->start(deadline_);
  }

  void answered(const std::string& reason) {
    if (!reason.empty()) {
      return fail(reason == base::net::kNotTls ? "http: server gave HTTP response to HTTPS client" : reason);
    }
    if (follow_ && redirected()) return;
    conclude();
  }

  void conclude() {
    const AnswerReader& answer = exchange_->answer();
    const int status = answer.status();
    std::string output =
        "HTTP " + first_method_ + ' ' + target_ + ": " + answer.status_text() + " Output: " + answer.body().text();
    end();
    finish(status >= 200 && status <= 299 ? catalog::kHealthPassing
           : status == 429                ? catalog::kHealthWarning
                                          : catalog::kHealthCritical,
           std::move(output));
  }

  /// True if the answer leads elsewhere; then the next request is under way, or the run has ended.
  bool redirected() {
    const AnswerReader& answer = exchange_->answer();
    const int status = answer.status();
    const bool repeats = status == 307 || status == 308;
    if (!repeats && status != 301 && status != 302 && status != 303) return false;
    const std::string location = answer.header("Location");
    if (location.empty()) return false;
    Result<Url> next = resolve_url(url_, location);
    if (!next) {
      fail("failed to parse Location header " + base::quote(location) + ": " + next.error().detail);
      return true;
    }
    if (!repeats) {
      if (method_ != "GET" && method_ != "HEAD") method_ = "GET";
      sends_body_ = false;
    }
    if (++redirects_ >= kMostRedirects) {
      url_ = std::move(*next);
      fail("stopped after 10 redirects");
      return true;
    }
    // A header for the first host is not for another one; a relative reference stays on it.
    const bool relative = location[0] == '/' && !location.starts_with("//");
    if (!relative) host_now_.clear();
    const std::string from = lower(first_url_->host_name()), to = lower(next->host_name());
    if (to != from && !to.ends_with('.' + from)) sensitive_ = false;
    referer_.clear();
    if (!(url_.scheme == "https" && next->scheme == "http")) {
      Url referring = url_;
      referring.has_user = false;
      referring.fragment.clear();
      referer_ = referring.text();
    }
    url_ = std::move(*next);
    exchange_.reset();
    ask();
    return true;
  }

  void timed_out() {
    if (exchange_ && exchange_->has_answer()) return conclude();  // only its body did not end
    fail("context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  }

  void fail(const std::string& reason) {
    std::string verb = lower(first_method_);
    verb[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(verb[0])));
    std::string output = verb + ' ' + base::quote(url_.text()) + ": " + reason;
    end();
    finish(catalog::kHealthCritical, std::move(output));
  }

  void end() {
    timer_.cancel();
    exchange_.reset();
  }

  Surroundings& surroundings_;
  const std::string target_;
  std::string method_, first_method_;
  const Result<Url> first_url_;
  const std::string body_;
  const bool follow_;
  bool decode_ = false;
  const std::size_t output_max_size_;
  const base::Duration timeout_;
  const base::net::TlsPeer tls_peer_;
  std::string host_{};  // the Host header, if one is given
  Headers headers_{};

  // Of the run.
  Url url_{};
  std::string host_now_{}, referer_{};
  bool sends_body_ = false, sensitive_ = true;
  int redirects_ = 0;
  Clock::time_point deadline_{};
  Deadline timer_{*this};
  std::unique_ptr<HttpExchange> exchange_{};
};

}  // namespace

std::unique_ptr<Probe> make_http_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                       Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<HttpProbe>(check, output_max_size, surroundings, user);
}

}  // namespace proconsul::agent::checks
