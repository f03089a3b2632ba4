#include "catalog/types/snapshot_loss.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(SnapshotLoss, "snapshot.Loss") {
  type.field("Record", &SnapshotLoss::Record);
  type.field("Field", &SnapshotLoss::Field).omit_empty();
  type.field("Reason", &SnapshotLoss::Reason);
  type.field("Count", &SnapshotLoss::Count);
}

std::string text(const SnapshotLoss& loss) {
  const std::string records =
      std::to_string(loss.Count) + (loss.Count == 1 ? " record" : " records") + " of kind " + loss.Record;
  return (loss.Field.empty() ? records : "field " + loss.Field + " of " + records) + ": " + loss.Reason;
}

}  // namespace proconsul::catalog
