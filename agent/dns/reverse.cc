#include "agent/dns/reverse.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/config/address.h"
#include "agent/dns/instance.h"
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

}  // namespace

std::string name_of_address(const catalog::Tables& tables, const QuestionName& name) {
  const std::optional<Reversed> reversed = parse(name);
  if (!reversed) return {};
  const std::string own = catalog::index_key({catalog::peer_part({})});
  if (reversed->canonical) {
    for (const auto [key, row] : tables.nodes.prefix(own)) {
      const catalog::Node node = row->get();
      if (config::Ip::parse(node.Address) == reversed->ip) return node_labels(node);
    }
  }
  const std::string text = reversed->ip.to_string();
  for (const auto [key, row] : tables.services.prefix(own)) {
    const catalog::StoredService service = row->get();
    if (service.Address != text) continue;
    const catalog::NodeRow* node = catalog::find_node(tables, service.Node);
    if (node == nullptr) continue;
    return to_labels(service.Service + ".service." + node->get().Datacenter).value_or("");
  }
  return {};
}

}  // namespace proconsul::agent::dns
