// Convolutions and pools by cuDNN, through the calls whose shapes are fixed ahead. Each algorithm
// is tried fused (bias and relu in the convolution) and apart (one more kernel behind it); the
// fastest of those that this device, type and shape have is kept.
#include "compare/targets/gpu/cuda/device.cuh"

// The calls that NVIDIA marks as deprecated in favour of its graph interface.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma nv_diag_suppress 1444

namespace systole::compare::gpu {
namespace {

// y = y + bias, then relu: what a convolution without fusion leaves to do.
struct Epilogue {
  Element element = Element::kF32;
  std::int64_t inner = 1, channels = 1;  // the channel of element i is i / inner % channels
  ConstAddress bias = nullptr;
  bool relu = false;
  Address y = nullptr;
  std::int64_t count = 0;
};

SYSTOLE_GPU void body(const Epilogue& e, Index i) {
  float x = read_float(e.element, e.y, i);
  if (e.bias != nullptr) {
    x += read_float(e.element, e.bias,
                    i / static_cast<Index>(e.inner) % static_cast<Index>(e.channels));
  }
  write_float(e.element, e.y, i, e.relu && x < 0.0F ? 0.0F : x);
}

cudnnDataType_t data_type(Element element) {
  if (element == Element::kF16) return CUDNN_DATA_HALF;
  return element == Element::kBf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}
cudnnTensorFormat_t format(const Picture& picture) {
  return picture.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
}
int as_int(std::int64_t n) { return static_cast<int>(n); }

void set_tensor(cudnnTensorDescriptor_t tensor, Element element, const Picture& p) {
  check(cudnnSetTensor4dDescriptor(tensor, format(p), data_type(element), as_int(p.n), as_int(p.c),
                                   as_int(p.h), as_int(p.w)),
        "cudnnSetTensor4dDescriptor");
}

// Owns what cuDNN calls descriptors.
struct Plan {
  cudnnTensorDescriptor_t x = nullptr, y = nullptr, bias = nullptr;
  cudnnFilterDescriptor_t weights = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;
  cudnnActivationDescriptor_t activation = nullptr;
  cudnnPoolingDescriptor_t pool = nullptr;

