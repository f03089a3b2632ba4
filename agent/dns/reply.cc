#include "agent/dns/reply.h"

#include <algorithm>
#include <bit>

namespace proconsul::agent::dns {
namespace {

constexpr std::size_t kPlainUdp = 512;
constexpr std::size_t kMaxUdp = 65535 - 68;  // the IP header at its largest, and UDP's
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kMaxTcp = 65523;
constexpr std::size_t kMaxUdpAnswers = 8;  // to clients without EDNS, whatever udp_answer_limit says
constexpr std::size_t kMaxTcpAnswers = 4096;
constexpr std::size_t kMaxTcpServiceAnswers = 1024;
constexpr std::size_t kFarOver = 100;     // from here on a best fit is looked for; below, one answer is dropped
constexpr std::size_t kLeastRecord = 16;  // bytes of an answer: a pointer, ten of the head, four of data

std::size_t udp_limit(const Query& query) {
  if (!query.edns || query.udp_size <= kPlainUdp) return kPlainUdp;
  return std::min<std::size_t>(query.udp_size, kMaxUdp);
}

std::uint32_t hash(const NameRef& name) {
  std::uint32_t value = 2166136261U;
  for (std::size_t i = 0; i < name.size(); ++i)
    value = (value ^ static_cast<unsigned char>(lower(name.at(i)))) * 16777619U;
  return value;
}

}  // namespace

std::size_t most_answers(const Settings& settings, Transport transport, const Query& query) {
  if (transport == Transport::tcp) return query.type == kTypeSrv ? kMaxTcpServiceAnswers : kMaxTcpAnswers;
  const std::size_t limit = udp_limit(query);
  if (limit == kPlainUdp) {
    return std::max<std::size_t>(std::min(kMaxUdpAnswers, settings.udp_answer_limit), 1);
  }
  return (limit + kFarOver) / kLeastRecord + 1;
}

void Reply::clear() {
  rcode = kNoError;
  authoritative = true;
  more = false;
  answers.clear();
  authorities.clear();
  additional.clear();
  kept.clear();
}

std::string_view Reply::keep(std::string text) {
  auto held = std::make_shared<const std::string>(std::move(text));
  const std::string_view view = *held;
  kept.push_back(std::move(held));
  return view;
}

// Writes as much as the plan says; returns the size, or something above the limit as soon as it is passed.
std::size_t ReplyWriter::encode(const Plan& plan, std::size_t limit) {
  if (plan.synced) sync();
  encoded_ = plan;
  encoded_size_ = limit + 1;
  writer_.start(plan.compress);
  if (query_->has_question) writer_.question(*query_);
  const std::size_t over = limit + 1;
  written_ = 0;
  for (; written_ < plan.answers; ++written_) {
    if (!writer_.record(reply_->answers[written_]) || writer_.size() > limit) return over;
  }
  for (const Record& record : reply_->authorities) {
    if (!writer_.record(record) || writer_.size() > limit) return over;
  }
  std::size_t extras = 0;
  if (plan.synced) {
    extras = plan.answers == 0 ? 0 : synced_until_[plan.answers - 1];
    for (std::size_t i = 0; i < extras; ++i) {
      if (!writer_.record(*synced_[i]) || writer_.size() > limit) return over;
    }
  } else {
    extras = reply_->additional.size();
    for (const Record& record : reply_->additional) {
      if (!writer_.record(record) || writer_.size() > limit) return over;
    }
  }
  const std::uint16_t kept = query_->is_query() ? kRecursionDesired | kCheckingDisabled : 0;
  std::uint16_t flags = kResponse | (query_->flags & kOpcodeMask) | (query_->flags & kept) | reply_->rcode;
  if (reply_->authoritative) flags |= kAuthoritative;
  if (!settings_->recursors.empty()) flags |= kRecursionAvailable;
  writer_.finish(query_->id, flags,
                 {.questions = static_cast<std::uint16_t>(query_->has_question ? 1 : 0),
                  .answers = static_cast<std::uint16_t>(plan.answers),
                  .authorities = static_cast<std::uint16_t>(reply_->authorities.size()),
                  .additional = static_cast<std::uint16_t>(extras)});
  encoded_size_ = writer_.size();
  return encoded_size_;
}

const Record* ReplyWriter::find_additional(const NameRef& name) const {
  std::size_t slot = hash(name) & (index_.size() - 1);
  while (index_[slot] != nullptr && !same_letters(index_[slot]->owner, name)) slot = (slot + 1) & (index_.size() - 1);
  return index_[slot];
}

// The additional records that SRV answers point to, each once: the first of its name, and where that is an alias what
// it leads to.
void ReplyWriter::sync() {
  if (std::exchange(is_synced_, true)) return;
  synced_.clear();
  synced_until_.clear();
  index_.assign(std::bit_ceil(reply_->additional.size() * 2 + 1), nullptr);
  for (const Record& record : reply_->additional) {
    std::size_t slot = hash(record.owner) & (index_.size() - 1);
    while (index_[slot] != nullptr && !same_letters(index_[slot]->owner, record.owner)) {
      slot = (slot + 1) & (index_.size() - 1);
    }
    if (index_[slot] == nullptr) index_[slot] = &record;
  }
  std::vector<bool> taken(reply_->additional.size());
  for (const Record& answer : reply_->answers) {
    if (answer.type == kTypeSrv) {
      const Record* record = find_additional(answer.target);
      while (record != nullptr) {
        auto&& seen = taken[static_cast<std::size_t>(record - reply_->additional.data())];
        if (seen) break;
        seen = true;
        synced_.push_back(record);
        record = record->type == kTypeCname ? find_additional(record->target) : nullptr;
      }
    }
    synced_until_.push_back(static_cast<std::uint32_t>(synced_.size()));
  }
}

// The largest number of answers (of plan.answers at most) whose message is within the limit.
std::size_t ReplyWriter::best_fit(Plan plan, std::size_t limit) {
  const std::size_t most = plan.answers;
  // How many fit without what they point to is found in one go; from there it is not far.
  encode({.answers = most, .synced = true, .compress = plan.compress}, limit);
  std::size_t low = 0;                                            // fits
  std::size_t high = written_ == most ? most + 1 : written_ + 1;  // does not
  if (synced_.empty()) return written_;
  std::size_t guess = std::max<std::size_t>(high / 2, 1);
  while (high - low > 1) {
    if (encode({.answers = guess, .synced = true, .compress = plan.compress}, limit) <= limit) {
      low = guess;
    } else {
      high = guess;
    }
    guess = low + (high - low) / 2;
  }
  return low;
}

bool ReplyWriter::trim_udp(Plan& plan) {
  const std::size_t limit = udp_limit(*query_);
  const std::size_t all = plan.answers;
  const bool has_additional = !reply_->additional.empty();
  const std::size_t most = std::min(kMaxUdpAnswers, settings_->udp_answer_limit);
  if (limit == kPlainUdp && (all > most || (all == most && reply_->more))) {
    // Sizes count as if names were not compressed: some servers on the way undo that.
    plan.compress = false;
    plan.answers = most;
    plan.synced = has_additional;
  }
  while (plan.answers > 1) {
    const std::size_t size = encode(plan, limit + kFarOver);
    if (size <= limit - kUdpHeader) break;
    reply_->authorities.clear();
    const bool far = size > limit + kFarOver;
    plan.synced = has_additional;
    plan.answers = far ? best_fit(plan, limit) : plan.answers - 1;
  }
  plan.compress = settings_->compress;
  return reply_->more || plan.answers < all;
}

bool ReplyWriter::trim_tcp(Plan& plan) {
  const std::size_t most = query_->type == kTypeSrv ? kMaxTcpServiceAnswers : kMaxTcpAnswers;
  plan.answers = std::min(plan.answers, most);
  const bool has_additional = !reply_->additional.empty();
  bool cut = false;
  while (plan.answers > 1) {
    const std::size_t size = encode(plan, kMaxTcp + kFarOver);
    if (size <= kMaxTcp) break;
    cut = true;
    reply_->authorities.clear();
    plan.synced = has_additional;
    plan.answers = size > kMaxTcp + kFarOver ? best_fit(plan, kMaxTcp) : plan.answers - 1;
  }
  return cut;
}

std::size_t ReplyWriter::write(const Settings& settings, Transport transport, const Query& query, Reply& reply,
                               bool trim, std::span<char> out) {
  settings_ = &settings;
  query_ = &query;
  reply_ = &reply;
  out_ = out;
  writer_.use(out);
  is_synced_ = false;
  encoded_.reset();
  Plan plan{.answers = reply.answers.size(), .synced = false, .compress = settings.compress};
  bool cut = false;
  if (trim) cut = transport == Transport::udp ? trim_udp(plan) : trim_tcp(plan);
  // What still does not fit loses its additional records, from the last on.
  const std::size_t limit = transport == Transport::udp ? udp_limit(query) : kMaxTcp;
  // Mostly the last attempt was the one that fits.
  const bool done = encoded_ && *encoded_ == plan && encoded_size_ <= limit;
  std::size_t size = done ? encoded_size_ : encode(plan, kMaxTcp);
  while (trim && size > limit) {
    auto& extras = reply.additional;
    if (plan.synced) {
      if (synced_.empty() || plan.answers == 0 || synced_until_[plan.answers - 1] == 0) break;
      synced_until_[plan.answers - 1] = synced_until_[plan.answers - 1] - 1;
    } else {
      const auto last =
          std::find_if(extras.rbegin(), extras.rend(), [](const Record& r) { return r.type != kTypeOpt; });
      if (last == extras.rend()) break;
      extras.erase(std::next(last).base());
    }
    size = encode(plan, kMaxTcp);
  }
  if (size > kMaxTcp) {  // a single answer beyond any message: say so without it
    plan.answers = 0;
    cut = true;
    reply.additional.clear();
    reply.authorities.clear();
    plan.synced = false;
    size = encode(plan, kMaxTcp);
  }
  if (cut && settings.enable_truncate) out[2] = static_cast<char>(out[2] | (kTruncated >> 8));
  return size;
}

}  // namespace proconsul::agent::dns
