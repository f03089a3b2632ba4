#include "catalog/types/node.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(Node, "structs.Node") {
  type.field("ID", &Node::ID).go_type("types.NodeID");
  type.field("Node", &Node::Node);
  type.field("Address", &Node::Address);
  type.field("Datacenter", &Node::Datacenter);
  type.field("Partition", &Node::Partition).omit_empty();
  type.field("PeerName", &Node::PeerName).omit_empty();
  type.field("TaggedAddresses", &Node::TaggedAddresses);
  type.field("Meta", &Node::Meta);
  type.field("Locality", &Node::Locality).omit_empty().no_filter();
  type.embed<RaftIndex>();
}

}  // namespace proconsul::catalog
