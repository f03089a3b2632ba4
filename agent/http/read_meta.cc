#include "agent/http/read_meta.h"

#include <algorithm>

namespace proconsul::agent::http {

bool streams(const Settings& settings, const Request& request, const Route& route) {
  return (route.flags & kStreaming) && settings.use_streaming_backend &&
         (request.options.cached || request.options.min_index > 0) && !request.has_param("near") &&
         !request.has_param("merge-central-config");
}

std::string cache_key(const Request& request, const Route& route, bool streams) {
  std::string key;
  const auto part = [&](std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size);
    key += text;
  };
  const auto sorted = [&](std::vector<std::string_view> parts) {
    std::ranges::sort(parts);
    for (const std::string_view each : parts) part(each);
  };
  const Route* row = &route;
  key.append(reinterpret_cast<const char*>(&row), sizeof row);
  key += streams ? 's' : 'c';
  key += request.has_param("passing") ? 'p' : 'a';
  key += request.has_param("merge-central-config") ? 'm' : '-';
  const std::size_t begin = key.size();
  part(request.rest);
  std::transform(key.begin() + static_cast<std::ptrdiff_t>(begin), key.end(),
                 key.begin() + static_cast<std::ptrdiff_t>(begin),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  part(request.options.datacenter);
  part(request.options.token);
  part(request.options.filter);
  for (const char* name : {"peer", "limit", "connect", "by"}) part(request.param(name));
  sorted(request.params("tag"));
  key += '|';
  sorted(request.params("name"));
  key += '|';
  for (const auto& [name, value] : meta_filter(request)) {
    part(name);
    part(value);
  }
  return key;
}

ReadMeta read_meta(const Settings& settings, ReadMeta known, const Request& request, const Route& route) {
  const QueryOptions& options = request.options;
  known.consistency = route.flags & (kShowConsistency | kDiscovery) ? options.consistency() : nullptr;
  known.filtered_by_acls = known.filtered_by_acls && !options.token.empty();
  if (streams(settings, request, route)) {  // where nothing is said of who leads
    known.streaming = true;
    known.known_leader = false;
    known.last_contact_ms = 0;
  }
  return known;
}

bool shows_meta(const Answer& answer, const Route& route) {
  return !answer.bare && (answer.reply.status != 404 || !(route.flags & kBareNotFound));
}

Reply failed_read(const base::Error& error, const Route& route) {
  Reply reply = failure(error);
  const bool query =
      reply.status == 500 || reply.status == 403 || (reply.status == 404 && !(route.flags & kBareNotFound));
  if (query && (route.flags & kMetaOnError)) reply.headers += kNothingKnown;
  return reply;
}

}  // namespace proconsul::agent::http
