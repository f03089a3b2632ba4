// JSON web tokens: any bytes are either refused with a text or read, and none of them is proven by a key of ours. What
// is read is judged and picked from, whatever it says. The first byte tells which of keys and tokens the rest is.
#include <cstdint>
#include <string_view>

#include "acl/jwt/keys.h"
#include "acl/jwt/mapping.h"
#include "acl/jwt/rules.h"

namespace {

using namespace proconsul;
using namespace proconsul::acl::jwt;

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

// RFC 7515, A.3, and Ed25519 of RFC 8037: nobody signs with them here.
constexpr std::string_view kOurKeys =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
// The one token that is known to be signed, of the same place.
constexpr std::string_view kSigned =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
    "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

void judge(const Claims& claims) {
  const auto known = registered_claims(claims);
  demand(known || !known.error().detail.empty());
  (void)pick_claims(claims, {{"a", "a"}, {"/a/b/0", "b"}, {"/", "c"}}, {{"a", "a"}, {"/a", "b"}});
  if (!known) return;
  const base::Time now = base::from_unix(1'700'000'000);
  for (const Rules& rules : {Rules{}, Rules{.issuer = "joe", .audiences = {"a"}}})
    (void)check_claims(*known, rules, now);
  (void)check_id_token(*known, "joe", now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const KeySet kOurs = *read_key_set(kOurKeys);
  switch (data[0] % 4) {
    case 0: {
      const auto token = parse(text);
      if (!token) {
        demand(!token.error().detail.empty());
        break;
      }
      demand(!any_signed(kOurs, *token) || kSigned.starts_with(token->signed_part));
      if (const auto claims = read_claims(token->payload)) judge(*claims);
      break;
    }
    case 1:
      if (const auto keys = read_key_set(text)) {
        static const Token kToken = *parse(kSigned);
        (void)any_signed(*keys, kToken);
      }
      break;
    case 2:
      (void)PublicKey::from_pem(text);
      break;
    default:
      if (const auto claims = read_claims(text)) judge(*claims);
  }
  return 0;
}
