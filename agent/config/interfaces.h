// What address templates do with lists of interface addresses: the functions of go-sockaddr, with its results and
// texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/address.h"
#include "base/result.h"

namespace proconsul::agent::config {

using Interfaces = std::vector<InterfaceAddress>;

/// Addresses of the interface with the default route; an error if there is none.
base::Result<Interfaces> default_interfaces(const Surroundings& host);
/// Forwardable addresses of interfaces that are up, within RFC 6890 or not; those of the default route come first.
Interfaces private_interfaces(const Surroundings& host);
Interfaces public_interfaces(const Surroundings& host);
/// "10.0.0.1 10.0.0.2": all private or public addresses, wherever they are.
std::string private_ips(const Surroundings& host);
std::string public_ips(const Surroundings& host);
/// Of the interfaces whose name matches the expression.
base::Result<std::string> interface_ip(const std::string& name, const Surroundings& host);
base::Result<std::string> interface_ips(const std::string& name, const Surroundings& host);

/// Of a network that RFC 6890 sets aside: no address of the public Internet.
bool is_special_purpose(const Ip& ip);

struct Selected {
  Interfaces included{};
  Interfaces excluded{};
};
/// By address, flag, name, network, port, rfc, size or type. `verb` is for the error: "include" or "exclude".
base::Result<Selected> select(const Interfaces& list, const std::string& selector, const std::string& wanted,
                              std::string_view verb);
/// "default,-size": by address, default, name, port, private, size, type.
base::Result<Interfaces> sorted(Interfaces list, const std::string& clauses, const Surroundings& host);
base::Result<Interfaces> offset(Interfaces list, std::int64_t by);
base::Result<Interfaces> unique(const Interfaces& list, const std::string& by);
base::Result<std::string> attribute(const InterfaceAddress& address, const std::string& name);
base::Result<std::string> join(const Interfaces& list, const std::string& name, const std::string& between);
/// `operation` is address, network or mask; `value` a number, with a sign for the first two.
base::Result<Interfaces> math(Interfaces list, const std::string& operation, const std::string& value);

}  // namespace proconsul::agent::config
