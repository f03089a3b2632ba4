// What tests of what follows from config entries share: entries as the API answers them, and a store that applies them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "catalog/config_entry/entries.h"
#include "catalog/registry/registry_fixture.h"
#include "catalog/registry/settings.h"

namespace proconsul::catalog::testing_support {

inline std::shared_ptr<ConfigEntry> entry_from(std::string_view kind, std::string_view json) {
  std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
  const ConfigKind* known = entry->kind;
  const base::Result<> read = base::read_json(json, known->type(), entry.get());
  EXPECT_TRUE(read) << read.error().detail;
  entry->kind = known;
  entry->Kind = kind;
  return entry;
}

class EntryFixture : public RegistryFixture {
 protected:
  /// Empty, or why not.
  std::string write(std::string_view kind, std::string_view json) { return change("upsert", entry_from(kind, json)); }
  std::string erase(std::string_view kind, std::string_view name) {
    std::shared_ptr<ConfigEntry> entry = *make_config_entry(kind);
    entry->Kind = kind;
    entry->Name = name;
    return change("delete", std::move(entry));
  }
  void set_metadata(std::string key, std::string value) {
    SystemMetadataRequest request;
    request.Op = "upsert";
    request.Entry.emplace().Key = std::move(key);
    request.Entry->Value = std::move(value);
    store.writer().begin_command(++index);
    ASSERT_TRUE(apply_system_metadata(store.writer(), std::move(request)));
    store.commit();
  }

 private:
  std::string change(std::string op, std::shared_ptr<ConfigEntry> entry) {
    ConfigEntryRequest request;
    request.Op = std::move(op);
    request.Entry = std::move(entry);
    store.writer().begin_command(++index);
    const auto done = apply_config_entry(store.writer(), std::move(request));
    store.commit();
    return done ? "" : done.error().detail;
  }
};

}  // namespace proconsul::catalog::testing_support
