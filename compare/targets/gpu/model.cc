// Starts the builder's steps in order, each under its number in traces.
#include "compare/targets/gpu/model.h"

#include "compare/targets/gpu/builder.h"
#include "compare/targets/gpu/signed_graph.h"

namespace systole::compare::gpu {

struct Model::Impl {
  Impl(const compiler::Graph& graph, Math math, Backend& b)
      : backend(b), built(Builder(graph, math, b).build()) {}
  void start() const {
    for (std::size_t i = 0; i < built.steps.size(); ++i) {
      backend.mark(static_cast<std::int64_t>(i));
      built.steps[i].launch->start();
    }
    backend.mark(-1);
  }

  Backend& backend;
  Builder::Result built;
  std::unique_ptr<Launch> recorded;
  std::string no_recording;
};

Model::Model(const compiler::Graph& graph, Math math, Backend& backend)
    : impl_(math == Math::kInt8 ? std::make_unique<Impl>(signed_graph(graph), math, backend)
                                : std::make_unique<Impl>(graph, math, backend)) {
  try {
    impl_->recorded = backend.record([this] { impl_->start(); });
  } catch (const DeviceError& error) {  // a library call that no graph can hold
    impl_->no_recording = error.what();
  }
}

Model::~Model() = default;

Times Model::run(std::span<const std::uint8_t> input, std::span<std::uint8_t> output,
                 bool recorded) {
  const Transfer transfer{input, impl_->built.input.memory.get(), output,
                          impl_->built.output.memory.get()};
  if (recorded) {
    SYSTOLE_CHECK(impl_->recorded, "no recording: {}", impl_->no_recording);
    return impl_->backend.run(transfer, [this] { impl_->recorded->start(); });
  }
  return impl_->backend.run(transfer, [this] { impl_->start(); });
}

const std::string& Model::no_recording() const { return impl_->no_recording; }

const std::vector<Step>& Model::steps() const { return impl_->built.steps; }

}  // namespace systole::compare::gpu
