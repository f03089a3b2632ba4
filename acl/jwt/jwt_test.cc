#include "acl/jwt/jwt.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>

#include "acl/jwt/keys.h"
#include "acl/jwt/mapping.h"
#include "acl/jwt/rules.h"
#include "acl/jwt/test_signer.h"

namespace proconsul::acl::jwt {
namespace {

using base::Result;
using test::base64_url;
using test::Signer;

const base::Time kNow = base::from_unix(1'700'000'000);

std::string parse_error(const std::string& text) {
  const Result<Token> token = parse(text);
  return token ? "" : token.error().detail;
}

bool proves(const Signer& signer, const std::string& text) {
  const Result<Token> token = parse(text);
  const Result<PublicKey> key = PublicKey::from_pem(signer.public_pem());
  EXPECT_TRUE(key) << key.error().detail;
  return token && key && key->signed_token(*token);
}

std::string refusal(const std::string& claims, const Rules& rules = {}) {
  const Result<Claims> all = read_claims(claims);
  if (!all) return all.error().detail;
  const Result<Registered> known = registered_claims(*all);
  if (!known) return known.error().detail;
  const Result<> checked = check_claims(*known, rules, kNow);
  return checked ? "" : checked.error().detail;
}

TEST(Jwt, WhatIsNoTokenIsRefusedWithGosText) {
  EXPECT_EQ(parse_error(""), "go-jose/go-jose: compact JWS format must have three parts");
  EXPECT_EQ(parse_error("x"), "go-jose/go-jose: compact JWS format must have three parts");
  EXPECT_EQ(parse_error("a.b.c.d"), "go-jose/go-jose: compact JWS format must have three parts");
  EXPECT_EQ(parse_error("a.b.c"), "illegal base64 data at input byte 0");
  EXPECT_EQ(parse_error("e30.e!0.e30"), "illegal base64 data at input byte 1");
  EXPECT_FALSE(parse_error(base64_url("nonsense") + ".e30.e30").empty());
  EXPECT_FALSE(parse_error(base64_url("[]") + ".e30.e30").empty());
  EXPECT_EQ(parse_error(base64_url(R"({"alg":5})") + ".e30.e30"),
            "failed to unmarshal algorithm: json: cannot unmarshal number into Go value of type string: \"5\"");
  EXPECT_EQ(parse_error(" e30 .e30.\n"), "");
}

TEST(Jwt, WhatIsTooLargeOrNestedTooDeeplyIsRefusedUnread) {
  EXPECT_EQ(parse_error(std::string(kMaxSize + 1, 'a')), "the token is larger than 262144 bytes");

  std::string deep = "0";
  for (unsigned i = 0; i < kMaxNesting; ++i) deep = "[" + deep + "]";
  EXPECT_EQ(refusal(R"({"a":)" + deep + "}"), "JSON of the token is nested too deeply");
  EXPECT_EQ(parse_error(base64_url(R"({"a":)" + deep + "}") + ".e30."), "JSON of the token is nested too deeply");
  // Brackets in texts are none.
  EXPECT_EQ(refusal(R"({"exp":1700000100,"a":")" + std::string(200, '[') + "\"}"), "");
}

TEST(Jwt, EveryAlgorithmProvesAndAnotherKeyDoesNot) {
  for (const char* name : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}) {
    const Signer signer(name), other(name);
    const std::string token = signer.token(R"({"sub":"a"})");

    EXPECT_TRUE(proves(signer, token)) << name;
    EXPECT_FALSE(proves(other, token)) << name;
    // Another payload under the same signature.
    const std::size_t dot = token.find('.'), last = token.rfind('.');
    EXPECT_FALSE(proves(signer, token.substr(0, dot + 1) + base64_url(R"({"sub":"b"})") + token.substr(last))) << name;
    EXPECT_FALSE(proves(signer, token.substr(0, last + 1))) << name;
  }
}

TEST(Jwt, NoneIsNoAlgorithm) {
  const Signer signer("RS256");
  for (const char* name : {"none", "None", "NONE", "", "rs256", "RS1"}) {
    const std::string header = R"({"alg":")" + std::string(name) + "\"}";
    EXPECT_FALSE(proves(signer, signer.token("{}", header))) << name;
    EXPECT_FALSE(proves(signer, base64_url(header) + "." + base64_url("{}") + ".")) << name;
  }
  EXPECT_FALSE(proves(signer, signer.token("{}", "{}")));
}

