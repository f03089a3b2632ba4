#include "agent/config/keys.h"

#include <cctype>
#include <deque>

namespace proconsul::agent::config {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "audit.sink.<key>.path" and "segments[].port" without what stands for an element.
std::string plain(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size();) {
    if (path.substr(i).starts_with("[]")) {
      i += 2;
    } else if (path.substr(i).starts_with(".<key>")) {
      i += 6;
    } else {
      out += path[i++];
    }
  }
  return out;
}

}  // namespace

class Schema {
 public:
  Schema() {
    groups_.emplace("", Group{});
    for (const Key& key : keys()) add(key);
    for (auto& [path, member] : all_) {
      if (!member->key->like.empty()) member->group = &groups_.at(std::string(member->key->like));
    }
  }

  const Group& root() const { return groups_.at(""); }
  const Group::Member* find(std::string_view path) const {
    auto found = all_.find(path);
    return found == all_.end() ? nullptr : found->second;
  }

 private:
  void add(const Key& key) {
    const std::string path = plain(key.path);
    const std::size_t dot = path.rfind('.');
    const std::string name = dot == path.npos ? path : path.substr(dot + 1);
    Group& parent = groups_.at(dot == path.npos ? "" : path.substr(0, dot));
    Group::Member& member = parent.members_[name];
    member.key = &key;
    if (!key.alias.empty()) parent.aliases_.emplace(key.alias, name);
    if (key.type == KeyType::object || key.type == KeyType::object_list || key.type == KeyType::object_map) {
      member.group = &groups_[path];
    }
    all_.emplace(path, &member);
  }

  std::map<std::string, Group, std::less<>> groups_;
  std::map<std::string, Group::Member*, std::less<>> all_;
};

static const Schema& schema() {
  static const Schema& schema = *new Schema();
  return schema;
}

const Group::Member* Group::find(std::string_view name) const {
  if (auto found = members_.find(name); found != members_.end()) return &found->second;
  const std::string folded = lower(name);
  if (auto alias = aliases_.find(folded); alias != aliases_.end()) return &members_.at(alias->second);
  auto found = members_.find(folded);  // every name is in lower case
  return found == members_.end() ? nullptr : &found->second;
}

const Group& root_group() {
  return schema().root();
}
const Group::Member* find_key(std::string_view path) {
  return schema().find(path);
}

}  // namespace proconsul::agent::config
