// A type with a member of every kind, for the fuzzers of the codecs.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "base/type.h"
#include "base/value.h"

namespace proconsul::fuzz {

struct Part {
  std::string Name{};
  base::Int Number{};
  base::List<Part> Parts{};
};
struct Shared {
  std::uint64_t CreateIndex{};
};
struct KitchenSink : Shared {
  bool Flag{};
  std::int8_t Tiny{};
  std::uint16_t Port{};
  std::uint64_t Index{};
  float Ratio{};
  double Weight{};
  std::string Text{};
  base::Bytes Data{};
  base::Time At{};
  base::Duration Wait{}, Raw{};
  base::List<std::string> Tags{};
  base::List<base::Pointer<Part>> Parts{};
  base::Map<std::string> Meta{};
  base::Map<base::List<Part>> Groups{};
  base::Pointer<Part> Maybe{};
  base::Rare<Part> Seldom{};
  base::Value Free{};
  base::Map<base::Value> Config{};
};

/// Takes another way into the JSON reader: declared anew in UnmarshalJSON, aliases, durations as text.
struct Shadowed {
  std::string Name{};
  base::Duration Delay{};
  base::Bytes Hash{};
  base::Map<std::string> TaggedAddresses{};
  base::Pointer<Shadowed> Next{};
};

PROCONSUL_DECLARE_TYPE(Part)
PROCONSUL_DECLARE_TYPE(Shared)
PROCONSUL_DECLARE_TYPE(KitchenSink)
PROCONSUL_DECLARE_TYPE(Shadowed)

PROCONSUL_DESCRIBE_TYPE(Part, "fuzz.Part") {
  type.field("Name", &Part::Name);
  type.field("Number", &Part::Number).omit_empty().wire_omit_empty();
  type.field("Parts", &Part::Parts);
}
PROCONSUL_DESCRIBE_TYPE(Shared, "fuzz.Shared") {
  type.field("CreateIndex", &Shared::CreateIndex);
}
PROCONSUL_DESCRIBE_TYPE(KitchenSink, "fuzz.KitchenSink") {
  type.field("Flag", &KitchenSink::Flag).omit_empty();
  type.field("Tiny", &KitchenSink::Tiny);
  type.field("Port", &KitchenSink::Port);
  type.field("Index", &KitchenSink::Index);
  type.field("Ratio", &KitchenSink::Ratio);
  type.field("Weight", &KitchenSink::Weight);
  type.field("Text", &KitchenSink::Text).json("text").alias("other_text");
  type.field("Data", &KitchenSink::Data);
  type.field("At", &KitchenSink::At);
  type.field("Wait", &KitchenSink::Wait).readable();
  type.field("Raw", &KitchenSink::Raw);
  type.field("Tags", &KitchenSink::Tags).wire("tags");
  type.field("Parts", &KitchenSink::Parts).omit_empty();
  type.field("Meta", &KitchenSink::Meta);
  type.field("Groups", &KitchenSink::Groups);
  type.field("Maybe", &KitchenSink::Maybe);
  type.field("Seldom", &KitchenSink::Seldom);
  type.field("Free", &KitchenSink::Free);
  type.field("Config", &KitchenSink::Config);
  type.embed<Shared>();
}
PROCONSUL_DESCRIBE_TYPE(Shadowed, "fuzz.Shadowed") {
  type.field("Name", &Shadowed::Name);
  type.field("Delay", &Shadowed::Delay);
  type.field("Hash", &Shadowed::Hash);
  type.field("TaggedAddresses", &Shadowed::TaggedAddresses).alias("tagged_addresses");
  type.field("Next", &Shadowed::Next);
  type.json_shadow("struct { Delay interface {}; Hash string; Ignored string; *fuzz.Alias }");
}

}  // namespace proconsul::fuzz
