#include "agent/dns/image.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "agent/tokens/readable.h"
#include "catalog/query/instances.h"
#include "catalog/registry/lookup.h"
#include "catalog/store/key.h"

namespace proconsul::agent::dns {
namespace {

using catalog::InstanceRow;

/// Numbers equal texts equally.
class Numbers {
 public:
  std::uint32_t of(std::string text) { return known_.emplace(std::move(text), size()).first->second; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(known_.size()); }

 private:
  std::unordered_map<std::string, std::uint32_t> known_{};
};

std::string address_key(std::string_view ip) {
  return std::string("@").append(ip);
}

bool fits(Want want, bool v6) {
  return want == Want::any || v6 == (want == Want::aaaa);
}

// Counts the different addresses of what passes and of everything.
void count(const Image& image, Selection& selection) {
  for (std::size_t want = 0; want < kWants; ++want) {
    std::unordered_set<std::uint32_t> seen;
    for (std::uint32_t i = selection.begin; i < selection.end; ++i) {
      if (i == selection.passing_end) selection.addresses[1][want] = static_cast<std::uint32_t>(seen.size());
      const std::uint32_t group = image.members[image.order[i]].group[want];
      if (group != Image::kNoGroup) seen.insert(group);
    }
    selection.addresses[0][want] = static_cast<std::uint32_t>(seen.size());
    if (selection.passing_end == selection.end) selection.addresses[1][want] = selection.addresses[0][want];
  }
}

// Negative entries would be cheap to fill a cache with, so only what exists is kept; the service's tree is asked first.
std::string cache_key(const ServiceKey& key, const std::string& prefix) {
  std::string text(1, key.connect ? 'c' : 's');
  text += prefix;
  text += key.datacenter;
  return text;
}

}  // namespace

const Selection* Image::with_tag(std::string_view tag) const {
  const auto found = std::lower_bound(tags.begin(), tags.end(), tag,
                                      [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  return found != tags.end() && found->first == tag ? &found->second : nullptr;
}

void ImageBuilder::add(std::shared_ptr<const Instance> instance, const InstanceRow* row, bool passing,
                       const base::List<std::string>& tags) {
  Added added{.member = {}, .passing = passing, .tags = {}};
  added.member.instance = std::move(instance);
  added.member.row = row;
  for (const std::string& tag : tags) added.tags.push_back(catalog::lower_case(tag));
  added_.push_back(std::move(added));
}

ImagePtr ImageBuilder::build() {
  auto image = std::make_shared<Image>();
  std::vector<Added> sorted;
  for (const bool passing_ones : {true, false}) {
    for (Added& added : added_) {
      if (added.passing == passing_ones) sorted.push_back(std::move(added));
    }
  }
  added_.clear();
  Numbers numbers;
  std::map<std::string, std::vector<std::uint32_t>> by_tag;
  std::uint32_t passing = 0;
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    Added& added = sorted[i];
    const Instance& instance = *added.member.instance;
    for (std::size_t want = 0; want < kWants; ++want) {
      const Endpoint& endpoint = instance.endpoint(static_cast<Want>(want));
      added.member.group[want] = added.member.node_group[want] = Image::kNoGroup;
      if (endpoint.kind == Endpoint::Kind::host) {
        image->has_hosts = true;
        if (endpoint.has_node_ip && fits(static_cast<Want>(want), endpoint.node_v6)) {
          added.member.node_group[want] =
              numbers.of(address_key({endpoint.node_ip.data(), endpoint.node_v6 ? 16U : 4U}));
        }
      } else if (endpoint.kind != Endpoint::Kind::none && fits(static_cast<Want>(want), endpoint.v6)) {
        added.member.group[want] = numbers.of(address_key(endpoint.bytes()));
      }
    }
    added.member.identity = numbers.of("#" + instance.identity);
    for (const std::string& tag : added.tags) {
      auto& list = by_tag[tag];
      if (list.empty() || list.back() != i) list.push_back(i);
    }
    if (added.passing) passing = i + 1;
    image->order.push_back(i);
    image->memory += instance.memory() + sizeof(Image::Member) + 2 * sizeof(std::uint32_t);
    image->members.push_back(std::move(added.member));
  }
  image->groups = numbers.size();
  const auto size = static_cast<std::uint32_t>(image->members.size());
  image->all = {.begin = 0, .passing_end = passing, .end = size, .addresses = {}};
  count(*image, image->all);
  for (const auto& [tag, list] : by_tag) {
    Selection selection;
    selection.begin = static_cast<std::uint32_t>(image->order.size());
    for (const std::uint32_t i : list) {
      image->order.push_back(i);
      if (i < passing) selection.passing_end = static_cast<std::uint32_t>(image->order.size());
    }
    selection.passing_end = std::max(selection.passing_end, selection.begin);
    selection.end = static_cast<std::uint32_t>(image->order.size());
    count(*image, selection);
    image->memory += sizeof(selection) + tag.capacity() + list.size() * sizeof(std::uint32_t);
    image->tags.emplace_back(tag, selection);
  }
  image->memory += sizeof(Image);
  return image;
}

ImagePtr Images::get(const catalog::Tables& tables, const Settings& settings, const ServiceKey& key,
                     const tokens::Who* who) {
  const std::string prefix = catalog::index_key({catalog::peer_part(key.peer), key.service});
  const auto& tree = key.connect ? tables.connect_instances : tables.instances;
  const std::string name = cache_key(key, prefix);
  const std::shared_ptr<const tokens::Permissions> permissions = who != nullptr ? who->permissions : nullptr;
  ImagePtr before;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) {
      before = found->second.image;
      if (found->second.permissions == permissions && tree.has_same(found->second.part, prefix)) {
        by_use_.splice(by_use_.end(), by_use_, found->second.place);
        return before;
      }
    }
  }
  // Not under the lock: two threads may do the same work, and others need not wait for it.
  ImagePtr image = make(tables, settings, key, prefix, who, before);
  base::RadixCore::Part part = tree.part(prefix);
  base::RadixCore::Part old;  // let go of after the lock
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(name); found != entries_.end()) {
    bytes_ -= found->second.image->memory;
    old = std::move(found->second.part);
    by_use_.erase(found->second.place);
    entries_.erase(found);
  }
  if (!image || image->memory > max_bytes_ / 4) return image;
  bytes_ += image->memory;
  entries_.emplace(name, Entry{image, std::move(part), permissions, by_use_.insert(by_use_.end(), name)});
  while (bytes_ > max_bytes_) drop_oldest();
  return image;
}

