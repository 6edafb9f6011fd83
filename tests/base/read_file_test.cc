// Reading what users name: every kind of file is read with a bound or refused by its kind, and
// nothing waits for ever.
#include "base/read_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/diag.h"
#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::string refusal(const std::string& path, std::int64_t max_bytes = std::int64_t{1} << 34,
                    const StatedSize& stated = {}) {
  try {
    (void)read_file(path, max_bytes, stated);
  } catch (const InputError& error) {
    return error.diag().what + "; " + error.diag().expected;
  }
  return "read";
}

void write_gzip(const std::string& path, std::int64_t zeros, const char* mode = "wb") {
  const gzFile file = gzopen(path.c_str(), mode);
  ASSERT_NE(file, nullptr);
  const Bytes chunk(1 << 20);
  for (; zeros > 0; zeros -= std::ssize(chunk)) {
    const auto n = static_cast<unsigned>(std::min<std::int64_t>(zeros, std::ssize(chunk)));
    ASSERT_EQ(gzwrite(file, chunk.data(), n), static_cast<int>(n));
  }
  ASSERT_EQ(gzclose(file), Z_OK);
}

TEST(ReadFile, RefusesWhatIsNoFileByItsKind) {
  const testing_support::ScratchFolder scratch;
  EXPECT_EQ(refusal("/dev/zero"), "is a device or a socket; a readable file or a pipe");
  EXPECT_EQ(refusal("/dev/null"), "is a device or a socket; a readable file or a pipe");
  EXPECT_EQ(refusal(scratch.file("")), "is a folder; a file");
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = scratch.file("s");
  ASSERT_LT(path.size(), sizeof name.sun_path);
  std::strcpy(name.sun_path, path.c_str());
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(refusal(path), "is a device or a socket; a readable file or a pipe");
  ::close(descriptor);
}

TEST(ReadFile, RefusesAPipeThatNobodyWritesTo) {
  const testing_support::ScratchFolder scratch;
  ASSERT_EQ(::mkfifo(scratch.file("f").c_str(), 0600), 0);
  EXPECT_EQ(refusal(scratch.file("f")),
            "is a pipe that nobody writes to; a readable file or a pipe");
}

// Several writes, and one of them more than a pipe holds at once.
TEST(ReadFile, ReadsAPipeToItsEnd) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("f");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream out(path);
    out << "one" << std::flush << "two" << std::string(3'000'000, 'x');
  });
  const Bytes bytes = read_file(path);
  writer.join();
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "onetwo" + std::string(3'000'000, 'x'));
}

