#include "agent/config/origin.h"

#include <algorithm>
#include <cctype>

#include "agent/config/keys.h"

namespace proconsul::agent::config {
namespace {

bool in_key(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

/// Errors that speak of a key without its name.
struct Phrase {
  std::string_view text;
  std::string_view key;
};
constexpr Phrase kPhrases[] = {
    {"server-port must", "ports.server"},
    {"serf-lan-port must", "ports.serf_lan"},
    {"proxy_min_port must", "ports.proxy_min_port"},
    {"sidecar_min_port must", "ports.sidecar_min_port"},
    {"expose_min_port must", "ports.expose_min_port"},
    {"ui-content-path", "ui_config.content_path"},
    {"Advertise address cannot", "advertise_addr"},
    {"Advertise WAN address cannot", "advertise_addr_wan"},
    {"DNS address cannot", "addresses.dns"},
    {"DNS recursor address", "recursors"},
    {"DNS Recursors cannot", "recursors"},
    {"Invalid DNS recursor template", "recursors"},
    {"Network segments", "segment"},
    {"is not a valid CA provider", "connect.ca_provider"},
    {"enable-script-checks", "enable_script_checks"},
    {"locality is invalid", "locality"},
};
// Listeners as Consul calls them when two share an address.
constexpr Phrase kListeners[] = {
    {"DNS", "ports.dns"},
    {"HTTP", "ports.http"},
    {"HTTPS", "ports.https"},
    {"RPC Advertise", "ports.server"},
    {"Serf Advertise LAN", "ports.serf_lan"},
    {"Serf Advertise WAN", "ports.serf_wan"},
};

/// The keys of the table that an error names. A single word such as "server" is also English, so it counts only at the
/// beginning or in quotes.
std::vector<std::string> keys_in(std::string_view error) {
  std::vector<std::string> found;
  const auto add = [&](std::string_view key) {
    if (find_key(key) != nullptr && std::ranges::find(found, key) == found.end()) found.emplace_back(key);
  };
  for (const Phrase& phrase : kPhrases) {
    if (error.find(phrase.text) != error.npos) add(phrase.key);
  }
  for (const Phrase& listener : kListeners) {
    const std::string name(listener.text);
    if (error.find(" already configured for ") == error.npos) break;
    if (error.starts_with(name + " address ") || error.ends_with(" for " + name)) add(listener.key);
  }
  for (std::size_t at = 0; at < error.size();) {
    if (!in_key(error[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < error.size() && in_key(error[end])) ++end;
    std::string_view word = error.substr(at, end - at);
    const bool plain = at > 0 && error[at - 1] != '\'' && error[at - 1] != '`' && word.find_first_of("_.") == word.npos;
    at = end;
    while (word.ends_with('.')) word.remove_suffix(1);
    if (!plain) add(word);
  }
  return found;
}

}  // namespace

void Origins::add(Source source, Settings settings) {
  entries_.push_back({std::move(source), std::move(settings)});
}

void Origins::add_flags(Settings settings) {
  entries_.push_back({{.name = "command line"}, std::move(settings)});
}

std::string Origins::of(std::string_view error) const {
  std::vector<std::string> keys, places;
  for (const std::string& key : keys_in(error)) {
    const auto entry = std::find_if(entries_.rbegin(), entries_.rend(),
                                    [&](const Entry& e) { return find(e.settings, key) != nullptr; });
    if (entry == entries_.rend()) continue;
    const std::size_t line = line_of_key(entry->source, key);
    keys.push_back(key);
    places.push_back(entry->source.name + (line > 0 ? " line " + std::to_string(line) : ""));
  }
  if (keys.empty()) return {};
  if (keys.size() == 1) return " (" + places[0] + ")";
  std::string out;
  for (std::size_t i = 0; i < keys.size(); ++i) out += (i > 0 ? "; " : " (") + keys[i] + ": " + places[i];
  return out + ")";
}

}  // namespace proconsul::agent::config
