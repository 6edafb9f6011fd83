// Runs what onednn_builder.h builds, and takes the time of every step.
#include "compare/targets/cpu/cpu_onednn.h"

#include <omp.h>

#include <algorithm>
#include <chrono>

#include "compare/targets/cpu/onednn_builder.h"

namespace systole::compare {
namespace {

using dnnl::memory;

// Sets the OpenMP team size (which oneDNN obeys) for a scope.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~ThreadScope() { omp_set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace

struct CpuModel::Impl {
  Impl(const compiler::Graph& g, CpuOptions o) : graph(g), options(o), built(graph, o) {}

  [[nodiscard]] Tensor tensor(const memory& from, compiler::ValueId id) const {
    const compiler::Value& v = graph.value(id);
    Tensor result(v.type, v.shape);
    const auto* bytes = static_cast<const std::uint8_t*>(from.get_data_handle());
    std::copy_n(bytes, result.data.size(), result.data.begin());
    return result;
  }

  compiler::Graph graph;
  CpuOptions options;
  OnednnBuilder built;
  std::vector<CpuStep> steps;
};

CpuModel::CpuModel(const compiler::Graph& graph, CpuOptions options)
    : impl_(std::make_unique<Impl>(graph, options)) {
  const ThreadScope scope(options.threads);
  impl_->built.build();
  for (const OnednnStep& step : impl_->built.steps) {
    impl_->steps.push_back({step.name, step.op, step.kernel, step.device, 0.0});
  }
}

CpuModel::~CpuModel() = default;

CpuTiming CpuModel::run(const ByteSpans& inputs) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const ThreadScope scope(impl_->options.threads);
  SYSTOLE_CHECK(inputs.size() == impl_->graph.inputs.size(), "{} inputs", inputs.size());
  CpuTiming timing;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (memory& view : impl_->built.input_views[i]) {
      // oneDNN only reads from its source memory.
      view.set_data_handle(const_cast<std::uint8_t*>(inputs[i].data()));
    }
  }
  auto before = start;
  for (std::size_t i = 0; i < impl_->steps.size(); ++i) {
    impl_->built.run(i);
    const auto after = Clock::now();
    impl_->steps[i].seconds = seconds(after - before);
    if (impl_->steps[i].device) timing.device += impl_->steps[i].seconds;
    before = after;
  }
  timing.total = seconds(before - start);
  return timing;
}

std::vector<Tensor> CpuModel::outputs() const {
  std::vector<Tensor> all;
  for (std::size_t i = 0; i < impl_->graph.outputs.size(); ++i) {
    all.push_back(impl_->tensor(impl_->built.outputs[i], impl_->graph.outputs[i]));
  }
  return all;
}

Tensor CpuModel::last_product() const {
  SYSTOLE_CHECK(last_product_value() != compiler::kNoValue, "a model without products");
  const compiler::Value& v = impl_->graph.value(last_product_value());
  const memory& product = impl_->built.last_product;
  const memory::desc plain = row_major_desc(product.get_desc().dims(), dnnl_type(v.type, v.name));
  return impl_->tensor(impl_->built.packed(product, plain), last_product_value());
}

compiler::ValueId CpuModel::last_product_value() const { return impl_->built.last_product_value; }

std::string CpuModel::precision() const {
  const auto& all = impl_->built.precisions;
  if (all.size() == 1) return *all.begin();
  return all.empty() ? "none" : "mixed";
}

const std::vector<CpuStep>& CpuModel::steps() const { return impl_->steps; }

std::vector<std::string> CpuModel::libraries() const {
  const auto& all = impl_->built.libraries;
  return {all.begin(), all.end()};
}

}  // namespace systole::compare
