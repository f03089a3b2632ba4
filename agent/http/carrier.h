// What bears a connection that has no socket of its own: a stream of HTTP/2. On the connection's loop.
#pragma once

#include <cstddef>
#include <string_view>

namespace proconsul::agent::http {

class Carrier {
 public:
  virtual ~Carrier() = default;
  /// An answer as HTTP/1.1 writes it, its head in one call, a body of unknown length without the frame of chunks. Takes
  /// as much as there is room for, and calls Connection::drained() when there is room again.
  virtual std::size_t write(std::string_view bytes) = 0;
  /// The connection would hear more of its request now.
  virtual void listen() = 0;
  /// The answer is whole; the connection ends.
  virtual void finish() = 0;
  /// The connection ends, because its request is none.
  virtual void refuse() = 0;
  /// The connection ends within its answer, or without one.
  virtual void abandon() = 0;
};

}  // namespace proconsul::agent::http
