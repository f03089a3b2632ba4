#include "agent/http/responder.h"

#include "agent/http/worker.h"

namespace proconsul::agent::http {

namespace {

void reply_through(Door& door, std::uint64_t connection, Reply reply) {
  const std::lock_guard lock(door.mutex);
  if (door.worker != nullptr) door.worker->reply_later(connection, std::move(reply));
}

}  // namespace

Responder::Responder(Worker& worker, std::uint64_t connection) : door_(worker.door()), connection_(connection) {}

Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  std::swap(door_, other.door_);
  std::swap(connection_, other.connection_);
  return *this;
}

Responder::~Responder() {
  if (door_.get() != nullptr) reply_through(*door_, connection_, text(500, "the request was given up"));
}

void Responder::send(Reply reply) {
  const base::Ref<Door> door = std::move(door_);
  if (door.get() != nullptr) reply_through(*door, connection_, std::move(reply));
}

void Responder::send(base::Result<Reply> reply) {
  send(reply ? std::move(*reply) : failure(reply.error()));
}

Responder make_responder(Worker& worker, std::uint64_t connection) {
  return Responder(worker, connection);
}

}  // namespace proconsul::agent::http
