// The device model against its own formula on shapes small enough to count by hand, and the fit.
#include "compare/model/device_model.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/diag.h"
#include "base/files.h"
#include "compare/model/fit.h"
#include "tests/support/scratch.h"

namespace systole::compare {
namespace {

// A CPU of 10 units that do 100 operations a second each, a memory of 8 bytes a second, a cache of
// 100 bytes.
Device plain_device() {
  Device device;
  device.name = "plain";
  device.family = Family::kCpu;
  device.units.count = 10;
  device.peaks.fp32 = 1000.0;
  device.peaks.int8 = 4000.0;
  device.memory = {.dram = 8.0, .cache_bytes = 100.0, .cache = 80.0};
  return device;
}

// The same as a GPU with tensor cores, whose memory never limits.
Device plain_gpu() {
  Device device = plain_device();
  device.family = Family::kGpu;
  device.units = {.count = 10, .threads = 1024.0, .hertz = 1.0, .tensor = true};
  device.peaks.fp16 = 1000.0;
  device.memory = {.dram = 1e30};
  return device;
}

// 64 x 64 tiles are the smallest of tensor cores: one wave of up to 10, 16 steps to fill and empty.
TEST(ProductTime, CountsWholeTilesInWholeWaves) {
  const Device device = plain_gpu();
  const double tile = 2.0 * 64 * 64 * (8 + 16) / 100.0;
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 1, 8, 1}).total(), tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 64, 8, 640}).total(), tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 64, 8, 641}).total(), 2 * tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {11, 64, 8, 64}).total(), 2 * tile);
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 64, 8, 640}).total(), tile / 4);
  // Single floats run in 32 x 32 tiles too.
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 1, 8, 1}).total(), tile / 4);
}

TEST(ProductTime, CutsKWhereUnitsAreIdle) {
  const Device device = plain_gpu();
  const double whole = product_time(device, "fp16", {1, 64, 128, 64}).compute;
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 64, 1024, 64}).compute, whole);  // 8 parts
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 64, 2048, 64}).compute, whole * 272 / 144);
}

TEST(ProductTime, ChargesTheCacheOrTheMemory) {
  Device device = plain_device();
  device.peaks.fp32 = device.peaks.int8 = 1e30;
  device.fit.kernel_seconds = 0.5;
  // 2 x 3 by 3 x 4: 6 + 12 + 8 elements of 4 bytes do not fit the cache; those of 1 byte do.
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 2, 3, 4}).total(), 26 * 4 / 8.0 + 0.5);
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 2, 3, 4}).total(), 26 / 80.0 + 0.5);
  device.fit.memory_efficiency = 0.5;
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 2, 3, 4}).total(), 26 / 40.0 + 0.5);
  device.family = Family::kGpu;  // whose cache counts for what is read again alone
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 2, 3, 4}).total(), 26 / 4.0 + 0.5);
}

TEST(ProductTime, RunsSmallTilesSlower) {
  Device device = plain_gpu();
  const double ideal = product_time(device, "fp16", {1, 64, 8, 64}).total();
  device.fit.half_reuse = 32.0;  // the reuse of a 64 x 64 tile
  EXPECT_DOUBLE_EQ(product_time(device, "fp16", {1, 64, 8, 64}).total(), 2 * ideal);
}

TEST(DeviceTime, OverlapsArithmeticAndMemory) {
  EXPECT_DOUBLE_EQ((DeviceTime{.compute = 3.0, .memory = 0.0, .launch = 1.0}.total()), 4.0);
  EXPECT_DOUBLE_EQ((DeviceTime{.compute = 2.0, .memory = 2.0}.total()), 2.0 * std::pow(2.0, 0.25));
  EXPECT_EQ(DeviceTime{}.total(), 0.0);
}

