#include "catalog/config_entry/rules.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/quote.h"
#include "catalog/config_entry/envoy_extensions.h"
#include "catalog/types/config_services.h"

namespace proconsul::catalog::rules {

using base::Errc;
using base::Error;
using base::quote;
using base::Result;

namespace {

constexpr std::string_view kVersions[] = {"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"};

constexpr std::string_view kCipherSuites[] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",         "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",         "TLS_RSA_WITH_AES_256_CBC_SHA"};

template <class List>
bool is_one_of(std::string_view text, const List& list) {
  return std::ranges::find(list, text) != std::end(list);
}

Result<> check_version(const std::string& version) {
  if (version.empty() || is_one_of(version, kVersions)) return {};
  return wrong("no matching TLS version found for " + version +
               ", please specify one of [TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3]");
}

}  // namespace

Error wrong(std::string text) {
  return {Errc::internal, std::move(text)};
}

std::string indexed(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

Result<> Faults::result() const {
  if (faults_.empty()) return {};
  std::string text = faults_.size() == 1 ? "1 error occurred:" : std::to_string(faults_.size()) + " errors occurred:";
  for (const std::string& fault : faults_) text += "\n\t* " + fault;
  return wrong(text + "\n\n");
}

bool is_domain_name(std::string_view name) {
  if (name.empty() || name.size() > 254) return false;
  if (name == ".") return true;
  std::size_t label = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\') {
      const auto is_digit = [&](std::size_t at) { return at < name.size() && name[at] >= '0' && name[at] <= '9'; };
      i += is_digit(i + 1) && is_digit(i + 2) && is_digit(i + 3) ? 3 : 1;
      ++label;
    } else if (name[i] == '.') {
      if (label == 0 || label > 63) return false;
      label = 0;
    } else {
      ++label;
    }
  }
  return label <= 63;
}

bool is_http_method(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                           "DELETE", "CONNECT", "OPTIONS", "TRACE"};
  return is_one_of(method, kMethods);
}

bool has_inner_wildcard(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  return host.find('*') != std::string_view::npos;
}

Result<> check_meta(const base::Map<std::string>& meta) {
  Faults faults;
  faults.add_meta(meta);
  return faults.result();
}

void Faults::add_meta(const base::Map<std::string>& meta) {
  if (meta.size() > kMostPairs) add("Meta exceeds maximum element count " + std::to_string(kMostPairs));
  for (const auto& [key, value] : meta) {
    if (key.size() > kLongestKey) {
      add("Meta key " + quote(key) + " exceeds maximum length " + std::to_string(kLongestKey));
    }
    if (value.size() > kLongestText) {
      add("Meta value for key " + quote(key) + " exceeds maximum length " + std::to_string(kLongestText));
    }
  }
}

void Faults::add_extensions(const base::List<EnvoyExtension>& extensions) {
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    const EnvoyExtension& extension = extensions[i];
    const std::string invalid = "invalid " + indexed("EnvoyExtensions", i);
    if (extension.Name.empty()) {
      add(invalid + ": Name is required");
    } else if (const Result<> versions = check_extension_versions(extension); !versions) {
      add(invalid + versions.error().detail);
    } else if (const Result<> checked = check_extension(extension); !checked) {
      add(invalid + "[" + extension.Name + "]: " + checked.error().detail);
    }
  }
}

Result<> check_tls(const std::string& least, const std::string& most, const base::List<std::string>& suites) {
  if (Result<> checked = check_version(least); !checked) return checked;
  if (Result<> checked = check_version(most); !checked) return checked;
  // Those with a number are in order.
  const bool comparable = least.starts_with("TLSv") && most.starts_with("TLSv");
  if (comparable && most < least) {
    return wrong("configuring max version " + most + " less than the configured min version " + least + " is invalid");
  }
  if (suites.empty()) return {};
  if (least == "TLSv1_3") {
    return wrong(
        "configuring CipherSuites is only applicable to connections negotiated with TLS 1.2 or earlier, TLSMinVersion "
        "is set to " +
        least);
  }
  std::string unknown;
  for (const std::string& suite : suites) {
    if (!is_one_of(suite, kCipherSuites)) unknown += (unknown.empty() ? "" : ",") + suite;
  }
  if (unknown.empty()) return {};
  return wrong("no matching Envoy TLS cipher suite found for " + unknown);
}

Result<> check_methods(const base::List<std::string>& methods, const std::string& where) {
  std::set<std::string> seen;
  for (const std::string& method : methods) {
    if (!is_http_method(method)) return wrong(where + "Methods contains an invalid method " + quote(method));
    if (!seen.insert(method).second) return wrong(where + "Methods contains " + quote(method) + " more than once");
  }
  return {};
}

Result<> check_mutual_tls_mode(const std::string& mode) {
  if (mode.empty() || mode == "strict" || mode == "permissive") return {};
  return wrong("Invalid MutualTLSMode " + quote(mode) + R"(. Must be one of "", "strict", or "permissive".)");
}

Result<> check_failover_policy(const base::Pointer<ServiceResolverFailoverPolicy>& policy) {
  if (!policy || policy->Mode.empty() || policy->Mode == "sequential" || policy->Mode == "order-by-locality") return {};
  return wrong("Failover-policy mode must be one of '', 'sequential', or 'order-by-locality'");
}

Result<> check_locality(const base::Pointer<ServiceResolverPrioritizeByLocality>& locality) {
  if (!locality || locality->Mode.empty()) return {};
  return wrong("Prioritize-by-locality requires Consul Enterprise ");
}

}  // namespace proconsul::catalog::rules
