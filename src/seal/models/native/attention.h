// Causal attention within each text and to what it shares with others, and rotary positions: forward and backward.
#pragma once

#include <cmath>
#include <numeric>
#include <vector>

#include "matrix.h"
#include "records.h"
#include "tasks.h"

namespace {

constexpr int64_t QUERIES = 64; // of one product of attention; no more than these waste half a square

// Queries and keys [n, (n_q + 2 n_kv) width] of `rows` turned by their places, or back again (way -1). Values are as
// they were.
template <typename T>
void turn(const Block &block, const Pass &pass, Rows rows, View from, Matrix<T> into, float way) {
    const int64_t width = block.head_width, half = width / 2;
    for (int64_t t = 0; t < rows.n; t++) {
        const float *cos = pass.cos + (rows.first + t) * width, *sin = pass.sin + (rows.first + t) * width;
        const float *head = from.rows(t).at;
        T *to = into.rows(t).at;
        for (int64_t h = 0; h < block.n_q + block.n_kv; h++, head += width, to += width)
#pragma omp simd
            for (int64_t c = 0; c < half; c++) {
                const float a = head[c], b = head[c + half];
                put(a * cos[c] - way * b * sin[c], to[c]);
                put(b * cos[c] + way * a * sin[c], to[c + half]);
            }
        if (!whole<T>)
            for (int64_t c = 0; c < block.n_kv * width; c++) put(head[c], to[c]);
    }
}

// A block of queries of a head of a text.
struct Square {
    int64_t first, n;        // the first query's token, and how many
    int64_t start, seen;     // where the text begins, and how many of its keys the last query sees
    int64_t shared, n_ahead; // where the tokens begin that it shares, and how many
    int64_t head;
};

// Texts after what they share. Queries of one go to keys of no other.
struct Group {
    int64_t start, prefix, n_texts;
    const int64_t *lengths;

    // Calls `act` with each square of the heads that share the key `shared_key`.
    template <typename Do> void each_square(const Block &block, int64_t shared_key, Do &&act) const {
        const int64_t shared = block.n_q / block.n_kv;
        for (int64_t head = shared_key * shared; head < (shared_key + 1) * shared; head++) {
            each_block(start, prefix, 0, head, act);
            int64_t at = start + prefix;
            for (int64_t i = 0; i < n_texts; at += lengths[i++]) each_block(at, lengths[i], prefix, head, act);
        }
    }