TEST(Jwt, APublicKeyIsNoSecretOfAnHmac) {
  const Signer signer("RS256");
  const std::string pem = signer.public_pem();
  for (const char* name : {"HS256", "HS384", "HS512"}) {
    const std::string text = base64_url(R"({"alg":")" + std::string(name) + "\"}") + "." + base64_url("{}");
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(std::string_view(name).ends_with("256")   ? EVP_sha256()
         : std::string_view(name).ends_with("384") ? EVP_sha384()
                                                   : EVP_sha512(),
         pem.data(), static_cast<int>(pem.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         code, &size);
    EXPECT_FALSE(proves(signer, text + "." + base64_url({reinterpret_cast<char*>(code), size}))) << name;
  }
  // Nor does a set make a secret a key.
  EXPECT_EQ(read_key_set(R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})")->size(), 0u);
}

TEST(Jwt, AnAlgorithmGoesWithItsKindOfKeyOnly) {
  const Signer rsa("RS256"), p256("ES256"), p384("ES384");
  EXPECT_FALSE(proves(rsa, rsa.token("{}", R"({"alg":"ES256"})")));
  EXPECT_FALSE(proves(rsa, rsa.token("{}", R"({"alg":"PS256"})")));
  EXPECT_FALSE(proves(p256, p256.token("{}", R"({"alg":"RS256"})")));
  EXPECT_FALSE(proves(p384, p384.token("{}", R"({"alg":"ES256"})")));
  EXPECT_FALSE(proves(p256, p256.token("{}", R"({"alg":"EdDSA"})")));
}

