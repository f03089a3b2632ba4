// How index keys are made: parts in lower case, each ended by a zero byte, so that "web" is no prefix of "web2".
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace proconsul::catalog {

std::string lower_case(std::string_view text);

/// As a whole it is the key of one row; with fewer parts than the index has, the prefix of all rows that share them.
std::string index_key(std::initializer_list<std::string_view> parts);

}  // namespace proconsul::catalog
