#include "catalog/types/kv.h"

namespace proconsul::catalog {

PROCONSUL_DESCRIBE_TYPE(DirEntry, "structs.DirEntry") {
  type.field("LockIndex", &DirEntry::LockIndex);
  type.field("Key", &DirEntry::Key);
  type.field("Flags", &DirEntry::Flags);
  type.field("Value", &DirEntry::Value);
  type.field("Session", &DirEntry::Session).omit_empty();
  type.embed<RaftIndex>();
}

PROCONSUL_DESCRIBE_TYPE(KVSRequest, "structs.KVSRequest") {
  type.field("Datacenter", &KVSRequest::Datacenter);
  type.field("Op", &KVSRequest::Op);
  type.field("DirEnt", &KVSRequest::DirEnt);
  type.embed<WriteRequest>();
}

PROCONSUL_DESCRIBE_TYPE(TombstoneRequest, "structs.TombstoneRequest") {
  type.field("Datacenter", &TombstoneRequest::Datacenter);
  type.field("Op", &TombstoneRequest::Op);
  type.field("ReapIndex", &TombstoneRequest::ReapIndex);
  type.embed<WriteRequest>();
}

}  // namespace proconsul::catalog
