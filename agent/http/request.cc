#include "agent/http/request.h"

#include <arpa/inet.h>

#include <map>

namespace proconsul::agent::http {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string valid_ip(std::string_view text) {
  const std::string copy(trimmed(text));
  unsigned char address[16];
  char readable[INET6_ADDRSTRLEN];
  for (int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, copy.c_str(), address) == 1) return inet_ntop(family, address, readable, sizeof readable);
  }
  return {};
}

}  // namespace

std::string_view Request::param(std::string_view name) const {
  for (const auto& [key, value] : params_) {
    if (key == name) return value;
  }
  return {};
}

bool Request::has_param(std::string_view name) const {
  for (const auto& [key, value] : params_) {
    if (key == name) return true;
  }
  return false;
}

std::vector<std::string_view> Request::params(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : params_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers_) {
    if (same_letters(key, name)) return value;
  }
  return {};
}

std::string Request::source_ip() const {
  const std::string_view forwarded = header("X-Forwarded-For");
  if (std::string ip = valid_ip(forwarded.substr(0, forwarded.find(','))); !ip.empty()) return ip;
  const std::size_t colon = remote_.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = remote_.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return valid_ip(host);
}

std::shared_ptr<Request> Request::own() const {
  auto copy = std::make_shared<Request>(*this);
  // Every view shows bytes of one of three: the head, the body, or decoded_. Head and body go to owned_.
  std::vector<std::pair<std::string_view*, std::size_t>> moved;  // view, and its place in owned_
  std::string& owned = copy->owned_;
  owned.clear();
  const auto inside = [&](std::string_view view) {
    return view.data() >= decoded_.data() && view.data() + view.size() <= decoded_.data() + decoded_.size();
  };
  const auto take = [&](std::string_view& view) {
    if (view.empty()) {
      view = {};
    } else if (inside(view)) {
      view = {copy->decoded_.data() + (view.data() - decoded_.data()), view.size()};
    } else {
      moved.emplace_back(&view, owned.size());
      owned += view;
    }
  };
  for (std::string_view* view : {&copy->method_text, &copy->target, &copy->path, &copy->rest, &copy->query,
                                 &copy->escaped_path, &copy->body, &copy->remote_})
    take(*view);
  for (auto* pairs : {&copy->params_, &copy->headers_}) {
    for (auto& [name, value] : *pairs) {
      take(name);
      take(value);
    }
  }
  for (auto& [view, place] : moved) *view = {owned.data() + place, view->size()};
  return copy;
}

std::vector<std::pair<std::string, std::string>> meta_filter(const Request& request) {
  std::map<std::string, std::string> pairs;
  for (std::string_view text : request.params("node-meta")) {
    const std::size_t colon = text.find(':');
    pairs[std::string(text.substr(0, colon))] = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  }
  return {pairs.begin(), pairs.end()};
}

base::Result<> refuse_enterprise(const Request& request, bool namespaces) {
  const auto refuse = [](const char* where, const char* name, const char* what) {
    return base::Error{base::Errc::invalid_argument, std::string("Invalid ") + where + ": \"" + name + "\" - " + what +
                                                         " are a Consul Enterprise feature"};
  };
  if (namespaces) {
    if (!request.header("X-Consul-Namespace").empty()) return refuse("header", "X-Consul-Namespace", "Namespaces");
    if (!request.param("ns").empty()) return refuse("query parameter", "ns", "Namespaces");
  }
  if (!request.header("X-Consul-Partition").empty()) return refuse("header", "X-Consul-Partition", "Partitions");
  if (!request.param("partition").empty()) return refuse("query parameter", "partition", "Partitions");
  return {};
}

}  // namespace proconsul::agent::http
