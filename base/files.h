// Small files that must be whole or not there at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::base {

/// Errc::not_found if there is none, Errc::too_large above `limit`. Texts as Go's: "open PATH: no such file ...".
Result<std::string> read_file(const std::string& path, std::size_t limit);
/// Under a temporary name beside it, synced, then renamed over `path`: a crash leaves the old or the new content.
/// With `durable` false nothing is synced: after a crash of the machine the file may be the old one.
Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode = 0600,
                               bool durable = true);
/// It is no error if there is none.
Result<> remove_file(const std::string& path);

}  // namespace proconsul::base
