// The device model against its own formula on shapes small enough to count by hand, and the fit.
#include "compare/model/device_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "base/files.h"
#include "base/source.h"
#include "compare/model/fit.h"
#include "tests/support/scratch.h"

namespace systole::compare {
namespace {

// 10 units that do 100 operations a second each, a memory of 8 bytes a second, a cache of 100
// bytes.
Device plain_device() {
  Device device;
  device.name = "plain";
  device.units = 10;
  device.peaks.fp32 = 1000.0;
  device.peaks.int8 = 4000.0;
  device.memory = {.dram = 8.0, .cache_bytes = 100.0, .cache = 80.0};
  return device;
}

TEST(ProductTime, CountsWholeTilesInWholeWaves) {
  Device device = plain_device();
  device.memory = {.dram = 1e30, .cache_bytes = 0.0, .cache = 0.0};
  // 64 x 64 tiles are the smallest: one wave of up to 10 tiles, 2 x 64 x 64 x k operations each.
  const double tile = 2.0 * 64 * 64 * 8 / 100.0;
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 1, 8, 1}).total(), tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 64, 8, 640}).total(), tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 64, 8, 641}).total(), 2 * tile);
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {11, 64, 8, 64}).total(), 2 * tile);
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 64, 8, 640}).total(), tile / 4);
}

TEST(ProductTime, CutsKWhereUnitsAreIdle) {
  Device device = plain_device();
  device.memory = {.dram = 1e30, .cache_bytes = 0.0, .cache = 0.0};
  const double whole = product_time(device, "fp32", {1, 64, 128, 64}).compute;
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 64, 1024, 64}).compute, whole);  // 8 parts
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 64, 2048, 64}).compute, 2 * whole);
}

TEST(ProductTime, ChargesTheCacheOrTheMemory) {
  Device device = plain_device();
  device.peaks.fp32 = 1e30;
  device.fit.kernel_seconds = 0.5;
  // 2 x 3 by 3 x 4: 6 + 12 + 8 elements of 4 bytes do not fit the cache; those of 1 byte do.
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 2, 3, 4}).total(), 26 * 4 / 8.0 + 0.5);
  device.peaks.int8 = 1e30;
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 2, 3, 4}).total(), 26 / 80.0 + 0.5);
  device.fit.memory_efficiency = 0.5;
  EXPECT_DOUBLE_EQ(product_time(device, "int8", {1, 2, 3, 4}).total(), 26 / 40.0 + 0.5);
}

TEST(ProductTime, RunsSmallTilesSlower) {
  Device device = plain_device();
  device.memory = {.dram = 1e30, .cache_bytes = 0.0, .cache = 0.0};
  const double ideal = product_time(device, "fp32", {1, 64, 8, 64}).total();
  device.fit.half_reuse = 32.0;  // the reuse of a 64 x 64 tile
  EXPECT_DOUBLE_EQ(product_time(device, "fp32", {1, 64, 8, 64}).total(), 2 * ideal);
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
  for (const char* name : {"k80", "v100", "a100", "h100", "h200", "haswell"}) {
    const Device* device = find_device(name);
    ASSERT_NE(device, nullptr) << name;
    EXPECT_GT(device->peaks.fp32, 0.0);
    EXPECT_GT(device->memory.dram, 0.0);
    EXPECT_EQ(device->error_percent < 0.0, device->error_source.empty()) << name;
  }
  EXPECT_EQ(find_device("tpu"), nullptr);
  EXPECT_EQ(find_device("k80")->peaks.at("int8"), 0.0);
  EXPECT_EQ(find_device("h100")->peaks.at("bf16"), 989.4e12);
  EXPECT_EQ(find_device("h100")->peaks.at("fp7"), 0.0);
}

TEST(Fit, FindsTheFiguresThatMadeTheRows) {
  Device device = *find_device("h100");
  device.fit = {3e-6, 0.8, 20.0, 0.6};
  std::vector<ProductRow> rows;
  for (std::int64_t size = 128; size <= 4096; size *= 2) {
    for (const Product p : {Product{1, size, size, size}, Product{1, 64, size, 2 * size}}) {
      rows.push_back({p, product_time(device, "bf16", p).total()});
    }
  }
  EXPECT_EQ(mean_error_percent(device, "bf16", rows), 0.0);
  Device start = device;
  start.fit = {6e-6, 0.9, 10.0, 0.5};
  EXPECT_GT(mean_error_percent(start, "bf16", rows), 10.0);
  start.fit = fitted(start, "bf16", rows);
  EXPECT_LT(mean_error_percent(start, "bf16", rows), 1.0);
}

// The figures in devices.def are those that the fit finds, to the digits written there.
TEST(Fit, ReproducesTheStoredFiguresOfTheH100) {
  const auto rows =
      rows_to_fit(read_product_rows(source_path("compare/model/data/h100_gemm_bf16.csv")));
  const Device stored = *find_device("h100");
  Device device = stored;
  device.fit = {5e-6, 0.8, 20.0, 0.8};
  const DeviceFit fit = fitted(device, "bf16", rows);
  EXPECT_NEAR(fit.kernel_seconds, stored.fit.kernel_seconds, 1e-9);
  EXPECT_NEAR(fit.efficiency, stored.fit.efficiency, 1e-4);
  EXPECT_NEAR(fit.half_reuse, stored.fit.half_reuse, 1e-2);
  EXPECT_NEAR(fit.memory_efficiency, stored.fit.memory_efficiency, 1e-4);
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
