// The probe round: one member after the other is pinged, directly, then through others and over TCP (gossip.md A6).
#include <utility>

#include "gossip/swim/core.h"

namespace proconsul::gossip::swim {

using base::Duration;
using base::Result;
using base::log::Level;

namespace {

constexpr std::uint8_t kProtocolWithStreamPings = 3;
constexpr std::uint8_t kProtocolWithNacks = 4;

}  // namespace

void Core::probe_next() {
  if (left_) return;
  for (std::size_t seen = 0; seen < members_.size();) {
    if (probe_place_ >= members_.size()) {
      members_.reap_and_shuffle(
          [&](const Member& member) {
            return is_gone(member) && &member != self_ &&
                   now_ - member.state_since > config_.timing.gossip_to_the_dead_time;
          },
          random_);
      probe_place_ = 0;
      ++seen;
      continue;
    }
    const Member& member = members_[probe_place_++];
    if (&member != self_ && !is_gone(member)) {
      probe(member);
      return;
    }
    ++seen;
  }
}

void Core::probe(const Member& member) {
  const Duration interval = awareness_.scale(config_.timing.probe_interval);
  if (awareness_.score() > 0) ++counts_.degraded_probes;
  probe_ = Probe{.sequence = ++sequence_,
                 .node = member.name,
                 .incarnation = member.incarnation,
                 .sent = now_,
                 .end = now_ + interval};
  arm(now_ + config_.timing.probe_timeout, Due::probe_timeout, probe_->sequence);
  arm(probe_->end, Due::probe_end, probe_->sequence);

  Ping ping;
  static_cast<Source&>(ping) = source();
  ping.SeqNo = probe_->sequence;
  ping.Node = member.name;
  if (member.state == NodeState::alive) {
    send_with_broadcasts(member.address, MessageType::ping, ping);
  } else {
    // It is told what it is accused of, so that it can refute at once.
    const Suspect accusation{.Incarnation = member.incarnation, .Node = member.name, .From = config_.name};
    send(member.address, swim::join({encode(MessageType::ping, ping), encode(MessageType::suspect, accusation)}),
         &member);
  }
}

void Core::acknowledged(std::string_view payload) {
  // Once others were asked, nobody knows which way the answer came.
  if (!probe_->indirect) {
    if (const Member* member = members_.find(probe_->node); member != nullptr) {
      delegate_->ping_complete(*member, now_ - probe_->sent, payload);
    }
  }
  end_probe(-1);
}

void Core::probe_indirectly(Probe& probe) {
  probe.indirect = true;
  const Member* target = members_.find(probe.node);
  if (target == nullptr) return;
  IndirectPing ping;
  static_cast<Source&>(ping) = source();
  ping.SeqNo = probe.sequence;
  ping.Target = RawAddress(target->address.ip);
  ping.Port = target->address.port;
  ping.Node = target->name;
  const auto helps = [&](const Member& member) {
    return &member != self_ && &member != target && member.state == NodeState::alive;
  };
  for (const Member* helper : pick(static_cast<std::size_t>(config_.timing.indirect_checks), helps)) {
    ping.Nack = helper->versions[1] >= kProtocolWithNacks;
    if (ping.Nack) ++probe.expected_nacks;
    send_with_broadcasts(helper->address, MessageType::indirect_ping, ping);
  }
  if (!config_.timing.tcp_pings || target->versions[1] < kProtocolWithStreamPings) return;
  if (config_.far && config_.far(target->name)) return;  // its packets are on streams already
  probe.stream = open(Role::ping, target->address, probe.end, [this, sequence = probe.sequence](Result<> answered) {
    if (!probe_ || probe_->sequence != sequence) return;
    probe_->stream = 0;
    if (answered) {
      probe_->over_stream = true;
    } else {
      say(Level::debug, "Failed fallback TCP ping: ", answered.error().detail);
    }
  });
  if (probe.stream == 0) return;
  Ping over_stream;
  static_cast<Source&>(over_stream) = source();
  over_stream.SeqNo = probe.sequence;
  over_stream.Node = target->name;
  Stream& stream = streams_.find(probe.stream)->second;
  stream.sequence = probe.sequence;
  stream.message = encode(MessageType::ping, over_stream);
}

void Core::probe_failed() {
  if (!probe_->indirect) probe_indirectly(*probe_);  // an interval that is shorter than the timeout
  if (probe_->over_stream) {
    say(Level::warn, "Was able to connect to ", probe_->node,
        " over TCP but UDP probes failed, network may be misconfigured");
    return end_probe(-1);
  }
  // Helpers that cannot reach the member either say so. Who hears nothing from them is perhaps alone itself.
  const int doubt = probe_->expected_nacks > 0 ? probe_->expected_nacks - probe_->nacks : 1;
  const Suspect accusation{.Incarnation = probe_->incarnation, .Node = probe_->node, .From = config_.name};
  end_probe(doubt);
  say(Level::info, "Suspect ", accusation.Node, " has failed, no acks received");
  suspect(accusation);
}

void Core::end_probe(int awareness) {
  awareness_.apply(awareness);
  effects_.measurements.push_back(
      {.what = Sampled::probe, .value = static_cast<double>((now_ - probe_->sent).nanoseconds) / 1e6});
  const StreamId stream = probe_->stream;
  probe_.reset();
  if (stream != 0) end_stream(stream, Result<>(base::Errc::timeout, "i/o timeout"));
  if (std::exchange(probe_due_, false)) arm(now_, Due::probe_now);
}

}  // namespace proconsul::gossip::swim
