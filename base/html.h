// Text in HTML.
#pragma once

#include <string>
#include <string_view>

namespace proconsul::base {

/// What Go's html.EscapeString makes of the text: it can stand between tags and in a quoted attribute.
std::string escape_html(std::string_view text);

}  // namespace proconsul::base
