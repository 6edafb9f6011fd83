// The module stays open to the end: NVIDIA's libraries do not like to be unloaded.
#include "compare/targets/gpu/module.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/diag.h"

namespace systole::compare::gpu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "measure gpu";

OpenBackend load_module() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = program.parent_path();  // of the build; installed, it is in lib
  fs::path module = folder / "libsystole_gpu.so";
  if (!fs::exists(module, error)) module = folder.parent_path() / "lib/systole/libsystole_gpu.so";
  if (!fs::exists(module, error)) {
    throw InputError(kWhere, "this program was built without its GPU part",
                     "a build where cmake finds the CUDA toolkit, cuBLASLt, cuDNN and CUPTI");
  }
  void* library = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw InputError(kWhere, fmt::format("the GPU part cannot be loaded: {}", dlerror()),
                     "NVIDIA's libraries on LD_LIBRARY_PATH");
  }
  void* symbol = dlsym(library, kOpenSymbol);
  SYSTOLE_CHECK(symbol != nullptr, "{} has no {}", module.string(), kOpenSymbol);
  return reinterpret_cast<OpenBackend>(symbol);
}

}  // namespace

std::unique_ptr<Backend> open_device(int index) {
  static const OpenBackend open = load_module();
  try {
    return std::unique_ptr<Backend>(open(index));
  } catch (const DeviceError& error) {
    throw InputError(kWhere, error.what(), "a GPU and its driver");
  }
}

}  // namespace systole::compare::gpu
