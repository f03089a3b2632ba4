// What the endpoints of catalog and health have in common: rows to JSON, filters, sorting, decoding of bodies.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/http/route.h"
#include "base/filter/filter.h"
#include "base/json.h"
#include "catalog/query/distance.h"
#include "catalog/query/instances.h"
#include "catalog/store/store.h"
#include "catalog/types/coordinate.h"

namespace proconsul::agent::http {

/// A list of JSON texts, of which the long ones are sent from where they lie. `view` is what keeps them alive.
class ListBody {
 public:
  explicit ListBody(const catalog::View& view) : view_(view) { body_.append("["); }
  /// A catalog::SharedText of a row in the view.
  void add(std::string_view json);
  /// A text that does not outlive the call.
  void add_copy(std::string_view json);
  Body take();

 private:
  void send_held();
  const catalog::View& view_;
  Body body_{};
  std::string_view held_{};  // the last text, until it is known whether one follows
  bool comma_due_ = false;
  bool borrows_ = false;
};

/// The last part of the path, which must be there: "Missing service name" and the like.
base::Result<std::string_view> path_part(const Request& request, const char* what);

/// `?near=`: nearest first, as seen from the node that it names ("_agent": this one). Nothing if it is absent.
template <class T, class NodeOf>
void sort_near(const ReadContext& context, std::vector<T>& rows, NodeOf node_of) {
  std::string_view from = context.request.param("near");
  if (from.empty()) return;
  if (from == "_agent") from = context.agent.settings.node_name;
  catalog::sort_by_distance(context.view.tables(), from, rows, node_of);
}

/// Decodes a body strictly; the error is Consul's 400, which begins with `what`.
base::Result<> decode_body(const Request& request, const base::Type& type, void* object,
                           std::string_view what = "Request decode failed");
template <class T>
base::Result<> decode_body(const Request& request, T& object, std::string_view what = "Request decode failed") {
  return decode_body(request, base::type_of<T>(), &object, what);
}

/// `?enable=`, which must be there.
base::Result<bool> enable_param(const Request& request);

/// Answers 200 without a body, or with what went wrong, once the local agent has made a change.
server::Done when_changed(Responder responder);

/// ?datacenter, ?dc, `otherwise` (a body's, perhaps empty), or this one: for rows that do not read query options. The
/// view lives as long as the request and what was given.
std::string_view named_datacenter(const Context& agent, const Request& request, std::string_view otherwise = {});

}  // namespace proconsul::agent::http
