// The page that starts a web UI is a template in the language of Go's text/template, as Consul's is; this is the part
// of that language that such pages use.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"

namespace proconsul::ui_proxy {

/// Knows fields (".A.B", "$.A", "."), if / else if / else, range, with, comments, trimmed blanks, and the function
/// jsonEncode. Nothing is escaped, as in Go's. Errc::invalid_argument for what is not a template, or needs more of the
/// language than that.
base::Result<std::string> render_page(std::string_view text, const base::Value& data);
/// As json.MarshalIndent(value, "", "  ") writes it; fit to stand in a page.
std::string page_json(const base::Value& value);

}  // namespace proconsul::ui_proxy
