#include "agent/invite/bundle.h"

#include "base/type_of.h"

namespace proconsul::agent::invite {

PROCONSUL_DESCRIBE_TYPE(Bundle, "proconsul.InvitationBundle") {
  type.field("Certificate", &Bundle::Certificate);
  type.field("Key", &Bundle::Key);
}

}  // namespace proconsul::agent::invite
