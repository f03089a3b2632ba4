#include "agent/http/ui_pages.h"

#include "agent/http/encode.h"
#include "ui-proxy/site.h"

namespace proconsul::agent::http {

Reply ui_page(const ui_proxy::Site& site, const Request& request, std::string_view path) {
  ui_proxy::Page page = site.get({.path = path,
                                  .query = request.query,
                                  .takes_gzip = accepts_gzip(request.header("Accept-Encoding")),
                                  .if_none_match = request.header("If-None-Match"),
                                  .if_modified_since = request.header("If-Modified-Since")});
  Reply reply{.status = page.status, .type = page.type, .body = std::move(page.body)};
  for (const auto& [name, value] : page.headers) reply.header(name, value);
  return reply;
}

}  // namespace proconsul::agent::http
