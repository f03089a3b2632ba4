#include "agent/http/metrics_proxy_endpoint.h"

#include <string>
#include <utility>

#include "agent/http/asking.h"
#include "ui-proxy/metrics_proxy.h"

namespace proconsul::agent::http {
namespace {

using base::Errc;
using base::Error;
using base::Result;

/// What a client says of the answer that it wants; tokens are ours alone.
constexpr std::string_view kPassedOn[] = {
    "Accept", "Accept-Language", "Cache-Control", "Cookie",     "If-Modified-Since", "If-None-Match",    "Origin",
    "Pragma", "Range",           "Referer",       "User-Agent", "X-Forwarded-For",   "X-Requested-With",
};

Result<Reply> reply_to(Result<ui_proxy::ProxyAnswer> answer) {
  if (answer) {
    Reply reply{.status = answer->status, .type = {}, .body = std::move(answer->body)};
    for (const auto& [name, value] : answer->headers) reply.header(name, value);
    return reply;
  }
  // Why is in the log: the client may be anybody who can open the UI.
  if (answer.error().code == Errc::permission_denied) return Reply{.status = 403, .type = {}};
  if (answer.error().code == Errc::unavailable) return Reply{.status = 502, .type = {}};
  return answer.error();
}

std::string host_of(std::string_view remote) {
  std::string host(remote.substr(0, remote.rfind(':')));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "@" ? std::string() : host;
}

Result<> may_read_everything(const Context& agent, const Request& request) {
  // By headers alone: the metrics server may have a use of its own for a parameter.
  const Result<tokens::Who> who = asking(agent, request, header_token(request));
  if (!who) return who.error();
  using acl::Resource;
  for (const auto& [resource, all] :
       {std::pair(Resource::node, "all nodes"), std::pair(Resource::service, "all services")}) {
    if (!(*who)->allows_all(resource, acl::Access::read)) {
      return tokens::denied(*who, resource, all, acl::Access::read);
    }
  }
  return {};
}

}  // namespace

void ui_metrics_proxy(Context& agent, const Request& request, Responder responder) {
  if (!agent.settings.ui_enabled) return responder.send(Error{Errc::not_found, "UI is not enabled"});
  ui_proxy::MetricsProxy* proxy = agent.metrics_proxy;
  if (!proxy || !proxy->configured()) return responder.send(Error{Errc::not_found, "Metrics proxy is not enabled"});
  if (Result<> allowed = may_read_everything(agent, request); !allowed) {
    return responder.send(allowed.error());
  }
  ui_proxy::ProxyRequest ask{.method = std::string(request.method_text),
                             .path = '/' + std::string(request.rest),
                             .query = std::string(request.query),
                             .has_query = request.target.find('?') != std::string_view::npos,
                             .host = std::string(request.header("Host")),
                             .client_ip = host_of(request.remote())};
  for (const std::string_view name : kPassedOn) {
    if (const std::string_view value = request.header(name); !value.empty()) ask.headers.emplace_back(name, value);
  }
  proxy->forward(std::move(ask), [responder = std::move(responder)](Result<ui_proxy::ProxyAnswer> answer) mutable {
    responder.send(reply_to(std::move(answer)));
  });
}

}  // namespace proconsul::agent::http
