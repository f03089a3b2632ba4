#include "agent/http/logged_url.h"

#include <algorithm>
#include <string_view>

namespace proconsul::agent::http {
namespace {

constexpr std::string_view kHidden = "<hidden>";
constexpr std::string_view kAcl = "/v1/acl/";
constexpr std::string_view kTokenInPath[] = {"create/", "update/", "destroy/", "info/", "clone/", "list/"};

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out;
  for (;;) {
    const std::size_t at = text.find(what);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += by;
    text.remove_prefix(at + what.size());
  }
}

/// Values of the parameter as they stand in the query: an escaped token is a token too.
std::string without_token_values(std::string_view query) {
  std::string out;
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const bool hides = pair.starts_with("token=") && pair.size() > std::string_view("token=").size();
    if (hides) {
      out.append("token=").append(kHidden);
    } else {
      out += pair;
    }
    if (end == std::string_view::npos) return out;
    out += '&';
    query.remove_prefix(end + 1);
  }
}

}  // namespace

std::string logged_url(const Request& request) {
  std::string url(request.target);
  const std::vector<std::string_view> tokens = request.params("token");
  if (!tokens.empty()) {
    if (const std::size_t query = url.find('?'); query != std::string::npos) {
      url = url.substr(0, query + 1) + without_token_values(std::string_view(url).substr(query + 1));
    }
    for (const std::string_view token : tokens) {
      if (token.empty()) {
        url += kHidden;
      } else {
        url = replaced(url, token, kHidden);
      }
    }
  }
  if (!url.starts_with(kAcl)) return url;
  for (const std::string_view verb : kTokenInPath) {
    const std::size_t begin = kAcl.size() + verb.size();
    if (!std::string_view(url).substr(kAcl.size()).starts_with(verb)) continue;
    const std::size_t end = std::min(url.find('?', begin), url.size());
    if (end > begin) url.replace(begin, end - begin, kHidden);
    break;
  }
  return url;
}

}  // namespace proconsul::agent::http
