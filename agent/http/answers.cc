#include "agent/http/answers.h"

#include <memory>

namespace proconsul::agent::http {
namespace {

/// Below this a copy costs less than one more piece to send.
constexpr std::size_t kBorrowFrom = 512;

}  // namespace

void ListBody::comma() {
  if (!first_) body_.append(",");
  first_ = false;
}

void ListBody::add(std::string_view json) {
  if (json.size() < kBorrowFrom) return add_copy(json);
  comma();
  body_.append_borrowed(json);
  borrows_ = true;
}

void ListBody::add_copy(std::string_view json) {
  comma();
  body_.append(json);
}

Body ListBody::take() {
  body_.append("]");
  if (borrows_) body_.hold(std::make_shared<const catalog::ViewPtr>(catalog::ViewPtr::share(&view_)));
  return std::move(body_);
}

base::Result<std::string_view> path_part(const Request& request, const char* what) {
  if (request.rest.empty()) return {base::Errc::invalid_argument, std::string("Missing ") + what};
  return request.rest;
}

base::Result<> decode_body(const Request& request, const base::Type& type, void* object) {
  const base::Result<> read =
      base::read_json(request.body, type, object, {.input = base::JsonInput::first, .reject_unknown = true});
  if (read) return {};
  std::string detail = read.error().detail;
  if (detail == "json: unknown field \"Namespace\"") detail += " - Namespaces are a Consul Enterprise feature";
  return {base::Errc::invalid_argument, "Request decode failed: " + detail};
}

base::Result<> here(const Context& agent, std::string_view datacenter) {
  if (datacenter == agent.settings.datacenter) return {};
  return {base::Errc::internal, "No path to datacenter"};
}

}  // namespace proconsul::agent::http
