// Causal attention within each text, and rotary positions: forward and backward.
#pragma once

#include <cmath>

#include "matrix.h"
#include "records.h"

namespace {

constexpr int64_t QUERIES = 64; // of one product of attention; no more than these waste half a square

// Turns queries and keys [N, (n_q + 2 n_kv) width] by their places, in place, or back again (way -1).
void turn(const Block &block, const Pass &pass, float *heads, float way) {
    const int64_t width = block.head_width, half = width / 2;
    for (int64_t t = 0; t < pass.n_tokens; t++) {
        const float *cos = pass.cos + t * width, *sin = pass.sin + t * width;
        float *head = heads + t * (block.n_q + 2 * block.n_kv) * width;
        for (int64_t h = 0; h < block.n_q + block.n_kv; h++, head += width)
            for (int64_t c = 0; c < half; c++) {
                const float a = head[c], b = head[c + half];
                head[c] = a * cos[c] - way * b * sin[c];
                head[c + half] = b * cos[c] + way * a * sin[c];
            }
    }
}

// Calls `act` with each block of queries of each head of each text: the token where the text begins, the first
// query within it, how many, how many keys they see, the head.
template <typename Do> void each_square(const Block &block, const Pass &pass, Do &&act) {
    int64_t start = 0;
    for (int64_t i = 0; i < pass.n_texts; start += pass.lengths[i++])
        for (int64_t head = 0; head < block.n_q; head++)
            for (int64_t first = 0; first < pass.lengths[i]; first += QUERIES) {
                const int64_t n = std::min(QUERIES, pass.lengths[i] - first);
                act(start, first, n, first + n, head);
            }
}

int64_t longest(const Pass &pass) { return *std::max_element(pass.lengths, pass.lengths + pass.n_texts); }

// Causal attention within each text: outputs [N, n_q width], and the logarithms of the softmax's sums [n_q, N].
void attend(const Block &block, const Pass &pass, Const heads, View outs, float *sums, View scores) {
    const Timed timed(ATTENTION);
    const int64_t width = block.head_width, group = block.n_q / block.n_kv;
    each_square(block, pass, [&](int64_t start, int64_t first, int64_t n, int64_t seen, int64_t head) {
        const Const q = heads.rows(start + first).columns(head * width);
        const Const k = heads.rows(start).columns((block.n_q + head / group) * width);
        const Const v = k.columns(block.n_kv * width);
        multiply(n, seen, width, q, AS_IT_IS, k, TRANSPOSED, scores, 0, block.scaling);
        for (int64_t i = 0; i < n; i++) {
            float *row = scores.rows(i).at, top = row[0], sum = 0;
            const int64_t own = first + i + 1;
#pragma omp simd reduction(max : top)
            for (int64_t j = 0; j < own; j++) top = std::max(top, row[j]);
#pragma omp simd reduction(+ : sum)
            for (int64_t j = 0; j < own; j++) sum += row[j] = exponential(row[j] - top);
            for (int64_t j = 0; j < own; j++) row[j] /= sum;
            std::fill(row + own, row + seen, 0.0f);
            sums[head * pass.n_tokens + start + first + i] = top + std::log(sum);
        }
        multiply(n, width, seen, scores, AS_IT_IS, v, AS_IT_IS, outs.rows(start + first).columns(head * width), 0);
    });
}

// The gradients of queries, keys and values, into `into`, from that of the outputs.
void attend_backward(const Block &block, const Pass &pass, Const heads, Const outs, const float *sums, Const grad,
                     View into, View scores, View slopes) {
    const Timed timed(ATTENTION);
    const int64_t width = block.head_width, group = block.n_q / block.n_kv;
    for (int64_t t = 0; t < pass.n_tokens; t++)
        std::fill_n(into.rows(t).at + block.n_q * width, 2 * block.n_kv * width, 0.0f);
    each_square(block, pass, [&](int64_t start, int64_t first, int64_t n, int64_t seen, int64_t head) {
        const int64_t at = head * width, key = (block.n_q + head / group) * width;
        const Const q = heads.rows(start + first).columns(at), k = heads.rows(start).columns(key);
        const Const v = k.columns(block.n_kv * width), own = grad.rows(start + first).columns(at);
        const Const out = outs.rows(start + first).columns(at);
        const View grad_k = into.rows(start).columns(key);
        multiply(n, seen, width, q, AS_IT_IS, k, TRANSPOSED, scores, 0, block.scaling);
        multiply(n, seen, width, own, AS_IT_IS, v, TRANSPOSED, slopes, 0);
        for (int64_t i = 0; i < n; i++) {
            float *row = scores.rows(i).at, *slope = slopes.rows(i).at;
            const float sum = sums[head * pass.n_tokens + start + first + i], scaling = block.scaling;
            const float along = dot(own.rows(i).at, out.rows(i).at, width);
            const int64_t before = first + i + 1;
            for (int64_t j = 0; j < before; j++) {
                row[j] = exponential(row[j] - sum);
                slope[j] = row[j] * (slope[j] - along) * scaling;
            }
            std::fill(row + before, row + seen, 0.0f);
            std::fill(slope + before, slope + seen, 0.0f);
        }
        multiply(seen, width, n, scores, TRANSPOSED, own, AS_IT_IS, grad_k.columns(block.n_kv * width), 1);
        multiply(n, width, seen, slopes, AS_IT_IS, k, AS_IT_IS, into.rows(start + first).columns(at), 0);
        multiply(seen, width, n, slopes, TRANSPOSED, q, AS_IT_IS, grad_k, 1);
    });
}

} // namespace