// A kernel takes no less than the launches lie apart.
TEST(ModelTime, TakesALaunchForEachKernel) {
  const Device device = plain_gpu();
  ModelWork work;
  work.layers = {{.name = "a", .op = "zip", .inputs = 1, .outputs = 1}};
  EXPECT_DOUBLE_EQ(model_time(device, "fp32", work, 5e-6).device, 5e-6);
  EXPECT_DOUBLE_EQ(model_time(device, "fp32", work).device, 1.5e-6);
}

TEST(ModelTime, AddsKernelsAndCopies) {
  Device device = plain_device();
  device.link = 100.0;
  device.fit.kernel_seconds = 1.0;
  ModelWork work;
  work.layers = {{.name = "a", .op = "zip", .inputs = 8, .outputs = 8},
                 {.name = "b", .op = "pool", .inputs = 4, .outputs = 12}};
  work.input_bytes = 300;
  work.output_bytes = 500;
  const ModelTime time = model_time(device, "fp32", work);
  EXPECT_DOUBLE_EQ(time.device, 2 * (64 / 80.0 + 1.0));
  EXPECT_DOUBLE_EQ(time.copy_in, 4.0);
  EXPECT_DOUBLE_EQ(time.copy_out, 6.0);
  EXPECT_DOUBLE_EQ(time.alone(), time.device + 10.0);
  EXPECT_DOUBLE_EQ(time.period(), 6.0);
  EXPECT_EQ(time.bound, "link");
  // Alone both copies count; back to back they hide behind longer kernels.
  work.output_bytes = work.input_bytes = 200;
  const ModelTime hidden = model_time(device, "fp32", work);
  EXPECT_DOUBLE_EQ(hidden.period(), hidden.device);
  EXPECT_EQ(hidden.bound, "launch");
  EXPECT_EQ(hidden.bound_alone, "link");
  work.output_bytes = work.input_bytes = 0;
  EXPECT_EQ(model_time(device, "fp32", work).bound, "launch");
}

// Kernels take 2 x (0.8 + 1.0), the copies 3.0 and 3.4: behind one another the link takes more,
// side by side the kernels decide.
TEST(ModelTime, IsBoundByWhatDecidesThePeriod) {
  Device device = plain_device();
  device.link = 100.0;
  device.fit.kernel_seconds = 1.0;
  ModelWork work;
  work.layers = {{.name = "a", .op = "zip", .inputs = 8, .outputs = 8},
                 {.name = "b", .op = "pool", .inputs = 4, .outputs = 12}};
  work.input_bytes = 200;
  work.output_bytes = 240;
  const ModelTime time = model_time(device, "fp32", work);
  EXPECT_EQ(time.period(), time.device);
  EXPECT_EQ(time.bound, "launch");
  EXPECT_EQ(time.bound_alone, "link");
  device.fit.kernel_seconds = 0.0;
  EXPECT_EQ(model_time(device, "fp32", work).bound, "link");
  device.link = 0.0;
  EXPECT_EQ(model_time(device, "fp32", work).bound_alone, "memory");
}

TEST(ModelTime, CarriesValuesAsWideAsThePrecision) {
  Device device = plain_device();
  device.peaks.bf16 = 2000.0;
  device.link = 1.0;
  ModelWork bytes;
  bytes.input_bytes = bytes.input_elements = 10;
  bytes.output_bytes = bytes.output_elements = 6;
  EXPECT_DOUBLE_EQ(model_time(device, "int8", bytes).alone(), 16.0);
  EXPECT_DOUBLE_EQ(model_time(device, "bf16", bytes).alone(), 2 * 16.0);
  EXPECT_DOUBLE_EQ(model_time(device, "fp32", bytes).alone(), 4 * 16.0);
  // A float model's inputs are floats, whatever it computes in.
  bytes.input_bytes = 40;
  EXPECT_DOUBLE_EQ(model_time(device, "int8", bytes).alone(), 40.0 + 6.0);
  EXPECT_DOUBLE_EQ(model_time(device, "bf16", bytes).alone(), 40.0 + 12.0);
}

