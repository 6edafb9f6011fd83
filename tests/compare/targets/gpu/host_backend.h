// A backend without a device: "device memory" is host memory, generic kernels are their bodies in a
// loop, products and convolutions are written down plainly. Each launch takes one nanosecond.
#pragma once

#include <memory>

#include "compare/targets/gpu/backend.h"

namespace systole::compare::gpu {

[[nodiscard]] std::unique_ptr<Backend> host_backend();

}  // namespace systole::compare::gpu
