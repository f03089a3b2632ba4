#include "agent/http/reply.h"

namespace proconsul::agent::http {

void Body::append(std::string_view copied) {
  if (copied.empty()) return;
  // Neighbouring copies grow one slice: separators and short rows would otherwise each cost an entry in writev.
  if (!pieces_.empty() && !pieces_.back().data && pieces_.back().offset + pieces_.back().size == own_.size()) {
    pieces_.back().size += copied.size();
  } else {
    pieces_.push_back({nullptr, own_.size(), copied.size()});
  }
  own_ += copied;
  size_ += copied.size();
}

void Body::append_borrowed(std::string_view bytes) {
  if (bytes.empty()) return;
  pieces_.push_back({bytes.data(), 0, bytes.size()});
  size_ += bytes.size();
}

std::string_view Body::piece(std::size_t index) const {
  const Piece& piece = pieces_[index];
  return {piece.data ? piece.data : own_.data() + piece.offset, piece.size};
}

std::string Body::flat() const {
  std::string text;
  text.reserve(size_);
  for (std::size_t i = 0; i < pieces_.size(); ++i) text += piece(i);
  return text;
}

bool Body::same_bytes(const Body& other) const {
  if (size_ != other.size_) return false;
  std::size_t mine = 0, theirs = 0;
  std::string_view a, b;
  for (;;) {
    if (a.empty()) {
      if (mine == pieces()) return true;
      a = piece(mine++);
    }
    if (b.empty()) b = other.piece(theirs++);
    const std::size_t common = std::min(a.size(), b.size());
    if (a.substr(0, common) != b.substr(0, common)) return false;
    a.remove_prefix(common);
    b.remove_prefix(common);
  }
}

void Reply::header(std::string_view name, std::string_view value) {
  headers += name;
  headers += ": ";
  // A line break in a value would let its author write headers of their own; Go replaces it by a blank.
  for (char c : value) headers += c == '\r' || c == '\n' ? ' ' : c;
  headers += "\r\n";
}

Reply json(Body body) {
  return {.body = std::move(body)};
}

Reply empty() {
  return {};
}

Reply text(int status, std::string message) {
  return {.status = status, .type = content::kText, .body = std::move(message)};
}

/// What servers refuse for its rate says so in the text alone.
static bool is_too_much(std::string_view text) {
  return text.find("rate limit exceeded, try again later or against a different server") != std::string_view::npos ||
         text.find("RPC rate limit exceeded") != std::string_view::npos ||
         text == "Rate limit reached, try again later";
}

static int status_of(const base::Error& error) {
  switch (error.code) {
    case base::Errc::invalid_argument:
      return 400;
    case base::Errc::unauthorized:
      return 401;
    case base::Errc::permission_denied:
      return 403;
    case base::Errc::not_found:
      return 404;
    case base::Errc::conflict:
      return 409;
    case base::Errc::too_large:
      return 413;
    case base::Errc::unavailable:
      return 503;
    case base::Errc::internal:
      return is_too_much(error.detail) ? 429 : 500;
    case base::Errc::no_leader:
    case base::Errc::not_leader:
    case base::Errc::timeout:
    case base::Errc::cancelled:
    case base::Errc::corrupt:
    case base::Errc::eof:
      return 500;
  }
  return 500;
}

Reply failure(const base::Error& error) {
  if (!error.detail.empty()) return text(status_of(error), error.detail);
  const bool leaderless = error.code == base::Errc::no_leader || error.code == base::Errc::not_leader;
  return text(status_of(error), leaderless ? "No cluster leader" : "An unexpected error occurred");
}

}  // namespace proconsul::agent::http