TEST(Devices, HaveNamesAndFigures) {
  EXPECT_EQ(devices().size(), 17U);
  for (const Device& device : devices()) {
    EXPECT_EQ(find_device(device.name), &device);
    EXPECT_GT(device.peaks.fp32, 0.0);
    EXPECT_GT(device.memory.dram, 0.0);
    if (device.fit_of.empty()) continue;
    EXPECT_EQ(device.fit, find_device(device.fit_of)->fit) << device.name;
  }
  EXPECT_EQ(find_device("tpu"), nullptr);
  EXPECT_EQ(find_device("k80")->peaks.at("int8"), 0.0);
  EXPECT_EQ(find_device("h100")->peaks.at("bf16"), 989.4e12);
  EXPECT_EQ(find_device("h100")->peaks.at("fp7"), 0.0);
}

TEST(Fit, FindsTheFiguresThatMadeTheRows) {
  Device device = *find_device("haswell");
  device.fit = {
      .kernel_seconds = 3e-6, .efficiency = 0.8, .half_reuse = 20.0, .memory_efficiency = 0.6};
  std::vector<ProductRow> rows;
  for (std::int64_t size = 16; size <= 1024; size *= 2) {
    for (const Product p : {Product{1, size, size, size}, Product{1, 64, size, 2 * size},
                            Product{1, 1, size, 2 * size}}) {
      rows.push_back({p, product_time(device, "fp32", p).total()});
    }
  }
  EXPECT_EQ(mean_error_percent(device, "fp32", rows), 0.0);
  Device start = device;
  start.fit = {
      .kernel_seconds = 6e-6, .efficiency = 0.9, .half_reuse = 10.0, .memory_efficiency = 0.5};
  EXPECT_GT(mean_error_percent(start, "fp32", rows), 10.0);
  start.fit = fitted(start, "fp32", rows);
  EXPECT_LT(mean_error_percent(start, "fp32", rows), 1.0);
}

TEST(ProductRows, ReadsColumnsInAnyOrder) {
  const testing_support::ScratchFolder folder;
  const std::string path = folder.file("rows.csv");
  write_file(path, std::string("# source\nn, m,k,tflops,who\n4,2,3,0.5,x\n"));
  const auto rows = read_product_rows(path);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].product.m, 2);
  EXPECT_EQ(rows[0].product.k, 3);
  EXPECT_EQ(rows[0].product.n, 4);
  EXPECT_DOUBLE_EQ(rows[0].seconds, 48 / 0.5e12);
  write_file(path, std::string("m,k,n,latency_ns\r\n1,2,3,250\r\n"));
  EXPECT_DOUBLE_EQ(read_product_rows(path)[0].seconds, 250e-9);
}

TEST(ProductRows, NamesTheLineThatIsWrong) {
  const testing_support::ScratchFolder folder;
  const std::string path = folder.file("rows.csv");
  const auto refused = [&](const std::string& text, const std::string& expected) {
    write_file(path, text);
    EXPECT_THAT([&] { (void)read_product_rows(path); },
                testing::ThrowsMessage<InputError>(testing::HasSubstr(expected)))
        << text;
  };
  refused("m,k,n\n1,2,3\n", "lacks a column");
  refused("m,k,n,seconds\n1,2,3,1\n1,x,3,1\n", "rows.csv:3: column 2");
  refused("m,k,n,seconds\n1,2,3\n", "rows.csv:2: column 4");
  refused("m,k,n,seconds\n1,2,3,-1\n", "rows.csv:2: column 4");
  refused("m,k,n,seconds\n1.5,2,3,1\n", "a dimension of 1.5");
  refused("m,k,n,seconds\n1e30,2,3,1\n", "a dimension of 1e+30");
  refused("m,k,n,seconds\n", "holds no rows");
  refused("", "holds no rows");
}

}  // namespace
}  // namespace systole::compare
