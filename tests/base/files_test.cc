// Files: whole reads, plain and gzip, and writes that leave either the new file or nothing.
#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/diag.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, removed afterwards.
class Files : public testing::Test {
 protected:
  Files() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(testing::TempDir()) / fmt::format("systole_files_{}_{}", test->name(), getpid());
    fs::create_directories(folder_);
  }
  ~Files() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] std::size_t file_count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}));
  }
  void write_gzip(const std::string& name, const std::vector<std::uint8_t>& bytes) const {
    const gzFile file = gzopen(path(name).c_str(), "wb");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
              static_cast<int>(bytes.size()));
    ASSERT_EQ(gzclose(file), Z_OK);
  }

  fs::path folder_;
};

// Bytes that gzip cannot shrink to nothing.
std::vector<std::uint8_t> noise(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t x = 1;
  for (std::uint8_t& b : bytes) {
    x = x * 1664525U + 1013904223U;
    b = static_cast<std::uint8_t>(x >> 24);
  }
  return bytes;
}

TEST_F(Files, WriteThenRead) {
  const auto bytes = noise(3'000'000);  // more than one chunk
  write_file(path("a"), bytes);
  EXPECT_EQ(read_file(path("a")), bytes);
  write_file(path("a"), std::string("text"));
  EXPECT_EQ(read_file(path("a")), (std::vector<std::uint8_t>{'t', 'e', 'x', 't'}));
  EXPECT_EQ(file_count(), 1U);
}

TEST_F(Files, EmptyFile) {
  write_file(path("a"), std::string());
  EXPECT_TRUE(read_file(path("a")).empty());
}

TEST_F(Files, ReadsGzip) {
  const auto bytes = noise(2'500'000);
  write_gzip("a.gz", bytes);
  EXPECT_EQ(read_file(path("a.gz")), bytes);
}

