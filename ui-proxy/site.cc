#include "ui-proxy/site.h"

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "base/type_of.h"
#include "ui-proxy/page_template.h"
#include "ui-proxy/site_files.h"
#include "ui-proxy/user_folder.h"

namespace proconsul::ui_proxy {
namespace {

using base::Result;
using base::Value;

const base::log::Logger kLog("agent.http.ui");

constexpr std::string_view kIndex = "index.html";
constexpr std::string_view kProviders = "assets/compiled-metrics-providers.js";
constexpr std::size_t kMostProvider = 16u << 20;
constexpr std::size_t kLeastPacked = 256;  // what is smaller is sent as it is

/// As Go's http.Error.
Page error(int status, std::string_view text) {
  return {.status = status, .type = kPlainText, .body = std::string(text) + "\n"};
}

/// To a path beside this one, as Go's file server does it.
Page moved(const PageRequest& request, std::string where) {
  if (!request.query.empty()) where.append("?").append(request.query);
  return {.status = 301, .headers = {{"Location", std::move(where)}}};
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// What the page that starts the UI is told: the variables of its template.
Value page_data(const SiteSettings& settings) {
  Value ui;
  auto& told = ui.make_map();
  told["metrics_provider"] = settings.metrics_provider;
  told["metrics_proxy_enabled"] = settings.metrics_proxy_enabled;
  told["hcp_enabled"] = settings.hcp_enabled;
  Value& dashboards = told["dashboard_url_templates"];
  if (!settings.dashboard_url_templates.empty()) {
    auto& urls = dashboards.make_map();
    for (const auto& [name, url] : settings.dashboard_url_templates) urls[name] = url;
  }
  if (!settings.metrics_provider_options_json.empty()) {
    if (Result<Value> options = base::from_json<Value>(settings.metrics_provider_options_json)) {
      told["metrics_provider_options"] = std::move(*options);
    }
  }
  Value data;
  auto& fields = data.make_map();
  fields["ContentPath"] = settings.content_path;
  fields["ACLsEnabled"] = settings.acls_enabled;
  fields["HCPEnabled"] = settings.hcp_enabled;
  fields["UIConfig"] = std::move(ui);
  fields["LocalDatacenter"] = settings.datacenter;
  fields["PrimaryDatacenter"] = settings.primary_datacenter;
  fields["PeeringEnabled"] = settings.peering_enabled;
  if (!settings.metrics_provider_files.empty()) {
    fields["ExtraScripts"].make_list().push_back(settings.content_path + std::string(kProviders));
  }
  return data;
}

/// The user's scripts, one after the other.
Page providers(const SiteSettings& settings) {
  if (settings.metrics_provider_files.empty()) return error(404, "No provider JS files configured");
  Page page{.type = "application/javascript"};
  for (const std::string& file : settings.metrics_provider_files) {
    const Result<std::string> script = base::read_file(file, kMostProvider);
    if (!script) {
      kLog.error("failed serving metrics provider js file", {{"file", file}, {"error", script.error().detail}});
      return error(500, "Internal Server Error");
    }
    page.body.append("// ").append(base_name(file)).append("\n\n").append(*script).append("\n\n");
  }
  return page;
}

Page start_page(const SiteSettings& settings, std::string_view page_template) {
  Result<std::string> body = render_page(page_template, page_data(settings));
  if (!body) {
    kLog.error("Failed to configure UI server: failed to render index.html: " + body.error().detail);
    return error(500, "UI server is misconfigured.");
  }
  return {.type = kHtml, .body = std::move(*body)};
}

/// What the pages of the binary may do: they load nothing from elsewhere. Scripts of the user's own may ask the servers
/// that they know.
std::string content_policy(const SiteSettings& settings) {
  const bool own_scripts = !settings.metrics_provider_files.empty();
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'" +
         std::string(own_scripts ? " http: https:" : "") +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
}

Page file_of_ours(const PageRequest& request, const SiteFile& file) {
  Page page{.type = type_of_name(file.name)};
  page.headers = {{"ETag", std::string(file.tag)}, {"Cache-Control", "no-cache"}};
  const bool may_pack = file.size >= kLeastPacked;
  if (may_pack) page.headers.emplace_back("Vary", "Accept-Encoding");
  if (request.if_none_match.find(file.tag) != std::string_view::npos) {
    page.status = 304;
  } else if (may_pack && request.takes_gzip) {
    page.headers.emplace_back("Content-Encoding", "gzip");
    page.body = file.packed;
  } else {
    page.body = unpacked(file);
  }
  return page;
}

Page page_of_ours(const SiteSettings& settings, const PageRequest& request, std::string_view name) {
  if (const SiteFile* file = name == kIndex ? nullptr : find_site_file(name)) return file_of_ours(request, *file);
  static const std::string page_template = unpacked(*find_site_file(kIndex));
  Page page = start_page(settings, page_template);
  page.headers = {{"Content-Security-Policy", content_policy(settings)}, {"Referrer-Policy", "same-origin"}};
  return page;
}

Page page_of_user(const SiteSettings& settings, const PageRequest& request, std::string_view name) {
  const UserFolder folder(settings.folder);
  const std::optional<UserFolder::Entry> index = folder.find(kIndex);
  std::optional<UserFolder::Entry> entry = folder.find(name);
  if (!index || index->is_folder) {
    kLog.warn(
        "ui_config.dir does not contain an index.html. Index templating and redirects to index.html are disabled.");
    if (!entry) return error(404, "404 page not found");
  } else if (!entry || entry->is_folder || name == kIndex) {
    // Of a page that depends on the configuration, too, no time is told: it may have changed without the file.
    const Result<std::string> page_template = index->read();
    if (!page_template) return error(500, "UI server is misconfigured.");
    return start_page(settings, *page_template);
  }
  if (entry->is_folder) return {.type = kHtml, .body = entry->listing()};
  Page page;
  page.headers = {{"Last-Modified", entry->modified}};
  if (request.if_modified_since == entry->modified) {
    page.status = 304;
    return page;
  }
  Result<std::string> content = entry->read();
  if (!content) {
    kLog.error("failed reading a file of ui_config.dir", {{"error", content.error().detail}});
    return error(500, "500 Internal Server Error");
  }
  page.body = std::move(*content);
  page.type = type_of_name(name);
  if (page.type.empty()) page.type = type_of_content(page.body);
  return page;
}

}  // namespace

Site::Site(SiteSettings settings) : settings_(std::make_shared<const SiteSettings>(std::move(settings))) {}

void Site::set(SiteSettings settings) {
  const std::lock_guard lock(mutex_);
  settings.content_path = settings_->content_path;
  settings.folder = settings_->folder;
  settings_ = std::make_shared<const SiteSettings>(std::move(settings));
}

std::shared_ptr<const SiteSettings> Site::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

Page Site::get(const PageRequest& request) const {
  const auto settings = this->settings();
  std::string_view path = request.path;
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  if (path == kProviders) return providers(*settings);
  if (base_name(path) == kIndex) return moved(request, "./");

  const std::string clean = base::join_path("/", path).substr(1);
  const bool ends_in_slash = path.empty() || path.ends_with('/');
  const bool is_folder = settings->folder.empty() ? is_site_folder(clean) : UserFolder(settings->folder).has(clean);
  if (is_folder && !ends_in_slash) return moved(request, std::string(base_name(clean)) + "/");
  if (!clean.empty() && !is_folder && ends_in_slash) return moved(request, "../" + std::string(base_name(clean)));
  return settings->folder.empty() ? page_of_ours(*settings, request, clean) : page_of_user(*settings, request, clean);
}

}  // namespace proconsul::ui_proxy
