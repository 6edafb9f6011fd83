// Matrix products by cuBLASLt: every algorithm its heuristics propose is tried, the fastest kept.
//
// cuBLASLt's matrices are column-major, so our row-major c[m, n] is its C^T with n rows and m
// columns: C^T = B A^T, where both of our operands have k innermost ("TN", the one layout that
// int8's kernels take). A bias of n elements then belongs to its rows, as its epilogue wants it.
#include "compare/targets/gpu/cuda/device.cuh"

namespace systole::compare::gpu {
namespace {

struct Types {
  cudaDataType_t operand, result, scale;
  cublasComputeType_t compute;
};

Types types_of(Math math) {
  switch (math) {
    case Math::kFp32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Math::kTf32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case Math::kFp16:
      return {CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Math::kBf16:
      return {CUDA_R_16BF, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Math::kInt8:
      break;
  }
  return {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I};
}

// Owns what cuBLASLt calls descriptors; shared by the candidates of one product.
struct Plan {
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    if (preference != nullptr) cublasLtMatmulPreferenceDestroy(preference);
    for (const auto layout : {a, b, c}) {
      if (layout != nullptr) cublasLtMatrixLayoutDestroy(layout);
    }
    if (operation != nullptr) cublasLtMatmulDescDestroy(operation);
  }
};

cublasLtEpilogue_t epilogue_of(const Gemm& work) {
  if (work.bias == nullptr) return work.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
  return work.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

template <typename T>
void set(const Plan& plan, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check(cublasLtMatmulDescSetAttribute(plan.operation, attribute, &value, sizeof value),
        "cublasLtMatmulDescSetAttribute");
}

std::shared_ptr<Plan> make_plan(const Gemm& work) {
  const Types types = types_of(work.math);
  auto plan = std::make_shared<Plan>();
  check(cublasLtMatmulDescCreate(&plan->operation, types.compute, types.scale),
        "cublasLtMatmulDescCreate");
  set(*plan, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  set(*plan, CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
  set(*plan, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(work));
  if (work.bias != nullptr) set(*plan, CUBLASLT_MATMUL_DESC_BIAS_POINTER, work.bias);
  const auto m = static_cast<std::uint64_t>(work.m);
  const auto n = static_cast<std::uint64_t>(work.n);
  const auto k = static_cast<std::uint64_t>(work.k);
  const char* const what = "cublasLtMatrixLayoutCreate";
  check(cublasLtMatrixLayoutCreate(&plan->a, types.operand, k, n, work.k), what);
  check(cublasLtMatrixLayoutCreate(&plan->b, types.operand, k, m, work.k), what);
  check(cublasLtMatrixLayoutCreate(&plan->c, types.result, n, m, work.n), what);
  check(cublasLtMatmulPreferenceCreate(&plan->preference), "cublasLtMatmulPreferenceCreate");
  const std::size_t workspace = Device::kWorkspaceBytes;
  check(
      cublasLtMatmulPreferenceSetAttribute(
          plan->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace),
      "cublasLtMatmulPreferenceSetAttribute");
  return plan;
}

std::string algorithm_name(const cublasLtMatmulAlgo_t& algorithm) {
  int id = -1;
  std::size_t written = 0;
  check(cublasLtMatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_ID, &id, sizeof id,
                                             &written),
        "cublasLtMatmulAlgoConfigGetAttribute");
  return "cuBLASLt algorithm " + std::to_string(id);
}

bool multiply(const Device& device, const Gemm& work, const Plan& plan,
              const cublasLtMatmulAlgo_t& algorithm) {
  const float float_factors[] = {1.0F, 0.0F};
  const std::int32_t integer_factors[] = {1, 0};
  const bool integers = work.math == Math::kInt8;
  const auto factor = [&](int i) {
    return integers ? static_cast<const void*>(&integer_factors[i]) : &float_factors[i];
  };
  return cublasLtMatmul(device.blas, plan.operation, factor(0), work.b, plan.a, work.a, plan.b,
                        factor(1), work.c, plan.c, work.c, plan.c, &algorithm,
                        device.workspace.get(), Device::kWorkspaceBytes,
                        device.stream) == CUBLAS_STATUS_SUCCESS;
}

}  // namespace

std::unique_ptr<Launch> prepare_gemm(const Device& device, const Gemm& work) {
  if (work.m == 0 || work.n == 0 || work.k == 0) throw DeviceError("an empty matrix product");
  const std::shared_ptr<Plan> plan = make_plan(work);
  constexpr int kMost = 16;
  cublasLtMatmulHeuristicResult_t found[kMost];
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(device.blas, plan->operation, plan->a, plan->b, plan->c,
                                       plan->c, plan->preference, kMost, found, &count),
        "cublasLtMatmulAlgoGetHeuristic");
  std::vector<std::unique_ptr<FunctionLaunch>> candidates;
  for (int i = 0; i < count; ++i) {
    if (found[i].state != CUBLAS_STATUS_SUCCESS) continue;
    candidates.push_back(std::make_unique<FunctionLaunch>(
        algorithm_name(found[i].algo), [&device, work, plan, algorithm = found[i].algo] {
          return multiply(device, work, *plan, algorithm);
        }));
  }
  return fastest(device, std::move(candidates));
}

}  // namespace systole::compare::gpu
