#include "agent/http/answers.h"

#include <memory>
#include <utility>

#include "base/quote.h"
#include "base/strconv.h"

namespace proconsul::agent::http {
namespace {

/// Below this a copy costs less than one more piece to send.
constexpr std::size_t kBorrowFrom = 512;

}  // namespace

// With the comma that stands behind it: one piece to send instead of two.
void ListBody::send_held() {
  if (held_.empty()) return;
  body_.append_borrowed({held_.data(), held_.size() + 1});
  held_ = {};
  comma_due_ = false;
}

void ListBody::add(std::string_view json) {
  if (json.size() < kBorrowFrom) return add_copy(json);
  send_held();
  if (comma_due_) body_.append(",");
  held_ = json;
  borrows_ = true;
}

void ListBody::add_copy(std::string_view json) {
  send_held();
  if (comma_due_) body_.append(",");
  comma_due_ = true;
  body_.append(json);
}

Body ListBody::take() {
  body_.append_borrowed(std::exchange(held_, {}));
  body_.append("]");
  if (borrows_) body_.hold(std::make_shared<const catalog::ViewPtr>(catalog::ViewPtr::share(&view_)));
  return std::move(body_);
}

base::Result<std::string_view> path_part(const Request& request, const char* what) {
  if (request.rest.empty()) return {base::Errc::invalid_argument, std::string("Missing ") + what};
  return request.rest;
}

base::Result<> decode_body(const Request& request, const base::Type& type, void* object, std::string_view what) {
  const base::Result<> read =
      base::read_json(request.body, type, object, {.input = base::JsonInput::first, .reject_unknown = true});
  if (read) return {};
  std::string detail = read.error().detail;
  if (detail == "json: unknown field \"Namespace\"") detail += " - Namespaces are a Consul Enterprise feature";
  return {base::Errc::invalid_argument, std::string(what) + ": " + detail};
}

base::Result<bool> enable_param(const Request& request) {
  if (!request.has_param("enable")) return {base::Errc::invalid_argument, "Missing value for enable"};
  const base::Result<bool> value = base::parse_bool(request.param("enable"));
  if (value) return *value;
  return {base::Errc::invalid_argument, "Invalid value for enable: " + base::quote(request.param("enable"))};
}

server::Done when_changed(Responder responder) {
  return [responder = std::move(responder)](base::Result<> changed) mutable {
    if (!changed) return responder.send(base::Result<Reply>(changed.error()));
    responder.send(empty());
  };
}

std::string_view named_datacenter(const Context& agent, const Request& request, std::string_view otherwise) {
  for (const std::string_view name : {"datacenter", "dc"}) {
    if (const std::string_view value = request.param(name); !value.empty()) return value;
  }
  return otherwise.empty() ? std::string_view(agent.settings.datacenter) : otherwise;
}

}  // namespace proconsul::agent::http
