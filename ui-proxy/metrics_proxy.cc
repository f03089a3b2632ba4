#include "ui-proxy/metrics_proxy.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string_view>

#include "base/base64.h"
#include "base/log.h"

namespace proconsul::ui_proxy {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Clock;
using base::net::HttpExchange;
using base::net::Url;

const base::log::Logger kLog("agent.ui_metrics_proxy");

constexpr std::size_t kMostBody = 16u << 20;
constexpr auto kLongestWait = std::chrono::seconds(60);

/// Of one connection, not of what is carried over it (RFC 9110, 7.6.1).
constexpr std::string_view kHopByHop[] = {
    "connection", "proxy-connection",  "keep-alive", "proxy-authenticate", "proxy-authorization", "te",
    "trailer",    "transfer-encoding", "upgrade"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string value_of(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (lower(key) == name) return value;
  }
  return {};
}

/// Takes the connection's own headers away, and those that its Connection header names.
void keep_end_to_end(Headers& headers) {
  std::vector<std::string> gone(std::begin(kHopByHop), std::end(kHopByHop));
  const std::string named = lower(value_of(headers, "connection"));
  for (std::size_t at = 0; at < named.size();) {
    const std::size_t end = std::min(named.find(',', at), named.size());
    std::string name = named.substr(at, end - at);
    std::erase_if(name, [](char c) { return c == ' ' || c == '\t'; });
    if (!name.empty()) gone.push_back(std::move(name));
    at = end + 1;
  }
  std::erase_if(headers,
                [&](const auto& header) { return std::ranges::find(gone, lower(header.first)) != gone.end(); });
}

/// Go's path.Clean of a path that begins with '/'.
std::string cleaned(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

}  // namespace

Result<Url> target_of(const MetricsProxySettings& settings, const ProxyRequest& request) {
  const Error invalid{Errc::invalid_argument, "Invalid path."};
  const Result<Url> base = base::net::parse_url(settings.base_url);
  Result<Url> url = base::net::parse_url(settings.base_url + request.path);
  if (!base || !url) {
    kLog.error("couldn't parse target URL", {{"base_url", settings.base_url}, {"path", request.path}});
    return invalid;
  }
  // What the server sees is what is checked: a path that climbs is settled first.
  const std::string path = base::net::unescape_path(url->path);
  const std::string clean = cleaned(path);
  if (clean != path) url->path = base::net::escape_path(clean);
  const std::vector<std::string>& allowed = settings.path_allowlist;
  if (!allowed.empty() && std::ranges::find(allowed, clean) == allowed.end()) {
    kLog.error("target URL path is not allowed",
               {{"base_url", settings.base_url}, {"path", request.path}, {"target_url", url->text()}});
    return {Errc::permission_denied, "target URL path is not allowed"};
  }
  if (url->scheme != base->scheme || url->host != base->host || url->user != base->user ||
      !url->path.starts_with(base->path)) {
    kLog.error("target URL escaped from base path",
               {{"base_url", settings.base_url}, {"path", request.path}, {"target_url", url->text()}});
    return invalid;
  }
  url->query = request.query;
  url->has_query = request.has_query;
  url->fragment.clear();
  return url;
}

struct MetricsProxy::Flight final : base::net::Timer {
  Flight(MetricsProxy& proxy_, std::uint64_t number_, Done done_)
      : proxy(proxy_), number(number_), done(std::move(done_)) {}
  void on_timer() override { proxy.land(number, {Errc::unavailable, "timeout awaiting response"}); }

