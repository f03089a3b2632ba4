#include "agent/grpc/readable_events.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "agent/grpc/messages.h"

namespace proconsul::agent::grpc {

using acl::Access;
using acl::Resource;

namespace {

bool may_read(const tokens::Who& who, const Event& event) {
  if (event.Service) return who->allows(Resource::service, event.Service->Name, Access::read);
  if (!event.ServiceHealth || !event.ServiceHealth->CheckServiceNode) return true;
  const catalog::CheckServiceNode& instance = *event.ServiceHealth->CheckServiceNode;
  const bool imported =
      (instance.Service && !instance.Service->PeerName.empty()) || (instance.Node && !instance.Node->PeerName.empty());
  if (imported) return who->may_read_imported(Resource::service) && who->may_read_imported(Resource::node);
  return (!instance.Service || who->allows(Resource::service, instance.Service->Service, Access::read)) &&
         (!instance.Node || who->allows(Resource::node, instance.Node->Node, Access::read));
}

}  // namespace

Frames readable(const tokens::Who& who, const Frames& events) {
  if (who->allows_everything()) return events;
  auto kept = std::make_shared<std::string>();
  for (std::string_view rest = *events; !rest.empty();) {
    const std::string_view frame = rest.substr(0, kFrameHead + frame_size(rest));
    rest.remove_prefix(frame.size());
    Event event;
    if (!schema().parse(frame.substr(kFrameHead), event)) continue;  // they are our own
    if (event.EventBatch) {
      if (std::erase_if(event.EventBatch->Events, [&](const Event& each) { return !may_read(who, each); }) > 0) {
        if (event.EventBatch->Events.empty()) continue;
        append_frame(*kept, [&] { schema().append(*kept, event); });
        continue;
      }
    } else if (!may_read(who, event)) {
      continue;
    }
    *kept += frame;
  }
  return kept->size() == events->size() ? events : Frames(std::move(kept));
}

}  // namespace proconsul::agent::grpc
