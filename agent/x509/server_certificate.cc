#include "agent/x509/server_certificate.h"

#include <ctime>

#include "agent/x509/native.h"

namespace proconsul::agent::x509 {
namespace {

base::Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? base::from_unix(::timegm(&parts)) : base::Time();
}

}  // namespace

base::Result<ServerCertificate> read_server_certificate(const std::string& pem) {
  const base::Result<Certificate> certificate = certificate_of(pem);
  if (!certificate) return certificate.error();
  X509* native = certificate->get();
  ServerCertificate read{.not_before = time_of(X509_get0_notBefore(native)),
                         .not_after = time_of(X509_get0_notAfter(native))};
  const base::openssl::GeneralNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(native, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    read.names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return read;
}

}  // namespace proconsul::agent::x509
