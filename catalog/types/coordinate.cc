#include "catalog/types/coordinate.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(Coordinate, "structs.Coordinate") {
  type.field("Node", &Coordinate::Node);
  type.field("Segment", &Coordinate::Segment);
  type.field("Partition", &Coordinate::Partition).omit_empty();
  type.field("Coord", &Coordinate::Coord);
}

PROCONSUL_DESCRIBE_TYPE(CoordinateUpdateRequest, "structs.CoordinateUpdateRequest") {
  type.field("Datacenter", &CoordinateUpdateRequest::Datacenter);
  type.field("Node", &CoordinateUpdateRequest::Node);
  type.field("Segment", &CoordinateUpdateRequest::Segment);
  type.field("Coord", &CoordinateUpdateRequest::Coord);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(DatacenterMap, "structs.DatacenterMap") {
  type.field("Datacenter", &DatacenterMap::Datacenter);
  type.field("AreaID", &DatacenterMap::AreaID);
  type.field("Coordinates", &DatacenterMap::Coordinates);
}

}  // namespace proconsul::catalog
