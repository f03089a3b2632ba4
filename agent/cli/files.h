// Reading and writing whole files, with errors in Go's words: "open x: no such file or directory".
#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proconsul::agent::cli {

base::Result<std::string> read_file(const std::string& path);

/// Whether the file can be opened for reading.
base::Result<> check_readable(const std::string& path);

/// Writes a file of `mode` under another name, syncs it and renames it, so that nobody ever sees half of it.
base::Result<> write_file_atomically(const std::string& path, std::string_view content, unsigned mode);

bool file_exists(const std::string& path);

std::string read_all(std::istream& in);

/// The data that an argument stands for: @FILE is the file's content, - is all of `in`, anything else is itself.
base::Result<std::string> load_data(const std::string& argument, std::istream& in);

}  // namespace proconsul::agent::cli
