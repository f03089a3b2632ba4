// gzip as streams: packing on several threads into one member, and a reader that is as strict as Go's.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "raft/stream.h"

namespace proconsul::raft {

/// Cuts what is written into pieces that helper threads compress side by side. The output is an ordinary gzip file.
class GzipSink final : public ByteSink {
 public:
  explicit GzipSink(ByteSink& out);
  ~GzipSink() override;
  base::Result<> write(std::string_view bytes) override;
  /// Without it the output is cut off.
  base::Result<> finish();

 private:
  class Packer;
  base::Result<> hand_over(bool last);

  ByteSink& out_;
  std::unique_ptr<Packer> packer_;
  std::string piece_, before_;  // `before_`: the end of the previous piece, as a dictionary
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;  // modulo 2^32, as the format has it
  bool begun_ = false;
};

/// Errors are Errc::invalid_argument with Go's texts, or the source's own.
class GunzipSource final : public ByteSource {
 public:
  explicit GunzipSource(ByteSource& in);
  ~GunzipSource() override;
  /// Looks at the first header; must be called once, before read().
  base::Result<> open();
  base::Result<std::size_t> read(std::span<char> buffer) override;

 private:
  struct Stream;
  ByteSource& in_;
  std::string buffer_;
  std::unique_ptr<Stream> stream_;
  bool between_ = false, in_ended_ = false, ended_ = false;
};

}  // namespace proconsul::raft
