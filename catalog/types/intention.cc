#include "catalog/types/intention.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(Intention, "structs.Intention") {
  type.field("CreatedAt", &Intention::CreatedAt).no_filter().omit_zero();
  type.field("UpdatedAt", &Intention::UpdatedAt).no_filter().omit_zero();
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
  type.field("SourceType", &Intention::SourceType).go_type("structs.IntentionSourceType");
  type.field("Action", &Intention::Action).go_type("structs.IntentionAction").omit_empty();
  type.field("Permissions", &Intention::Permissions).no_filter().omit_empty();
  type.field("JWT", &Intention::JWT).no_filter().omit_empty();
  type.field("DefaultAddr", &Intention::DefaultAddr).no_filter().omit_empty().wire_omit_empty();
  type.field("DefaultPort", &Intention::DefaultPort).no_filter().omit_empty().wire_omit_empty();
  type.field("Meta", &Intention::Meta).omit_empty();
  type.field("Precedence", &Intention::Precedence);
  type.field("Hash", &Intention::Hash).no_filter().omit_empty();
  type.embed<RaftIndex>();
  type.json_shadow("struct { Hash string; CreatedAt string; UpdatedAt string; *structs.Alias }");
}

PROCONSUL_DESCRIBE_TYPE(IntentionMutation, "structs.IntentionMutation") {
  type.field("ID", &IntentionMutation::ID);
  type.field("Destination", &IntentionMutation::Destination);
  type.field("Source", &IntentionMutation::Source);
  type.field("Value", &IntentionMutation::Value);
}

PROCONSUL_DESCRIBE_TYPE(IntentionChange, "structs.IntentionRequest") {
  type.field("Datacenter", &IntentionChange::Datacenter);
  type.field("Op", &IntentionChange::Op).go_type("structs.IntentionOp");
  type.field("Intention", &IntentionChange::Intention);
  type.field("Mutation", &IntentionChange::Mutation);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(IntentionDecisionSummary, "structs.IntentionDecisionSummary") {
  type.field("Allowed", &IntentionDecisionSummary::Allowed);
  type.field("HasPermissions", &IntentionDecisionSummary::HasPermissions);
  type.field("ExternalSource", &IntentionDecisionSummary::ExternalSource);
  type.field("HasExact", &IntentionDecisionSummary::HasExact);
  type.field("DefaultAllow", &IntentionDecisionSummary::DefaultAllow);
}

std::string to_string(const Intention& intention) {
  std::string text;
  if (!intention.SourcePartition.empty()) text = intention.SourcePartition + "/";
  if (!intention.SourcePeer.empty()) text = "peer(" + intention.SourcePeer + ")/";
  if (!intention.SourceSamenessGroup.empty()) text = "sameness-group(" + intention.SourceSamenessGroup + ")/";
  text += intention.SourceNS + "/" + intention.SourceName + " => ";
  if (!intention.DestinationPartition.empty()) text += intention.DestinationPartition + "/";
  text += intention.DestinationNS + "/" + intention.DestinationName + " (";
  if (!intention.ID.empty()) text += "ID: " + intention.ID + ", ";
  text += "Precedence: " + std::to_string(intention.Precedence) + ", ";
  if (!intention.Permissions.empty())
    return text + "Permissions: " + std::to_string(intention.Permissions.size()) + ")";
  text += "Action: ";
  for (const char c : intention.Action) text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text + ")";
}

}  // namespace proconsul::catalog
