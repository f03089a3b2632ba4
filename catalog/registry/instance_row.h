// One service instance as queries by name find it, with what was encoded of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ref.h"
#include "catalog/registry/rows.h"

namespace proconsul::catalog {

/// JSON text that many answers share. In memory a comma follows it: a list sends both in one piece.
class SharedText : public base::RefCounted {
 public:
  static base::Ref<const SharedText> make(std::string_view text);
  static void destroy(const SharedText* text);
  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), size_}; }

 private:
  explicit SharedText(std::size_t size) : size_(static_cast<std::uint32_t>(size)) {}
  ~SharedText() = default;
  std::uint32_t size_;
};

/// What readers of any version have found out about an instance. It is replaced whenever its node, its service or a
/// check of either changes; so what was computed from one version that holds this row is true in every other, too.
class InstanceRow : public base::RefCounted {
 public:
  enum class Health : std::uint8_t { unknown, passing, warning, critical };
  enum class Form : std::uint8_t { health, catalog };  // CheckServiceNode, ServiceNode

  explicit InstanceRow(base::Ref<const ServiceRow> service) : service_(std::move(service)) {}
  ~InstanceRow();
  InstanceRow(const InstanceRow&) = delete;
  InstanceRow& operator=(const InstanceRow&) = delete;

  const ServiceRow& service() const { return *service_; }
  base::Ref<const ServiceRow> share_service() const { return service_; }

  // Any thread, any number at a time.
  /// Worst status of its checks and its node's; unknown until somebody looked. (What is neither passing nor critical
  /// counts as warning.)
  Health health() const { return health_.load(std::memory_order_relaxed); }
  void remember(Health health) const { health_.store(health, std::memory_order_relaxed); }
  /// Null until somebody encoded it; lives as long as the row.
  const SharedText* json(Form form) const { return slot(form).load(std::memory_order_acquire); }
  /// Keeps the text unless another thread was faster or the budget for such texts is used up; returns what is kept,
  /// null if nothing is.
  const SharedText* remember(Form form, std::string_view json) const;
  /// For the row that comes in place of this one when only a check changed.
  void inherit_catalog_json(const InstanceRow& old) const;

  /// Bytes of all texts kept; above the limit no more are kept.
  static std::size_t remembered_bytes();
  static constexpr std::size_t kMaxRememberedBytes = std::size_t{96} << 20;

 private:
  std::atomic<const SharedText*>& slot(Form form) const { return form == Form::health ? health_json_ : catalog_json_; }

  mutable std::atomic<Health> health_{Health::unknown};
  base::Ref<const ServiceRow> service_;
  mutable std::atomic<const SharedText*> health_json_{nullptr};
  mutable std::atomic<const SharedText*> catalog_json_{nullptr};
};

}  // namespace proconsul::catalog
