#include "agent/dns/message.h"

#include <algorithm>
#include <cstring>

namespace proconsul::agent::dns {
namespace {

constexpr std::uint16_t kOpcodeNotify = 4 << 11;
constexpr std::size_t kMaxPointerTarget = 16384;

// Options of EDNS whose length is bound to a form.
enum Option : std::uint16_t {
  kLongLivedQuery = 1,
  kUpdateLease = 2,
  kClientSubnet = 8,
  kExpire = 9,
  kTcpKeepalive = 11,
  kExtendedError = 15,
};

bool read_subnet(std::string_view option, Query& query) {
  if (option.size() < 4) return false;
  Subnet subnet;
  subnet.family = read16(option, 0);
  subnet.source = static_cast<std::uint8_t>(option[2]);
  const auto scope = static_cast<std::uint8_t>(option[3]);
  if (subnet.family > 2 || (subnet.family == 0 && subnet.source != 0)) return false;
  const std::size_t bits = subnet.family == 1 ? 32 : 128;
  if (subnet.family != 0 && (subnet.source > bits || scope > bits)) return false;
  if (subnet.family != 0) {
    std::memcpy(subnet.address.data(), option.data() + 4, std::min(option.size() - 4, bits / 8));
  }
  if (!query.has_subnet) {
    query.has_subnet = true;
    query.subnet = subnet;
  }
  return true;
}

bool read_options(std::string_view options, Query& query) {
  while (!options.empty()) {
    if (options.size() < 4) return false;
    const std::uint16_t code = read16(options, 0);
    const std::size_t size = read16(options, 2);
    options.remove_prefix(4);
    if (size > options.size()) return false;
    const std::string_view option = options.substr(0, size);
    options.remove_prefix(size);
    switch (code) {
      case kLongLivedQuery:
        if (size < 18) return false;
        break;
      case kUpdateLease:
        if (size != 4 && size != 8) return false;
        break;
      case kClientSubnet:
        if (!read_subnet(option, query)) return false;
        break;
      case kExpire:
        if (size != 0 && size < 4) return false;
        break;
      case kTcpKeepalive:
        if (size != 0 && size != 2) return false;
        break;
      case kExtendedError:
        if (size < 2) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

struct RecordHead {
  std::uint16_t type{}, klass{};
  std::uint32_t ttl{};
  std::string_view data{};
};

// A record whose owner has been read; moves `offset` behind it.
bool read_head(std::string_view message, std::size_t& offset, RecordHead& head) {
  if (message.size() - offset < 10) return false;
  head.type = read16(message, offset);
  head.klass = read16(message, offset + 2);
  head.ttl = std::uint32_t{read16(message, offset + 4)} << 16 | read16(message, offset + 6);
  const std::size_t size = read16(message, offset + 8);
  offset += 10;
  if (message.size() - offset < size) return false;
  head.data = message.substr(offset, size);
  offset += size;
  return true;
}

// Whether the data has the form of its type, as far as questions bring any. Empty data is of every type.
bool is_well_formed(std::string_view message, const RecordHead& head) {
  if (head.data.empty()) return true;
  if (head.type == kTypeA) return head.data.size() == 4;
  if (head.type == kTypeAaaa) return head.data.size() == 16;
  if (head.type != kTypeTsig) return true;
  // RFC 8945: an algorithm and fields, two of which say their size. It may end behind each of them.
  auto at = static_cast<std::size_t>(head.data.data() - message.data());
  message = message.substr(0, at + head.data.size());
  QuestionName algorithm;
  if (!algorithm.read(message, at)) return false;
  constexpr std::size_t kSizes[] = {6, 2, 2, 0, 2, 2, 2, 0};  // 0: as the field before says
  std::size_t said = 0;
  for (const std::size_t size : kSizes) {
    if (at == message.size()) return true;
    const std::size_t taken = size != 0 ? size : said;
    if (message.size() - at < taken) return false;
    if (size == 2) said = read16(message, at);
    at += taken;
  }
  return at == message.size();
}

// Reads past `count` records or to the end of the message, whichever comes first: counts are often wrong.
template <class Visit>
bool read_records(std::string_view message, std::size_t& offset, unsigned count, Visit visit) {
  QuestionName owner;
  for (unsigned i = 0; i < count && offset != message.size(); ++i) {
    RecordHead head;
    if (!owner.read(message, offset) || !read_head(message, offset, head) || !is_well_formed(message, head) ||
        !visit(head)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Parsed parse_query(std::string_view message, Query& query) {
  query.has_question = query.edns = query.has_subnet = false;
  query.type = query.klass = 0;
  if (message.size() < kHeaderSize) return Parsed::ignored;
  query.id = read16(message, 0);
  query.flags = read16(message, 2);
  if (query.flags & kResponse) return Parsed::ignored;
  const std::uint16_t opcode = query.flags & kOpcodeMask;
  if (opcode != 0 && opcode != kOpcodeNotify) return Parsed::not_implemented;
  const unsigned answers = read16(message, 6);
  const unsigned authorities = read16(message, 8);
  const unsigned additional = read16(message, 10);
  if (read16(message, 4) != 1 || answers > 1 || authorities > 1 || additional > 2) return Parsed::form_error;

  std::size_t offset = kHeaderSize;
  if (offset == message.size()) return Parsed::ok;
  if (!query.name.read(message, offset)) return Parsed::form_error;
  // A message that ends here asks for no type, and one that ends behind the type for no class.
  for (std::uint16_t* field : {&query.type, &query.klass}) {
    if (offset == message.size()) break;
    if (message.size() - offset < 2) return Parsed::form_error;
    *field = read16(message, offset);
    offset += 2;
  }
  query.has_question = true;
  const auto pass = [](const RecordHead&) { return true; };
  if (!read_records(message, offset, answers + authorities, pass)) return Parsed::form_error;
  const bool read = read_records(message, offset, additional, [&](const RecordHead& head) {
    if (head.type != kTypeOpt) return true;
    query.edns = true;
    query.udp_size = head.klass;
    query.has_subnet = false;  // the last one counts
    return read_options(head.data, query);
  });
  return read ? Parsed::ok : Parsed::form_error;
}

std::size_t write_refusal(Parsed why, const Query& query, std::span<char> out) {
  constexpr std::uint16_t kKept =
      kTruncated | kRecursionDesired | kRecursionAvailable | kAuthenticData | kCheckingDisabled;
  auto flags = static_cast<std::uint16_t>((query.flags & kKept) | kResponse);
  if (why == Parsed::not_implemented) {
    flags = static_cast<std::uint16_t>(flags | (query.flags & kOpcodeMask) | kNotImplemented);
  } else {
    flags |= kFormError;
  }
  std::memset(out.data(), 0, kHeaderSize);
  const auto put = [&](std::size_t at, std::uint16_t value) {
    out[at] = static_cast<char>(value >> 8);
    out[at + 1] = static_cast<char>(value);
  };
  put(0, query.id);
  put(2, flags);
  if (!query.has_question) return kHeaderSize;
  const std::string_view name = query.name.wire();
  std::memcpy(out.data() + kHeaderSize, name.data(), name.size());
  const std::size_t end = kHeaderSize + name.size();
  put(4, 1);
  put(end, query.type);
  put(end + 2, query.klass);
  return end + 4;
}

// ---- writing ----

void MessageWriter::start(bool compress) {
  for (std::size_t i = 0; i < known_; ++i) slots_[used_[i]] = 0;
  known_ = 0;
  size_ = kHeaderSize;
  compress_ = compress;
}

void MessageWriter::question(const Query& query) {
  name({.head = {}, .tail = query.name.wire()}, true);
  put16(size_, query.type);
  put16(size_ + 2, query.klass);
  size_ += 4;
}

// Whether the name at this offset of the message is the one that ends at `end`, letter by letter.
bool MessageWriter::same_at(std::size_t offset, const char* name, const char* end) const {
  while (name < end) {
    const auto length = static_cast<unsigned char>(out_[offset]);
    if ((length & 0xc0) == 0xc0) {
      offset = (length & 0x3fU) << 8 | static_cast<unsigned char>(out_[offset + 1]);
      continue;
    }
    if (std::memcmp(out_.data() + offset, name, length + std::size_t{1}) != 0) return false;
    offset += length + std::size_t{1};
    name += length + std::size_t{1};
  }
  return true;
}

bool MessageWriter::name(const NameRef& name, bool may_point) {
  const std::size_t size = name.size();
  if (size_ + size > out_.size()) return false;
  // Written out whole first: what turns out to be known is overwritten by a pointer.
  char* const start = out_.data() + size_;
  name.head.copy(start, name.head.size());
  name.tail.copy(start + name.head.size(), name.tail.size());
  if (!compress_ || size == 1) {
    size_ += size;
    return true;
  }
  // The hash of a suffix covers its labels from the last to the first, so that all of them come out of one walk.
  std::array<std::uint8_t, kMaxLabels> starts;
  std::array<std::uint32_t, kMaxLabels> hashes;
  std::size_t labels = 0;
  for (std::size_t at = 0; start[at] != 0; at += static_cast<unsigned char>(start[at]) + 1U) {
    starts[labels++] = static_cast<std::uint8_t>(at);
  }
  std::uint32_t hash = 2166136261U;
  for (std::size_t label = labels; label-- > 0;) {
    const std::size_t end = label + 1 < labels ? starts[label + 1] : size - 1;
    for (std::size_t i = starts[label]; i < end; ++i) hash = (hash ^ static_cast<unsigned char>(start[i])) * 16777619U;
    hashes[label] = hash;
  }
  for (std::size_t label = 0; label < labels; ++label) {
    std::size_t slot = (hashes[label] ^ hashes[label] >> 15) & (kSlots - 1);
    while (slots_[slot] != 0 && !same_at(slots_[slot], start + starts[label], start + size)) {
      slot = (slot + 1) & (kSlots - 1);
    }
    if (slots_[slot] == 0) {
      const std::size_t offset = size_ + starts[label];
      if (offset >= kMaxPointerTarget || known_ >= kMaxKnown) continue;
      slots_[slot] = static_cast<std::uint16_t>(offset);
      used_[known_++] = static_cast<std::uint16_t>(slot);
    } else if (may_point) {
      size_ += starts[label];
      put16(size_, static_cast<std::uint16_t>(0xc000U | slots_[slot]));
      size_ += 2;
      return true;
    }
  }
  size_ += size;
  return true;
}

bool MessageWriter::record(const Record& record) {
  const std::size_t needed =
      record.owner.size() + 10 + record.bytes.size() + record.target.size() + record.mailbox.size() + 6;
  if (size_ + needed > out_.size()) return false;
  name(record.owner, true);
  put16(size_, record.type);
  put16(size_ + 2, record.klass);
  put16(size_ + 4, static_cast<std::uint16_t>(record.ttl >> 16));
  put16(size_ + 6, static_cast<std::uint16_t>(record.ttl));
  const std::size_t length = size_ + 8;
  size_ += 10;
  switch (record.data) {
    case Record::Data::bytes:
      break;
    case Record::Data::name:
      name(record.target, true);
      break;
    case Record::Data::service:
      put16(size_, record.priority);
      put16(size_ + 2, record.weight);
      put16(size_ + 4, record.port);
      size_ += 6;
      name(record.target, false);  // RFC 2782: never compressed
      break;
    case Record::Data::authority:
      name(record.target, true);
      name(record.mailbox, true);
      break;
  }
  record.bytes.copy(out_.data() + size_, record.bytes.size());
  size_ += record.bytes.size();
  put16(length, static_cast<std::uint16_t>(size_ - length - 2));
  return true;
}

void MessageWriter::finish(std::uint16_t id, std::uint16_t flags, const Counts& counts) {
  put16(0, id);
  put16(2, flags);
  put16(4, counts.questions);
  put16(6, counts.answers);
  put16(8, counts.authorities);
  put16(10, counts.additional);
}

// ---- other servers' answers ----

bool read_answers(std::string_view message, const std::function<void(ForeignRecord)>& take) {
  if (message.size() < kHeaderSize) return false;
  std::size_t offset = kHeaderSize;
  std::string name;
  for (unsigned i = read16(message, 4); i > 0; --i) {
    if (!read_name(message, offset, name) || message.size() - offset < 4) return false;
    offset += 4;
  }
  for (unsigned i = read16(message, 6); i > 0; --i) {
    ForeignRecord record;
    RecordHead head;
    if (!read_name(message, offset, record.owner) || !read_head(message, offset, head)) return false;
    record.type = head.type;
    record.ttl = head.ttl;
    if (head.klass != kClassIn) continue;
    if (head.type == kTypeCname) {
      auto at = static_cast<std::size_t>(head.data.data() - message.data());
      if (!read_name(message, at, record.data)) return false;
    } else if ((head.type == kTypeA && head.data.size() == 4) || (head.type == kTypeAaaa && head.data.size() == 16)) {
      record.data = head.data;
    } else {
      continue;
    }
    take(std::move(record));
  }
  return true;
}

// ---- words ----

std::string type_text(std::uint16_t type) {
  struct Word {
    std::uint16_t type;
    std::string_view text;
  };
  static constexpr Word kWords[] = {
      {0, "None"},    {1, "A"},           {2, "NS"},          {3, "MD"},        {4, "MF"},         {5, "CNAME"},
      {6, "SOA"},     {7, "MB"},          {8, "MG"},          {9, "MR"},        {10, "NULL"},      {12, "PTR"},
      {13, "HINFO"},  {14, "MINFO"},      {15, "MX"},         {16, "TXT"},      {17, "RP"},        {18, "AFSDB"},
      {19, "X25"},    {20, "ISDN"},       {21, "RT"},         {23, "NSAP-PTR"}, {24, "SIG"},       {25, "KEY"},
      {26, "PX"},     {27, "GPOS"},       {28, "AAAA"},       {29, "LOC"},      {30, "NXT"},       {31, "EID"},
      {32, "NIMLOC"}, {33, "SRV"},        {34, "ATMA"},       {35, "NAPTR"},    {36, "KX"},        {37, "CERT"},
      {39, "DNAME"},  {41, "OPT"},        {42, "APL"},        {43, "DS"},       {44, "SSHFP"},     {45, "IPSECKEY"},
      {46, "RRSIG"},  {47, "NSEC"},       {48, "DNSKEY"},     {49, "DHCID"},    {50, "NSEC3"},     {51, "NSEC3PARAM"},
      {52, "TLSA"},   {53, "SMIMEA"},     {55, "HIP"},        {56, "NINFO"},    {57, "RKEY"},      {58, "TALINK"},
      {59, "CDS"},    {60, "CDNSKEY"},    {61, "OPENPGPKEY"}, {62, "CSYNC"},    {63, "ZONEMD"},    {64, "SVCB"},
      {65, "HTTPS"},  {99, "SPF"},        {100, "UINFO"},     {101, "UID"},     {102, "GID"},      {103, "UNSPEC"},
      {104, "NID"},   {105, "L32"},       {106, "L64"},       {107, "LP"},      {108, "EUI48"},    {109, "EUI64"},
      {249, "TKEY"},  {250, "TSIG"},      {251, "IXFR"},      {252, "AXFR"},    {253, "MAILB"},    {254, "MAILA"},
      {255, "ANY"},   {256, "URI"},       {257, "CAA"},       {258, "AVC"},     {260, "AMTRELAY"}, {32768, "TA"},
      {32769, "DLV"}, {65535, "Reserved"}};
  const auto found = std::lower_bound(std::begin(kWords), std::end(kWords), type,
                                      [](const Word& word, std::uint16_t wanted) { return word.type < wanted; });
  if (found != std::end(kWords) && found->type == type) return std::string(found->text);
  return "TYPE" + std::to_string(type);
}

std::string_view rcode_text(unsigned rcode) {
  static constexpr std::string_view kWords[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                                "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  return rcode < std::size(kWords) ? kWords[rcode] : "";
}

}  // namespace proconsul::agent::dns
