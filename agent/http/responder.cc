#include "agent/http/responder.h"

#include "agent/http/worker.h"

namespace proconsul::agent::http {

Responder::Responder(Worker& worker, std::uint64_t connection) : worker_(&worker), connection_(connection) {}

Responder::Responder(Responder&& other) noexcept
    : worker_(std::exchange(other.worker_, nullptr)), connection_(other.connection_) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  std::swap(worker_, other.worker_);
  std::swap(connection_, other.connection_);
  return *this;
}

Responder::~Responder() {
  if (worker_) worker_->reply_later(connection_, text(500, "the request was given up"));
}

void Responder::send(Reply reply) {
  if (Worker* worker = std::exchange(worker_, nullptr)) worker->reply_later(connection_, std::move(reply));
}

void Responder::send(base::Result<Reply> reply) {
  send(reply ? std::move(*reply) : failure(reply.error()));
}

Responder make_responder(Worker& worker, std::uint64_t connection) {
  return Responder(worker, connection);
}

}  // namespace proconsul::agent::http
