// The files of a web UI of the user's own (ui_config.dir), and what kind of content files have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::ui_proxy {

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
inline constexpr std::string_view kHtml = "text/html; charset=utf-8";

/// By the ending of a file's name; empty if it says nothing.
std::string_view type_of_name(std::string_view name);
/// By the first bytes.
std::string_view type_of_content(std::string_view content);

class UserFolder {
 public:
  struct Entry {
    std::string path{};
    bool is_folder = false;
    std::string modified{};  // as Last-Modified has it

    /// Up to 64 MiB.
    base::Result<std::string> read() const;
    /// A page of links to what is in the folder, as Go's file server makes it.
    std::string listing() const;
  };

  explicit UserFolder(const std::string& path) : path_(path) {}
  /// A file or a folder of that clean relative name; what is neither is nothing.
  std::optional<Entry> find(std::string_view name) const;
  /// Whether it is a folder.
  bool has(std::string_view name) const;

 private:
  const std::string& path_;
};

}  // namespace proconsul::ui_proxy
