// Owners of OpenSSL's objects that more than one place handles. For .cc files alone: it brings OpenSSL's headers.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/free_with.h"

namespace proconsul::base::openssl {

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using BigNumber = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

}  // namespace proconsul::base::openssl
