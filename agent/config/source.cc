#include "agent/config/source.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "agent/config/keys.h"
#include "agent/config/locate.h"
#include "base/hcl/hcl.h"
#include "base/json.h"
#include "base/quote.h"

namespace proconsul::agent::config {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Result;
using base::Value;

std::string format_of(std::string_view path) {
  if (path.ends_with(".json")) return "json";
  if (path.ends_with(".hcl")) return "hcl";
  return {};
}

std::string reason(const std::error_code& code) {
  // As Go words the usual ones.
  std::string text = code.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Result<Source> read_file(const std::string& path, const std::string& format) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const std::error_code code(errno, std::generic_category());
    return Error{Errc::invalid_argument, "config: failed to read " + path + ": open " + path + ": " + reason(code)};
  }
  Source source{.name = path, .format = format.empty() ? format_of(path) : format};
  std::string& text = source.text;
  std::vector<char> block(64 << 10);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileSize) {
      return Error{Errc::invalid_argument, "config: failed to read " + path + ": larger than 32 MiB"};
    }
  }
  return source;
}

/// Consul's editions share their files: keys of the other edition are named, and do nothing.
void warn_of_enterprise_keys(const Settings& settings, std::vector<std::string>& warnings) {
  const auto set = [&](std::string_view path) {
    const Value* value = find(settings, path);
    if (value == nullptr) return false;
    if (const std::string* text = value->as_string()) return !text->empty();
    if (const Value::ListType* list = value->as_list()) return !list->empty();
    if (const Value::MapType* map = value->as_map()) return !map->empty();
    return true;
  };
  const auto warn = [&](std::string_view key) {
    warnings.push_back(base::quote(key) + " is a Consul Enterprise configuration and will have no effect");
  };
  if (set("read_replica")) warn("read_replica (or the deprecated non_voting_server)");
  for (std::string_view path :
       {"segment", "segments", "partition", "autopilot.redundancy_zone_tag", "autopilot.upgrade_version_tag",
        "autopilot.disable_upgrade_migration", "dns_config.prefer_namespace", "acl.msp_disable_bootstrap",
        "acl.tokens.managed_service_provider"}) {
    if (set(path)) warn(path);
  }
  const Value* audit = find(settings, "audit.enabled");
  if ((audit != nullptr && *audit->as_bool()) || set("audit.sink")) warn("audit");
  for (std::string_view path : {"license_path", "reporting.license.enabled"}) {
    if (set(path)) warn(path);
  }
}

/// `service` and `check` are one more of `services` and `checks`, behind them.
void gather(Settings& settings, const char* one, const char* many) {
  auto found = settings.find(one);
  if (found == settings.end()) return;
  Value value = std::move(found->second);
  settings.erase(found);
  Value& list = settings[many];
  if (list.as_list() == nullptr) list.make_list();
  list.as_list()->push_back(std::move(value));
}

/// HCL, unless the text is JSON in spite of its name, which HCL's own decoder accepts.
bool is_hcl(const Source& source) {
  const std::size_t start = source.text.find_first_not_of(" \t\r\n\v\f");
  return source.format == "hcl" && (start == std::string::npos || source.text[start] != '{');
}

/// A source's tree or text, to find lines in.
class Lines {
 public:
  explicit Lines(const Source& source) : source_(&source) {}
  Lines(const Source& source, base::hcl::Node file) : source_(&source), file_(std::move(file)) {}

  std::size_t of(std::string_view key) const {
    return file_ ? line_of_hcl_key(*file_, key) : line_of_json_key(source_->text, key);
  }
  std::vector<Repeated> repeated() const {
    return file_ ? repeated_hcl_keys(*file_) : repeated_json_keys(source_->text);
  }
  std::vector<std::size_t> of_elements(std::string_view key) const {
    return file_ ? lines_of_hcl_elements(*file_, key) : lines_of_json_elements(source_->text, key);
  }
  std::string text(std::size_t line) const { return line > 0 ? " line " + std::to_string(line) : ""; }

 private:
  const Source* source_;
  std::optional<base::hcl::Node> file_{};
};

void note_origins(Settings& settings, const Source& source, const Lines& lines) {
  for (const char* one : {"service", "check"}) {
    if (auto found = settings.find(one); found != settings.end()) {
      set(*found->second.as_map(), kOrigin, source.name + lines.text(lines.of(one)));
    }
    const std::string many = std::string(one) + "s";
    const auto found = settings.find(many);
    if (found == settings.end()) continue;
    const std::vector<std::size_t> places = lines.of_elements(many);
    std::size_t next = 0;
    for (Value& element : *found->second.as_list()) {
      const std::size_t line = next < places.size() ? places[next++] : 0;
      if (element.as_map() == nullptr) element.make_map();
      set(*element.as_map(), kOrigin, source.name + lines.text(line));
    }
  }
}

}  // namespace

