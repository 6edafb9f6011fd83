// Workers: the same work for many indices on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace systole {

// Calls work(i) once for every i below `count`, each thread the next one that is left, in order.
// Returns when all is done. If a call throws, no further one begins, and the exception of the
// lowest index that threw is thrown here.
void on_threads(std::size_t count, std::size_t threads,
                const std::function<void(std::size_t)>& work);

// As many threads as this process may run at once; at least one.
[[nodiscard]] std::size_t thread_count();

}  // namespace systole
