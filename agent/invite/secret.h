// What the secret of an invitation is good for: it proves who redeems it, and opens what was sealed for him. Servers
// keep no more of it than a digest, by which nothing can be opened.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace proconsul::agent::invite {

inline constexpr std::size_t kSecretSize = 32;  // bytes

std::string new_secret(base::Random& random);
/// What is shown to the primary's servers, as hexadecimal text.
std::string proof_of(std::string_view secret);
/// What they keep of that.
std::string digest_of(std::string_view proof);

/// `about` is bound to it: opening needs the same. Base64.
std::string seal(std::string_view secret, std::string_view about, std::string_view plain, base::Random& random);
/// Errors: it was sealed by another secret, for something else, or is damaged.
base::Result<std::string> open(std::string_view secret, std::string_view about, std::string_view sealed);

}  // namespace proconsul::agent::invite
