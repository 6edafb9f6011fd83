// CUPTI fills buffers that we hand it with records in no certain order. A kernel's record has the
// correlation number of the call that started it, and an "external correlation" record ties that
// number to the mark that was set when the call was made.
#include <cupti.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "compare/targets/gpu/cuda/trace.cuh"

namespace systole::compare::gpu {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{8} << 20;
constexpr auto kMarks = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0;
// Marks come with the records of the calls: CUDA's own interface and, as the libraries use it, the
// driver's.
constexpr CUpti_ActivityKind kKinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                         CUPTI_ACTIVITY_KIND_MEMCPY,
                                         CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION,
                                         CUPTI_ACTIVITY_KIND_RUNTIME, CUPTI_ACTIVITY_KIND_DRIVER};

void check(CUptiResult status, const char* what) {
  if (status == CUPTI_SUCCESS) return;
  const char* text = nullptr;
  cuptiGetResultString(status, &text);
  throw DeviceError(std::string(what) + ": " + (text == nullptr ? "unknown error" : text));
}

// What one trace has gathered. CUPTI's own thread adds to it.
struct Gathered {
  std::mutex lock;
  std::vector<std::pair<std::uint32_t, Activity>> activities;  // by correlation
  std::map<std::uint32_t, std::int64_t> marks;
  bool running = false;
  bool marked = false;
};
Gathered& gathered() {
  static Gathered instance;
  return instance;
}

std::string demangled(const char* name) {
  if (name == nullptr) return "kernel";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(text.get()) : std::string(name);
}

std::int64_t nanoseconds(std::uint64_t time) { return static_cast<std::int64_t>(time); }

void add_kernel(Gathered& g, const CUpti_ActivityKernel10& kernel) {
  g.activities.emplace_back(kernel.correlationId, Activity{.track = "gpu",
                                                           .kernel = demangled(kernel.name),
                                                           .begin = nanoseconds(kernel.start),
                                                           .end = nanoseconds(kernel.end)});
}

void add_copy(Gathered& g, const CUpti_ActivityMemcpy6& copy) {
  const bool in = copy.copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_HTOD;
  const bool out = copy.copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_DTOH;
  g.activities.emplace_back(copy.correlationId, Activity{.track = in    ? "copy_in"
                                                                  : out ? "copy_out"
                                                                        : "gpu",
                                                         .kernel = in    ? "copy host to device"
                                                                   : out ? "copy device to host"
                                                                         : "copy on the device",
                                                         .begin = nanoseconds(copy.start),
                                                         .end = nanoseconds(copy.end),
                                                         .bytes = nanoseconds(copy.bytes)});
}

void add_record(Gathered& g, const CUpti_Activity* record) {
  switch (record->kind) {
    case CUPTI_ACTIVITY_KIND_KERNEL:
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
      return add_kernel(g, *reinterpret_cast<const CUpti_ActivityKernel10*>(record));
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return add_copy(g, *reinterpret_cast<const CUpti_ActivityMemcpy6*>(record));
    case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: {
      const auto* tie = reinterpret_cast<const CUpti_ActivityExternalCorrelation*>(record);
      g.marks[tie->correlationId] = static_cast<std::int64_t>(tie->externalId);
      return;
    }
    default:
      return;
  }
}

void CUPTIAPI give_buffer(std::uint8_t** buffer, std::size_t* size, std::size_t* records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(64, kBufferBytes));
  *size = *buffer == nullptr ? 0 : kBufferBytes;
  *records = 0;  // as many as fit
}

void CUPTIAPI take_buffer(CUcontext /*context*/, std::uint32_t /*stream*/, std::uint8_t* buffer,
                          std::size_t /*size*/, std::size_t valid) {
  Gathered& g = gathered();
  const std::lock_guard<std::mutex> guard(g.lock);
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    add_record(g, record);
  }
  std::free(buffer);
}

}  // namespace

void start_cupti() {
  Gathered& g = gathered();
  g.activities.clear();
  g.marks.clear();
  check(cuptiActivityRegisterCallbacks(give_buffer, take_buffer), "cuptiActivityRegisterCallbacks");
  for (const auto kind : kKinds) check(cuptiActivityEnable(kind), "cuptiActivityEnable");
  g.running = true;
}

std::vector<Activity> finish_cupti() {
  Gathered& g = gathered();
  mark_cupti(-1);
  g.running = false;
  check(cuptiActivityFlushAll(0), "cuptiActivityFlushAll");
  for (const auto kind : kKinds) check(cuptiActivityDisable(kind), "cuptiActivityDisable");
  check(cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED), "cuptiActivityFlushAll");
  const std::lock_guard<std::mutex> guard(g.lock);
  std::vector<Activity> result;
  for (auto& [correlation, activity] : g.activities) {
    const auto mark = g.marks.find(correlation);
    if (mark != g.marks.end()) activity.mark = mark->second;
    result.push_back(std::move(activity));
  }
  std::sort(result.begin(), result.end(),
            [](const Activity& a, const Activity& b) { return a.begin < b.begin; });
  const std::int64_t first = result.empty() ? 0 : result.front().begin;
  for (Activity& activity : result) {
    activity.begin -= first;
    activity.end -= first;
  }
  return result;
}

void mark_cupti(std::int64_t number) {
  Gathered& g = gathered();
  if (!g.running) return;
  if (g.marked) check(cuptiActivityPopExternalCorrelationId(kMarks, nullptr), "cuptiActivityPop");
  g.marked = number >= 0;
  if (g.marked) {
    check(cuptiActivityPushExternalCorrelationId(kMarks, static_cast<std::uint64_t>(number)),
          "cuptiActivityPush");
  }
}

}  // namespace systole::compare::gpu
