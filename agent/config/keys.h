// Every key that a configuration file may hold, declared once: its type, its default, whether a reload changes it, and
// which part of the agent it belongs to.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace proconsul::agent::config {

enum class KeyType : std::uint8_t {
  boolean,
  integer,
  unsigned_integer,
  number,
  text,
  text_list,
  text_map,
  text_list_map,
  free_map,  // keys of their own, any values
  free_map_list,
  object,  // keys of this table
  object_list,
  object_map,  // any key, then keys of this table
};

enum class Use : std::uint8_t {
  user,
  internal,    // whatever a file says is overwritten
  enterprise,  // accepted with a warning, without effect
  deprecated,  // another name took its place: deprecated.cc
};

/// Which part of the agent gives a key its effect. Those that are not built are in support.cc.
enum class Owner : std::uint8_t { core, dns, servers, acl, security, mesh, ui, telemetry, cloud };

struct Key {
  std::string_view path;  // "ports.http", "service.proxy.upstreams[].config", "audit.sink.<key>.path"
  KeyType type{};
  std::string_view initial{};      // default, as a file would write it; empty: none, or it depends on others (build.cc)
  std::string_view development{};  // default with -dev where it differs
  bool reloadable{};
  Use use{};
  Owner owner{};
  std::string_view like{};   // an object with the same keys as the one at that path
  std::string_view alias{};  // a further name
};

std::span<const Key> keys();

/// The keys of one object.
class Group {
 public:
  struct Member {
    const Key* key{};
    const Group* group{};  // of an object, object_list or object_map
  };
  using Members = std::map<std::string, Member, std::less<>>;
  /// By name, without the path that leads here.
  const Members& members() const { return members_; }
  /// In any letter case, or by alias; null if there is none.
  const Member* find(std::string_view name) const;

 private:
  friend class Schema;
  Members members_;
  std::map<std::string, std::string, std::less<>> aliases_;  // lower case, to the name
};

/// The keys of a file.
const Group& root_group();
/// The key at a path without list and map marks, "service.proxy.upstreams.config"; null if there is none.
const Group::Member* find_key(std::string_view path);

}  // namespace proconsul::agent::config
