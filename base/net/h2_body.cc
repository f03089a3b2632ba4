#include "base/net/h2_body.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace proconsul::base::net {

void H2Body::add(Piece piece) {
  if (piece->empty()) return;
  unsent_ += piece->size();
  pieces_.push_back(std::move(piece));
  constexpr std::size_t kDoneBeforeMoving = 32;
  if (first_ > kDoneBeforeMoving && first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::size_t H2Body::read(std::uint8_t* buffer, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size && first_ < pieces_.size()) {
    const std::string& piece = *pieces_[first_];
    const std::size_t part = std::min(size - filled, piece.size() - sent_);
    std::memcpy(buffer + filled, piece.data() + sent_, part);
    filled += part;
    sent_ += part;
    if (sent_ < piece.size()) continue;
    pieces_[first_++].reset();
    sent_ = 0;
  }
  unsent_ -= filled;
  if (first_ == pieces_.size()) {
    pieces_ = {};  // a stream that says nothing keeps nothing
    first_ = 0;
  }
  return filled;
}

}  // namespace proconsul::base::net
