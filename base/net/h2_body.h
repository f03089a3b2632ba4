// What waits on an HTTP/2 stream until the peer's windows have room for it: pieces, uncopied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace proconsul::base::net {

class H2Body {
 public:
  using Piece = std::shared_ptr<const std::string>;

  void add(Piece piece);
  /// Moves as much as there is, at most `size` bytes, and lets go of pieces that are done.
  std::size_t read(std::uint8_t* buffer, std::size_t size);
  /// Bytes that wait.
  std::size_t unsent() const { return unsent_; }

 private:
  std::vector<Piece> pieces_{};  // from first_ on
  std::size_t first_ = 0;
  std::size_t sent_ = 0;  // of the first
  std::size_t unsent_ = 0;
};

}  // namespace proconsul::base::net
