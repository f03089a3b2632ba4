#include "raft/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kPiece = 256u << 10;
constexpr std::size_t kWindow = 32u << 10;
constexpr std::size_t kUnderWay = 6;  // pieces that are being compressed or wait for their turn to be written
// The records of a state are much alike: the fastest level finds most of what there is to find.
constexpr int kLevel = 1;

Bytef* bytes_of(const std::string& text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

/// The helper threads and the pieces that they work on.
class GzipSink::Packer {
 public:
  struct Piece {
    std::string plain, dictionary, packed;
    bool last = false, done = false, failed = false;
  };

  Packer() {
    const unsigned cores = std::thread::hardware_concurrency();
    for (unsigned i = 0; i < std::clamp(cores, 1u, 3u); ++i) threads_.emplace_back([this] { run(); });
  }
  ~Packer() {
    {
      const std::lock_guard lock(lock_);
      stopping_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void add(std::unique_ptr<Piece> piece) {
    {
      const std::lock_guard lock(lock_);
      todo_.push_back(piece.get());
      pieces_.push_back(std::move(piece));
    }
    work_.notify_one();
  }
  std::size_t under_way() const { return pieces_.size(); }  // the owner alone adds and takes
  /// The oldest piece, compressed; waits for it.
  std::unique_ptr<Piece> take() {
    std::unique_lock lock(lock_);
    done_.wait(lock, [&] { return pieces_.front()->done; });
    std::unique_ptr<Piece> piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  bool oldest_is_done() {
    const std::lock_guard lock(lock_);
    return !pieces_.empty() && pieces_.front()->done;
  }

 private:
  void run() {
    z_stream stream{};
    const bool ready = ::deflateInit2(&stream, kLevel, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    std::unique_lock lock(lock_);
    for (;;) {
      work_.wait(lock, [&] { return stopping_ || !todo_.empty(); });
      if (stopping_) break;
      Piece& piece = *todo_.front();
      todo_.pop_front();
      lock.unlock();
      piece.failed = !ready || !compress(stream, piece);
      lock.lock();
      piece.done = true;
      done_.notify_one();
    }
    ::deflateEnd(&stream);
  }

  // Every piece but the last ends on a byte boundary, without closing the stream: they are simply joined.
  static bool compress(z_stream& stream, Piece& piece) {
    ::deflateReset(&stream);
    if (!piece.dictionary.empty()) {
      ::deflateSetDictionary(&stream, bytes_of(piece.dictionary), static_cast<uInt>(piece.dictionary.size()));
    }
    piece.packed.resize(::deflateBound(&stream, piece.plain.size()) + 64);
    stream.next_in = bytes_of(piece.plain);
    stream.avail_in = static_cast<uInt>(piece.plain.size());
    stream.next_out = bytes_of(piece.packed);
    stream.avail_out = static_cast<uInt>(piece.packed.size());
    const int result = ::deflate(&stream, piece.last ? Z_FINISH : Z_SYNC_FLUSH);
    if (piece.last ? result != Z_STREAM_END : result != Z_OK || stream.avail_out == 0) return false;
    piece.packed.resize(piece.packed.size() - stream.avail_out);
    return true;
  }

  std::mutex lock_;
  std::condition_variable work_, done_;
  std::deque<std::unique_ptr<Piece>> pieces_;
  std::deque<Piece*> todo_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

GzipSink::GzipSink(ByteSink& out) : out_(out), packer_(std::make_unique<Packer>()) {
  piece_.reserve(kPiece);
}
GzipSink::~GzipSink() = default;

Result<> GzipSink::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kPiece - piece_.size());
    piece_ += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (piece_.size() == kPiece) {
      if (Result<> handed = hand_over(false); !handed) return handed;
    }
  }
  return {};
}

Result<> GzipSink::hand_over(bool last) {
  if (!std::exchange(begun_, true)) {
    using namespace std::string_view_literals;
    if (Result<> written = out_.write("\x1f\x8b\x08\0\0\0\0\0\0\xff"sv); !written) return written;
  }
  crc_ = static_cast<std::uint32_t>(::crc32(crc_, bytes_of(piece_), static_cast<uInt>(piece_.size())));
  size_ += static_cast<std::uint32_t>(piece_.size());
  auto piece = std::make_unique<Packer::Piece>();
  piece->dictionary = std::exchange(before_, piece_.substr(piece_.size() - std::min(kWindow, piece_.size())));
  piece->plain = std::exchange(piece_, {});
  piece->last = last;
  packer_->add(std::move(piece));
  piece_.reserve(kPiece);
  while (packer_->under_way() > (last ? 0 : kUnderWay) || packer_->oldest_is_done()) {
    const std::unique_ptr<Packer::Piece> done = packer_->take();
    if (done->failed) return {Errc::unavailable, "no memory to compress"};
    if (Result<> written = out_.write(done->packed); !written) return written;
  }
  return {};
}

Result<> GzipSink::finish() {
  if (Result<> handed = hand_over(true); !handed) return handed;
  std::string end;
  for (const std::uint32_t word : {crc_, size_}) {
    for (int i = 0; i < 4; ++i) end += static_cast<char>(word >> (8 * i));
  }
  return out_.write(end);
}

// ---- Reading ----

namespace {
Error invalid(std::string detail) {
  return {Errc::invalid_argument, std::move(detail)};
}
}  // namespace

struct GunzipSource::Stream {
  z_stream z{};
  bool ready = ::inflateInit2(&z, 15 + 16) == Z_OK;
  ~Stream() { ::inflateEnd(&z); }
};

GunzipSource::GunzipSource(ByteSource& in) : in_(in), buffer_(64u << 10, '\0'), stream_(std::make_unique<Stream>()) {}
GunzipSource::~GunzipSource() = default;

Result<> GunzipSource::open() {
  constexpr std::size_t kHeader = 10;
  std::size_t size = 0;
  while (size < kHeader) {
    Result<std::size_t> got = in_.read(std::span(buffer_).subspan(size));
    if (!got) return got.error();
    if (*got == 0) return invalid(size == 0 ? "EOF" : "unexpected EOF");
    size += *got;
  }
  if (!buffer_.starts_with("\x1f\x8b\x08")) return invalid("gzip: invalid header");
  stream_->z.next_in = bytes_of(buffer_);
  stream_->z.avail_in = static_cast<uInt>(size);
  return {};
}

// Like Go's reader it goes on with further members, and refuses anything else behind one.
Result<std::size_t> GunzipSource::read(std::span<char> buffer) {
  z_stream& z = stream_->z;
  if (!stream_->ready) return Error{Errc::unavailable, "no memory to decompress"};
  if (ended_) return std::size_t{0};
  z.next_out = reinterpret_cast<Bytef*>(buffer.data());
  z.avail_out = static_cast<uInt>(buffer.size());
  while (z.avail_out == buffer.size()) {
    if (z.avail_in == 0 && !in_ended_) {
      Result<std::size_t> got = in_.read(buffer_);
      if (!got) return got.error();
      in_ended_ = *got == 0;
      z.next_in = bytes_of(buffer_);
      z.avail_in = static_cast<uInt>(*got);
    }
    if (z.avail_in == 0 && in_ended_) {
      if (!between_) return invalid("unexpected EOF");
      ended_ = true;
      return std::size_t{0};
    }
    const bool fresh = std::exchange(between_, false);
    const int result = ::inflate(&z, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      ::inflateReset(&z);
      between_ = true;
    } else if (result == Z_DATA_ERROR || result == Z_NEED_DICT) {
      const std::string_view why = z.msg != nullptr ? z.msg : "";
      if (fresh || why.find("header") != why.npos || why.find("method") != why.npos)
        return invalid("gzip: invalid header");
      if (why.find("incorrect") != why.npos) return invalid("gzip: invalid checksum");
      return invalid("flate: corrupt input");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Error{Errc::internal, "decompression failed"};
    }
  }
  return buffer.size() - z.avail_out;
}

}  // namespace proconsul::raft
