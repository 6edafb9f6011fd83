// Measured tables by their columns: what each form's row means, and what is refused.
#include "compare/model/gpu_table.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole::compare {
namespace {

using testing::HasSubstr;

GpuTable table_of(const std::string& text) {
  const testing_support::ScratchFolder folder;
  write_file(folder.file("t.csv"), text);
  return read_gpu_table(folder.file("t.csv"));
}

void expect_refused(const std::string& text, const std::string& expected) {
  EXPECT_THAT([&] { (void)table_of(text); },
              testing::ThrowsMessage<InputError>(HasSubstr(expected)))
      << text;
}

TEST(GpuTable, ReadsProductsByTheirColumns) {
  const GpuTable table =
      table_of("# source\ndevice,b,m,n,k,latency_ms,kernel\nP4,2,3,4,5,0.5,x\nMI210,1,1,1,1,1,\n");
  ASSERT_EQ(table.rows.size(), 1U);
  const GpuRow& row = table.rows[0];
  EXPECT_EQ(row.device, "p4");
  EXPECT_EQ(row.precision, "fp32");
  EXPECT_EQ(row.key, "P4,2,3,4,5");
  EXPECT_DOUBLE_EQ(row.seconds, 5e-4);
  EXPECT_EQ(std::get<Product>(row.work).count, 2);
  EXPECT_EQ(std::get<Product>(row.work).k, 5);
  EXPECT_EQ(table.skipped.at("a device without a model"), 1);
}

TEST(GpuTable, ReadsAColumnPerPrecision) {
  const GpuTable table =
      table_of("device,b,m,n,k,bf16_tflops,f32_tflops,fp8_e4m3_tflops\nsm_90,1,10,10,10,2,,4\n");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].precision, "bf16");
  EXPECT_DOUBLE_EQ(table.rows[0].seconds, 2000 / 2e12);
  EXPECT_EQ(table.rows[1].precision, "fp8");
  EXPECT_EQ(table.rows[1].key, "sm_90,1,10,10,10");
  EXPECT_EQ(table_of("m,n,k,tflops\n10,10,10,2\n").rows[0].device, "h100");
  EXPECT_DOUBLE_EQ(table_of("k,n,m,latency_ns\n1,2,3,7\n").rows[0].seconds, 7e-9);
}

// A cell with a comma keeps its quotes in the key.
TEST(GpuTable, KnowsTheSheetsOfDeepBench) {
  const GpuTable table = table_of(
      "device,sheet_precision,m,n,k,transA,transB,time_ms,tflops\n"
      "T4,\"Results - FP16 ip, Mixed math\",8,8,8,N,T,1,2\nP100,Results - Psuedo "
      "FP16,8,8,8,N,N,1,2\n");
  EXPECT_EQ(table.rows[0].key, "T4,\"Results - FP16 ip, Mixed math\",8,8,8,N,T");
  EXPECT_EQ(table.rows[0].precision, "fp16");
  EXPECT_EQ(table.rows[1].precision, "fp16/fp32");
}

// A window or stride that the sheet leaves out is the one of DeepBench's problem, if it is one.
TEST(GpuTable, CompletesConvolutions) {
  const GpuTable table = table_of(
      "device,sheet_precision,w,h,c,n,k,s_filter_w,r_filter_h,pad_w,pad_h,stride_w,stride_h,fwd_"
      "ms\n"
      "V100,Results FP32,700,161,1,4,32,,,0,0,2,2,1\n"
      "V100,Results FP32,56,56,64,16,256,1,1,0,0,,,1\n"
      "V100,Results FP32,9,9,8,1,8,3,3,1,1,2,2,1\n");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.skipped.at("a convolution whose window or stride is not written down"), 1);
  const auto& speech = std::get<Convolution>(table.rows[0].work);
  EXPECT_EQ(speech.kernel_w, 20);
  EXPECT_EQ(speech.kernel_h, 5);
  EXPECT_EQ(speech.out_w, 341);
  EXPECT_EQ(std::get<Convolution>(table.rows[1].work).out_h, 5);
}

TEST(GpuTable, ReadsLayersOfLlama) {
  const GpuTable table = table_of(
      "device,model,n_embd,ffn,n_head,n_kv,tp,tokens,attn_pre_proj,attn_post_proj,mlp_up_proj,"
      "mlp_act,mlp_down_proj,input_layernorm,attn_rope,add,emb\n"
      "a100,L,1024,4096,8,4,2,16,1,1,1,1,1,1,1,1,1\n");
  ASSERT_EQ(table.rows.size(), 9U);
  EXPECT_EQ(std::get<Product>(table.rows[0].work).n, 512 + 2 * 256);
  EXPECT_EQ(std::get<Product>(table.rows[1].work).k, 512);
  EXPECT_EQ(std::get<Product>(table.rows[2].work).n, 4096);
  EXPECT_EQ(std::get<ElementWork>(table.rows[3].work).elements, 16.0 * 2048);
  EXPECT_EQ(table.rows[8].key, "a100,L,1024,4096,8,4,2,16");
}

TEST(GpuTable, ReadsRatesAndNorms) {
  const GpuTable ops =
      table_of("op,device,d0,d1,d2,time_ms,rate\nsoftmax,A100,4,8,,,2\nmatmul,A100,1,2,3,1,5\n");
  EXPECT_DOUBLE_EQ(ops.rows[0].seconds, 32 / 2e9);
  EXPECT_EQ(std::get<Product>(ops.rows[1].work).n, 3);
  const GpuTable norms = table_of("op,device,b,h,latency_ms\nln,T4,16,1024,1\n");
  EXPECT_EQ(norms.rows[0].kind, GpuKind::kLayerNorm);
}

TEST(GpuTable, NamesTheLineThatIsWrong) {
  expect_refused("a,b\n1,2\n", "has the columns of no table of GPUs");
  expect_refused("", "holds no rows");
  expect_refused("device,b,m,n,k,latency_ms\n", "holds no rows");
  expect_refused("device,b,m,n,k,latency_ms\nXX,1,1,1,1,1\n", "holds no row that the model can do");
  expect_refused("device,b,m,n,k,latency_ms\nP4,1,1,1,1,nan\n", "t.csv:2: latency_ms is 'nan'");
  expect_refused("device,b,m,n,k,latency_ms\nP4,1,1,1,1,-1\n", "t.csv:2: latency_ms is '-1'");
  expect_refused("device,b,m,n,k,latency_ms\nP4,1,1,1,1,1e300\n", "t.csv:2: a kernel in 1e+297 s");
  expect_refused("device,b,m,n,k,latency_ms\nP4,1,0,1,1,1\n", "t.csv:2: m is '0'");
  expect_refused("device,b,m,n,k,latency_ms\nP4,1,1e9,1,1,1\n", "t.csv:2: m is '1e9'");
  expect_refused("op,device,b,h,latency_ms\ngelu,T4,1,1,1\n", "op is 'gelu'");
}

TEST(SharedTables, AreAllThere) {
  std::int64_t rows = 0, even = 0;
  for (const GpuTable& table : shared_gpu_tables()) {
    for (const GpuRow& row : table.rows) {
      ++rows;
      even += row.fitted_on ? 1 : 0;
    }
  }
  EXPECT_EQ(shared_gpu_tables().size(), 9U);
  EXPECT_EQ(rows, 4496);
  EXPECT_EQ(even, 2226);
}

}  // namespace
}  // namespace systole::compare
