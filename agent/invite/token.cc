#include "agent/invite/token.h"

#include <algorithm>

#include "agent/cluster/join_address.h"
#include "agent/invite/secret.h"
#include "base/base64.h"
#include "base/msgpack.h"
#include "base/type_of.h"
#include "base/uuid.h"

namespace proconsul::agent::invite {

using base::Errc;
using base::Error;
using base::Result;

PROCONSUL_DESCRIBE_TYPE(Token, "proconsul.Invitation") {
  type.field("ID", &Token::ID);
  type.field("Secret", &Token::Secret);
  type.field("Primary", &Token::Primary);
  type.field("Domain", &Token::Domain);
  type.field("Datacenters", &Token::Datacenters);
  type.field("Servers", &Token::Servers);
  type.field("Gateways", &Token::Gateways);
  type.field("Authority", &Token::Authority);
  type.field("Certificate", &Token::Certificate);
  type.field("Key", &Token::Key);
  type.field("Expires", &Token::Expires);
}

namespace {

constexpr std::string_view kAnyVersion = "proconsul-invitation-";
constexpr std::size_t kChecksumSize = 8;
constexpr std::size_t kMostName = 253;  // of a domain
constexpr std::size_t kMostPem = 32 * 1024;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string checksum(std::string_view payload) {
  return digest_of(payload).substr(0, 2 * kChecksumSize);
}

// Base64 without what shells and URLs make something of.
std::string to_letters(std::string_view bytes) {
  std::string text = base::to_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}
Result<std::string> from_letters(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return base::from_base64(text);
}

Error bad(std::string_view what) {
  return {Errc::invalid_argument, "the token makes no sense: " + std::string(what)};
}

bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kMostName || domain.front() == '.' || domain.back() == '.') return false;
  return std::ranges::all_of(domain, [](char c) { return is_letter(c) || c == '.'; });
}

bool is_pem(std::string_view text) {
  return text.size() <= kMostPem && text.starts_with("-----BEGIN ");
}

Result<> check(const Token& token) {
  if (!base::parse_uuid(token.ID)) return bad("its ID is none");
  if (token.Secret.size() != kSecretSize) return bad("its secret has another size");
  if (!is_datacenter_name(token.Primary)) return bad("its primary datacenter has no such name");
  if (!is_domain(token.Domain)) return bad("its domain is none");
  if (token.Datacenters.size() > kMostDatacenters) return bad("too many datacenters");
  if (!std::ranges::all_of(token.Datacenters, is_datacenter_name)) return bad("a datacenter has no such name");
  if (token.Servers < 1 || token.Servers > static_cast<base::Int>(kMostServers)) return bad("its number of servers");
  if (token.Gateways.empty() || token.Gateways.size() > kMostGateways) return bad("its number of mesh gateways");
  if (!std::ranges::all_of(token.Gateways, is_gateway_address)) return bad("the address of a mesh gateway");
  if (!token.Authority.empty() && !is_pem(token.Authority)) return bad("its certificate authority");
  if (token.Certificate.empty() != token.Key.empty()) return bad("a certificate without its key");
  if (!token.Certificate.empty() && !(is_pem(token.Certificate) && is_pem(token.Key))) return bad("its certificate");
  if (!token.Certificate.empty() && token.Authority.empty()) return bad("a certificate without its authority");
  return {};
}

}  // namespace

bool Token::may_join(std::string_view datacenter) const {
  if (datacenter == Primary) return false;
  return Datacenters.empty() || std::ranges::find(Datacenters, datacenter) != Datacenters.end();
}

bool is_datacenter_name(std::string_view name) {
  const auto plain = [](char c) { return is_letter(c) && !(c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, plain);
}

bool is_gateway_address(std::string_view address) {
  if (address.empty() || address.size() > kMostName + 8) return false;
  const auto plain = [](char c) { return is_letter(c) || c == '.' || c == ':' || c == '[' || c == ']' || c == '%'; };
  if (!std::ranges::all_of(address, plain)) return false;
  const Result<cluster::JoinAddress> parsed = cluster::parse_join_address(address, 0);
  return parsed && parsed->port != 0 && !parsed->host.empty();
}

std::string to_text(const Token& token) {
  std::string payload;
  base::append_msgpack(payload, token);
  return std::string(kTokenPrefix) + checksum(payload) + '-' + to_letters(payload);
}

Result<Token> parse_token(std::string_view given) {
  const auto fault = [](std::string text) { return Error{Errc::invalid_argument, std::move(text)}; };
  if (given.size() > kMostTokenText) return fault("the token is longer than any: is it one?");
  std::string text(given);
  std::erase_if(text, is_blank);
  if (!text.starts_with(kAnyVersion)) {
    return fault("this is no token of \"federation invite\": such a text begins with " + std::string(kAnyVersion));
  }
  if (!text.starts_with(kTokenPrefix)) {
    return fault("the token is of another version of Proconsul: invite and join with the same one");
  }
  const std::string_view rest = std::string_view(text).substr(kTokenPrefix.size());
  const auto damaged = [&] { return fault("the token is damaged or not whole: copy all of its text"); };
  if (rest.size() <= 2 * kChecksumSize || rest[2 * kChecksumSize] != '-') return damaged();
  const Result<std::string> payload = from_letters(std::string(rest.substr(2 * kChecksumSize + 1)));
  if (!payload || checksum(*payload) != rest.substr(0, 2 * kChecksumSize)) return damaged();
  Token token;
  if (!base::read_msgpack(*payload, token)) return bad("its content is no invitation");
  if (Result<> sound = check(token); !sound) return sound.error();
  return token;
}

}  // namespace proconsul::agent::invite