void Images::drop_oldest() {
  const auto found = entries_.find(by_use_.front());
  bytes_ -= found->second.image->memory;
  entries_.erase(found);
  by_use_.pop_front();
}

ImagePtr Images::make(const catalog::Tables& tables, const Settings& settings, const ServiceKey& key,
                      const std::string& prefix, const tokens::Who* who, const ImagePtr& before) {
  using Health = InstanceRow::Health;
  // Rows are replaced when anything about them changes: an instance whose row is still there is as it was.
  std::unordered_map<const InstanceRow*, std::shared_ptr<const Instance>> known;
  if (before) {
    for (const Image::Member& member : before->members) known.emplace(member.row, member.instance);
  }
  ImageBuilder builder;
  bool any = false;
  for (const auto [path, row] : (key.connect ? tables.connect_instances : tables.instances).prefix(prefix)) {
    if (who != nullptr && !tokens::is_readable(*who, *row)) continue;
    any = true;
    const Health health = catalog::health(tables, *row);
    if (health == Health::critical) continue;
    std::shared_ptr<const Instance> instance;
    if (const auto found = known.find(row); found != known.end()) {
      instance = found->second;
    } else {
      instance = std::make_shared<const Instance>(
          make_instance(settings, catalog::check_service_node(tables, *row), key.datacenter));
    }
    builder.add(std::move(instance), row, health == Health::passing, catalog::service_tags(row->service()));
  }
  return any ? builder.build() : nullptr;
}

void Images::clear() {
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> old;
  const std::lock_guard lock(mutex_);
  old.swap(entries_);
  by_use_.clear();
  bytes_ = 0;
}

std::size_t Images::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace proconsul::agent::dns
