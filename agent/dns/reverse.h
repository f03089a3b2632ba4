// Reverse look-ups: whose address this is.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/config/address.h"
#include "agent/dns/name.h"
#include "agent/tokens/who.h"
#include "base/radix_tree.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::dns {

/// The address that a reverse name spells; nothing if it spells none.
std::optional<config::Ip> address_of(const QuestionName& name);

/// Knows nodes and services by their addresses. It is made at the first question, and then follows the tables by what
/// changed between two questions. Any thread.
class Addresses {
 public:
  /// The labels before the domain of the node with this address, else of the first service with it; empty if there is
  /// none, or if the question's name (<address reversed>.in-addr.arpa, ....ip6.arpa) is none of an address. Only what
  /// `who` may see; null: everything.
  std::string name_of(const catalog::Tables& tables, const QuestionName& name, const tokens::Who* who);

 private:
  using Keys = std::unordered_map<std::string, std::set<std::string, std::less<>>>;  // by address: keys of the table
  static void replace(Keys& keys, std::string_view key, const std::string& was, const std::string& is);
  void follow(const catalog::Tables& tables);

  std::mutex mutex_{};
  base::RadixCore::Part nodes_{};
  base::RadixCore::Part services_{};
  Keys nodes_by_address_{};     // the address as bytes
  Keys services_by_address_{};  // as text
};

}  // namespace proconsul::agent::dns