  Plan() {
    for (auto* tensor : {&x, &y, &bias}) {
      check(cudnnCreateTensorDescriptor(tensor), "cudnnCreateTensorDescriptor");
    }
    check(cudnnCreateFilterDescriptor(&weights), "cudnnCreateFilterDescriptor");
    check(cudnnCreateConvolutionDescriptor(&conv), "cudnnCreateConvolutionDescriptor");
    check(cudnnCreateActivationDescriptor(&activation), "cudnnCreateActivationDescriptor");
    check(cudnnCreatePoolingDescriptor(&pool), "cudnnCreatePoolingDescriptor");
  }
  ~Plan() {
    cudnnDestroyPoolingDescriptor(pool);
    cudnnDestroyActivationDescriptor(activation);
    cudnnDestroyConvolutionDescriptor(conv);
    cudnnDestroyFilterDescriptor(weights);
    for (auto* tensor : {x, y, bias}) cudnnDestroyTensorDescriptor(tensor);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
};

// Plain binary32 keeps off the tensor cores, whose fp32 is tf32.
cudnnMathType_t math_type(Math math) {
  if (math == Math::kFp32) return CUDNN_FMA_MATH;
  return math == Math::kTf32 ? CUDNN_DEFAULT_MATH : CUDNN_TENSOR_OP_MATH;
}

std::shared_ptr<Plan> make_plan(const Conv& work) {
  auto plan = std::make_shared<Plan>();
  const Element element = info(work.math).operand;
  const Window2d& w = work.window;
  set_tensor(plan->x, element, work.x);
  set_tensor(plan->y, element, work.y);
  set_tensor(plan->bias, element, {1, work.y.c, 1, 1, work.y.channels_last});
  check(cudnnSetFilter4dDescriptor(plan->weights, data_type(element), format(work.x),
                                   as_int(work.y.c), as_int(work.x.c / work.groups),
                                   as_int(w.kernel[0]), as_int(w.kernel[1])),
        "cudnnSetFilter4dDescriptor");
  check(cudnnSetConvolution2dDescriptor(plan->conv, as_int(w.pads[0]), as_int(w.pads[1]),
                                        as_int(w.strides[0]), as_int(w.strides[1]),
                                        as_int(w.dilations[0]), as_int(w.dilations[1]),
                                        CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
        "cudnnSetConvolution2dDescriptor");
  check(cudnnSetConvolutionGroupCount(plan->conv, as_int(work.groups)),
        "cudnnSetConvolutionGroupCount");
  check(cudnnSetConvolutionMathType(plan->conv, math_type(work.math)),
        "cudnnSetConvolutionMathType");
  const auto activation = work.relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
  check(cudnnSetActivationDescriptor(plan->activation, activation, CUDNN_NOT_PROPAGATE_NAN, 0.0),
        "cudnnSetActivationDescriptor");
  return plan;
}

constexpr float kOne = 1.0F;
constexpr float kZero = 0.0F;

bool convolve_fused(const Device& device, const Conv& work, const Plan& plan,
                    cudnnConvolutionFwdAlgo_t algorithm) {
  return cudnnConvolutionBiasActivationForward(
             device.dnn, &kOne, plan.x, work.in, plan.weights, work.weights, plan.conv, algorithm,
             device.workspace.get(), Device::kWorkspaceBytes, &kZero, plan.y, work.out, plan.bias,
             work.bias, plan.activation, plan.y, work.out) == CUDNN_STATUS_SUCCESS;
}

bool convolve_apart(const Device& device, const Conv& work, const Plan& plan,
                    cudnnConvolutionFwdAlgo_t algorithm) {
  const auto status = cudnnConvolutionForward(
      device.dnn, &kOne, plan.x, work.in, plan.weights, work.weights, plan.conv, algorithm,
      device.workspace.get(), Device::kWorkspaceBytes, &kZero, plan.y, work.out);
  if (status != CUDNN_STATUS_SUCCESS) return false;
  if (work.bias == nullptr && !work.relu) return true;
  Epilogue epilogue;
  epilogue.element = info(work.math).result;
  epilogue.inner = work.y.channels_last ? 1 : work.y.h * work.y.w;
  epilogue.channels = work.y.c;
  epilogue.bias = work.bias;
  epilogue.relu = work.relu;
  epilogue.y = work.out;
  epilogue.count = work.y.n * work.y.c * work.y.h * work.y.w;
  return start_each(device, epilogue);
}

bool fits_workspace(const Device& device, const Plan& plan, cudnnConvolutionFwdAlgo_t algorithm) {
  std::size_t bytes = 0;
  const auto status = cudnnGetConvolutionForwardWorkspaceSize(device.dnn, plan.x, plan.weights,
                                                              plan.conv, plan.y, algorithm, &bytes);
  return status == CUDNN_STATUS_SUCCESS && bytes <= Device::kWorkspaceBytes;
}

}  // namespace

std::unique_ptr<Launch> prepare_conv(const Device& device, const Conv& work) {
  const std::shared_ptr<Plan> plan = make_plan(work);
  std::vector<std::unique_ptr<FunctionLaunch>> candidates;
  for (int i = 0; i < CUDNN_CONVOLUTION_FWD_ALGO_COUNT; ++i) {
    const auto algorithm = static_cast<cudnnConvolutionFwdAlgo_t>(i);
    if (!fits_workspace(device, *plan, algorithm)) continue;
    const std::string name = "cuDNN algorithm " + std::to_string(i);
    if (work.bias != nullptr) {
      candidates.push_back(
          std::make_unique<FunctionLaunch>(name + ", fused", [&device, work, plan, algorithm] {
            return convolve_fused(device, work, *plan, algorithm);
          }));
    }
    candidates.push_back(std::make_unique<FunctionLaunch>(name, [&device, work, plan, algorithm] {
      return convolve_apart(device, work, *plan, algorithm);
    }));
  }
  return fastest(device, std::move(candidates));
}

static cudnnPoolingMode_t pooling_mode(const Pool& work) {
  switch (work.kind) {
    case PoolKind::kMax:
      return CUDNN_POOLING_MAX;
    case PoolKind::kAverage:
      return work.count_padding ? CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING
                                : CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING;
  }
  throw DeviceError("a kind of pool that this library does not have");
}

std::unique_ptr<FunctionLaunch> prepare_library_pool(const Device& device, const Pool& work) {
  auto plan = std::make_shared<Plan>();
  const Window2d& w = work.window;
  set_tensor(plan->x, work.element, work.x);
  set_tensor(plan->y, work.element, work.y);
  check(cudnnSetPooling2dDescriptor(plan->pool, pooling_mode(work), CUDNN_PROPAGATE_NAN,
                                    as_int(w.kernel[0]), as_int(w.kernel[1]), as_int(w.pads[0]),
                                    as_int(w.pads[1]), as_int(w.strides[0]), as_int(w.strides[1])),
        "cudnnSetPooling2dDescriptor");
  return std::make_unique<FunctionLaunch>("cuDNN pooling", [&device, work, plan] {
    return cudnnPoolingForward(device.dnn, plan->pool, &kOne, plan->x, work.in, &kZero, plan->y,
                               work.out) == CUDNN_STATUS_SUCCESS;
  });
}

}  // namespace systole::compare::gpu
