#include "agent/auth/remote_keys.h"

#include <utility>

#include "base/quote.h"

namespace proconsul::agent::auth {

using base::Errc;
using base::Error;
using base::Result;

namespace {

Error failed(const std::string& why) {
  return {Errc::unavailable, "fetching keys " + why};
}

}  // namespace

Result<acl::jwt::KeySet> RemoteKeys::ask() {
  Result<base::net::Url> url = base::net::parse_url(url_);
  if (!url) return failed("oidc: can't create request: " + url.error().detail);
  const Result<base::net::WaitedAnswer> answer =
      web_.ask({.url = std::move(*url), .headers = {{"Accept", "application/json"}}, .tls = tls_, .follows = true});
  if (!answer) return failed("oidc: get keys failed " + answer.error().detail);
  if (answer->status != 200) {
    return failed("oidc: get keys failed: " + answer->status_text + " " + excerpt(answer->body));
  }
  Result<acl::jwt::KeySet> keys = acl::jwt::read_key_set(answer->body);
  if (!keys) return failed("oidc: failed to decode keys: " + keys.error().detail + " " + excerpt(answer->body));
  return keys;
}

RemoteKeys::Known RemoteKeys::known() {
  const std::lock_guard lock(mutex_);
  return known_;
}

Result<RemoteKeys::Keys> RemoteKeys::fetch_after(std::uint64_t fetched) {
  const std::lock_guard alone(fetching_);
  if (const Known now = known(); now.fetched != fetched) return now.keys;
  Result<acl::jwt::KeySet> asked = ask();
  if (!asked) return asked.error();
  auto keys = std::make_shared<const acl::jwt::KeySet>(std::move(*asked));
  const std::lock_guard lock(mutex_);
  known_.keys = keys;
  ++known_.fetched;
  return keys;
}

Result<> RemoteKeys::fetch() {
  const Result<Keys> keys = fetch_after(known().fetched);
  return keys ? Result<>() : Result<>(keys.error());
}

Result<> RemoteKeys::prove(const acl::jwt::Token& token) {
  const Known now = known();
  if (now.keys && acl::jwt::any_signed(*now.keys, token)) return {};
  // Keys change: that of a new token may not have been there the last time.
  const Result<Keys> keys = fetch_after(now.fetched);
  if (!keys) return keys.error();
  if (acl::jwt::any_signed(**keys, token)) return {};
  return {Errc::internal, "failed to verify id token signature"};
}

}  // namespace proconsul::agent::auth
