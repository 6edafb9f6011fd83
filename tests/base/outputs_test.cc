// Sets of outputs: there together or not at all, never over what was read or over one another.
#include "base/outputs.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/diag.h"
#include "base/temporary_file.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::ScratchFolder;

// By no reader of ours: it would be taken for one of an input.
std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What an InputError says; empty if there is none.
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

class Outputs : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return scratch_.file(name); }
  // Reads through every reader's way in.
  void read(const std::string& name) const { static_cast<void>(read_file(path(name))); }

  ScratchFolder scratch_;
};

TEST_F(Outputs, AppearTogether) {
  write_file(path("a"), "old");
  OutputSet set;
  AtomicFile* a = set.file("--a", path("a"));
  AtomicFile* b = set.file("--b", path("b"));
  EXPECT_EQ(set.file("--c", ""), nullptr);
  a->write("new");
  b->stream() << "text";
  EXPECT_EQ(text_of(path("a")), "old");
  EXPECT_FALSE(fs::exists(path("b")));
  set.commit();
  EXPECT_EQ(text_of(path("a")), "new");
  EXPECT_EQ(text_of(path("b")), "text");
}

TEST_F(Outputs, LeaveNothingWithoutCommit) {
  write_file(path("a"), "old");
  {
    OutputSet set;
    set.folder("--folder", path("x/y/z/"));
    set.file("--folder", path("x/y/z/f"))->write("text");
    set.file("--a", path("a"))->write("new");
  }
  EXPECT_EQ(text_of(path("a")), "old");
  fs::remove(path("a"));
  EXPECT_TRUE(scratch_.empty());
}

TEST_F(Outputs, KeepTheFoldersTheyMade) {
  OutputSet set;
  set.folder("--folder", path("x/y"));
  set.file("--folder", path("x/y/f"))->write("text");
  set.commit();
  EXPECT_EQ(text_of(path("x/y/f")), "text");
}

TEST_F(Outputs, DropWhatIsNotWritten) {
  write_file(path("b"), "old");
  OutputSet set;
  set.file("--a", path("a"))->write("text");
  set.drop(set.file("--b", path("b")));
  set.commit();
  EXPECT_EQ(text_of(path("a")), "text");
  EXPECT_EQ(text_of(path("b")), "old");
}

// The second of three does not fit on the disk: none is there.
TEST_F(Outputs, AFullDiskLeavesEveryOldFile) {
  write_file(path("a"), "old");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = error_of([&] {
    OutputSet set;
    set.file("--a", path("a"))->stream() << "new";
    set.file("--b", path("b"))->stream() << std::string(5000, 'b');
    set.file("--c", path("c"))->stream() << "text";
    set.commit();
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(error, HasSubstr("b: could not be written whole"));
  EXPECT_EQ(text_of(path("a")), "old");
  fs::remove(path("a"));
  EXPECT_TRUE(scratch_.empty());
}

TEST_F(Outputs, AreNoInputs) {
  for (const char* other : {"in", "./in", "link", "hard", "folder/../in"}) {
    write_file(path("in"), "input");
    fs::create_symlink("in", path("link"));
    fs::create_hard_link(path("in"), path("hard"));
    fs::create_directory(path("folder"));
    const std::string declared_first = error_of([&] {
      OutputSet set;
      set.file("--out", path(other));
      read("in");
    });
    const std::string read_first = error_of([&] {
      OutputSet set;
      read("in");
      set.file("--out", path(other));
    });
    for (const std::string& error : {declared_first, read_first}) {
      EXPECT_THAT(error, HasSubstr("is read, and --out would replace it; expected another file for "
                                   "--out"))
          << other;
    }
    EXPECT_EQ(text_of(path("in")), "input");
    for (const char* name : {"in", "link", "hard", "folder"}) fs::remove(path(name));
    EXPECT_TRUE(scratch_.empty());
  }
}

TEST_F(Outputs, AreNotTheSameTwice) {
  write_file(path("old"), "");
  fs::create_symlink("old", path("link"));
  fs::create_symlink("new", path("dangling"));
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"new", "new"}, {"new", "./new"}, {"new", "dangling"}, {"old", "link"}, {"old", "old"}};
  for (const auto& [first, second] : pairs) {
    const std::string error = error_of([&] {
      OutputSet set;
      set.file("--one", path(first));
      set.file("--two", path(second));
    });
    EXPECT_THAT(error, HasSubstr("--two: "));
    EXPECT_THAT(error, HasSubstr(" is what --one writes; expected another file than that of --one"))
        << first << ' ' << second;
  }
}

TEST_F(Outputs, AFolderIsNoFile) {
  for (const char* folder : {"x", "x/", "x/y", "x/y/z"}) {
    const std::string error = error_of([&] {
      OutputSet set;
      set.file("--file", path("x"));
      set.folder("--folder", path(folder));
    });
    EXPECT_THAT(error, HasSubstr("x is what --file writes")) << folder;
  }
  const std::string error = error_of([&] {
    OutputSet set;
    set.folder("--folder", path("x"));
    set.file("--file", path("x"));
  });
  EXPECT_THAT(error, HasSubstr("x: is a folder"));
  EXPECT_TRUE(scratch_.empty());
}

TEST_F(Outputs, DevicesAndPipesMayBeUsedTwice) {
  OutputSet set;
  set.file("--one", "/dev/null")->write("text");
  set.file("--two", "/dev/null")->write("text");
  set.commit();
}

TEST_F(Outputs, ThatCannotBeWrittenAreRefusedAtOnce) {
  OutputSet set;
  EXPECT_THAT(error_of([&] { set.file("--a", path("none/a")); }), HasSubstr("cannot be written"));
  EXPECT_THAT(error_of([&] { set.file("--a", "/proc/a"); }), HasSubstr("cannot be written"));
  EXPECT_THAT(error_of([&] { set.folder("--f", "/proc/f/g"); }), HasSubstr("cannot be made"));
  write_file(path("file"), "");
  EXPECT_THAT(error_of([&] { set.folder("--f", path("file")); }), HasSubstr("is no folder"));
  EXPECT_THAT(error_of([&] { set.folder("--f", path("file/f")); }), HasSubstr("cannot be made"));
  EXPECT_THAT(error_of([&] { set.file("--a", "-"); }), HasSubstr("--a: '-' is no file here"));
}

TEST_F(Outputs, APipeThatNobodyReadsIsRefused) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  OutputSet set;
  EXPECT_THAT(error_of([&] { set.file("--a", path("pipe")); }),
              HasSubstr("is a pipe that nobody reads"));
  std::string text;
  std::thread reader([&] { text = text_of(path("pipe")); });
  set.file("--a", path("pipe"))->write("text");
  set.commit();
  reader.join();
  EXPECT_EQ(text, "text");
}

// Without a set, programs that read and write the same file are free to do so.
TEST_F(Outputs, AloneAreNotWatched) {
  write_file(path("a"), "text");
  read("a");
  OutputSet set;
  EXPECT_NE(set.file("--a", path("a")), nullptr);
}

// A set's files and folders are gone when a signal ends the program.
TEST_F(Outputs, ASignalLeavesNothing) {
  EXPECT_EXIT(
      {
        remove_temporaries_on_signals();
        OutputSet set;
        set.folder("--folder", path("x/y"));
        set.file("--folder", path("x/y/f"))->stream() << "text" << std::flush;
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
  EXPECT_TRUE(scratch_.empty());
}

}  // namespace
}  // namespace systole
