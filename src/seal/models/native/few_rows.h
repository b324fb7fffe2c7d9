// Products of few rows, as in writing token by token: what takes time is to read the weights, so they are read once, as
// they lie. (BLAS first copies them into a layout of its own.) For bfloat16 on processors with instructions for it.
//
// Each result is summed up in the same order whatever the number of rows and of threads, so that a row does not depend
// on the others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "matrix.h"
#include "tasks.h"

#if defined(__AVX512BF16__) && defined(__AVX512BW__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

struct Weights { // one matrix [n, k], where its results go, and whether they are added to what is there
    Const<Half> at;
    int64_t n;
    View y;
    bool add;
};

constexpr int64_t STRIPE = 32; // rows of a weight that a thread takes at a time

#if defined(__AVX512BF16__) && defined(__AVX512BW__)

constexpr int64_t LANES = 32; // numbers of one instruction

inline __m512bh lanes(const Half *at, int64_t left) {
    const __mmask32 within = left >= LANES ? ~0u : (1u << left) - 1;
    return (__m512bh)_mm512_maskz_loadu_epi16(within, at);
}

// Results of W rows of a weight and X rows of the input.
template <int W, int X>
void dots(int64_t k, Const<Half> weight, Const<Half> x, View y, bool add) {
    __m512 sums[W][X];
    for (auto &row : sums)
        for (__m512 &sum : row) sum = _mm512_setzero_ps();
    for (int64_t c = 0; c < k; c += LANES) {
        __m512bh inputs[X];
        for (int j = 0; j < X; j++) inputs[j] = lanes(x.rows(j).at + c, k - c);
        for (int i = 0; i < W; i++) {
            const __m512bh own = lanes(weight.rows(i).at + c, k - c);
            for (int j = 0; j < X; j++) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], own, inputs[j]);
        }
    }
    for (int j = 0; j < X; j++) {
        float *const to = y.rows(j).at;
        for (int i = 0; i < W; i++) to[i] = _mm512_reduce_add_ps(sums[i][j]) + (add ? to[i] : 0);
    }
}

template <int W> void dots_of_rows(int64_t m, int64_t k, Const<Half> weight, Const<Half> x, View y, bool add) {
    int64_t j = 0;
    for (; j + 4 <= m; j += 4) dots<W, 4>(k, weight, x.rows(j), y.rows(j), add);
    switch (m - j) {
    case 3: return dots<W, 3>(k, weight, x.rows(j), y.rows(j), add);
    case 2: return dots<W, 2>(k, weight, x.rows(j), y.rows(j), add);
    case 1: return dots<W, 1>(k, weight, x.rows(j), y.rows(j), add);
    }
}

void dots_of_stripe(int64_t m, int64_t n, int64_t k, Const<Half> weight, Const<Half> x, View y, bool add) {
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) dots_of_rows<4>(m, k, weight.rows(i), x, y.columns(i), add);
    for (; i < n; i++) dots_of_rows<1>(m, k, weight.rows(i), x, y.columns(i), add);
}

#endif

#if defined(__AMX_BF16__) && defined(__linux__)

constexpr int64_t TILE = 16; // rows of a tile; it is 64 bytes wide

// Tiles have to be asked for, once a process (Documentation/arch/x86/xstate.rst of Linux).
bool has_tiles() {
    constexpr int PERMISSION = 0x1023, TILES = 18;
    static const bool granted = !syscall(SYS_arch_prctl, PERMISSION, TILES);
    return granted;
}

class Tiles { // this thread's, while in scope
    struct alignas(64) Shape {
        uint8_t palette = 1, start = 0, none[14] = {};
        uint16_t bytes[16] = {};
        uint8_t rows[16] = {};
    };

  public:
    // For products of rows of so many numbers, if those are fewer than a tile holds.
    explicit Tiles(int64_t k = 32) {
        Shape shape;
        std::fill_n(shape.bytes, 8, 64), std::fill_n(shape.rows, 8, TILE);
        std::fill_n(shape.bytes + 4, 2, 2 * std::min<int64_t>(k, 32));
        std::fill_n(shape.rows + 6, 2, std::min<int64_t>(k, 32) / 2);
        _tile_loadconfig(&shape);
    }
    ~Tiles() { _tile_release(); }
};

// Whether rows of so many numbers fill tiles; those of an adapter of low rank fill a part of one.
bool fits_tiles(int64_t k) { return k % 32 == 0 || (k < 32 && k % 2 == 0); }

int64_t tiles_across(int64_t k) { return (k + 31) / 32; }

// x [m, k] as tiles read it: for each 16 rows and 32 columns, pairs of columns [16, 16 rows, 2].
std::vector<Half> tiles_of(int64_t m, int64_t k, Const<Half> x) {
    const int64_t across = tiles_across(k);
    std::vector<Half> packed((m + TILE - 1) / TILE * across * 512, Half{0});
    for (int64_t j = 0; j < m; j++) {
        const Half *from = x.rows(j).at;
        Half *to = packed.data() + j / TILE * across * 512 + j % TILE * 2;
        for (int64_t c = 0; c < k; c += 2, to += 32) std::memcpy(to, from + c, 4);
    }
    return packed;
}

