// Reverse look-ups: whose address this is.
#pragma once

#include <string>

#include "agent/dns/name.h"
#include "catalog/store/tables.h"

namespace proconsul::agent::dns {

/// The labels before the domain of the node with this address, else of the first service with it; empty if there is
/// none, or if the question's name (<address reversed>.in-addr.arpa, ....ip6.arpa) is none of an address.
std::string name_of_address(const catalog::Tables& tables, const QuestionName& name);

}  // namespace proconsul::agent::dns
