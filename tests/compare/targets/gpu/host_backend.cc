// Products sum k upwards from +0 in binary32, convolutions over (channel, row, column), as the
// reference evaluator does, so fp32 results can be compared for equality.
#include "tests/compare/targets/gpu/host_backend.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "compare/targets/gpu/bodies.h"

namespace systole::compare::gpu {
namespace {

Memory host_memory(std::size_t bytes) {
  constexpr int kPoison = 0xA5;  // what nobody wrote shows
  Memory memory(new std::uint8_t[bytes], [](void* p) { delete[] static_cast<std::uint8_t*>(p); });
  std::memset(memory.get(), kPoison, bytes);
  return memory;
}

template <typename W>
void each(const W& work) {
  for (std::int64_t i = 0; i < work.count; ++i) body(work, static_cast<Index>(i));
}

struct Alone {  // a team of one
  Index rank = 0, size = 1;
  static float max(float x) { return x; }
  static float sum(float x) { return x; }
};
void each(const Reduce& work) {
  for (std::int64_t i = 0; i < work.count; ++i) reduce_line(work, static_cast<Index>(i), Alone{});
}

void finish(Element element, Address out, Index at, float sum, ConstAddress bias, Index channel,
            bool relu) {
  if (bias != nullptr) sum += read_float(element, bias, channel);
  write_float(element, out, at, relu && sum < 0.0F ? 0.0F : sum);
}

void each(const Gemm& g) {
  const Element element = info(g.math).operand;
  const auto k = static_cast<Index>(g.k);
  for (Index i = 0; i < static_cast<Index>(g.m * g.n); ++i) {
    const Index row = i / static_cast<Index>(g.n);
    const Index column = i % static_cast<Index>(g.n);
    if (g.math == Math::kInt8) {
      std::int32_t sum = 0;
      for (Index x = 0; x < k; ++x) {
        sum += read_integer(element, g.a, row * k + x) * read_integer(element, g.b, column * k + x);
      }
      write_integer(Element::kS32, g.c, i, sum);
      continue;
    }
    float sum = 0.0F;
    for (Index x = 0; x < k; ++x) {
      sum += read_float(element, g.a, row * k + x) * read_float(element, g.b, column * k + x);
    }
    finish(element, g.c, i, sum, g.bias, column, g.relu);
  }
}

float convolved(const Conv& c, const Place& y) {
  const Element element = info(c.math).operand;
  const Picture filters{c.y.c, c.x.c / c.groups, c.window.kernel[0], c.window.kernel[1],
                        c.x.channels_last};
  const auto channels = static_cast<Index>(filters.c);
  const Index first = y.c / static_cast<Index>(c.y.c / c.groups) * channels;
  float sum = 0.0F;
  for (Index i = 0; i < channels * static_cast<Index>(filters.h * filters.w); ++i) {
    const Index s = i % static_cast<Index>(filters.w);
    const Index r = i / static_cast<Index>(filters.w) % static_cast<Index>(filters.h);
    const Index channel = i / static_cast<Index>(filters.w * filters.h);
    const std::int32_t row = window_at(c.window, 0, y.row, r);
    const std::int32_t col = window_at(c.window, 1, y.col, s);
    if (row < 0 || row >= c.x.h || col < 0 || col >= c.x.w) continue;
    const Index x =
        pixel_index(c.x, y.n, first + channel, static_cast<Index>(row), static_cast<Index>(col));
    sum += read_float(element, c.in, x) *
           read_float(element, c.weights, pixel_index(filters, y.c, channel, r, s));
  }
  return sum;
}

void each(const Conv& c) {
  for (Index i = 0; i < static_cast<Index>(c.y.n * c.y.c * c.y.h * c.y.w); ++i) {
    const Place y = place_of(c.y, i);
    finish(info(c.math).result, c.out, i, convolved(c, y), c.bias, y.c, c.relu);
  }
}

void each(const LessonGemm& g) {
  each(Gemm{.math = Math::kFp32, .m = g.m, .n = g.n, .k = g.k, .a = g.a, .b = g.b, .c = g.c});
}
void each(const Nothing& /*work*/) {}

class HostLaunch : public Launch {
 public:
  HostLaunch(std::string name, std::function<void()> function)
      : name_(std::move(name)), function_(std::move(function)) {}
  void start() const override { function_(); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  std::string name_;
  std::function<void()> function_;
};

class HostBackend : public Backend {
 public:
  [[nodiscard]] DeviceInfo info() const override {
    return {"NVIDIA T100 with no cores", "none 1.0", {"plain loops 1.0"}, {{"clocks", "none"}}};
  }
  [[nodiscard]] Memory allocate(std::size_t bytes) override { return host_memory(bytes); }
  [[nodiscard]] Memory allocate_host(std::size_t bytes) override { return host_memory(bytes); }
  void upload(Address to, std::span<const std::uint8_t> from) override {
    std::ranges::copy(from, static_cast<std::uint8_t*>(to));
  }
  void download(std::span<std::uint8_t> to, ConstAddress from) override {
    std::copy_n(static_cast<const std::uint8_t*>(from), to.size(), to.begin());
  }
  [[nodiscard]] std::unique_ptr<Launch> prepare(const Work& work) override {
    const std::string name = "kernel " + std::to_string(work.index());
    return std::make_unique<HostLaunch>(name, [this, work, name] {
      std::visit([](const auto& w) { each(w); }, work);
      add("gpu", name, -1);
    });
  }
  [[nodiscard]] std::unique_ptr<Launch> record(const std::function<void()>& start) override {
    return std::make_unique<HostLaunch>("graph", start);
  }
  Times run(const Transfer& t, const std::function<void()>& start) override {
    if (!t.input.empty()) {
      upload(t.to, t.input);
      add("copy_in", "copy host to device", std::ssize(t.input));
    }
    start();
    if (!t.output.empty()) {
      download(t.output, t.from);
      add("copy_out", "copy device to host", std::ssize(t.output));
    }
    return {2e-3, 1e-3};
  }
  void start_trace() override {
    tracing_ = true;
    activities_.clear();
  }
  [[nodiscard]] std::vector<Activity> finish_trace() override {
    tracing_ = false;
    return activities_;
  }
  void mark(std::int64_t number) override { mark_ = number; }

 private:
  void add(const std::string& track, const std::string& kernel, std::int64_t bytes) {
    if (!tracing_) return;
    const auto at = std::ssize(activities_);
    activities_.push_back({track, kernel, at, at + 1, bytes, mark_});
  }

  bool tracing_ = false;
  std::int64_t mark_ = -1;
  std::vector<Activity> activities_;
};

}  // namespace

std::unique_ptr<Backend> host_backend() { return std::make_unique<HostBackend>(); }

}  // namespace systole::compare::gpu
