// The module with the CUDA backend: libsystole_gpu.so, beside the program. It is opened only when a
// GPU is asked for, so the program itself needs neither a driver nor NVIDIA's libraries.
#pragma once

#include <memory>

#include "compare/targets/gpu/backend.h"

namespace systole::compare::gpu {

// The backend of device `index`. Throws InputError with one line that says what is missing: the
// module (built without a CUDA toolkit), one of its libraries, the driver or the device.
[[nodiscard]] std::unique_ptr<Backend> open_device(int index);

}  // namespace systole::compare::gpu
