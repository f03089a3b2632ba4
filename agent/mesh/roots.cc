#include "agent/mesh/roots.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/rpc/types.h"
#include "base/random.h"

namespace proconsul::agent::mesh {

using base::Result;

namespace {

constexpr std::chrono::milliseconds kLastRetry{60'000};

/// A second and twice as long each time, up to a minute, and up to as long again: not all agents at once.
std::chrono::milliseconds retry_after(unsigned failures) {
  const auto wait = std::min(kLastRetry, std::chrono::milliseconds(500) * (1 << std::min(failures, 8u)));
  return wait + std::chrono::milliseconds(base::system_random().below(static_cast<std::uint64_t>(wait.count())));
}

}  // namespace

std::string active_key(const rpc::IndexedCARoots& roots) {
  const auto active = std::ranges::find_if(roots.Roots, [](const auto& root) { return root && root->Active; });
  return active == roots.Roots.end() ? std::string() : (*active)->SigningKeyID;
}

std::string text_of(const rpc::IndexedCARoots& roots) {
  std::string text;
  for (const auto& root : roots.Roots) {
    if (!root) continue;
    text += root->RootCert;
    if (!text.ends_with('\n')) text += '\n';
  }
  return text;
}

Roots::Roots(rpc::Caller& caller, base::net::Loop& loop, std::string datacenter)
    : caller_(caller), loop_(loop), datacenter_(std::move(datacenter)) {}

void Roots::get(Got got) {
  if (known_) return got(known_);
  waiting_.push_back(std::move(got));
  ask();
}

void Roots::begin_with(rpc::IndexedCARoots roots) {
  known_ = std::make_shared<const rpc::IndexedCARoots>(std::move(roots));
  ask();
}

void Roots::stop() {
  stopped_ = true;
  waiting_.clear();
  changed_ = nullptr;
}

void Roots::ask() {
  if (std::exchange(asking_, true)) return;
  rpc::DCSpecificRequest request{};
  request.Datacenter = datacenter_;
  request.MinQueryIndex = known_ ? known_->Index : 0;
  rpc::ask<rpc::DCSpecificRequest, rpc::IndexedCARoots>(caller_, loop_, "ConnectCA.Roots", std::move(request),
                                                        [weak = weak_from_this()](Result<rpc::IndexedCARoots> roots) {
                                                          if (const auto self = weak.lock(); self && !self->stopped_)
                                                            self->answered(std::move(roots));
                                                        });
}

void Roots::answered(Result<rpc::IndexedCARoots> roots) {
  asking_ = false;
  std::vector<Got> waiting = std::exchange(waiting_, {});
  if (!roots) {
    if (!std::exchange(pausing_, true)) {
      loop_.after(retry_after(failures_++), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        self->pausing_ = false;
        self->ask();
      });
    }
    for (Got& got : waiting) got(roots.error());
    return;
  }
  failures_ = 0;
  const bool changed = !known_ || known_->Index != roots->Index;
  known_ = std::make_shared<const rpc::IndexedCARoots>(std::move(*roots));
  ask();
  for (Got& got : waiting) got(known_);
  if (changed && changed_) changed_();
}

}  // namespace proconsul::agent::mesh
