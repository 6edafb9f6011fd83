// Storage: a zeroed array that costs nothing where it is never touched (calloc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/diag.h"

namespace systole {

template <typename T>
class Storage {
 public:
  Storage() = default;
  // `what` is to live in it. Throws InputError if the memory cannot be had.
  Storage(std::int64_t count, const char* what)
      : items_(static_cast<T*>(
            std::calloc(static_cast<std::size_t>(count > 0 ? count : 1), sizeof(T)))),
        size_(static_cast<std::size_t>(count)) {
    if (items_ == nullptr) {
      throw InputError(what, fmt::format("{} elements of {} bytes", count, sizeof(T)),
                       "no more than this computer has memory for");
    }
  }
  [[nodiscard]] T* data() { return items_.get(); }
  [[nodiscard]] T* begin() { return data(); }
  [[nodiscard]] T* end() { return data() + size_; }
  [[nodiscard]] const T* data() const { return items_.get(); }
  [[nodiscard]] const T* begin() const { return data(); }
  [[nodiscard]] const T* end() const { return data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::unique_ptr<T, Free> items_;
  std::size_t size_ = 0;
};

}  // namespace systole
