// Work in parts that do not touch, on some threads. The parts are the same whatever the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __SSE__
#include <xmmintrin.h>
#endif

namespace {

struct Rows { // tokens of a pass that go through a product together
    int64_t first, n;
};

constexpr int64_t ROWS = 256; // a part's results stay in the cache of a core; fewer cost the products some of their rate

// How a thread rounds and whether it takes the least numbers for zero: others are to do as the one that calls them.
class Rounding {
#ifdef __SSE__
    const unsigned found = _mm_getcsr();

  public:
    void take_on() const { _mm_setcsr(found); }
#else
  public:
    void take_on() const {}
#endif
};

// Calls act(part, thread) for each part.
template <typename Do> void each_part(int64_t n_parts, int64_t n_threads, Do &&act) {
#ifdef _OPENMP
    if (n_threads > 1 && n_parts > 1) {
        const Rounding own;
#pragma omp parallel num_threads(std::min(n_threads, n_parts))
        {
            own.take_on();
#pragma omp for schedule(dynamic, 1)
            for (int64_t i = 0; i < n_parts; i++) act(i, int64_t(omp_get_thread_num()));
        }
        return;
    }
#endif
    for (int64_t i = 0; i < n_parts; i++) act(i, int64_t(0));
}

// Calls act(first, end) for as many ranges of n parts as there are threads, each on one of them.
template <typename Do> void each_range(int64_t n_parts, int64_t n_threads, Do &&act) {
    const int64_t n = std::max<int64_t>(1, std::min(n_threads, n_parts));
    each_part(n, n, [&](int64_t i, int64_t) { act(n_parts * i / n, n_parts * (i + 1) / n); });
}

// Calls act(rows, thread) for each part of n tokens, all of about the same size, `most` at most.
template <typename Do> void each_rows(int64_t n, int64_t most, int64_t n_threads, Do &&act) {
    const int64_t n_parts = (n + most - 1) / most;
    each_part(n_parts, n_threads, [&](int64_t i, int64_t thread) {
        const int64_t first = n * i / n_parts;
        act(Rows{first, n * (i + 1) / n_parts - first}, thread);
    });
}

} // namespace