std::string error_list(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return "1 error occurred:\n\t* " + errors[0] + "\n\n";
  std::string out = std::to_string(errors.size()) + " errors occurred:\n";
  for (const std::string& error : errors) out += "\t* " + error + "\n";
  return out + "\n";
}

Result<std::vector<Source>> sources_from_path(const std::string& path, const std::string& format,
                                              std::vector<std::string>& warnings) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (code) {
    return Error{Errc::invalid_argument, "config: Open failed on " + path + ". open " + path + ": " + reason(code)};
  }
  std::vector<Source> sources;
  const auto readable = [&](const std::string& name) { return !format.empty() || !format_of(name).empty(); };
  if (!fs::is_directory(status)) {
    if (!readable(path)) {
      return Error{Errc::invalid_argument,
                   "file " + path + " has unknown extension; must be .hcl or .json, or config format must be set"};
    }
    Result<Source> source = read_file(path, format);
    if (!source) return source.error();
    sources.push_back(std::move(*source));
    return sources;
  }

  std::vector<fs::path> entries;
  fs::directory_iterator directory(path, code);
  for (; !code && directory != fs::directory_iterator(); directory.increment(code))
    entries.push_back(directory->path().lexically_normal());
  if (code) return Error{Errc::invalid_argument, "config: Readdir failed on " + path + ". " + reason(code)};
  std::sort(entries.begin(), entries.end(),
            [](const fs::path& a, const fs::path& b) { return a.filename().native() < b.filename().native(); });
  for (fs::path entry : entries) {
    if (fs::is_symlink(entry, code)) {
      const std::string link = entry.string();
      entry = fs::canonical(entry, code);
      if (code) return Error{Errc::invalid_argument, "lstat " + link + ": " + reason(code)};
    }
    if (fs::is_directory(entry, code)) continue;
    if (!readable(entry.string())) {
      warnings.push_back("skipping file " + entry.string() +
                         ", extension must be .hcl or .json, or config format must be set");
      continue;
    }
    Result<Source> source = read_file(entry.string(), format);
    if (!source) return source.error();
    sources.push_back(std::move(*source));
  }
  return sources;
}

Result<Settings> read_source(const Source& source, std::vector<std::string>& warnings) {
  const auto fail = [&](const std::string& why) {
    return Error{Errc::invalid_argument, "failed to parse " + source.name + ": " + why};
  };
  const auto at_line = [](std::size_t line) { return line > 0 ? " (line " + std::to_string(line) + ")" : ""; };
  if (source.text.empty()) return Settings();
  Value::MapType raw;
  Lines lines(source);
  if (is_hcl(source)) {
    Result<base::hcl::Node> parsed = base::hcl::parse(source.text);
    if (!parsed) return fail(parsed.error().detail);
    Result<Value::MapType> values = base::hcl::decode(*parsed);
    if (!values) return fail(values.error().detail);
    raw = std::move(*values);
    lines = Lines(source, std::move(*parsed));
  } else if (source.format == "json" || source.format == "hcl") {
    Result<> read = base::read_json(source.text, raw);
    if (!read) return fail(read.error().detail + at_line(line_of_json_error(source.text)));
  } else {
    return fail("invalid format: " + source.format);
  }

  Decoded decoded = decode_settings(raw);
  if (!decoded.wrong.empty()) {
    std::string text = std::to_string(decoded.wrong.size()) + " error(s) decoding:\n";
    for (const WrongValue& wrong : decoded.wrong) text += "\n* " + wrong.text + at_line(lines.of(wrong.key));
    return fail(text);
  }
  std::vector<std::string> unknown;
  for (const std::string& key : decoded.unknown) {
    if (key == "acl_enforce_version_8") {
      warnings.push_back("config key " + base::quote(key) + " is deprecated and should be removed");
    } else if (key.starts_with("audit.sink[") && key.ends_with("].name")) {
      warnings.push_back("config key audit.sink[].name is deprecated and should be removed");
    } else {
      unknown.push_back("invalid config key " + key + at_line(lines.of(key)));
    }
  }
  if (!unknown.empty()) return fail(error_list(unknown));
  for (const Repeated& repeated : lines.repeated()) {
    warnings.push_back(source.name + ": " + repeated.key + " is given twice, in lines " +
                       std::to_string(repeated.first_line) + " and " + std::to_string(repeated.line) +
                       "; the later value counts");
  }

  note_origins(decoded.settings, source, lines);
  warn_of_enterprise_keys(decoded.settings, warnings);
  for (std::string& warning : decoded.warnings) warnings.push_back(std::move(warning));
  gather(decoded.settings, "check", "checks");
  gather(decoded.settings, "service", "services");
  return std::move(decoded.settings);
}

std::size_t line_of_key(const Source& source, std::string_view key) {
  if (!is_hcl(source)) return source.text.empty() ? 0 : line_of_json_key(source.text, key);
  const Result<base::hcl::Node> file = base::hcl::parse(source.text);
  return file ? line_of_hcl_key(*file, key) : 0;
}

}  // namespace proconsul::agent::config