TEST_F(Files, TruncatedGzipIsAnError) {
  write_gzip("a.gz", noise(100'000));
  const auto whole = fs::file_size(path("a.gz"));
  for (const auto size : {whole - 1, whole - 8, whole - 9, whole / 2, std::uintmax_t{20}}) {
    fs::resize_file(path("a.gz"), size);
    EXPECT_THROW((void)read_file(path("a.gz")), InputError) << size << " of " << whole;
  }
}

TEST_F(Files, DamagedGzipIsAnError) {
  const auto bytes = noise(100'000);
  write_gzip("a.gz", bytes);
  const auto packed = read_file(path("a.gz"));
  EXPECT_EQ(packed, bytes);
  std::fstream file(path("a.gz"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(50'000);
  file.put('\x55').put('\x55').put('\x55').put('\x55');
  file.close();
  EXPECT_THROW((void)read_file(path("a.gz")), InputError);
}

TEST_F(Files, UnpackedSizeIsBounded) {
  write_gzip("bomb.gz", std::vector<std::uint8_t>(20'000'000, 0));
  EXPECT_LT(fs::file_size(path("bomb.gz")), 100'000U);
  EXPECT_THROW((void)read_file(path("bomb.gz"), 1'000'000), InputError);
  EXPECT_EQ(read_file(path("bomb.gz"), 20'000'000).size(), 20'000'000U);
}

TEST_F(Files, MissingFileAndFolder) {
  EXPECT_THROW((void)read_file(path("missing")), InputError);
  EXPECT_THROW((void)read_file(folder_.string()), InputError);
}

TEST_F(Files, ErrorNamesTheFile) {
  try {
    (void)read_file(path("missing"));
    FAIL() << "read";
  } catch (const InputError& e) {
    EXPECT_EQ(e.diag().where, path("missing"));
    EXPECT_NE(e.diag().what.find("No such file"), std::string::npos) << e.diag().what;
  }
}

TEST_F(Files, WithoutCommitNothingIsLeftAndTheOldFileStays) {
  write_file(path("a"), std::string("old"));
  {
    AtomicFile file(path("a"));
    file.stream() << "half of the new";
    EXPECT_EQ(file_count(), 2U);  // beside its target
  }
  EXPECT_EQ(file_count(), 1U);
  EXPECT_EQ(read_file(path("a")), (std::vector<std::uint8_t>{'o', 'l', 'd'}));
}

TEST_F(Files, AnExceptionWhileWritingLeavesNothing) {
  const auto write = [&] {
    AtomicFile file(path("a"));
    file.stream() << "something";
    throw InputError("test", "went wrong");
  };
  EXPECT_THROW(write(), InputError);
  EXPECT_EQ(file_count(), 0U);
}

TEST_F(Files, AFailedStreamIsNotCommitted) {
  AtomicFile file(path("a"));
  file.stream() << "something";
  file.stream().setstate(std::ios::badbit);
  EXPECT_THROW(file.commit(), InputError);
  EXPECT_FALSE(fs::exists(path("a")));
}

TEST_F(Files, LinksAreFollowedAndDevicesWrittenInPlace) {
  const std::string target = (folder_ / "target").string();
  const std::string link = (folder_ / "link").string();
  write_file(target, std::string("old"));
  std::filesystem::create_symlink(target, link);
  write_file(link, std::string("new"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(read_file(target).size(), 3U);
  EXPECT_EQ(read_file(target)[0], 'n');
  write_file("/dev/null", std::string("gone"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THROW(write_file("/dev/full", std::string("no room")), InputError);
}

TEST_F(Files, AReplacedFileKeepsItsMode) {
  for (const mode_t mode : {0600U, 0640U, 0755U, 0666U}) {
    write_file(path("a"), std::string("old"));
    ASSERT_EQ(chmod(path("a").c_str(), mode), 0);
    write_file(path("a"), std::string("new"));
    struct stat found {};
    ASSERT_EQ(stat(path("a").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, mode);
  }
  const mode_t mask = umask(027);
  write_file(path("b"), std::string("new"));
  umask(mask);
  struct stat found {};
  ASSERT_EQ(stat(path("b").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0640U);
}

// Before commit(), too, nobody may read what will be private.
TEST_F(Files, ThePartOfAPrivateFileIsPrivate) {
  write_file(path("a"), std::string("old"));
  ASSERT_EQ(chmod(path("a").c_str(), 0600), 0);
  const AtomicFile file(path("a"));
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
}

TEST_F(Files, LinksToNothingAreFollowed) {
  fs::create_directory(path("d"));
  fs::create_symlink("d/target", path("relative"));
  fs::create_symlink(path("d/absolute_target"), path("absolute"));
  fs::create_symlink("relative2", path("chain"));
  fs::create_symlink("d/chained", path("relative2"));
  for (const char* link : {"relative", "absolute", "chain"}) {
    write_file(path(link), std::string("new"));
    EXPECT_TRUE(fs::is_symlink(path(link))) << link;
  }
  for (const char* target : {"d/target", "d/absolute_target", "d/chained"}) {
    EXPECT_EQ(read_file(path(target)).size(), 3U) << target;
  }
  fs::create_symlink("circle", path("circle"));
  EXPECT_THROW(write_file(path("circle"), std::string("x")), InputError);
  fs::create_symlink("no/such/folder", path("nowhere"));
  EXPECT_THROW(write_file(path("nowhere"), std::string("x")), InputError);
}

TEST_F(Files, LongNamesAndLeftoversOfOthers) {
  const std::string name(255, 'n');
  write_file(path(name), std::string("x"));
  EXPECT_EQ(read_file(path(name)).size(), 1U);
  const std::string leftover = path(fmt::format("a.tmp.{}", getpid()));
  fs::create_symlink("elsewhere", leftover);  // as somebody might who wants us to write there
  write_file(path("a"), std::string("x"));
  EXPECT_TRUE(fs::is_symlink(leftover));
  EXPECT_FALSE(fs::exists(path("elsewhere")));
  EXPECT_EQ(read_file(path("a")).size(), 1U);
}

TEST_F(Files, UnwritablePlaces) {
  EXPECT_THROW(write_file(path("no/such/folder"), std::string("x")), InputError);
  EXPECT_THROW(write_file(folder_.string(), std::string("x")), InputError);
}

}  // namespace
}  // namespace systole
