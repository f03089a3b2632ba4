#include "ui-proxy/site_files.h"

#include <zlib.h>

#include <algorithm>

namespace proconsul::ui_proxy {

const SiteFile* find_site_file(std::string_view name) {
  const std::span<const SiteFile> all = site_files();
  const auto found = std::ranges::lower_bound(all, name, {}, &SiteFile::name);
  return found != all.end() && found->name == name ? &*found : nullptr;
}

bool is_site_folder(std::string_view name) {
  return std::ranges::any_of(site_files(), [&](const SiteFile& file) {
    return file.name.size() > name.size() && file.name.starts_with(name) && file.name[name.size()] == '/';
  });
}

std::string unpacked(const SiteFile& file) {
  std::string out(file.size, '\0');
  z_stream stream{};
  constexpr int kGzipFraming = 16;
  if (inflateInit2(&stream, MAX_WBITS + kGzipFraming) != Z_OK) return {};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.packed.data()));
  stream.avail_in = static_cast<uInt>(file.packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return ended == Z_STREAM_END ? out : std::string();
}

}  // namespace proconsul::ui_proxy
