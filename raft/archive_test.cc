#include "raft/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <random>

namespace proconsul::raft {
namespace {

using base::Errc;
using base::Result;
using testing::HasSubstr;

struct StringSink final : ByteSink {
  Result<> write(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  std::string text;
};
struct StringSource final : ByteSource {
  explicit StringSource(std::string text, std::size_t step = 1000) : text(std::move(text)), step(step) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    const std::size_t size = text.copy(buffer.data(), std::min(buffer.size(), step), at);
    at += size;
    return size;
  }
  std::string text;
  std::size_t step, at = 0;
};

std::string vector_archive() {
  std::ifstream file(PROCONSUL_SOURCE_DIR "/tests/vectors/snapshot.tgz", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string archive_of(const std::string& state) {
  auto store = SnapshotStore::in_memory();
  SnapshotMeta meta;
  meta.index = {12};
  meta.term = {3};
  meta.configuration.servers = {{{"id"}, "127.0.0.1:8300", Suffrage::voter}};
  meta.configuration_index = {1};
  auto writer = std::move(*store->create(meta));
  EXPECT_TRUE(writer->write(state));
  const SnapshotMeta stored = *writer->commit();
  StringSink out;
  Result<> written = write_archive(**store->read(stored.id), 1'700'000'000, out);
  EXPECT_TRUE(written) << written.error().detail;
  return out.text;
}
std::string unzip(const std::string& packed) {
  std::string plain(32 << 20, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(plain.size() - stream.avail_out);
  inflateEnd(&stream);
  return plain;
}
std::string zip(const std::string& plain) {
  std::string packed(plain.size() + 1000, '\0');
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}
std::string refusal(const std::string& archive) {
  StringSource source(archive);
  NullSink sink;
  Result<SnapshotMeta> read = read_archive(source, sink);
  return read ? "it is whole" : read.error().detail;
}
/// The header at `at` with its checksum made right again.
void seal(std::string& tar, std::size_t at) {
  std::fill_n(tar.begin() + static_cast<std::ptrdiff_t>(at) + 148, 8, ' ');
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[at + i]);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  tar.replace(at + 148, 7, text, 7);
}

TEST(Archive, ReadsTheOneThatConsulWrote) {
  for (const std::size_t step : {1u, 7u, 100'000u}) {
    StringSource source(vector_archive(), step);
    StringSink state;

    Result<SnapshotMeta> meta = read_archive(source, state);

    ASSERT_TRUE(meta) << meta.error().detail;
    EXPECT_EQ(meta->id, "2-176-1795414121350");
    EXPECT_EQ(meta->index.value, 176u);
    EXPECT_EQ(meta->configuration.servers.at(0).address, "127.0.0.1:47310");
    EXPECT_EQ(state.text.size(), 114'353u);
  }
}

TEST(Archive, GivesBackWhatWasWritten) {
  std::mt19937_64 random(7);
  for (const std::size_t size : {0u, 1u, 511u, 512u, 513u, 1'500'000u}) {
    std::string state(size, '\0');
    for (char& byte : state) byte = static_cast<char>(random() % 5 == 0 ? random() : 'a');
    StringSource source(archive_of(state));
    StringSink back;

    Result<SnapshotMeta> meta = read_archive(source, back);

    ASSERT_TRUE(meta) << meta.error().detail;
    EXPECT_EQ(meta->index.value, 12u);
    EXPECT_EQ(meta->size, size);
    EXPECT_EQ(back.text, state);
  }
}

TEST(Archive, TakesWhatCannotBeCompressed) {
  std::mt19937_64 random(11);
  std::string state(1'000'000, '\0');
  for (char& byte : state) byte = static_cast<char>(random());
  StringSource source(archive_of(state));
  StringSink back;

  ASSERT_TRUE(read_archive(source, back));

  EXPECT_EQ(back.text, state);
}

TEST(Archive, SaysWhatIsWrongInConsulsWords) {
  const std::string archive = archive_of("the state of everything");
  const std::string tar = unzip(archive);

  EXPECT_EQ(refusal(""), "failed to decompress snapshot: EOF");
  EXPECT_EQ(refusal("garbage"), "failed to decompress snapshot: unexpected EOF");
  EXPECT_EQ(refusal("garbage that goes on"), "failed to decompress snapshot: gzip: invalid header");
  EXPECT_EQ(refusal(archive + "x"), "unexpected EOF");
  EXPECT_EQ(refusal(archive + "garbage that goes on"), "gzip: invalid header");
  EXPECT_EQ(refusal(archive.substr(0, archive.size() / 2)),
            "failed to read snapshot file: failed to read snapshot metadata: unexpected EOF");
  EXPECT_EQ(refusal(zip(tar.substr(0, 1536 + 5))),
            "failed to read snapshot file: failed to read or write snapshot data: unexpected EOF");
  EXPECT_EQ(refusal(zip(tar + std::string(100, 'x'))), "100 unread uncompressed bytes remain");
  EXPECT_EQ(refusal(zip("")),
            "failed to read snapshot file: failed checking integrity of snapshot: file missing for \"meta.json\"");

  std::string renamed = tar;
  renamed.replace(1024, 9, "statE.bin");
  EXPECT_EQ(refusal(zip(renamed)),
            "failed to read snapshot file: failed reading snapshot: archive/tar: invalid tar header");
  seal(renamed, 1024);
  EXPECT_EQ(refusal(zip(renamed)), "failed to read snapshot file: unexpected file \"statE.bin\" in snapshot");

  std::string changed = tar;
  changed[1536 + 3] ^= 1;
  EXPECT_EQ(refusal(zip(changed)),
            "failed to read snapshot file: failed checking integrity of snapshot: hash check failed for \"state.bin\"");
  std::string twice = tar.substr(0, 1024) + tar;
  EXPECT_THAT(refusal(zip(twice)), HasSubstr("unexpected file \"meta.json\""));
  std::string no_sums = tar.substr(0, 2048) + std::string(1024, '\0');
  EXPECT_EQ(refusal(zip(no_sums)),
            "failed to read snapshot file: failed checking integrity of snapshot: file missing for \"meta.json\"");
}

TEST(Archive, NoFlippedByteAndNoCutChangesTheState) {
  const std::string archive = archive_of("the state of everything");
  for (std::size_t size = 0; size < archive.size(); ++size)
    EXPECT_NE(refusal(archive.substr(0, size)), "it is whole") << size;
  int accepted = 0;
  for (std::size_t at = 10; at < archive.size(); ++at) {
    std::string broken = archive;
    broken[at] = static_cast<char>(broken[at] ^ 0x10);
    StringSource source(broken);
    StringSink state;
    if (!read_archive(source, state)) continue;
    // Two code tables of deflate may say the same thing.
    EXPECT_EQ(state.text, "the state of everything") << at;
    ++accepted;
  }
  EXPECT_LT(accepted, 40);
}

TEST(Archive, ABombIsStoppedAtTheLimit) {
  StringSource source(archive_of(std::string(3'000'000, '\0')));
  NullSink sink;

  Result<SnapshotMeta> read = read_archive(source, sink, {.max_state_bytes = 1'000'000});

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::too_large);
}

TEST(Archive, AFullDiskIsNotTakenForABadArchive) {
  struct Full final : ByteSink {
    Result<> write(std::string_view) override { return {Errc::unavailable, "No space left on device"}; }
  } full;
  StringSource source(archive_of("state"));

  Result<SnapshotMeta> read = read_archive(source, full);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unavailable);
}

TEST(ScratchFile, IsReadAsOftenAsWanted) {
  auto file = std::move(*ScratchFile::create());
  ASSERT_TRUE(file->write("hello "));
  ASSERT_TRUE(file->write("world"));
  for (int i = 0; i < 2; ++i) {
    char buffer[100];
    file->rewind();
    EXPECT_EQ(*file->read(buffer), 11u);
    EXPECT_EQ(std::string_view(buffer, 11), "hello world");
    EXPECT_EQ(*file->read(buffer), 0u);
  }
}

}  // namespace
}  // namespace proconsul::raft
