// The web UI's own files, packed into the binary: of the folder site/, written into this form by embed.py at build.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace proconsul::ui_proxy {

struct SiteFile {
  std::string_view name;    // below the content path: "assets/main.js"
  std::string_view packed;  // by gzip
  std::string_view tag;     // of the content, as ETag has it: with its quotes
  std::size_t size;         // unpacked
};

/// Sorted by name.
std::span<const SiteFile> site_files();
/// Null if there is none of that name.
const SiteFile* find_site_file(std::string_view name);
/// Whether it is a folder of such files: "assets".
bool is_site_folder(std::string_view name);
std::string unpacked(const SiteFile& file);

}  // namespace proconsul::ui_proxy
