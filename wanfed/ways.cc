#include "wanfed/ways.h"

#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "base/type.h"

namespace proconsul::wanfed {

using base::Errc;
using base::Result;

namespace {

constexpr std::size_t kMostFileBytes = std::size_t{4} << 20;

/// The file's form.
struct KeptGateways {
  base::List<std::string> Lan{};
  base::List<std::string> Wan{};
};
PROCONSUL_DECLARE_TYPE(KeptGateways)
PROCONSUL_DESCRIBE_TYPE(KeptGateways, "wanfed.KeptGateways") {
  type.field("Lan", &KeptGateways::Lan);
  type.field("Wan", &KeptGateways::Wan);
}

struct Kept {
  base::Map<KeptGateways> Datacenters{};
  base::List<std::string> Local{};
  base::List<std::string> Primary{};
};
PROCONSUL_DECLARE_TYPE(Kept)
PROCONSUL_DESCRIBE_TYPE(Kept, "wanfed.Kept") {
  type.field("Datacenters", &Kept::Datacenters);
  type.field("Local", &Kept::Local);
  type.field("Primary", &Kept::Primary);
}

base::List<std::string> list(const Addresses& addresses) {
  base::List<std::string> out(addresses.begin(), addresses.end());
  out.make_present();
  return out;
}
Addresses addresses(const base::List<std::string>& list) {
  return {list.begin(), list.end()};
}

}  // namespace

Ways::Ways(Options options) : options_(std::move(options)), locator_(options_.locator, *options_.random) {
  if (options_.file.empty()) return;
  Result<std::string> text = base::read_file(options_.file, kMostFileBytes);
  if (!text) {
    if (text.error().code != Errc::not_found) {
      log_.warn("the last known mesh gateways cannot be read", {{"error", text.error()}});
    }
    return;
  }
  Kept kept;
  if (Result<> read = base::read_json(*text, kept); !read) {
    log_.warn("the last known mesh gateways cannot be read", {{"file", options_.file}, {"error", read.error()}});
    return;
  }
  Knowledge remembered{.local = addresses(kept.Local), .primary = addresses(kept.Primary)};
  for (const auto& [datacenter, gateways] : kept.Datacenters) {
    remembered.states[datacenter] = {.lan = addresses(gateways.Lan), .wan = addresses(gateways.Wan)};
  }
  locator_.remember(std::move(remembered));
  written_ = std::move(*text);
}

/// Under the lock. What is remembered is not needed to go on: a full disk is no reason to stop.
void Ways::changed() {
  locator_.learn(known_);
  if (options_.file.empty()) return;
  const Knowledge memory = locator_.memory();
  Kept kept{.Local = list(memory.local), .Primary = list(memory.primary)};
  for (const auto& [datacenter, gateways] : memory.states) {
    kept.Datacenters.insert_or_assign(datacenter, KeptGateways{.Lan = list(gateways.lan), .Wan = list(gateways.wan)});
  }
  std::string text = base::to_json(kept);
  if (text == written_) return;
  if (Result<> written = base::write_file_atomically(options_.file, text, 0600, false); !written) {
    return log_.warn("the mesh gateways cannot be remembered", {{"error", written.error()}});
  }
  written_ = std::move(text);
}

void Ways::learn_states(std::map<std::string, Gateways, std::less<>> states, Addresses local) {
  const std::lock_guard lock(mutex_);
  if (states == known_.states && local == known_.local) return;
  known_.states = std::move(states);
  known_.local = std::move(local);
  changed();
}

void Ways::learn_primary(Addresses addresses) {
  const std::lock_guard lock(mutex_);
  if (addresses == known_.primary) return;
  known_.primary = std::move(addresses);
  changed();
}

void Ways::expect(std::set<std::string> datacenters) {
  const std::lock_guard lock(mutex_);
  locator_.expect(std::move(datacenters));
}

std::optional<Way> Ways::pick(std::string_view datacenter) {
  const std::lock_guard lock(mutex_);
  return locator_.pick(datacenter);
}

bool Ways::knows_way(std::string_view datacenter) const {
  const std::lock_guard lock(mutex_);
  return locator_.knows_way(datacenter);
}

bool Ways::outdated(std::string_view datacenter, std::string_view gateway) const {
  const std::lock_guard lock(mutex_);
  return locator_.outdated(datacenter, gateway);
}

void Ways::reached(const Way& way, bool answered) {
  const std::lock_guard lock(mutex_);
  const bool returned = answered && !locator_.has_way(way.datacenter);
  locator_.reached(way, answered, options_.clock->now());
  if (!answered) ++failures_;
  if (returned) ++returns_[way.datacenter];
}

std::uint64_t Ways::returns(const std::string& datacenter) const {
  const std::lock_guard lock(mutex_);
  const auto found = returns_.find(datacenter);
  return found == returns_.end() ? 0 : found->second;
}

std::vector<Way> Ways::due() {
  const std::lock_guard lock(mutex_);
  return locator_.due(options_.clock->now());
}

std::vector<WayState> Ways::survey() const {
  const std::lock_guard lock(mutex_);
  return locator_.survey();
}

std::uint64_t Ways::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace proconsul::wanfed
