#include "agent/http/profile_endpoint.h"

#include <charconv>
#include <chrono>
#include <utility>

#include "agent/http/asking.h"
#include "agent/telemetry/cpu_profile.h"
#include "agent/telemetry/process_reports.h"
#include "base/net/loop.h"

namespace proconsul::agent::http {
namespace {

using base::Result;

constexpr int kDefaultSeconds = 30;
constexpr int kMostSeconds = 24 * 3600;

constexpr std::pair<std::string_view, std::string_view> kOffered[] = {
    {"cmdline", "The command line that started the process."},
    {"goroutine", "Its threads, which stand for goroutines: names, states and processor times."},
    {"heap", "The memory that it has allocated."},
    {"profile",
     "Processor time: samples of the running stacks, in the form of gperftools. ?seconds= says for how long; then "
     "<code>pprof</code> and the binary show them."},
    {"threadcreate", "Its threads, under the name that Go has for them."},
};

Reply named(Reply reply) {
  reply.header("X-Content-Type-Options", "nosniff");
  return reply;
}

Reply index() {
  std::string page =
      "<!DOCTYPE html>\n<html>\n<head><title>/debug/pprof/</title></head>\n<body>\n<h1>/debug/pprof/</h1>\n<ul>\n";
  for (const auto& [name, what] : kOffered) {
    const bool text = name == "heap" || name == "goroutine" || name == "threadcreate";
    page.append("<li><a href=\"").append(name).append(text ? "?debug=1" : "").append("\">").append(name);
    page.append("</a>: ").append(what).append("</li>\n");
  }
  page += "</ul>\n</body>\n</html>\n";
  return named({.type = content::kHtml, .body = std::move(page)});
}

int number(std::string_view text, int otherwise) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : otherwise;
}

/// Text with ?debug, else a file of the same content.
Reply report(const Request& request, std::string_view name, std::string text) {
  if (request.has_param("seconds")) {
    return named({.status = 400,
                  .type = content::kText,
                  .body = "\"seconds\" parameter is not supported for this profile type\n"});
  }
  const bool shown = number(request.param("debug"), 0) > 0;
  Reply reply{.type = shown ? content::kText : content::kOctets, .body = std::move(text)};
  if (!shown) reply.header("Content-Disposition", "attachment; filename=\"" + std::string(name) + '"');
  return named(std::move(reply));
}

/// Ends with the client's connection, or when its time is over.
class CpuSource final : public BodySource {
 public:
  CpuSource(std::unique_ptr<CpuProfile> profile, int seconds) : profile_(std::move(profile)), seconds_(seconds) {}
  State pull(std::string& out, std::size_t, std::move_only_function<void()> wake) override {
    if (!std::exchange(begun_, true)) {
      base::net::Loop::current().after(std::chrono::seconds(seconds_), std::move(wake));
      return State::later;
    }
    out = profile_->finish();
    return State::end;
  }

 private:
  std::unique_ptr<CpuProfile> profile_;
  const int seconds_;
  bool begun_ = false;
};

Reply cpu(const Request& request) {
  Result<std::unique_ptr<CpuProfile>> profile = CpuProfile::start();
  if (!profile) {
    Reply reply = text(500, "Could not enable CPU profiling: " + profile.error().detail + "\n");
    reply.header("X-Go-Pprof", "1");
    return named(std::move(reply));
  }
  Reply reply{.type = content::kOctets};
  reply.header("Content-Disposition", "attachment; filename=\"profile\"");
  const int seconds = std::min(number(request.param("seconds"), kDefaultSeconds), kMostSeconds);
  reply.source = std::make_unique<CpuSource>(std::move(*profile), seconds);
  return named(std::move(reply));
}

}  // namespace

Result<Reply> debug_profile(Context& agent, const Request& request) {
  if (!agent.control->debug_enabled() && !agent.settings.acls_enabled) return Reply{.status = 404, .type = {}};
  // Why not is said to nobody.
  const Result<tokens::Who> who = asking(agent, request);
  if (!who || !(*who)->allows(acl::Resource::operator_, acl::Access::read)) {
    return Reply{.status = 403, .type = content::kText};
  }
  const std::string_view name = request.rest;
  if (name.empty()) return index();
  if (name == "cmdline") return named({.type = content::kText, .body = command_line()});
  if (name == "heap") return report(request, name, heap_report());
  if (name == "goroutine" || name == "threadcreate") return report(request, name, thread_report(std::string(name)));
  if (name == "profile") return cpu(request);
  Reply unknown = text(404, "Unknown profile\n");
  unknown.header("X-Go-Pprof", "1");
  return named(std::move(unknown));
}

}  // namespace proconsul::agent::http
