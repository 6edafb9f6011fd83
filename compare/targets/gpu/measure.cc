// What all measurements share, and the lesson: one product, one addition, empty kernels.
#include "compare/targets/gpu/measure.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <random>
#include <sstream>
#include <utility>

#include "base/units.h"
#include "compare/targets/gpu/elements.h"
#include "compiler/ir/matmul.h"

namespace systole::compare::gpu {

std::string target_name(const std::string& device) {
  static constexpr std::array<std::string_view, 6> kFamilies = {"nvidia", "tesla", "geforce",
                                                                "quadro", "rtx",   "gtx"};
  std::istringstream words(device);
  for (std::string word; words >> word;) {
    word = word.substr(0, word.find('-'));
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::ranges::find(kFamilies, word) == kFamilies.end() && !word.empty())
      return "gpu:" + word;
  }
  return "gpu:unknown";
}

Math math_named(const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < kMaths.size(); ++i) {
    if (kMaths[i].name == name) return static_cast<Math>(i);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", kMaths[i].name);
  }
  throw InputError("--precision", fmt::format("'{}'", name), "one of " + known);
}

Measurer::Measurer(Backend& backend, MeasureOptions options, std::string command,
                   std::function<void(const std::string&)> progress)
    : backend_(backend),
      info_(backend.info()),
      options_(options),
      command_(std::move(command)),
      progress_(std::move(progress)) {}

Measurement Measurer::blank(const std::string& model, Math math) const {
  Measurement m;
  m.target = target_name(info_.name);
  m.device = info_.name;
  m.driver = info_.driver;
  m.libraries = info_.libraries;
  m.settings = info_.settings;
  m.model = model;
  m.precision = info(math).name;
  m.date = utc_now();
  m.command = command_;
  m.warm_ups = options_.warm_ups;
  return m;
}

void Measurer::sample(Measurement& m, const std::function<Times(std::int64_t)>& run) const {
  m.samples = measure(
      [&](std::int64_t i) {
        const Times times = run(i);
        return Sample{times.total, times.device};
      },
      options_);
}

