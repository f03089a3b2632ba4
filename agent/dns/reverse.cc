#include "agent/dns/reverse.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/config/address.h"
#include "agent/dns/instance.h"
#include "agent/tokens/readable.h"
#include "base/type_of.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"

namespace proconsul::agent::dns {
namespace {

constexpr std::size_t kV4Labels = 6;
constexpr std::size_t kV6Labels = 34;

struct Reversed {
  config::Ip ip{};
  bool canonical{};  // spelled as the reverse name of the address is
};

std::optional<Reversed> parse(const QuestionName& name) {
  const std::size_t labels = name.labels();
  std::uint8_t bytes[16];
  if (labels == kV4Labels && name.text(4) == "in-addr") {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::string_view text = name.text(3 - i);
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes[i]);
      if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0')) return {};
    }
    return Reversed{.ip = config::Ip::from_bytes(bytes, true), .canonical = true};
  }
  if (labels == kV6Labels && name.text(32) == "ip6") {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::string_view text = name.text(31 - i);
      unsigned digit = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), digit, 16);
      if (text.size() != 1 || error != std::errc{} || end != text.data() + 1) return {};
      bytes[i / 2] = static_cast<std::uint8_t>(i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
    }
    const config::Ip ip = config::Ip::from_bytes(bytes, false);
    return Reversed{.ip = ip, .canonical = !ip.is_v4()};
  }
  return {};
}

std::string bytes_of(const config::Ip& ip) {
  return {reinterpret_cast<const char*>(ip.bytes()), ip.size()};
}

std::string address_of(const catalog::NodeRow* row) {
  if (row == nullptr) return {};
  static const base::Field& field = *base::type_of<catalog::Node>().by_wire("Address");
  const std::optional<config::Ip> ip = config::Ip::parse(row->member<std::string>(field));
  return ip ? bytes_of(*ip) : std::string{};
}

std::string address_of(const catalog::ServiceRow* row) {
  if (row == nullptr) return {};
  static const base::Field& field = *base::type_of<catalog::StoredService>().by_wire("Address");
  return row->member<std::string>(field);
}

}  // namespace

std::optional<config::Ip> address_of(const QuestionName& name) {
  const std::optional<Reversed> reversed = parse(name);
  if (!reversed) return std::nullopt;
  return reversed->ip;
}

void Addresses::replace(Keys& keys, std::string_view key, const std::string& was, const std::string& is) {
  if (was == is) return;
  if (const auto found = keys.find(was); !was.empty() && found != keys.end()) {
    found->second.erase(std::string(key));
    if (found->second.empty()) keys.erase(found);
  }
  if (!is.empty()) keys[is].emplace(key);
}

void Addresses::follow(const catalog::Tables& tables) {
  const std::string own = catalog::index_key({catalog::peer_part({})});
  if (!tables.nodes.has_same(nodes_, own)) {
    base::RadixCore::Part now = tables.nodes.part(own);
    base::RadixTree<catalog::NodeRow>::compare(
        nodes_, now, [&](std::string_view key, const catalog::NodeRow* was, const catalog::NodeRow* is) {
          replace(nodes_by_address_, key, address_of(was), address_of(is));
        });
    nodes_ = std::move(now);
  }
  if (!tables.services.has_same(services_, own)) {
    base::RadixCore::Part now = tables.services.part(own);
    base::RadixTree<catalog::ServiceRow>::compare(
        services_, now, [&](std::string_view key, const catalog::ServiceRow* was, const catalog::ServiceRow* is) {
          replace(services_by_address_, key, address_of(was), address_of(is));
        });
    services_ = std::move(now);
  }
}

std::string Addresses::name_of(const catalog::Tables& tables, const QuestionName& name, const tokens::Who* who) {
  const std::optional<Reversed> reversed = parse(name);
  if (!reversed) return {};
  const std::lock_guard lock(mutex_);
  follow(tables);
  if (reversed->canonical) {
    if (const auto found = nodes_by_address_.find(bytes_of(reversed->ip)); found != nodes_by_address_.end()) {
      for (const std::string& key : found->second) {
        const catalog::NodeRow* node = tables.nodes.get(key);
        if (who == nullptr || tokens::is_readable(*who, *node)) return node_labels(node->get());
      }
    }
  }
  const auto found = services_by_address_.find(reversed->ip.to_string());
  if (found == services_by_address_.end()) return {};
  for (const std::string& key : found->second) {
    const catalog::StoredService service = tables.services.get(key)->get();
    const catalog::NodeRow* node = catalog::find_node(tables, service.Node);
    if (node == nullptr) continue;
    if (who == nullptr || tokens::is_readable(*who, service.Service, service.Node))
      return to_labels(service.Service + ".service." + node->get().Datacenter).value_or("");
  }
  return {};
}

}  // namespace proconsul::agent::dns
