// Messages that anybody sends: they are read within their bounds or refused, and what was read is written to bytes that
// are read as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/grpc/messages.h"
#include "agent/grpc/public_messages.h"
#include "agent/grpc/subscribe.h"
#include "agent/xds/delta_session.h"
#include "agent/xds/messages.h"
#include "agent/xds/versions.h"

namespace grpc = proconsul::agent::grpc;
namespace xds = proconsul::agent::xds;

namespace {

template <class T>
void read_and_write(const proconsul::base::pb::Schema& schema, std::string_view bytes) {
  T first{};
  if (!schema.parse(bytes, first)) return;
  std::string once, twice;
  schema.append(once, first);
  T second{};
  // Messages in place are written even if they were not there, so it may have become too much; but never invalid.
  if (!schema.parse(once, second)) return;
  schema.append(twice, second);
  if (once != twice) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_and_write<grpc::SubscribeRequest>(grpc::schema(), bytes);
  read_and_write<grpc::Event>(grpc::schema(), bytes);
  const auto& of_public = grpc::public_schema();
  read_and_write<grpc::LoginRequest>(of_public, bytes);
  read_and_write<grpc::LogoutRequest>(of_public, bytes);
  read_and_write<grpc::SignRequest>(of_public, bytes);
  read_and_write<grpc::GetEnvoyBootstrapParamsRequest>(of_public, bytes);
  read_and_write<grpc::DnsQueryRequest>(of_public, bytes);
  read_and_write<grpc::WatchServersRequest>(of_public, bytes);
  read_and_write<xds::DeltaDiscoveryRequest>(xds::schema(), bytes);
  if (xds::DeltaDiscoveryRequest asked; xds::schema().parse(bytes, asked)) {
    if (asked.node) (void)xds::why_unsupported(*asked.node);
    xds::Resources resources;
    resources.put(xds::Kind::cluster, "a", "1");
    resources.put(xds::Kind::endpoint, "a", "2");
    resources.put(xds::Kind::listener, "b", "3");
    xds::DeltaSession session;
    for (int i = 0; i < 3; ++i) {
      session.take(asked);
      (void)session.updates(resources);
    }
  }
  grpc::SubscribeRequest request;
  if (grpc::schema().parse(bytes, request)) (void)grpc::subject_of(request);
  return 0;
}