TEST(Jwt, ExtensionsThatMustBeUnderstoodAreNot) {
  const Signer signer("ES256");
  EXPECT_FALSE(proves(signer, signer.token("{}", R"({"alg":"ES256","crit":["exp"],"exp":1})")));
  EXPECT_FALSE(proves(signer, signer.token("{}", R"({"alg":"ES256","b64":false,"crit":["b64"]})")));
  // A key that the token itself brings along is nobody's.
  EXPECT_FALSE(proves(Signer("ES256"), signer.token("{}", R"({"alg":"ES256","jwk":{"kty":"EC"},"jku":"http://x"})")));
}

TEST(Jwt, WhatIsNoUsefulKeyIsRefused) {
  const std::string text = "data does not contain any valid RSA, ECDSA, or ED25519 public keys";
  EXPECT_EQ(PublicKey::from_pem("bad").error().detail, text);
  EXPECT_EQ(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nMII=\n-----END PUBLIC KEY-----\n").error().detail,
            "x509: malformed certificate");
  EVP_PKEY* small = EVP_RSA_gen(768);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(out, small);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  EXPECT_EQ(PublicKey::from_pem({data, static_cast<std::size_t>(size)}).error().detail, text);
  BIO_free(out);
  EVP_PKEY_free(small);
}

TEST(Jwt, ASetOfKeysProvesByTheKeyThatATokenNames) {
  // RFC 7515, A.3: the key and the token that it signed.
  const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
      "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const std::string key = R"({"kty":"EC","crv":"P-256","kid":"k1","x":")" + x + R"(","y":")" + y + "\"}";
  const std::string set = R"({"keys":[{"kty":"odd"},{"kty":"EC","crv":"P-224","x":"a","y":"b"},)" + key + "]}";

  const Result<KeySet> keys = read_key_set(set);
  ASSERT_TRUE(keys) << keys.error().detail;
  ASSERT_EQ(keys->size(), 1u);
  Result<Token> parsed = parse(token);
  ASSERT_TRUE(parsed);

  EXPECT_TRUE(any_signed(*keys, *parsed));
  parsed->key_id = "k1";
  EXPECT_TRUE(any_signed(*keys, *parsed));
  parsed->key_id = "k2";
  EXPECT_FALSE(any_signed(*keys, *parsed));
}

TEST(Jwt, KeysOfASetThatWouldAcceptAnythingAreLeftOut) {
  const std::string n = base64_url(std::string(256, '\xff'));
  const auto count = [](const std::string& jwk) { return read_key_set(R"({"keys":[)" + jwk + "]}")->size(); };
  EXPECT_EQ(count(R"({"kty":"RSA","n":")" + n + R"(","e":"AQAB"})"), 1u);
  EXPECT_EQ(count(R"({"kty":"RSA","n":")" + n + R"(","e":"AQ"})"), 0u);  // to the power of 1
  EXPECT_EQ(count(R"({"kty":"RSA","n":")" + n + R"(","e":"Ag"})"), 0u);
  EXPECT_EQ(count(R"({"kty":"RSA","n":")" + base64_url(std::string(64, '\xff')) + R"(","e":"AQAB"})"), 0u);
  EXPECT_EQ(count(R"({"kty":"RSA","n":")" + base64_url(std::string(4096, '\xff')) + R"(","e":"AQAB"})"), 0u);
  EXPECT_EQ(count(R"({"kty":"RSA","use":"enc","n":")" + n + R"(","e":"AQAB"})"), 0u);
  // Not on the curve.
  const std::string zero = base64_url(std::string(32, '\1'));
  EXPECT_EQ(count(R"({"kty":"EC","crv":"P-256","x":")" + zero + R"(","y":")" + zero + "\"}"), 0u);
  std::string many;
  for (int i = 0; i < 300; ++i) many += R"({"kty":"odd"},)";
  EXPECT_FALSE(read_key_set(R"({"keys":[)" + many + R"({"kty":"odd"}]})"));
  EXPECT_FALSE(read_key_set("<html>"));
}

TEST(JwtRules, TimesCountWithTheLeewayOfClocks) {
  EXPECT_EQ(refusal("{}"), "no issue time, notbefore, or expiration time encoded in token");
  const std::string text = "error validating claims: go-jose/go-jose/jwt: ";
  EXPECT_EQ(refusal(R"({"exp":1699999941})"), "");
  EXPECT_EQ(refusal(R"({"exp":1699999939})"), text + "validation failed, token is expired (exp)");
  EXPECT_EQ(refusal(R"({"exp":1800000000,"nbf":1700000059})"), "");
  EXPECT_EQ(refusal(R"({"exp":1800000000,"nbf":1700000061})"), text + "validation failed, token not valid yet (nbf)");
  EXPECT_EQ(refusal(R"({"exp":1800000000,"nbf":1600000000,"iat":1700000061})"),
            text + "validation field, token issued in the future (iat)");
  // One that ends far in the future and does not say since when it counts: not yet.
  EXPECT_EQ(refusal(R"({"exp":4102444800})"), text + "validation failed, token not valid yet (nbf)");

  const Rules none{.leeways = {.clock_skew = base::seconds(-1)}};
  EXPECT_EQ(refusal(R"({"exp":1700000000})", none), "");
  EXPECT_EQ(refusal(R"({"exp":1699999999})", none), text + "validation failed, token is expired (exp)");
  // Without an end a token lives for the leeway.
  EXPECT_EQ(refusal(R"({"iat":1699999800})"), "");
  EXPECT_EQ(refusal(R"({"iat":1699999780})"), text + "validation failed, token is expired (exp)");
  const Rules longer{.leeways = {.expiration = base::seconds(3600)}};
  EXPECT_EQ(refusal(R"({"iat":1699999780})", longer), "");
}

TEST(JwtRules, TimesThatAreNoneAreRefused) {
  const std::string text = "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate";
  EXPECT_EQ(refusal(R"({"exp":"1800000000"})"), text);
  EXPECT_EQ(refusal(R"({"exp":1e300})"), text);
  EXPECT_EQ(refusal(R"({"nbf":-1e300})"), text);
  EXPECT_EQ(refusal(R"({"iat":[]})"), text);
  // Sums do not wrap around.
  EXPECT_EQ(refusal(R"({"iat":1600000000,"exp":8999999999999999})"), "");
}

TEST(JwtRules, IssuerAndAudienceMustBeThose) {
  const Rules rules{.issuer = "me", .audiences = {"a", "b"}};
  EXPECT_EQ(refusal(R"({"exp":1700000001,"iss":"me","aud":"b"})", rules), "");
  EXPECT_EQ(refusal(R"({"exp":1700000001,"iss":"me","aud":["x","a"]})", rules), "");
  const std::string mismatch = "error validating claims: aud claim does not match any bound audience";
  EXPECT_EQ(refusal(R"({"exp":1700000001,"iss":"me","aud":["x"]})", rules), mismatch);
  EXPECT_EQ(refusal(R"({"exp":1700000001,"iss":"me"})", rules), mismatch);
  EXPECT_EQ(refusal(R"({"exp":1700000001,"iss":"you","aud":"a"})", rules),
            "error validating claims: go-jose/go-jose/jwt: validation failed, invalid issuer claim (iss)");
  EXPECT_EQ(refusal(R"({"exp":1700000001,"aud":"a"})"),
            "error validating claims: audience claim found in JWT but no audiences are bound");
  EXPECT_EQ(refusal(R"({"exp":1700000001,"aud":5})"),
            "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience");
}

TEST(JwtRules, AProvidersTokenSaysWhenItEnds) {
  const auto check = [](const std::string& claims) {
    const Result<> checked = check_id_token(*registered_claims(*read_claims(claims)), "https://i", kNow);
    return checked ? "" : checked.error().detail;
  };
  EXPECT_EQ(check(R"({"iss":"https://i","exp":1700000000})"), "");
  EXPECT_EQ(check(R"({"iss":"https://i","exp":1699999999})"),
            "oidc: token is expired (Token Expiry: 2023-11-14 22:13:19 +0000 UTC)");
  EXPECT_EQ(check(R"({"iss":"https://i"})"), "oidc: token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)");
  EXPECT_EQ(check(R"({"iss":"j","exp":1800000000})"),
            "oidc: id token issued by a different provider, expected \"https://i\" got \"j\"");
  EXPECT_EQ(check(R"({"iss":"https://i","exp":1800000000,"nbf":1700000300})"), "");
  EXPECT_NE(check(R"({"iss":"https://i","exp":1800000000,"nbf":1700000301})"), "");
}

TEST(JwtMapping, ClaimsArePickedByNameAndByPointer) {
  const Result<Claims> claims =
      read_claims(R"({"n":"Jane","num":7.9,"yes":true,"nested":{"role":"admin","a/b":{"~":["x","y"]}},"none":null,)"
                  R"("groups":["g1","",2,false],"one":"g"})");
  ASSERT_TRUE(claims);

  const Result<Picked> picked =
      pick_claims(*claims,
                  {{"n", "name"},
                   {"num", "num"},
                   {"yes", "yes"},
                   {"/nested/role", "role"},
                   {"/nested/a~1b/~0/1", "deep"},
                   {"none", "none"},
                   {"missing", "m"},
                   {"/nested/role/x", "x"},
                   {"/nested/a~1b/~0/2", "far"}},
                  {{"groups", "groups"}, {"one", "one"}, {"/nested/a~1b/~0", "list"}, {"missing", "m"}});

  ASSERT_TRUE(picked) << picked.error().detail;
  EXPECT_EQ(picked->values, (std::map<std::string, std::string>{
                                {"name", "Jane"}, {"num", "7"}, {"yes", "true"}, {"role", "admin"}, {"deep", "y"}}));
  EXPECT_EQ(picked->lists, (std::map<std::string, std::vector<std::string>>{
                               {"groups", {"g1", "2", "false"}}, {"one", {"g"}}, {"list", {"x", "y"}}}));
}

TEST(JwtMapping, ClaimsOfAnotherKindAreErrors) {
  const Result<Claims> claims = read_claims(R"({"map":{"a":1},"list":[1],"mixed":["a",{"b":[2]}]})");
  EXPECT_EQ(pick_claims(*claims, {{"map", "m"}}, {}).error().detail,
            "error converting claim 'map' to string from unknown type map[string]interface {}");
  EXPECT_EQ(pick_claims(*claims, {{"list", "m"}}, {}).error().detail,
            "error converting claim 'list' to string from unknown type []interface {}");
  EXPECT_EQ(pick_claims(*claims, {}, {{"map", "m"}}).error().detail,
            "\"map\" list claim could not be converted to string list");
  EXPECT_EQ(pick_claims(*claims, {}, {{"mixed", "m"}}).error().detail,
            "value map[b:[2]] in \"mixed\" list claim could not be parsed as string");
}

}  // namespace
}  // namespace proconsul::acl::jwt
