#include "wanfed/names.h"

namespace proconsul::wanfed {

std::optional<NodeName> split_node_name(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == name.npos || dot == 0 || dot + 1 == name.size() || name.find('.', dot + 1) != name.npos) {
    return std::nullopt;
  }
  return NodeName{name.substr(0, dot), name.substr(dot + 1)};
}

std::string server_name(std::string_view node, std::string_view datacenter, std::string_view domain) {
  std::string name;
  if (!node.empty() && node != "*") name.append(node).append(".");
  return name.append("server.").append(datacenter).append(".").append(domain);
}

std::string alpn(std::string_view protocol) {
  return std::string(1, static_cast<char>(protocol.size())).append(protocol);
}

}  // namespace proconsul::wanfed
