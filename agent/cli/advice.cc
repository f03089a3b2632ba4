#include "agent/cli/advice.h"

#include <algorithm>

namespace proconsul::agent::cli {

void Advice::set_sources(std::string address_source, std::string token_source) {
  const std::lock_guard lock(mutex_);
  address_source_ = std::move(address_source);
  token_source_ = std::move(token_source);
}

void Advice::add(std::string line) {
  if (std::ranges::find(lines_, line) == lines_.end()) lines_.push_back(std::move(line));
}

void Advice::failed(const std::string& url, const base::Error& error) {
  const std::lock_guard lock(mutex_);
  const auto says = [&](std::string_view text) { return error.detail.find(text) != std::string::npos; };
  const std::string where = url + " (" + address_source_ + ')';
  if (says("dial ")) {
    add("Nobody answers at " + where +
        ". Is the agent running, and is this its HTTP address? Name another with -http-addr or CONSUL_HTTP_ADDR.");
  } else if (says("malformed HTTP response")) {
    add("It seems that " + where + " expects TLS: write https:// in the address, or set CONSUL_HTTP_SSL=true.");
  } else if (says("wrong version number") || says("http request") || says("does not look like a TLS handshake")) {
    add("It seems that " + where + " does not speak TLS: write http:// in the address, or unset CONSUL_HTTP_SSL.");
  } else if (says("x509: certificate is ") || says("doesn't contain any IP SANs")) {
    add("The certificate of " + where + " is for another name: give the expected one with -tls-server-name.");
  } else if (says("x509: ")) {
    add("The certificate of " + where +
        " is not trusted: give its authority with -ca-file or -ca-path (CONSUL_CACERT, CONSUL_CAPATH).");
  } else if (says("remote error: tls: ")) {
    add("The agent at " + where +
        " refused the TLS connection: it may want a certificate, with -client-cert and "
        "-client-key (CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY).");
  }
}

void Advice::forbidden() {
  const std::lock_guard lock(mutex_);
  if (token_source_.empty()) {
    add("No token was given, so the agent's default token counted, or the anonymous one. Give one with -token-file, "
        "-token, CONSUL_HTTP_TOKEN_FILE or CONSUL_HTTP_TOKEN.");
  } else {
    add("The token came from " + token_source_ + "; it lacks the permission, or is not known to this datacenter.");
  }
}

std::vector<std::string> Advice::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace proconsul::agent::cli
