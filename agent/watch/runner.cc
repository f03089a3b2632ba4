#include "agent/watch/runner.h"

#include "agent/watch/follow.h"
#include "agent/watch/handlers.h"

namespace proconsul::agent::watch {
namespace {

using base::Result;

// Answers that do not block would be asked for without end.
constexpr base::Duration kPause = base::seconds(1);

Result<cli::ApiResponse> ask(const Plan& plan, cli::ApiClient& client, const Follow& seen) {
  if (!plan.refusal.empty()) return {base::Errc::invalid_argument, plan.refusal};
  const bool may_be_absent = plan.view == View::key || plan.view == View::keyprefix;
  cli::ApiRequest request = client.request("GET", plan.path);
  for (const auto& [key, value] : plan.query) request.add(key, value);
  seen.block(request.query);
  return may_be_absent ? client.call(request, {200, 404}) : client.call(request);
}

}  // namespace

void follow(const Plan& plan, cli::ApiClient& client, base::Interrupt& stop, const Handler& handler,
            const base::log::Logger& logger) {
  const base::log::Logger log = logger.named("watch");  // a second time, as Consul's lines have it
  const bool hashed = plan.view == View::agent_service;
  Follow seen;
  while (!stop.raised()) {
    const Result<cli::ApiResponse> response = ask(plan, client, seen);
    if (stop.raised()) return;
    Result<Decoded> decoded = response ? decode(plan.view, response->status, response->body, seen.index())
                                       : Result<Decoded>(response.error());
    if (!decoded) {
      const base::Duration retry = seen.failed();
      log.error("Watch errored", {{"type", plan.type}, {"error", decoded.error()}, {"retry", base::to_string(retry)}});
      if (!stop.sleep(retry)) return;
      continue;
    }
    const bool unblocked = hashed ? decoded->hash.empty() : response->index == 0;
    if (seen.answered(response->index, std::move(*decoded), hashed)) {
      if (hashed)
        log.error("Handler only supports index-based watches but non index-based watch run. Skipping Handler.");
      handler(hashed ? 0 : response->index, seen.json());
    }
    if (unblocked && !stop.sleep(kPause)) return;
  }
}

Result<std::unique_ptr<Runner>> Runner::start(Plan plan, cli::ApiConfig client, base::log::Logger log) {
  std::unique_ptr<Runner> runner(new Runner(std::move(plan), std::move(log)));
  client.datacenter = runner->plan_.datacenter;
  client.token = runner->plan_.token;
  client.interrupt = &runner->stop_;
  Result<cli::ApiClient> made = cli::ApiClient::make(std::move(client));
  if (!made) return made.error();
  runner->thread_ = std::thread([self = runner.get(), api = std::move(*made)]() mutable {
    follow(self->plan_, api, self->stop_, make_handler(self->plan_, self->log_, self->abandon_), self->log_);
    self->finished_ = true;
  });
  return runner;
}

Runner::~Runner() {
  abandon_.raise();
  if (thread_.joinable()) thread_.join();
}

}  // namespace proconsul::agent::watch