  MetricsProxy& proxy;
  const std::uint64_t number;
  Done done;
  std::unique_ptr<HttpExchange> exchange{};
};

MetricsProxy::MetricsProxy(std::shared_ptr<base::net::TlsContext> tls) : tls_(std::move(tls)) {}

MetricsProxy::~MetricsProxy() = default;

void MetricsProxy::set(MetricsProxySettings settings) {
  auto fresh = std::make_shared<const MetricsProxySettings>(std::move(settings));
  const std::lock_guard lock(mutex_);
  settings_ = std::move(fresh);
}

std::shared_ptr<const MetricsProxySettings> MetricsProxy::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

bool MetricsProxy::configured() const {
  return !settings()->base_url.empty();
}

void MetricsProxy::forward(ProxyRequest request, Done done) {
  const auto settings = this->settings();
  Result<Url> url = target_of(*settings, request);
  if (!url) return done(url.error());

  keep_end_to_end(request.headers);
  Headers& headers = request.headers;
  if (!request.client_ip.empty()) {
    const std::string before = value_of(headers, "x-forwarded-for");
    std::erase_if(headers, [](const auto& header) { return lower(header.first) == "x-forwarded-for"; });
    headers.emplace_back("X-Forwarded-For", before.empty() ? request.client_ip : before + ", " + request.client_ip);
  }
  for (const auto& [name, value] : settings->add_headers) {
    if (lower(name) == "host") {
      request.host = value;
      continue;
    }
    std::erase_if(headers, [&](const auto& header) { return lower(header.first) == lower(name); });
    headers.emplace_back(name, value);
  }
  if (url->has_user && value_of(headers, "authorization").empty()) {
    headers.emplace_back("Authorization", "Basic " + base::to_base64(url->user));
  }
  // The answer is unpacked here, and packed again for a client that wants it so.
  std::erase_if(headers, [](const auto& header) { return lower(header.first) == "accept-encoding"; });
  headers.emplace_back("Accept-Encoding", "gzip");
  if (const std::string refused = base::net::refused_header(headers); !refused.empty()) {
    kLog.error("http: proxy error: " + refused);
    return done(Error{Errc::unavailable, refused});
  }

  HttpExchange::Request ask{
      .method = request.method, .tells_close = false, .output_max_size = kMostBody, .decode = true};
  ask.endpoint.address = url->dial_address();
  if (url->scheme == "https") {
    ask.endpoint.tls = tls_;
    ask.endpoint.peer = {.protocols = "\x02h2\x08http/1.1"};
  }
  ask.target = url->request_target();
  ask.host = request.host.empty() ? url->host : request.host;
  ask.headers = std::move(headers);
  kLog.debug("proxying request", {{"to", url->text()}});

  base::net::Loop& loop = base::net::Loop::current();
  const auto deadline = Clock::now() + kLongestWait;
  Flight* flight = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++next_;
    flight = (flights_[number] = std::make_unique<Flight>(*this, number, std::move(done))).get();
  }
  flight->exchange =
      std::make_unique<HttpExchange>(loop, resolver_, std::move(ask), [this, flight](const std::string& reason) {
        if (!reason.empty()) return land(flight->number, Error{Errc::unavailable, reason});
        const base::net::AnswerReader& answer = flight->exchange->answer();
        if (!answer.whole()) return land(flight->number, Error{Errc::unavailable, "unexpected EOF"});
        if (answer.body().total() > kMostBody) {
          return land(flight->number, Error{Errc::unavailable, "the answer is larger than 16 MiB"});
        }
        ProxyAnswer out{.status = answer.status(), .headers = answer.headers(), .body = answer.body().text()};
        keep_end_to_end(out.headers);
        const bool unpacked = lower(value_of(out.headers, "content-encoding")) == "gzip";
        std::erase_if(out.headers, [&](const auto& header) {
          const std::string name = lower(header.first);
          return name == "content-length" || name == "date" || (unpacked && name == "content-encoding");
        });
        land(flight->number, std::move(out));
      });
  flight->arm(loop, deadline);
  flight->exchange->start(deadline);
}

void MetricsProxy::land(std::uint64_t number, Result<ProxyAnswer> answer) {
  std::unique_ptr<Flight> flight;
  {
    const std::lock_guard lock(mutex_);
    auto found = flights_.extract(number);
    if (found.empty()) return;
    flight = std::move(found.mapped());
  }
  flight->cancel();
  if (!answer) kLog.error("http: proxy error: " + answer.error().detail);
  flight->done(std::move(answer));
  // It may be in the middle of its own work: freed when the loop is back in our hands.
  base::net::Loop::current().post([flight = std::move(flight)] {});
}

}  // namespace proconsul::ui_proxy