// a [16, 16] as its columns
inline void turn_over(__m512 (&a)[TILE]) {
    __m512 b[TILE];
    for (int i = 0; i < TILE; i += 4) {
        const __m512 low = _mm512_unpacklo_ps(a[i], a[i + 1]), high = _mm512_unpackhi_ps(a[i], a[i + 1]);
        const __m512 lower = _mm512_unpacklo_ps(a[i + 2], a[i + 3]), higher = _mm512_unpackhi_ps(a[i + 2], a[i + 3]);
        b[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(low), _mm512_castps_pd(lower)));
        b[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(low), _mm512_castps_pd(lower)));
        b[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(high), _mm512_castps_pd(higher)));
        b[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(high), _mm512_castps_pd(higher)));
    }
    for (int i = 0; i < 4; i++) {
        const __m512 even = _mm512_shuffle_f32x4(b[i], b[i + 4], 0x88), odd = _mm512_shuffle_f32x4(b[i], b[i + 4], 0xdd);
        const __m512 evens = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0x88);
        const __m512 odds = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0xdd);
        a[i] = _mm512_shuffle_f32x4(even, evens, 0x88), a[i + 8] = _mm512_shuffle_f32x4(even, evens, 0xdd);
        a[i + 4] = _mm512_shuffle_f32x4(odd, odds, 0x88), a[i + 12] = _mm512_shuffle_f32x4(odd, odds, 0xdd);
    }
}

// Puts a tile's sums [16 rows of the weight, 16 of the input] into y [rows of the input, 16], or adds them to it.
inline void put_sums(const float *sums, int64_t n, View y, bool add) {
    __m512 columns[TILE];
    for (int i = 0; i < TILE; i++) columns[i] = _mm512_load_ps(sums + i * TILE);
    turn_over(columns);
    for (int64_t j = 0; j < std::min(TILE, n); j++) {
        float *const to = y.rows(j).at;
        _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), columns[j]) : columns[j]);
    }
}

// A tile has a number, which has to stand in the program.
#define SEAL_PUT_TILE(number, at, column)                                                                            \
    _tile_stored(number, sums, 64);                                                                                  \
    put_sums(sums, m - (at), y.rows(at).columns(column), add)

// Results of 32 rows of a weight.
void tiled_stripe(int64_t m, int64_t k, Const<Half> weight, const Half *packed, View y, bool add) {
    const int64_t across = tiles_across(k), bytes = weight.stride * 2;
    alignas(64) float sums[TILE * TILE];
    const Half *const upper = weight.at, *const lower = weight.rows(TILE).at;
    for (int64_t first = 0; first < m; first += 2 * TILE, packed += 2 * across * 512) {
        const bool both = first + TILE < m;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t c = 0; c < across; c++) {
            _tile_loadd(4, upper + c * 32, bytes);
            _tile_loadd(5, lower + c * 32, bytes);
            _tile_loadd(6, packed + c * 512, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 5, 6);
            if (!both) continue;
            _tile_loadd(7, packed + (across + c) * 512, 64);
            _tile_dpbf16ps(2, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
        SEAL_PUT_TILE(0, first, 0);
        SEAL_PUT_TILE(1, first, TILE);
        if (!both) continue;
        SEAL_PUT_TILE(2, first + TILE, 0);
        SEAL_PUT_TILE(3, first + TILE, TILE);
    }
}

#undef SEAL_PUT_TILE

#else

bool has_tiles() { return false; }

#endif

// Up to how many rows are few: beyond, the products of BLAS are faster.
int64_t few_rows() {
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
    return has_tiles() ? 256 : 8;
#else
    return 0;
#endif
}

// y [m, n] = x [m, k] w^T, or that added to it, for each of the weights. At most `few_rows` rows.
void multiply_few(int64_t m, int64_t k, Const<Half> x, const std::vector<Weights> &weights, int64_t n_threads) {
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
    const Timed timed(PRODUCTS);
    struct Stripe {
        const Weights *of;
        int64_t first, n;
    };
    std::vector<Stripe> stripes;
    for (const Weights &one : weights)
        for (int64_t i = 0; i < one.n; i += STRIPE) stripes.push_back({&one, i, std::min(STRIPE, one.n - i)});
    const auto plain = [&](const Stripe &own) {
        dots_of_stripe(m, own.n, k, own.of->at.rows(own.first), x, own.of->y.columns(own.first), own.of->add);
    };
#if defined(__AMX_BF16__) && defined(__linux__)
    if (has_tiles() && fits_tiles(k)) {
        const std::vector<Half> packed = tiles_of(m, k, x);
        each_range(stripes.size(), n_threads, [&](int64_t first, int64_t end) {
            const Tiles tiles(k);
            for (int64_t i = first; i < end; i++) {
                const Stripe &own = stripes[i];
                if (own.n < STRIPE)
                    plain(own);
                else
                    tiled_stripe(m, k, own.of->at.rows(own.first), packed.data(), own.of->y.columns(own.first),
                                 own.of->add);
            }
        });
        return;
    }
#endif
    each_range(stripes.size(), n_threads, [&](int64_t first, int64_t end) {
        for (int64_t i = first; i < end; i++) plain(stripes[i]);
    });
#endif
}

} // namespace
