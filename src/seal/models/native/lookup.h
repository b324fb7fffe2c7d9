// Attention of tokens that rows write to what those have read, which lies in a cache. A row may have several in a pass.
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

using Seen = std::vector<std::vector<int64_t>>; // of each token

// The keys that each token sees, `window` places back or all, in their order: padding leaves no trace, so that a row does
// not depend on the others.
Seen seen_by_each(const Lookup &all, int64_t window = 0) {
    Seen seen(all.n_tokens);
    for (int64_t i = 0; i < all.n_tokens; i++) {
        const uint8_t *const mask = all.mask ? all.mask + all.rows[i] * all.mask_stride : nullptr;
        seen[i].reserve(all.seen[i]);
        for (int64_t t = window ? std::max<int64_t>(0, all.seen[i] - window) : 0; t < all.seen[i]; t++)
            if (!mask || mask[t]) seen[i].push_back(t);
    }
    return seen;
}

// For so many keys there is room for scores: tiles take them by the stripe.
int64_t score_room(int64_t n_keys) { return (n_keys + STRIPE - 1) / STRIPE * STRIPE; }

// scores [H, n] = the products of queries and keys [n, width], all of them. Up to `score_room` may be written.
void score_keys(int64_t heads, int64_t n, int64_t width, const Half *query, const Half *keys, View scores) {
#if defined(__AMX_BF16__) && defined(__linux__)
    if (has_tiles() && width % 32 == 0) {
        const std::vector<Half> packed = tiles_of(heads, width, {query, width});
        const Tiles tiles;
        const int64_t whole_n = n / STRIPE * STRIPE;
        for (int64_t t = 0; t < whole_n; t += STRIPE)
            tiled_stripe(heads, width, {keys + t * width, width}, packed.data(), scores.columns(t), false);
        if (whole_n == n) return;
        // The last ones too: summed up in another way, a key would count otherwise if others stood before it.
        std::vector<Half> last(STRIPE * width, Half{0});
        std::copy(keys + whole_n * width, keys + n * width, last.begin());
        tiled_stripe(heads, width, {last.data(), width}, packed.data(), scores.columns(whole_n), false);
        return;
    }
#endif
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
    dots_of_stripe(heads, n, width, {keys, width}, {query, width}, scores, false);
#else
    for (int64_t h = 0; h < heads; h++)
        for (int64_t t = 0; t < n; t++) scores.rows(h).at[t] = dot(query + h * width, keys + t * width, width);
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

#if defined(__AVX512F__)
// The same for 16 C columns, with the sums in registers, where compilers do not put them.
template <int H, int C>
void gather_lanes(const std::vector<int64_t> &seen, int64_t n, int64_t width, const float *shares, const Half *values,
                  Half *out) {
    __m512 sums[H][C];
    for (auto &row : sums)
        for (__m512 &sum : row) sum = _mm512_setzero_ps();
    for (size_t i = 0; i < seen.size(); i++) {
        const Half *const value = values + seen[i] * width;
        __m512 own[C];
        for (int c = 0; c < C; c++) {
            const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(value + 16 * c));
            own[c] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
        }
        for (int h = 0; h < H; h++) {
            const __m512 share = _mm512_set1_ps(shares[h * n + i]);
            for (int c = 0; c < C; c++) sums[h][c] = _mm512_fmadd_ps(share, own[c], sums[h][c]);
        }
    }
    alignas(64) float row[16 * C];
    for (int h = 0; h < H; h++) {
        for (int c = 0; c < C; c++) _mm512_store_ps(row + 16 * c, sums[h][c]);
        for (int c = 0; c < 16 * C; c++) put(row[c], out[h * width + c]);
    }
}
#endif

// out [H, width] = the sum of values [n, width] by their shares [H, n], for H of the heads
template <int H>
void gather(const std::vector<int64_t> &seen, int64_t n, int64_t width, const float *shares, const Half *values,
            Half *out) {
    int64_t c = 0;
#if defined(__AVX512F__)
    for (; c + 64 <= width; c += 64) gather_lanes<H, 4>(seen, n, width, shares, values + c, out + c);
    for (; c + 16 <= width; c += 16) gather_lanes<H, 1>(seen, n, width, shares, values + c, out + c);
#endif
    for (; c + 64 <= width; c += 64) gather_columns<H, 64>(seen, n, width, shares, values + c, out + c);
    for (; c + 16 <= width; c += 16) gather_columns<H, 16>(seen, n, width, shares, values + c, out + c);
    for (; c < width; c++) gather_columns<H, 1>(seen, n, width, shares, values + c, out + c);
}

// What the heads of a token that share a key attend to.
void look_up(const Lookup &all, int64_t token, int64_t key, const std::vector<int64_t> &seen, float *scores) {
    const int64_t width = all.width, shared = all.n_q / all.n_kv, n_own = seen.size();
    const int64_t n = all.seen[token], room = score_room(n);
    const int64_t at = all.rows[token] * all.row_stride + key * all.head_stride;
    const Half *const keys = static_cast<const Half *>(all.keys) + at;
    const Half *const values = static_cast<const Half *>(all.values) + at;
    const Half *const query = static_cast<const Half *>(all.query) + token * all.query_stride + key * shared * width;
    Half *const out = static_cast<Half *>(all.out) + (token * all.n_q + key * shared) * width;
    score_keys(shared, n, width, query, keys, {scores, room});
    for (int64_t h = 0; h < shared; h++) {
        float *const own = scores + h * room;
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
    for (; h + 4 <= shared; h += 4) gather<4>(seen, room, width, scores + h * room, values, out + h * width);
    for (; h + 3 <= shared; h += 3) gather<3>(seen, room, width, scores + h * room, values, out + h * width);
    for (; h < shared; h++) gather<1>(seen, room, width, scores + h * room, values, out + h * width);
}

// Puts the new keys and values of each token, which lie beside one another [tokens, 2 n_kv width], where its row's last
// ones are.
void remember(const Lookup &all, const Half *made) {
    const int64_t width = all.width;
    for (int64_t i = 0; i < all.n_tokens; i++, made += all.query_stride)
        for (int64_t h = 0; h < all.n_kv; h++) {
            const int64_t at = all.rows[i] * all.row_stride + h * all.head_stride + (all.seen[i] - 1) * width;
            std::copy_n(made + h * width, width, static_cast<Half *>(const_cast<void *>(all.keys)) + at);
            std::copy_n(made + (all.n_kv + h) * width, width, static_cast<Half *>(const_cast<void *>(all.values)) + at);
        }
}

void look_all_up(const Lookup &all, const Seen &seen, int64_t n_threads) {
    const int64_t most = *std::max_element(all.seen, all.seen + all.n_tokens);
    each_range(all.n_tokens * all.n_kv, n_threads, [&](int64_t first, int64_t end) {
        std::vector<float> scores(all.n_q / all.n_kv * score_room(most));
        for (int64_t i = first; i < end; i++)
            look_up(all, i / all.n_kv, i % all.n_kv, seen[i / all.n_kv], scores.data());
    });
}

} // namespace
