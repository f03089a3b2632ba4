// Reading what arguments name, with errors in Go's words: "open x: no such file or directory".
#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::cli {

base::Result<std::string> read_file(const std::string& path);

/// Whether the file can be opened for reading.
base::Result<> check_readable(const std::string& path);

bool file_exists(const std::string& path);

std::string read_all(std::istream& in);

/// The data that an argument stands for: @FILE is the file's content, - is all of `in`, anything else is itself.
base::Result<std::string> load_data(const std::string& argument, std::istream& in);

}  // namespace proconsul::agent::cli
