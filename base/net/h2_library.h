// What the codecs of both sides need of nghttp2; for their .cc files only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/h2_fields.h"
#include "base/result.h"

namespace proconsul::base::net::h2 {

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// They point into the fields, which nghttp2 copies.
std::vector<nghttp2_nv> name_values(const H2Fields& fields);

/// Moves frames that are to be sent until `out` has so many bytes. False: the session is broken.
bool take_output(nghttp2_session* session, std::string& out,
                 std::size_t limit = std::numeric_limits<std::size_t>::max());

/// Hands in what came. Errors: "http2: ..." in nghttp2's words.
base::Result<> give_input(nghttp2_session* session, std::string_view data);

}  // namespace proconsul::base::net::h2
