// What anybody sends to a mesh gateway first: the name that is read does not depend on how the bytes are cut, nothing
// is kept beyond the limit, and a hello with a name is one that the routes can be asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wanfed/gateway/client_hello.h"
#include "wanfed/gateway/routes.h"

namespace gateway = proconsul::wanfed::gateway;
using State = gateway::ClientHelloParser::State;

namespace {

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

const gateway::RouteTable& routes() {
  static const gateway::RouteTable kRoutes({.datacenter = "dc1",
                                            .trust_domain = "td",
                                            .wan_federation = true,
                                            .datacenters = {{.name = "dc2", .gateways = {{"192.0.2.1", 443}}}},
                                            .servers = {{"s1", {"10.0.0.1", 8300}}},
                                            .services = {{"web.default.dc1.internal.td", {{"10.0.0.2", 80}}}}});
  return kRoutes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says how long the pieces are.
  const std::size_t piece = 1 + data[0] % 64;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t kMost = 4096;
  gateway::ClientHelloParser whole(kMost), cut(kMost);
  State state = State::more;
  std::size_t taken = 0;
  for (std::string_view rest = bytes; !rest.empty() && state == State::more;) {
    const std::string_view next = rest.substr(0, piece);
    rest.remove_prefix(next.size());
    taken += next.size();
    state = cut.take(next);
    demand(state != State::more || taken <= kMost);
  }
  const State at_once = whole.take(bytes.substr(0, taken));
  demand(at_once == state);
  demand(whole.fault() == cut.fault());
  demand(whole.hello().server_name == cut.hello().server_name);
  demand(whole.hello().protocols == cut.hello().protocols);
  demand((state == State::failed) == (cut.fault() != gateway::HelloFault::none));
  if (state != State::done) return 0;
  const std::string& name = cut.hello().server_name;
  demand(!name.empty() && name.size() <= 255 && cut.hello().protocols.size() <= 64);
  for (const char letter : name) demand(letter > ' ' && letter <= '~' && !(letter >= 'A' && letter <= 'Z'));
  if (const gateway::Cluster* cluster = routes().find(name)) demand(name.ends_with(cluster->name));
  return 0;
}
