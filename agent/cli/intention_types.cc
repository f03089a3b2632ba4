#include "agent/cli/intention_types.h"

#include "base/type_of.h"

namespace proconsul::agent::cli {

PROCONSUL_DESCRIBE_TYPE(Intention, "api.Intention") {
  type.field("ID", &Intention::ID).omit_empty();
  type.field("Description", &Intention::Description).omit_empty();
  type.field("SourceNS", &Intention::SourceNS);
  type.field("SourceName", &Intention::SourceName);
  type.field("DestinationNS", &Intention::DestinationNS);
  type.field("DestinationName", &Intention::DestinationName);
  type.field("SourcePartition", &Intention::SourcePartition).omit_empty();
  type.field("DestinationPartition", &Intention::DestinationPartition).omit_empty();
  type.field("SourcePeer", &Intention::SourcePeer).omit_empty();
  type.field("SourceSamenessGroup", &Intention::SourceSamenessGroup).omit_empty();
  type.field("SourceType", &Intention::SourceType).go_type("api.IntentionSourceType");
  type.field("Action", &Intention::Action).go_type("api.IntentionAction").omit_empty();
  type.field("Permissions", &Intention::Permissions).omit_empty();
  type.field("DefaultAddr", &Intention::DefaultAddr).omit_empty();
  type.field("DefaultPort", &Intention::DefaultPort).omit_empty();
  type.field("Meta", &Intention::Meta).omit_empty();
  type.field("Precedence", &Intention::Precedence);
  type.field("CreatedAt", &Intention::CreatedAt);
  type.field("UpdatedAt", &Intention::UpdatedAt);
  type.field("Hash", &Intention::Hash).omit_empty();
  type.field("CreateIndex", &Intention::CreateIndex);
  type.field("ModifyIndex", &Intention::ModifyIndex);
}

namespace {

std::string side_text(const std::string& name_space, const std::string& name) {
  return name_space.empty() || name_space == "default" ? name : name_space + "/" + name;
}

}  // namespace

std::string source_text(const Intention& intention) {
  return side_text(intention.SourceNS, intention.SourceName);
}

std::string destination_text(const Intention& intention) {
  return side_text(intention.DestinationNS, intention.DestinationName);
}

std::string to_string(const Intention& intention) {
  const std::size_t permissions = intention.Permissions.size();
  std::string detail = intention.Action;
  if (permissions == 1) detail = "1 permission";
  if (permissions > 1) detail = std::to_string(permissions) + " permissions";
  return source_text(intention) + " => " + destination_text(intention) + " (" + detail + ")";
}

base::Result<IntentionTarget> parse_intention_target(std::string_view text) {
  IntentionTarget target;
  const std::size_t last = text.rfind('/');
  target.name = last == text.npos ? text : text.substr(last + 1);
  if (last == text.npos) return target;
  const std::string_view before = text.substr(0, last);
  const std::size_t first = before.rfind('/');
  target.name_space = first == before.npos ? before : before.substr(first + 1);
  if (first == before.npos) return target;
  target.partition = before.substr(0, first);
  if (target.partition.find('/') == std::string::npos) return target;
  return {base::Errc::invalid_argument, "input can contain at most two '/'"};
}

}  // namespace proconsul::agent::cli
