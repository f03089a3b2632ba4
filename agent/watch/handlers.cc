#include "agent/watch/handlers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/child_process.h"
#include "base/quote.h"

namespace proconsul::agent::watch {
namespace {

using base::Errc;
using base::Result;

constexpr std::size_t kKeptOutput = 4096;

// The last bytes of an output, with a word about what is missing.
std::string captured(const std::string& last, std::uint64_t all) {
  if (all <= last.size()) return last;
  return "Captured " + std::to_string(last.size()) + " of " + std::to_string(all) + " bytes\n...\n" + last;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return '[' + out + ']';
}

void run_program(const std::vector<std::string>& arguments, const std::string& name, std::uint64_t index,
                 const std::string& json, const base::log::Logger& log, const base::Interrupt& abandon) {
  auto child = base::ChildProcess::start({.arguments = arguments,
                                          .environment = {{"CONSUL_INDEX", std::to_string(index)}},
                                          .input = json + '\n',
                                          .keep_output = kKeptOutput});
  if (!child) {
    log.error("Failed to run watch handler", {{"watch_handler", name}, {"error", child.error()}});
    return;
  }
  const Result<base::ChildExit> exit = (*child)->wait(&abandon);
  if (!exit) {
    if (exit.error().code != Errc::cancelled) {
      log.error("Failed to run watch handler", {{"watch_handler", name}, {"error", exit.error()}});
    }
    return;
  }
  if (!exit->ok()) log.error("Failed to run watch handler", {{"watch_handler", name}, {"error", exit->text()}});
  if (base::log::Logger::enabled(base::log::Level::debug)) {
    log.debug("watch handler output",
              {{"watch_handler", name}, {"output", captured((*child)->output(), (*child)->output_bytes())}});
  }
}

// Raises the interrupt when the time is over, unless it is destroyed before.
class Alarm {
 public:
  Alarm(base::Interrupt& interrupt, base::Duration after)
      : thread_([this, &interrupt, after] {
          std::unique_lock lock(mutex_);
          const bool ended =
              changed_.wait_for(lock, std::chrono::nanoseconds(after.nanoseconds), [&] { return done_; });
          if (ended) return;
          expired_ = true;
          interrupt.raise();
        }) {}
  ~Alarm() { end(); }
  /// Whether it had rung.
  bool end() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    return expired_;
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool done_{};
  bool expired_{};
  std::thread thread_;
};

struct Url {
  std::string address{};  // scheme, host and port
  std::string target{"/"};
  std::optional<std::string> credentials{};
};

Result<Url> split_url(const std::string& text) {
  const auto refuse = [&](std::string_view why) -> base::Error {
    return {Errc::invalid_argument, "parse " + base::quote(text) + ": " + std::string(why)};
  };
  const std::size_t colon = text.find("://");
  if (colon == std::string::npos) return refuse("unsupported protocol scheme \"\"");
  Url url;
  const std::string scheme = text.substr(0, colon);
  if (scheme != "http" && scheme != "https") return refuse("unsupported protocol scheme " + base::quote(scheme));
  const std::size_t path = std::min(text.find_first_of("/?#", colon + 3), text.size());
  std::string host = text.substr(colon + 3, path - colon - 3);
  if (const std::size_t at = host.rfind('@'); at != std::string::npos) {
    url.credentials = host.substr(0, at);
    if (url.credentials->find(':') == std::string::npos) *url.credentials += ':';
    host.erase(0, at + 1);
  }
  if (host.empty()) return refuse("http: no Host in request URL");
  url.address = scheme + "://" + host;
  std::string target = text.substr(path, std::min(text.find('#', path), text.size()) - path);
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return refuse("net/url: invalid control character in URL");
  }
  if (!target.starts_with('/')) target.insert(0, "/");
  url.target = std::move(target);
  return url;
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

Result<cli::ApiRequest> http_request(const HttpHandler& handler, const Url& url, std::uint64_t index,
                                     const std::string& json) {
  if (!is_header_name(handler.method)) {
    return {Errc::invalid_argument, "net/http: invalid method " + base::quote(handler.method)};
  }
  cli::ApiRequest request{.method = handler.method, .target = url.target, .body = json + '\n'};
  request.headers.emplace_back("X-Consul-Index", std::to_string(index));
  for (const auto& [name, values] : handler.header) {
    if (!is_header_name(name)) {
      return {Errc::invalid_argument, "net/http: invalid header field name " + base::quote(name)};
    }
    for (const std::string& value : values) request.headers.emplace_back(name, value);
  }
  return request;
}

void call_endpoint(const HttpHandler& handler, std::uint64_t index, const std::string& json,
                   const base::log::Logger& log, base::Interrupt& abandon) {
  const Result<Url> url = split_url(handler.path);
  if (!url) return log.error("Failed to setup http watch", {{"error", url.error()}});
  const Result<cli::ApiRequest> request = http_request(handler, *url, index, json);
  if (!request) return log.error("Failed to setup http watch", {{"error", request.error()}});
  base::Interrupt interrupt(&abandon);
  Result<cli::ApiClient> client = cli::ApiClient::make({.address = url->address,
                                                        .basic_auth = url->credentials,
                                                        .verify_server = !handler.tls_skip_verify,
                                                        .interrupt = &interrupt});
  if (!client) return log.error("Failed to setup http watch", {{"error", client.error()}});
  Alarm alarm(interrupt, handler.timeout);
  const Result<cli::ApiResponse> response = client->send(*request);
  const bool late = alarm.end();
  if (!response) {
    if (abandon.raised()) return;
    log.error("Failed to invoke http watch handler",
              {{"watch", handler.path}, {"error", late ? "context deadline exceeded" : response.error().detail}});
    return;
  }
  const std::string& body = response->body;
  const std::string output = captured(body.substr(body.size() - std::min(body.size(), kKeptOutput)), body.size());
  if (response->status >= 200 && response->status <= 299) {
    log.trace("http watch handler output", {{"watch", handler.path}, {"output", output}});
  } else {
    log.error("http watch handler failed with output",
              {{"watch", handler.path},
               {"status", std::to_string(response->status) + ' ' + response->reason},
               {"output", output}});
  }
}

}  // namespace

Handler make_handler(const Plan& plan, const base::log::Logger& log, base::Interrupt& abandon) {
  if (plan.http) {
    return [handler = *plan.http, &log, &abandon](std::uint64_t index, const std::string& json) {
      call_endpoint(handler, index, json, log, abandon);
    };
  }
  const bool direct = !plan.arguments.empty();
  return [direct, script = plan.script, arguments = plan.arguments, &log, &abandon](std::uint64_t index,
                                                                                    const std::string& json) {
    run_program(direct ? arguments : base::shell_command(script), direct ? joined(arguments) : script, index, json, log,
                abandon);
  };
}

}  // namespace proconsul::agent::watch