namespace {

constexpr std::uint64_t kSeed = 1;

std::size_t bytes_of(Element e) {
  if (e == Element::kF32 || e == Element::kS32) return 4;
  return e == Element::kF16 || e == Element::kBf16 ? 2 : 1;
}

// Seven-bit numbers, from -127/64 to 127/64 (integers: -127 to 127): exact in every precision, so
// a difference comes from the sums alone. The same as elements and as a tensor for the evaluator.
struct Operand {
  std::vector<std::uint8_t> bytes;
  Tensor values;
};
Operand random_operand(Shape shape, Element element, std::uint64_t seed) {
  const bool integers = element == Element::kS8;
  Operand result{{}, Tensor(integers ? DType::kInt8 : DType::kFloat32, std::move(shape))};
  const auto count = static_cast<Index>(result.values.count());
  result.bytes.resize(count * bytes_of(element));
  std::mt19937_64 random(seed);
  for (Index i = 0; i < count; ++i) {
    const auto number = static_cast<std::int32_t>(random() % 255) - 127;
    if (integers) {
      write_integer(element, result.bytes.data(), i, number);
      result.values.as<std::int8_t>()[i] = static_cast<std::int8_t>(number);
    } else {
      const float x = static_cast<float>(number) / 64.0F;
      write_float(element, result.bytes.data(), i, x);
      result.values.as<float>()[i] = x;
    }
  }
  return result;
}

// Results of the device as float32 or int32.
Tensor decoded(const std::uint8_t* bytes, Element element, Shape shape) {
  Tensor t(element == Element::kS32 ? DType::kInt32 : DType::kFloat32, std::move(shape));
  for (Index i = 0; i < static_cast<Index>(t.count()); ++i) {
    if (element == Element::kS32) {
      t.as<std::int32_t>()[i] = read_integer(element, bytes, i);
    } else {
      t.as<float>()[i] = read_float(element, bytes, i);
    }
  }
  return t;
}

// The first rows of x w^T against the evaluator: rows are independent of each other.
OutputCheck check_rows(const Operand& x, const Operand& w, const std::uint8_t* got,
                       Element element) {
  constexpr std::int64_t kRows = 16;
  const std::int64_t k = x.values.shape[1];
  const std::int64_t n = w.values.shape[0];
  const auto size = static_cast<std::size_t>(dtype_bytes(x.values.type));
  Tensor rows(x.values.type, {std::min(kRows, x.values.shape[0]), k});
  std::copy_n(x.values.data.begin(), rows.data.size(), rows.data.begin());
  Tensor columns(w.values.type, {k, n});
  for (std::int64_t i = 0; i < k * n; ++i) {
    const auto from = static_cast<std::size_t>(i % n * k + i / n) * size;
    std::copy_n(w.values.data.begin() + static_cast<std::ptrdiff_t>(from), size,
                columns.data.begin() + i * static_cast<std::ptrdiff_t>(size));
  }
  const Tensor expected = compiler::evaluate_matmul({}, rows, columns, nullptr);
  OutputCheck check;
  check.reference = "reference evaluator, first rows";
  check.metric = element == Element::kS32 ? "bytes" : "absolute difference";
  add_to_check(check, decoded(got, element, expected.shape), expected);
  return check;
}

void check_sizes(const Measurer::Product& p) {
  const std::array<Shape, 3> shapes = {Shape{p.m, p.k}, Shape{p.n, p.k}, Shape{p.m, p.n}};
  for (const Shape& shape : shapes) {
    const std::int64_t count = element_count(shape, "gemm");
    if (count < 1 || count > std::numeric_limits<std::int32_t>::max()) {
      throw InputError(fmt::format("gemm:{},{},{}", p.m, p.k, p.n),
                       fmt::format("a matrix {}", shape_text(shape)), "1 to 2^31 - 1 elements");
    }
  }
}

// The library's int8 kernels want rows of whole words; 16 bytes, as models have them.
Measurer::Product aligned(const Measurer::Product& p) {
  constexpr std::int64_t kBytes = 16;
  return {p.m, ceil_div(p.k, kBytes) * kBytes, ceil_div(p.n, kBytes) * kBytes};
}

std::string kernel_name(Measurer::Kernel kernel) {
  if (kernel == Measurer::Kernel::kLibrary) return "library";
  return kernel == Measurer::Kernel::kNaive ? "naive" : "tiled";
}

Work product_work(const Measurer::Product& p, Math math, Measurer::Kernel kernel,
                  const std::array<Address, 3>& memory) {
  if (kernel == Measurer::Kernel::kLibrary) {
    return Gemm{
        .math = math, .m = p.m, .n = p.n, .k = p.k, .a = memory[0], .b = memory[1], .c = memory[2]};
  }
  SYSTOLE_CHECK(math == Math::kFp32, "the lesson's kernels are fp32");
  return LessonGemm{.tiled = kernel == Measurer::Kernel::kTiled,
                    .m = p.m,
                    .n = p.n,
                    .k = p.k,
                    .a = static_cast<const float*>(memory[0]),
                    .b = static_cast<const float*>(memory[1]),
                    .c = static_cast<float*>(memory[2])};
}

// Pinned host memory that holds these bytes.
Memory pinned(Backend& backend, std::span<const std::uint8_t> bytes) {
  Memory memory = backend.allocate_host(bytes.size());
  std::ranges::copy(bytes, static_cast<std::uint8_t*>(memory.get()));
  return memory;
}

std::span<const std::uint8_t> bytes_in(const Memory& memory, std::size_t size) {
  return {static_cast<const std::uint8_t*>(memory.get()), size};
}

std::span<std::uint8_t> room_in(const Memory& memory, std::size_t size) {
  return {static_cast<std::uint8_t*>(memory.get()), size};
}

}  // namespace

