// The pages of the web UI: those of the binary, or of a folder of the user's own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proconsul::ui_proxy {

/// Where the pages are, and what of the agent's configuration they are told.
struct SiteSettings {
  std::string content_path = "/ui/";  // begins and ends with '/'
  std::string folder{};               // ui_config.dir; empty: the pages of the binary
  std::string datacenter{};
  std::string primary_datacenter{};
  bool acls_enabled = false;
  bool peering_enabled = false;
  bool hcp_enabled = false;
  bool metrics_proxy_enabled = false;  // the page must not know more of it: it may hold secrets
  std::string metrics_provider{};
  std::string metrics_provider_options_json{};        // an object; empty: none
  std::vector<std::string> metrics_provider_files{};  // scripts of the user's own that the page loads
  std::map<std::string, std::string> dashboard_url_templates{};
};

struct PageRequest {
  std::string_view path{};  // behind the content path, unescaped
  std::string_view query{};
  bool takes_gzip = false;
  std::string_view if_none_match{};
  std::string_view if_modified_since{};
};

struct Page {
  int status = 200;
  std::string_view type{};  // lives for ever; empty: none
  std::vector<std::pair<std::string_view, std::string>> headers{};
  std::string body{};
};

class Site {
 public:
  explicit Site(SiteSettings settings);
  Site(const Site&) = delete;

  /// From any thread; counts for what comes from now on. The content path and the folder stay those of the start.
  void set(SiteSettings settings);
  /// From any thread. Reads files if the folder is the user's own. What is not there is answered with the page that
  /// starts the UI, which knows paths of its own.
  Page get(const PageRequest& request) const;

 private:
  std::shared_ptr<const SiteSettings> settings() const;

  mutable std::mutex mutex_{};
  std::shared_ptr<const SiteSettings> settings_;  // by mutex_
};

}  // namespace proconsul::ui_proxy
