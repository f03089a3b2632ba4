// A command inside a container, through Docker's HTTP API: create an exec, start it and read its output, ask for its
// exit code (0 passing, 1 warning, else critical).
#include <algorithm>
#include <memory>

#include "agent/checks/docker.h"
#include "agent/checks/probes.h"
#include "base/net/http_exchange.h"
#include "base/net/url.h"
#include "base/quote.h"

namespace proconsul::agent::checks {

using base::net::escape_part;
using base::net::HttpExchange;
namespace {

using base::Result;
using base::net::Clock;

constexpr std::size_t kLongestAnswer = 64 * 1024;  // bytes of what Docker itself says
constexpr auto kForEver = std::chrono::hours(24);

class DockerProbe final : public Probe, base::net::Timer {
 public:
  DockerProbe(const catalog::CheckType& check, std::size_t output_max_size, Surroundings& surroundings, ProbeUser& user)
      : Probe(user),
        surroundings_(surroundings),
        container_(check.DockerContainerID),
        command_(check.ScriptArgs.begin(), check.ScriptArgs.end()),
        timeout_(check.Timeout),
        output_max_size_(output_max_size) {}

  void start() override {
    Result<DockerHost> host = parse_docker_host(surroundings_.docker_host);
    if (!host) return finish(catalog::kHealthCritical, host.error().detail);
    host_ = std::move(*host);
    output_.clear();
    // A command may run as long as it likes unless the check says otherwise.
    deadline_ = Clock::now() + kForEver;
    if (timeout_.nanoseconds > 0) {
      deadline_ = Clock::now() + std::chrono::nanoseconds(timeout_.nanoseconds);
      arm(surroundings_.loop, deadline_);
    }
    call("POST", "/containers/" + escape_part(container_) + "/exec", create_exec_body(command_), kLongestAnswer,
         &DockerProbe::created);
  }

 private:
  using Next = void (DockerProbe::*)(const std::string& failure);

  void call(const std::string& method, const std::string& path, const std::string& body, std::size_t limit, Next next) {
    HttpExchange::Request request{.method = method, .output_max_size = limit};
    request.endpoint.address = host_.address;
    request.endpoint.is_unix = host_.is_unix;
    request.target = path;
    request.host = host_.is_unix ? "docker" : host_.address;
    request.headers = {{"User-Agent", "Consul Health Check"}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
    const std::string url = "http://" + (host_.is_unix ? escape_part(host_.address) : host_.address) + path;
    const std::string verb = method == "GET" ? "Get" : "Post";
    exchange_ = std::make_unique<HttpExchange>(
        surroundings_.loop, surroundings_.resolver, std::move(request),
        [this, next, prefix = verb + ' ' + base::quote(url) + ": "](const std::string& reason) {
          (this->*next)(reason.empty() ? reason : prefix + reason);
        });
    exchange_->start(deadline_);
  }

  int status() const { return exchange_->answer().status(); }
  std::string body() const { return exchange_->answer().body().text(); }

  void created(const std::string& failure) {
    const std::string& id = container_;
    if (!failure.empty()) return fail("create exec failed for container " + id + ": " + failure);
    if (status() == 404) return fail("create exec failed for unknown container " + id);
    if (status() == 409) return fail("create exec failed since container " + id + " is paused or stopped");
    if (status() != 201) {
      return fail("create exec failed for container " + id + " with status " + std::to_string(status()) + ": " +
                  body());
    }
    Result<std::string> exec = exec_id_of(body());
    if (!exec) {
      return fail("create exec response for container " + id + " cannot be parsed: " + exec.error().detail);
    }
    exec_ = std::move(*exec);
    call("POST", "/exec/" + escape_part(exec_) + "/start", "{\"Detach\":false,\"Tty\":true}\n", output_max_size_,
         &DockerProbe::ran);
  }

  void ran(const std::string& failure) {
    const std::string& id = container_;
    if (!failure.empty()) return fail("start exec failed for container " + id + ": " + failure);
    if (status() == 404) return fail("start exec failed for container " + id + ": invalid exec id " + exec_);
    if (status() == 409) return fail("start exec failed since container " + id + " is paused or stopped");
    if (status() != 200) {
      return fail("start exec failed for container " + id + " with status " + std::to_string(status()) +
                  ": body: " + body() + " err: <nil>");
    }
    output_ = exchange_->answer().body().captured();
    call("GET", "/exec/" + escape_part(exec_) + "/json", "", kLongestAnswer, &DockerProbe::inspected);
  }

  void inspected(const std::string& failure) {
    const std::string& id = container_;
    if (!failure.empty()) return fail("inspect exec failed for container " + id + ": " + failure);
    if (status() == 404) return fail("inspect exec failed for container " + id + ": invalid exec id " + exec_);
    if (status() != 200) {
      return fail("inspect exec failed for container " + id + " with status " + std::to_string(status()) + ": " +
                  body());
    }
    const Result<std::int64_t> code = exit_code_of(body());
    if (!code) {
      return fail("inspect exec response for container " + id + " cannot be parsed: " + code.error().detail);
    }
    end(*code == 0   ? catalog::kHealthPassing
        : *code == 1 ? catalog::kHealthWarning
                     : catalog::kHealthCritical,
        std::move(output_));
  }

  void on_timer() override { fail("Timed out (" + base::to_string(timeout_) + ") running check"); }
  void fail(std::string output) { end(catalog::kHealthCritical, std::move(output)); }
  void end(std::string_view status, std::string output) {
    cancel();
    exchange_.reset();
    finish(status, std::move(output));
  }

  Surroundings& surroundings_;
  const std::string container_;
  const std::vector<std::string> command_;
  const base::Duration timeout_;
  const std::size_t output_max_size_;
  DockerHost host_{};
  Clock::time_point deadline_{};
  std::string exec_{}, output_{};
  std::unique_ptr<HttpExchange> exchange_{};
};

}  // namespace

std::unique_ptr<Probe> make_docker_probe(const catalog::CheckType& check, std::size_t output_max_size,
                                         Surroundings& surroundings, ProbeUser& user) {
  return std::make_unique<DockerProbe>(check, output_max_size, surroundings, user);
}

}  // namespace proconsul::agent::checks