Measurement Measurer::product(const Product& wanted, Math math, Kernel kernel) {
  check_sizes(wanted);
  const Product p = math == Math::kInt8 ? aligned(wanted) : wanted;
  const MathInfo& types = info(math);
  const std::string form = math == Math::kInt8 ? "gemm_s32" : "gemm";
  Measurement m = blank(fmt::format("{}:{},{},{}", form, p.m, p.k, p.n), math);
  m.batch = p.m;
  m.settings["kernel"] = kernel_name(kernel);
  say(fmt::format("{} in {}, {}", m.model, types.name, m.settings["kernel"]));
  const Operand x = random_operand({p.m, p.k}, types.operand, kSeed);
  const Operand w = random_operand({p.n, p.k}, types.operand, kSeed + 1);
  const auto result_bytes = static_cast<std::size_t>(p.m * p.n) * bytes_of(types.result);
  const Memory a = backend_.allocate(x.bytes.size());
  const Memory b = backend_.allocate(w.bytes.size());
  const Memory c = backend_.allocate(result_bytes);
  const Memory host_x = pinned(backend_, x.bytes);
  const Memory host_y = backend_.allocate_host(result_bytes);
  backend_.upload(b.get(), w.bytes);
  const Transfer transfer{bytes_in(host_x, x.bytes.size()), a.get(), room_in(host_y, result_bytes),
                          c.get()};
  const auto launch = backend_.prepare(product_work(p, math, kernel, {a.get(), b.get(), c.get()}));
  const auto start = [&] { launch->start(); };
  backend_.run(transfer, start);
  m.check = check_rows(x, w, transfer.output.data(), types.result);
  sample(m, [&](std::int64_t) { return backend_.run(transfer, start); });
  m.layers = {{.name = form,
               .op = "matmul",
               .kernel = launch->name(),
               .on = "device",
               .seconds = m.device_only().median}};
  return m;
}

Measurement Measurer::vector_add(std::int64_t count) {
  if (count < 1 || count >= (std::int64_t{1} << 30)) {
    throw InputError("vadd", fmt::format("{} elements", count), "1 to 2^30 - 1");
  }
  Measurement m = blank(fmt::format("vadd:{}", count), Math::kFp32);
  say(m.model);
  const Operand x = random_operand({2, count}, Element::kF32, kSeed);  // a, then b
  const auto bytes = x.bytes.size() / 2;
  const Memory in = backend_.allocate(2 * bytes);
  const Memory out = backend_.allocate(bytes);
  const Memory host_x = pinned(backend_, x.bytes);
  const Memory host_y = backend_.allocate_host(bytes);
  const auto* a = static_cast<const float*>(in.get());
  const auto launch = backend_.prepare(
      VectorAdd{.count = count, .a = a, .b = a + count, .y = static_cast<float*>(out.get())});
  const auto start = [&] { launch->start(); };
  const Transfer transfer{bytes_in(host_x, 2 * bytes), in.get(), room_in(host_y, bytes), out.get()};
  backend_.run(transfer, start);

  Tensor expected(DType::kFloat32, {count});
  const auto values = x.values.as<float>();
  for (std::size_t i = 0; i < expected.as<float>().size(); ++i) {
    expected.as<float>()[i] = values[i] + values[i + static_cast<std::size_t>(count)];
  }
  m.check.reference = "sums on the host";
  m.check.metric = "absolute difference";
  add_to_check(m.check, decoded(transfer.output.data(), Element::kF32, {count}), expected);
  sample(m, [&](std::int64_t) { return backend_.run(transfer, start); });
  m.layers = {{.name = "vadd",
               .op = "zip",
               .kernel = launch->name(),
               .on = "device",
               .seconds = m.device_only().median}};
  return m;
}

std::vector<Measurement> Measurer::launches(std::int64_t count) {
  constexpr std::int64_t kMost = 100'000;
  if (count < 1 || count > kMost) {
    throw InputError("launch", fmt::format("{} kernels", count), "1 to 100000");
  }
  const auto kernel = backend_.prepare(Nothing{});
  const auto one_by_one = [&] {
    for (std::int64_t i = 0; i < count; ++i) kernel->start();
  };
  const auto graph = backend_.record(one_by_one);
  std::vector<Measurement> result;
  for (const bool recorded : {false, true}) {
    Measurement m = blank(fmt::format("launch:{}", count), Math::kFp32);
    m.settings["cuda_graph"] = recorded ? "on" : "off";
    m.check.reference = "none: an empty kernel computes nothing";
    m.check.metric = "bytes";
    say(fmt::format("{}, graph {}", m.model, m.settings["cuda_graph"]));
    sample(m, [&](std::int64_t) {
      return backend_.run({}, [&] { recorded ? graph->start() : one_by_one(); });
    });
    result.push_back(std::move(m));
  }
  return result;
}

}  // namespace systole::compare::gpu
