// Inputs: names, conversions, padding and the errors a user can make.
#include "cli/inputs.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/files.h"
#include "formats/tensor_files.h"
#include "report/accuracy.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing_support::ScratchFolder;

InputSource source_of(Tensor tensor) {
  return {.is_random = false, .seed = 0, .origin = "f.npy", .tensor = std::move(tensor)};
}

TEST(ReadSources, NamesMayBeLeftOutForTheOnlyInput) {
  const ScratchFolder folder;
  const std::string path = folder.file("a.npy");
  write_file(path, formats::npy_bytes(Tensor(DType::kUint8, {7, 2})));
  for (const std::string& argument : {path, "x=" + path}) {
    const auto sources = read_sources({argument}, {"x"});
    EXPECT_EQ(sources.at("x").tensor.shape, (Shape{7, 2}));
    EXPECT_EQ(source_rows(sources), 7);
  }
  EXPECT_THROW(static_cast<void>(read_sources({path}, {"x", "y"})), InputError);
  EXPECT_THROW(static_cast<void>(read_sources({"z=random"}, {"x"})), InputError);
  EXPECT_THROW(static_cast<void>(read_sources({"x=random", "x=random:1"}, {"x"})), InputError);
  EXPECT_THROW(static_cast<void>(read_sources({"random:x"}, {"x"})), InputError);
  EXPECT_THROW(static_cast<void>(read_sources({"x="}, {"x"})), InputError);
}

TEST(ReadSources, UnmentionedInputsAreRandomZero) {
  const auto sources = read_sources({"y=random:5"}, {"x", "y"});
  EXPECT_EQ(sources.at("x").seed, 0U);
  EXPECT_EQ(sources.at("y").seed, 5U);
  EXPECT_EQ(source_rows(sources), 0);
}

TEST(ReadSources, NamesMayHoldWhatEndsThem) {
  const auto sources = read_sources({"a=b=random:2", "a=random:1"}, {"a", "a=b"});
  EXPECT_EQ(sources.at("a").seed, 1U);
  EXPECT_EQ(sources.at("a=b").seed, 2U);
}

TEST(SourceRows, FilesMustAgree) {
  EXPECT_THROW(static_cast<void>(source_rows({{"x", source_of(Tensor(DType::kUint8, {2}))},
                                              {"y", source_of(Tensor(DType::kUint8, {3}))}})),
               InputError);
  EXPECT_THROW(static_cast<void>(source_rows({{"x", source_of(Tensor(DType::kUint8, {0, 3}))}})),
               InputError);
}

TEST(FitInput, BytesBecomeFractionsAndMissingRowsZeros) {
  const std::vector<std::uint8_t> pixels = {0, 51, 255, 1};
  const auto source = source_of(make_tensor<std::uint8_t>({1, 2, 2}, pixels));
  const Tensor tensor = fit_input("x", source, DType::kFloat32, {2, 4});
  EXPECT_EQ(tensor.shape, (Shape{2, 4}));
  EXPECT_THAT(tensor.as<float>(),
              testing::ElementsAre(0.0F, 0.2F, 1.0F, 1.0F / 255.0F, 0, 0, 0, 0));
}

TEST(FitInput, RefusesWhatDoesNotFit) {
  const auto fit = [](const Tensor& tensor, DType type, const Shape& shape) {
    return [=] { static_cast<void>(fit_input("x", source_of(tensor), type, shape)); };
  };
  EXPECT_THROW(fit(Tensor(DType::kInt8, {2, 3}), DType::kFloat32, {2, 3})(), InputError);
  EXPECT_THROW(fit(Tensor(DType::kFloat32, {2, 3}), DType::kUint8, {2, 3})(), InputError);
  EXPECT_THROW(fit(Tensor(DType::kUint8, {2, 4}), DType::kUint8, {2, 3})(), InputError);
  EXPECT_THROW(fit(Tensor(DType::kUint8, {3, 3}), DType::kUint8, {2, 3})(), InputError);
  const std::vector<float> values = {1.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(fit(make_tensor<float>({1, 2}, values), DType::kFloat32, {1, 2})(), InputError);
}

TEST(FitInput, RandomIsAFunctionOfTheSeed) {
  const auto random = [](std::uint64_t seed, DType type) {
    return fit_input("x", {.is_random = true, .seed = seed, .origin = {}, .tensor = {}}, type,
                     {3, 5})
        .data;
  };
  EXPECT_EQ(random(1, DType::kUint8), random(1, DType::kUint8));
  EXPECT_NE(random(1, DType::kUint8), random(2, DType::kUint8));
  EXPECT_NE(random(1, DType::kFloat32), random(2, DType::kFloat32));
}

TEST(Top1, CountsFirstLargestScores) {
  const std::vector<float> scores = {0.1F, 0.9F, 0.5F, 0.5F, 0.3F, 0.2F};
  const Tensor tensor = make_tensor<float>({3, 2}, scores);
  EXPECT_EQ(report::top1(tensor, std::vector<std::int64_t>{1, 0, 0}).correct, 3);
  EXPECT_EQ(report::top1(tensor, std::vector<std::int64_t>{0, 1, 1}).correct, 0);
  EXPECT_EQ(report::top1(tensor, std::vector<std::int64_t>{1, 1}).percent(), 50.0);
}

TEST(ReadLabels, MustBeOneIntegerARow) {
  const ScratchFolder folder;
  write_file(folder.file("labels"),
             formats::npy_bytes(make_tensor<std::int64_t>({2}, std::vector<std::int64_t>{3, 9})));
  EXPECT_THAT(report::read_labels(folder.file("labels"), 2), testing::ElementsAre(3, 9));
  EXPECT_THROW(static_cast<void>(report::read_labels(folder.file("labels"), 3)), InputError);
  write_file(folder.file("floats"), formats::npy_bytes(Tensor(DType::kFloat32, {2})));
  EXPECT_THROW(static_cast<void>(report::read_labels(folder.file("floats"), 2)), InputError);
}

}  // namespace
}  // namespace systole::cli
