#include "catalog/registry/instance_row.h"

namespace proconsul::catalog {

namespace {
std::atomic<std::size_t> remembered{0};
}  // namespace

base::Ref<const SharedText> SharedText::make(std::string_view text) {
  remembered.fetch_add(text.size(), std::memory_order_relaxed);
  const std::string listed = std::string(text) + ',';
  return base::Ref<const SharedText>::adopt(new (detail::allocate_row(sizeof(SharedText), listed))
                                                SharedText(text.size()));
}

void SharedText::destroy(const SharedText* text) {
  remembered.fetch_sub(text->size_, std::memory_order_relaxed);
  detail::free_row(text);
}

std::size_t InstanceRow::remembered_bytes() {
  return remembered.load(std::memory_order_relaxed);
}

InstanceRow::~InstanceRow() {
  base::Ref<const SharedText>::drop(health_json_.load(std::memory_order_acquire));
  base::Ref<const SharedText>::drop(catalog_json_.load(std::memory_order_acquire));
}

const SharedText* InstanceRow::remember(Form form, std::string_view json) const {
  if (remembered_bytes() + json.size() > kMaxRememberedBytes) return nullptr;
  base::Ref<const SharedText> fresh = SharedText::make(json);
  const SharedText* kept = nullptr;
  if (slot(form).compare_exchange_strong(kept, fresh.get(), std::memory_order_acq_rel)) return fresh.detach();
  return kept;
}

void InstanceRow::inherit_catalog_json(const InstanceRow& old) const {
  auto text = base::Ref<const SharedText>::share(old.json(Form::catalog));
  catalog_json_.store(text.detach(), std::memory_order_release);
}

}  // namespace proconsul::catalog
