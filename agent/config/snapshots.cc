#include "agent/config/snapshots.h"

#include <algorithm>
#include <cctype>

#include "agent/config/definition.h"
#include "base/net/url.h"

namespace proconsul::agent::config {
namespace {

/// More often nobody could read what the archives differ in.
constexpr base::Duration kLeastInterval = base::seconds(10);

bool fit_for_a_name(const std::string& text) {
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

SnapshotSchedule snapshot_schedule(const Settings& settings, std::vector<std::string>& errors) {
  SnapshotSchedule out;
  const auto text = [&](const char* name) { return text_or(find(settings, std::string("snapshots.") + name)); };
  const auto flag = [&](const char* name) { return boolean_or(find(settings, std::string("snapshots.") + name)); };
  const auto wrong = [&](const char* name, const std::string& why) {
    errors.push_back("snapshots." + std::string(name) + ": " + why);
  };
  out.interval = read_duration("snapshots.interval", find(settings, "snapshots.interval"), errors);
  if (out.interval < kLeastInterval) wrong("interval", "cannot be less than " + base::to_string(kLeastInterval));
  out.retain = integer_or(find(settings, "snapshots.retain"));
  if (out.retain < 0) wrong("retain", "cannot be negative");
  out.stale = flag("stale");
  out.prefix = text("prefix");
  if (!fit_for_a_name(out.prefix)) wrong("prefix", "may have letters, digits, '-', '_' and '.', no '.' first");
  out.folder = text("local_storage.path");

  SnapshotSchedule::S3& s3 = out.s3;
  s3.bucket = text("aws_storage.s3_bucket");
  s3.region = text("aws_storage.s3_region");
  s3.endpoint = text("aws_storage.s3_endpoint");
  s3.key_prefix = text("aws_storage.s3_key_prefix");
  while (s3.key_prefix.ends_with('/')) s3.key_prefix.pop_back();
  s3.access_key_id = text("aws_storage.access_key_id");
  s3.secret_access_key = text("aws_storage.secret_access_key");
  s3.session_token = text("aws_storage.session_token");
  s3.path_style = flag("aws_storage.s3_force_path_style");
  s3.encrypt = flag("aws_storage.s3_server_side_encryption");
  s3.kms_key = text("aws_storage.s3_kms_key");
  if (s3.access_key_id.empty() != s3.secret_access_key.empty()) {
    wrong("aws_storage", "access_key_id and secret_access_key go together");
  }
  if (!s3.bucket.empty() && !fit_for_a_name(s3.bucket)) wrong("aws_storage.s3_bucket", "is no name of a bucket");
  if (!fit_for_a_name(s3.region)) wrong("aws_storage.s3_region", "is no name of a region");
  if (!s3.kms_key.empty() && !s3.encrypt) wrong("aws_storage.s3_kms_key", "needs s3_server_side_encryption");
  if (!s3.endpoint.empty()) {
    const base::Result<base::net::Url> url = base::net::parse_url(s3.endpoint);
    if (!url || (url->scheme != "http" && url->scheme != "https") || url->host.empty() || url->has_user ||
        url->has_query || (!url->path.empty() && url->path != "/")) {
      wrong("aws_storage.s3_endpoint", "should read http://HOST:PORT or https://HOST:PORT");
    }
  }
  if (find(settings, "snapshots.aws_storage.s3_bucket") == nullptr &&
      (!s3.endpoint.empty() || !s3.access_key_id.empty())) {
    wrong("aws_storage.s3_bucket", "is missing");
  }
  return out;
}

}  // namespace proconsul::agent::config
