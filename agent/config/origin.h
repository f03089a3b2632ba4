// Where a key got its value, for errors that say only which key is wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.h"
#include "agent/config/source.h"

namespace proconsul::agent::config {

class Origins {
 public:
  /// In the order in which they are merged: what is added later wins.
  void add(Source source, Settings settings);
  void add_flags(Settings settings);

  /// " (web.hcl line 3)" for the key that the error names, " (bootstrap: a.hcl line 1; server: b.hcl line 2)" for
  /// several; empty if it names none that a source has set.
  std::string of(std::string_view error) const;

 private:
  struct Entry {
    Source source{};
    Settings settings{};
  };
  std::vector<Entry> entries_;
};

}  // namespace proconsul::agent::config
