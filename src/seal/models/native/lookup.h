// Attention of rows that write one token each to what they have read, which lies in a cache.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "few_rows.h"
#include "matrix.h"
#include "records.h"
#include "tasks.h"

namespace {

// The keys that a row sees, in their order: padding leaves no trace, so that a row does not depend on the others.
std::vector<int64_t> seen_by(const Lookup &all, int64_t row) {
    std::vector<int64_t> seen;
    const uint8_t *mask = all.mask ? all.mask + row * all.mask_stride : nullptr;
    for (int64_t t = 0; t < all.n_seen; t++)
        if (!mask || mask[t]) seen.push_back(t);
    return seen;
}

// scores [H, n] = the products of queries and keys [n, width], all of them
void score_keys(int64_t heads, int64_t n, int64_t width, const Half *query, const Half *keys, float *scores) {
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
    dots_of_stripe(heads, n, width, {keys, width}, {query, width}, {scores, n}, false);
#else
    for (int64_t h = 0; h < heads; h++)
        for (int64_t t = 0; t < n; t++) scores[h * n + t] = dot(query + h * width, keys + t * width, width);
#endif
}

// out [H, C] = the sum of C columns of values, rows `width` apart, by their shares [H, n]
template <int H, int C>
void gather_columns(const std::vector<int64_t> &seen, int64_t n, int64_t width, const float *shares, const Half *values,
                    Half *out) {
    float sums[H][C] = {};
    for (size_t i = 0; i < seen.size(); i++) {
        const Half *const value = values + seen[i] * width;
        float own[C];
        for (int c = 0; c < C; c++) own[c] = wide(value[c]);
        for (int h = 0; h < H; h++) {
            const float share = shares[h * n + i];
            for (int c = 0; c < C; c++) sums[h][c] += share * own[c];
        }
    }
    for (int h = 0; h < H; h++)
        for (int c = 0; c < C; c++) put(sums[h][c], out[h * width + c]);
}

// out [H, width] = the sum of values [n, width] by their shares [H, n], for H of the heads
template <int H>
void gather(const std::vector<int64_t> &seen, int64_t n, int64_t width, const float *shares, const Half *values,
            Half *out) {
    int64_t c = 0;
    for (; c + 64 <= width; c += 64) gather_columns<H, 64>(seen, n, width, shares, values + c, out + c);
    for (; c + 16 <= width; c += 16) gather_columns<H, 16>(seen, n, width, shares, values + c, out + c);
    for (; c < width; c++) gather_columns<H, 1>(seen, n, width, shares, values + c, out + c);
}

// What the heads of a row that share a key attend to.
void look_up(const Lookup &all, int64_t row, int64_t key, const std::vector<int64_t> &seen, float *scores) {
    const int64_t width = all.width, shared = all.n_q / all.n_kv, n = all.n_seen, n_own = seen.size();
    const int64_t at = row * all.row_stride + key * all.head_stride;
    const Half *const keys = static_cast<const Half *>(all.keys) + at;
    const Half *const values = static_cast<const Half *>(all.values) + at;
    const Half *const query = static_cast<const Half *>(all.query) + row * all.query_stride + key * shared * width;
    Half *const out = static_cast<Half *>(all.out) + (row * all.n_q + key * shared) * width;
    score_keys(shared, n, width, query, keys, scores);
    for (int64_t h = 0; h < shared; h++) {
        float *const own = scores + h * n;
        float sum = 0, top = -INFINITY;
        if (n_own < n)
            for (int64_t i = 0; i < n_own; i++) own[i] = own[seen[i]];
#pragma omp simd reduction(max : top)
        for (int64_t i = 0; i < n_own; i++) top = std::max(top, own[i] *= float(all.scaling));
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n_own; i++) sum += own[i] = exponential(own[i] - top);
#pragma omp simd
        for (int64_t i = 0; i < n_own; i++) own[i] /= sum;
    }
    int64_t h = 0;
    for (; h + 4 <= shared; h += 4) gather<4>(seen, n, width, scores + h * n, values, out + h * width);
    for (; h + 3 <= shared; h += 3) gather<3>(seen, n, width, scores + h * n, values, out + h * width);
    for (; h < shared; h++) gather<1>(seen, n, width, scores + h * n, values, out + h * width);
}

// Puts the new keys and values of each row, which lie beside one another [rows, 2 n_kv width], where its last ones are.
void remember(const Lookup &all, const Half *made) {
    const int64_t width = all.width, place = (all.n_seen - 1) * width;
    for (int64_t row = 0; row < all.n_rows; row++, made += all.query_stride)
        for (int64_t h = 0; h < all.n_kv; h++) {
            const int64_t at = row * all.row_stride + h * all.head_stride + place;
            std::copy_n(made + h * width, width, static_cast<Half *>(const_cast<void *>(all.keys)) + at);
            std::copy_n(made + (all.n_kv + h) * width, width, static_cast<Half *>(const_cast<void *>(all.values)) + at);
        }
}

void look_all_up(const Lookup &all, int64_t n_threads) {
    std::vector<std::vector<int64_t>> seen;
    for (int64_t row = 0; row < all.n_rows; row++) seen.push_back(seen_by(all, row));
    each_range(all.n_rows * all.n_kv, n_threads, [&](int64_t first, int64_t end) {
        std::vector<float> scores(all.n_q / all.n_kv * all.n_seen);
        for (int64_t i = first; i < end; i++)
            look_up(all, i / all.n_kv, i % all.n_kv, seen[i / all.n_kv], scores.data());
    });
}

} // namespace
