// Storage: a zeroed array that costs nothing where it is never touched (calloc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/diag.h"

namespace systole::sim {

template <typename T>
class Storage {
 public:
  Storage() = default;
  // Throws InputError if the memory cannot be had.
  explicit Storage(std::int64_t count)
      : items_(static_cast<T*>(std::calloc(static_cast<std::size_t>(count), sizeof(T)))) {
    if (items_ == nullptr) {
      throw InputError("machine", "no memory for an on-chip memory's values",
                       "a smaller machine, or --timing-only");
    }
  }
  [[nodiscard]] T* data() { return items_.get(); }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::unique_ptr<T, Free> items_;
};

}  // namespace systole::sim