// Asked for its kind, then for all of it, then once more.
TEST(ReadFile, KeepsWhatCameThroughAPipe) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("f"), text(100'000, 'x');
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << text; });
  EXPECT_EQ(file_head(path), Bytes(65'536, 'x'));
  EXPECT_EQ(read_file(path), Bytes(100'000, 'x'));
  writer.join();
  EXPECT_EQ(read_file(path), Bytes(100'000, 'x'));
  EXPECT_EQ(file_head(path), Bytes(65'536, 'x'));
  EXPECT_EQ(refusal(path, 99'999), "is too large; at most 99999 bytes");
}

Bytes in_pieces(const std::string& path) {
  FileStream stream(path);
  Bytes all, piece(777);
  for (std::size_t n = piece.size(); n == piece.size();) {
    n = stream.read(piece);
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n));
  }
  EXPECT_EQ(stream.read(piece), 0U);  // and stays at its end
  return all;
}

TEST(FileStream, GivesAFilePieceByPiece) {
  const testing_support::ScratchFolder scratch;
  const std::string plain = scratch.file("a"), pipe = scratch.file("f");
  Bytes bytes(100'000);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  std::ofstream(plain).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  EXPECT_EQ(in_pieces(plain), bytes);
  write_gzip(scratch.file("a.gz"), 3'000'000);
  EXPECT_EQ(in_pieces(scratch.file("a.gz")), Bytes(3'000'000));
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << std::string(100'000, 'x'); });
  EXPECT_EQ(in_pieces(pipe), Bytes(100'000, 'x'));
  writer.join();
  EXPECT_EQ(in_pieces(pipe), Bytes(100'000, 'x'));
  EXPECT_THROW(FileStream("/dev/zero"), InputError);
  EXPECT_THROW(FileStream(scratch.file("none")), InputError);
}

TEST(ReadFile, TakesTheHeadOfAFileUnpacked) {
  const testing_support::ScratchFolder scratch;
  write_gzip(scratch.file("a.gz"), 100'000);
  EXPECT_EQ(file_head(scratch.file("a.gz")), Bytes(65'536));
  std::ofstream(scratch.file("a")) << "short";
  EXPECT_EQ(file_head(scratch.file("a")), Bytes({'s', 'h', 'o', 'r', 't'}));
}

// Elements 1F 8B, as gzip begins.
TEST(ReadFile, TakesRawBytesAsTheyLieThere) {
  const testing_support::ScratchFolder scratch;
  std::ofstream(scratch.file("a")) << "\x1F\x8B" << std::string(300'000, 'x');
  Bytes wanted(300'002, 'x');
  wanted[0] = 0x1F;
  wanted[1] = 0x8B;
  EXPECT_EQ(read_raw_file(scratch.file("a"), 300'002), wanted);
  EXPECT_THROW((void)read_raw_file(scratch.file("a"), 300'001), InputError);
}

TEST(ReadFile, UnpacksThroughAPipe) {
  const testing_support::ScratchFolder scratch;
  write_gzip(scratch.file("a.gz"), 1'000'000);
  const std::string path = scratch.file("f");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << std::ifstream(scratch.file("a.gz")).rdbuf(); });
  EXPECT_EQ(read_file(path), Bytes(1'000'000));
  writer.join();
}

TEST(ReadFile, ReadsSeveralMembersAsOne) {
  const testing_support::ScratchFolder scratch;
  write_gzip(scratch.file("a.gz"), 100'000);
  write_gzip(scratch.file("a.gz"), 50'000, "ab");
  EXPECT_EQ(read_file(scratch.file("a.gz")), Bytes(150'000));
  std::ofstream(scratch.file("a.gz"), std::ios::app) << "behind";
  EXPECT_EQ(read_file(scratch.file("a.gz")), Bytes(150'000));
}

TEST(ReadFile, EndsGzipWithoutASizeAtAStatedLimit) {
  const testing_support::ScratchFolder scratch;
  write_gzip(scratch.file("bomb.gz"), kMaxUnsizedBytes + 1, "wb1");
  EXPECT_EQ(refusal(scratch.file("bomb.gz")),
            "is too large; at most 268435456 bytes of gzip (unpack the file first)");
  EXPECT_EQ(refusal(scratch.file("bomb.gz"), 1000), "is too large; at most 1000 bytes");
  EXPECT_EQ(refusal(scratch.file("bomb.gz"), std::int64_t{1} << 34,
                    [](auto) { return kMaxUnsizedBytes + 1; }),
            "read");
}

TEST(ReadFile, EndsGzipAtTheSizeThatItsHeaderStates) {
  const testing_support::ScratchFolder scratch;
  write_gzip(scratch.file("a.gz"), 200'000);
  std::size_t head = 0;
  const auto stated = [&](std::int64_t size) {
    return [&head, size](std::span<const std::uint8_t> bytes) {
      head = bytes.size();
      return size;
    };
  };
  EXPECT_EQ(refusal(scratch.file("a.gz"), std::int64_t{1} << 34, stated(200'000)), "read");
  EXPECT_EQ(head, 65'536U);
  EXPECT_EQ(refusal(scratch.file("a.gz"), std::int64_t{1} << 34, stated(199'999)),
            "is too large; the 199999 bytes that its header states");
  EXPECT_EQ(refusal(scratch.file("a.gz"), 1'000'000, stated(2'000'000)),
            "is too large; at most 1000000 bytes");
}

// A file of zeros without a block on the disk: known to be too large before it is read.
TEST(ReadFile, ChecksTheSizeOfAFileFirst) {
  const testing_support::ScratchFolder scratch;
  std::ofstream(scratch.file("a")) << "";
  fs::resize_file(scratch.file("a"), std::uintmax_t{1} << 40);
  EXPECT_EQ(refusal(scratch.file("a")), "is too large; at most 17179869184 bytes");
}

TEST(ReadFile, LetsTheCallerRefuseByTheFirstBytes) {
  const testing_support::ScratchFolder scratch;
  std::ofstream(scratch.file("a")) << "";
  fs::resize_file(scratch.file("a"), std::uintmax_t{1} << 33);
  const auto refuse = [](std::span<const std::uint8_t> head) -> std::optional<std::int64_t> {
    throw InputError("a", fmt::format("{} zeros", head.size()), "others");
  };
  EXPECT_EQ(refusal(scratch.file("a"), std::int64_t{1} << 34, refuse), "65536 zeros; others");
}

}  // namespace
}  // namespace systole
