#include "ui-proxy/user_folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/html.h"
#include "base/net/url.h"

namespace proconsul::ui_proxy {
namespace {

constexpr std::size_t kLargestFile = 64u << 20;
constexpr std::size_t kMostSniffed = 512;

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {".avif", "image/avif"},
    {".css", "text/css; charset=utf-8"},
    {".gif", "image/gif"},
    {".htm", kHtml},
    {".html", kHtml},
    {".ico", "image/vnd.microsoft.icon"},
    {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".ttf", "font/ttf"},
    {".txt", kPlainText},
    {".wasm", "application/wasm"},
    {".webp", "image/webp"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".xml", "text/xml; charset=utf-8"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string http_time(std::time_t when) {
  tm parts{};
  gmtime_r(&when, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

std::string_view type_of_name(std::string_view name) {
  name = name.substr(name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return {};
  const std::string ending = lower(name.substr(dot));
  for (const auto& [known, type] : kTypes) {
    if (known == ending) return type;
  }
  return {};
}

std::string_view type_of_content(std::string_view content) {
  content = content.substr(0, kMostSniffed);
  const std::string start = lower(content.substr(std::min(content.find_first_not_of(" \t\r\n\f"), content.size())));
  for (const std::string_view tag : {"<!doctype html", "<html"}) {
    if (start.size() > tag.size() && start.starts_with(tag) && (start[tag.size()] == ' ' || start[tag.size()] == '>')) {
      return kHtml;
    }
  }
  const auto is_binary = [](unsigned char c) {
    return c <= 8 || c == 11 || (c >= 14 && c <= 26) || (c >= 28 && c <= 31);
  };
  return std::ranges::any_of(content, is_binary) ? "application/octet-stream" : kPlainText;
}

std::optional<UserFolder::Entry> UserFolder::find(std::string_view name) const {
  if (name.find('\0') != name.npos) return std::nullopt;
  Entry entry{.path = name.empty() ? path_ : path_ + "/" + std::string(name)};
  struct stat about{};
  if (::stat(entry.path.c_str(), &about) != 0) return std::nullopt;
  entry.is_folder = S_ISDIR(about.st_mode);
  if (!entry.is_folder && !S_ISREG(about.st_mode)) return std::nullopt;  // a pipe would have us wait
  entry.modified = http_time(about.st_mtime);
  return entry;
}

bool UserFolder::has(std::string_view name) const {
  const std::optional<Entry> entry = find(name);
  return entry && entry->is_folder;
}

base::Result<std::string> UserFolder::Entry::read() const {
  return base::read_file(path, kLargestFile);
}

std::string UserFolder::Entry::listing() const {
  std::vector<std::string> names;
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  if (const std::unique_ptr<DIR, Close> folder{::opendir(path.c_str())}) {
    while (const dirent* const found = ::readdir(folder.get())) {
      std::string name = found->d_name;
      if (name == "." || name == "..") continue;
      if (found->d_type == DT_DIR) name += '/';
      names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names);
  std::string page = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
  for (const std::string& name : names) {
    page += "<a href=\"";
    if (name.find(':') != name.npos) page += "./";  // or it would be taken for a scheme
    page += base::net::escape_path(name);
    page += "\">";
    page += base::escape_html(name);
    page += "</a>\n";
  }
  return page + "</pre>\n";
}

}  // namespace proconsul::ui_proxy
