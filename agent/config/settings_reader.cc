#include "agent/config/settings_reader.h"

#include "agent/config/build_network.h"
#include "agent/config/template.h"
#include "base/quote.h"
#include "base/result.h"

namespace proconsul::agent::config {

using base::Result;

List<std::string> SettingsReader::expanded(const std::string& path) const {
  List<std::string> out;
  out.make_present();
  for (const std::string& item : texts(path)) {
    if (item.empty()) continue;
    Result<std::string> result = expand_template(item, host_);
    if (!result) {
      errors_.push_back(path + ": error parsing " + base::quote(item) + ": " + result.error().detail);
    } else if (*result == item) {
      out.push_back(item);
    } else {
      for (std::string& word : words_of(*result)) out.push_back(std::move(word));
    }
  }
  return out;
}

std::string trimmed(std::string text) {
  const char* spaces = " \t\r\n\v\f";
  text.erase(0, text.find_first_not_of(spaces));
  const std::size_t last = text.find_last_not_of(spaces);
  text.resize(last == text.npos ? 0 : last + 1);
  return text;
}

}  // namespace proconsul::agent::config
