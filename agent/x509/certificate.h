// Keys, certificates and signing requests of the mesh: what is in them, and how they are made. All texts are PEM.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace proconsul::agent::x509 {

/// "0a:1b:2c"
std::string colon_hex(std::string_view bytes);

/// What is in a certificate.
struct Facts {
  std::string fingerprint{};                         // SHA-1 of all of it, colon_hex
  std::string subject_key_id{}, authority_key_id{};  // colon_hex; empty: there is none
  std::uint64_t serial{};                            // the low 64 bits of it
  std::string serial_text{};                         // colon_hex
  base::Time not_before{}, not_after{};
  bool is_authority{};
  std::vector<std::string> uris{};
  std::string key_type{};  // "ec" or "rsa"
  int key_bits{};
};
/// Of the first certificate of a text. Errors: "no PEM-encoded data found", "unsupported key type" and the like.
base::Result<Facts> read_certificate(const std::string& pem);

/// `type` is "ec" (224, 256, 384, 521 bits) or "rsa" (2048 and more).
base::Result<std::string> generate_key(std::string_view type, std::int64_t bits);
/// An error if it is none.
base::Result<> check_key(const std::string& pem);

/// What a signing request asks for. Who made it has the key: its signature was checked.
struct Asked {
  std::vector<std::string> uris{}, dns_names{}, emails{};
  std::vector<std::string> addresses{};  // 4 or 16 bytes each
  std::string subject{};                 // DER
  std::string public_key{};              // DER, with its algorithm
};
base::Result<Asked> read_request(const std::string& pem);

struct Names {
  std::string uri{};
  std::vector<std::string> dns_names{};     // without ports; each counts once
  std::vector<std::string> ip_addresses{};  // as text
};
/// A request for the key; for_authority: of a certificate that signs others.
base::Result<std::string> make_request(const std::string& key, const Names& names, bool for_authority);

/// How a certificate is numbered, and how long it holds.
struct Terms {
  std::uint64_t serial{};
  base::Time from{};
  base::Time to{};
};

/// A certificate that signs itself and others.
base::Result<std::string> make_root(const std::string& key, const std::string& common_name, const std::string& uri,
                                    const Terms& terms);

/// A certificate with its key, by which others are signed. Any thread.
class Signer {
 public:
  /// Errors: those of reading both, and that they do not belong together.
  static base::Result<std::shared_ptr<const Signer>> create(const std::string& certificate, const std::string& key);
  ~Signer();
  const Facts& facts() const;

  /// For a service or an agent: no authority, and good for both ends of a connection.
  base::Result<std::string> sign_leaf(const Asked& asked, const Terms& terms) const;
  /// An authority that signs leaves only.
  base::Result<std::string> sign_intermediate(const Asked& asked, const Terms& terms) const;
  /// Another root as this one vouches for it.
  base::Result<std::string> cross_sign(const std::string& root, const Terms& terms) const;

 private:
  struct Native;
  explicit Signer(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

/// Whether `root` vouches for `intermediate`.
base::Result<> verify_issued(const std::string& intermediate, const std::string& root);
/// Whether a certificate is of this private key.
base::Result<bool> belongs(const std::string& certificate, const std::string& key);

}  // namespace proconsul::agent::x509
