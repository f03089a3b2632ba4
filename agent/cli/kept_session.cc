#include "agent/cli/kept_session.h"

#include <chrono>

#include "agent/cli/api_types.h"

namespace proconsul::agent::cli {

using base::Result;

Result<std::unique_ptr<KeptSession>> KeptSession::create(ApiClient& client, const ApiConfig& config, std::string body,
                                                         base::Duration ttl) {
  ApiRequest request = client.request("PUT", "/v1/session/create");
  request.body = std::move(body);
  Result<SessionId> created = client.fetch<SessionId>(request);
  if (!created) return created.error();
  std::unique_ptr<KeptSession> session(new KeptSession(std::move(created->ID)));
  session->config_ = config;
  session->config_.interrupt = &session->stop_;
  Result<ApiClient> renewer = ApiClient::make(session->config_);
  session->config_.interrupt = nullptr;
  if (!renewer) return renewer.error();
  session->thread_ = std::thread(
      [self = session.get(), own = std::move(*renewer), ttl]() mutable { self->renew(std::move(own), ttl); });
  return session;
}

KeptSession::~KeptSession() {
  (void)destroy();  // nobody is left to hear of a failure; the TTL does it then
}

void KeptSession::renew(ApiClient client, base::Duration ttl) {
  using Clock = std::chrono::steady_clock;
  base::Duration pause{ttl.nanoseconds / 2};
  Clock::time_point renewed = Clock::now();
  while (Clock::now() - renewed <= std::chrono::nanoseconds(ttl.nanoseconds) && stop_.sleep(pause)) {
    const Result<ApiResponse> response = client.call(client.request("PUT", "/v1/session/renew/" + id_), {200, 404});
    if (response && response->status == 404) return;  // it is gone; whoever watches the lock will see it
    if (!response) {
      pause = base::seconds(1);
      continue;
    }
    // The server may have another TTL in mind.
    const auto sessions = base::from_json<base::List<SessionId>>(response->body, {.input = base::JsonInput::first});
    if (sessions && !sessions->empty()) {
      if (const Result<base::Duration> now = base::parse_duration(sessions->front().TTL); now && now->nanoseconds > 0) {
        ttl = *now;
      }
    }
    pause = {ttl.nanoseconds / 2};
    renewed = Clock::now();
  }
}

Result<> KeptSession::destroy() {
  if (std::exchange(destroyed_, true)) return {};
  stop_.raise();
  if (thread_.joinable()) thread_.join();
  Result<ApiClient> client = ApiClient::make(config_);
  if (!client) return client.error();
  const Result<ApiResponse> done = client->call(client->request("PUT", "/v1/session/destroy/" + id_));
  if (!done) return done.error();
  return {};
}

}  // namespace proconsul::agent::cli
