// Temporary files and folders are there while their object is, and gone afterwards.
#include "base/temporary_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"

namespace systole {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFile, IsGoneWithItsObject) {
  std::string path;
  {
    const TemporaryFile file(".onnx");
    path = file.path();
    EXPECT_TRUE(path.ends_with(".onnx"));
    EXPECT_TRUE(fs::exists(path));
    EXPECT_NE(TemporaryFile(".onnx").path(), path);
    write_file(path, std::string("text"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolder, IsGoneWithAllThatIsInIt) {
  std::string inside;
  {
    const TemporaryFolder folder;
    inside = folder.file("a");
    write_file(inside, std::string("text"));
    EXPECT_TRUE(fs::exists(inside));
  }
  EXPECT_FALSE(fs::exists(fs::path(inside).parent_path()));
}

}  // namespace
}  // namespace systole