    template <typename Do>
    void each_block(int64_t at, int64_t length, int64_t ahead, int64_t head, Do &&act) const {
        for (int64_t first = 0; first < length; first += QUERIES) {
            const int64_t n = std::min(QUERIES, length - first);
            act(Square{at + first, n, at, first + n, start, ahead, head});
        }
    }
};

std::vector<Group> groups(const Pass &pass) {
    std::vector<Group> found;
    int64_t at = 0;
    const int64_t *lengths = pass.lengths;
    for (int64_t i = 0; i < pass.n_groups; lengths += pass.texts[i++]) {
        found.push_back({at, pass.prefixes[i], pass.texts[i], lengths});
        at = std::accumulate(lengths, lengths + pass.texts[i], at + pass.prefixes[i]);
    }
    return found;
}

int64_t most_seen(const Pass &pass) {
    if (!pass.n_texts) return 0; // attention is computed elsewhere
    return *std::max_element(pass.lengths, pass.lengths + pass.n_texts) +
           *std::max_element(pass.prefixes, pass.prefixes + pass.n_groups);
}

// What a thread needs to attend.
template <typename T> struct Desk {
    View scores, slopes;         // [QUERIES, most_seen]
    Matrix<T> shares, downs;     // the same as they go into products
    float *sums;                 // [QUERIES, width]
};

// Keys or values of a square's head, the shared ones and its own, with the columns of products that are theirs.
template <typename T> struct Keys {
    Matrix<T> ahead, own;
    Keys(const Block &block, const Square &square, Matrix<T> heads, int64_t kind) { // kind 0: keys, 1: values
        const int64_t at = (block.n_q + kind * block.n_kv + square.head / (block.n_q / block.n_kv)) * block.head_width;
        ahead = heads.rows(square.shared).columns(at), own = heads.rows(square.start).columns(at);
    }
};

// c [n, n_ahead + seen] = alpha a [n, width] keys^T
template <typename T>
void towards(const Square &q, int64_t width, Const<T> a, const Keys<const T> &keys, View c, float alpha = 1) {
    if (q.n_ahead) multiply<T>(q.n, q.n_ahead, width, a, AS_IT_IS, keys.ahead, TRANSPOSED, c, 0, alpha);
    multiply<T>(q.n, q.seen, width, a, AS_IT_IS, keys.own, TRANSPOSED, c.columns(q.n_ahead), 0, alpha);
}

// c [n, width] = a [n, n_ahead + seen] values
template <typename T> void from(const Square &q, int64_t width, Const<T> a, const Keys<const T> &values, View c) {
    multiply<T>(q.n, width, q.seen, a.columns(q.n_ahead), AS_IT_IS, values.own, AS_IT_IS, c, 0);
    if (q.n_ahead) multiply<T>(q.n, width, q.n_ahead, a, AS_IT_IS, values.ahead, AS_IT_IS, c, 1);
}

// into += a^T b, for a [n, n_ahead + seen] and b [n, width]
template <typename T> void onto(const Square &q, int64_t width, Const<T> a, Const<T> b, const Keys<float> &into) {
    multiply<T>(q.seen, width, q.n, a.columns(q.n_ahead), TRANSPOSED, b, AS_IT_IS, into.own, 1);
    if (q.n_ahead) multiply<T>(q.n_ahead, width, q.n, a, TRANSPOSED, b, AS_IT_IS, into.ahead, 1);
}

// Outputs [N, n_q width] of the heads of a group that share a key, and the logarithms of the softmax's sums [n_q, N].
template <typename T>
void attend(const Block &block, const Pass &pass, const Group &group, int64_t shared_key, Const<T> heads,
            Matrix<T> outs, float *sums, const Desk<T> &desk) {
    const Timed timed(ATTENTION);
    const int64_t width = block.head_width;
    group.each_square(block, shared_key, [&](const Square &q) {
        const Keys<const T> keys(block, q, heads, 0), values(block, q, heads, 1);
        towards<T>(q, width, heads.rows(q.first).columns(q.head * width), keys, desk.scores, block.scaling);
        for (int64_t i = 0; i < q.n; i++) {
            float *row = desk.scores.rows(i).at, top = row[0], sum = 0;
            T *shares = desk.shares.rows(i).at;
            const int64_t all = q.n_ahead + q.seen, own = all - q.n + i + 1;
#pragma omp simd reduction(max : top)
            for (int64_t j = 0; j < own; j++) top = std::max(top, row[j]);
#pragma omp simd reduction(+ : sum)
            for (int64_t j = 0; j < own; j++) sum += row[j] = exponential(row[j] - top);
#pragma omp simd
            for (int64_t j = 0; j < own; j++) put(row[j] / sum, shares[j]);
            std::fill(shares + own, shares + all, T{});
            sums[q.head * pass.n_tokens + q.first + i] = top + std::log(sum);
        }
        const Matrix<T> out = outs.rows(q.first).columns(q.head * width);
        const View into = whole<T> ? summed(out, nullptr) : View{desk.sums, width};
        from<T>(q, width, desk.shares, values, into);
        keep(q.n, width, into, out);
    });
}

// The gradients of queries, keys and values [N, (n_q + 2 n_kv) width] of the same heads, from that of the outputs.
template <typename T>
void attend_backward(const Block &block, const Pass &pass, const Group &group, int64_t shared_key, Const<T> heads,
                     Const<T> outs, const float *sums, Const<T> grad, View into, const Desk<T> &desk) {
    const Timed timed(ATTENTION);
    const int64_t width = block.head_width;
    const int64_t n = std::accumulate(group.lengths, group.lengths + group.n_texts, group.prefix);
    for (int64_t kind = 0; kind < 2; kind++)
        for (int64_t t = group.start; t < group.start + n; t++)
            std::fill_n(into.rows(t).at + (block.n_q + kind * block.n_kv + shared_key) * width, width, 0.0f);
    group.each_square(block, shared_key, [&](const Square &q) {
        const Keys<const T> keys(block, q, heads, 0), values(block, q, heads, 1);
        const Keys<float> grad_keys(block, q, into, 0), grad_values(block, q, into, 1);
        const Const<T> query = heads.rows(q.first).columns(q.head * width);
        const Const<T> own = grad.rows(q.first).columns(q.head * width);
        const Const<T> out = outs.rows(q.first).columns(q.head * width);
        towards<T>(q, width, query, keys, desk.scores, block.scaling);
        towards<T>(q, width, own, values, desk.slopes);
        for (int64_t i = 0; i < q.n; i++) {
            const float *row = desk.scores.rows(i).at, *slope = desk.slopes.rows(i).at;
            T *shares = desk.shares.rows(i).at, *downs = desk.downs.rows(i).at;
            const float sum = sums[q.head * pass.n_tokens + q.first + i], scaling = block.scaling;
            const float along = dot(own.rows(i).at, out.rows(i).at, width);
            const int64_t all = q.n_ahead + q.seen, before = all - q.n + i + 1;
#pragma omp simd
            for (int64_t j = 0; j < before; j++) {
                const float share = exponential(row[j] - sum);
                put(share, shares[j]);
                put(share * (slope[j] - along) * scaling, downs[j]);
            }
            std::fill(shares + before, shares + all, T{});
            std::fill(downs + before, downs + all, T{});
        }
        onto<T>(q, width, desk.shares, own, grad_values);
        from<T>(q, width, desk.downs, keys, into.rows(q.first).columns(q.head * width));
        onto<T>(q, width, desk.downs, query, grad_keys);
    });
}

} // namespace
