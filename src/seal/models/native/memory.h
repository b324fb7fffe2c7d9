// The memory of a layer: what its backward pass reads, and what a pass needs until it ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "attention.h"
#include "matrix.h"
#include "records.h"
#include "tasks.h"

namespace {

class Room { // memory that is handed out piece by piece; from null it is only counted
    char *const begin;
    int64_t taken = 0;

  public:
    explicit Room(void *at) : begin(static_cast<char *>(at)) {}
    template <typename T> T *take(int64_t n) {
        const int64_t at = std::exchange(taken, taken + (n * int64_t(sizeof(T)) + 63) / 64 * 64);
        return reinterpret_cast<T *>(begin + at);
    }
    int64_t n_bytes() const { return taken; }
};

template <typename T> struct Kept { // what a backward pass reads
    int64_t d, heads, outs, f, r;
    T *normed, *turned, *attended, *middle, *fed, *gates, *product;
    T *raw_heads, *raw_attended, *raw_fed; // before their norms, where there are such
    float *inverse, *fed_inverse, *sums, *heads_inverse, *raw_attended_inverse, *raw_fed_inverse;
    Matrix<T> hidden_in, hidden_out, hidden_gates, hidden_down;

    Kept(const Block &block, int64_t n, int64_t rank, Room &room) {
        d = block.attention_in.n_in, f = block.feed_out.n_in, r = rank;
        heads = block.attention_in.n_out, outs = block.attention_out.n_in;
        const auto take = [&](int64_t width) { return room.take<T>(n * width); };
        const auto hidden = [&](const Fan &fan) { return Matrix<T>{take(fan.n_adapted * r), fan.n_adapted * r}; };
        normed = take(d), turned = take(heads), attended = take(outs), middle = take(d), fed = take(d);
        gates = take(2 * f), product = take(f);
        const int64_t n_heads = block.query_norm.weight ? block.n_q + block.n_kv : 0;
        const int64_t out = block.attended_norm.weight ? 1 : 0, down = block.fed_norm.weight ? 1 : 0;
        raw_heads = take(n_heads * block.head_width), raw_attended = take(out * d), raw_fed = take(down * d);
        heads_inverse = room.take<float>(n * n_heads);
        raw_attended_inverse = room.take<float>(n * out), raw_fed_inverse = room.take<float>(n * down);
        inverse = room.take<float>(n), fed_inverse = room.take<float>(n), sums = room.take<float>(n * block.n_q);
        hidden_in = hidden(block.attention_in), hidden_out = hidden(block.attention_out);
        hidden_gates = hidden(block.feed_in), hidden_down = hidden(block.feed_out);
    }
};

// How many rows go through a layer at a time: in float on one thread all, which saves what each product costs at least.
template <typename T> int64_t most_rows(const Pass &pass) {
    return whole<T> && pass.n_threads == 1 ? pass.n_tokens : std::min(pass.n_tokens, ROWS);
}

template <typename T> struct Bench { // what one thread needs: products that are not kept as they are summed up
    float *wide, *narrow, *states, *made, *learned;
    Desk<T> desk;

    Bench(const Block &block, const Pass &pass, int64_t rank, Room &room) {
        const int64_t n = most_rows<T>(pass), seen = most_seen(pass), at_desk = QUERIES * seen;
        const int64_t f = block.feed_out.n_in, heads = block.attention_in.n_out, outs = block.attention_out.n_in;
        const auto take = [&](int64_t size) { return room.take<float>(size); };
        wide = take(whole<T> ? 0 : n * std::max(2 * f, heads)), narrow = take(n * std::max(f, outs));
        const bool has_after = block.attended_norm.weight || block.fed_norm.weight;
        states = take(n * block.attention_in.n_in), made = take(has_after ? n * block.attention_in.n_in : 0);
        learned = take(whole<T> ? 0 : 3 * n * rank);
        desk = {{take(at_desk), seen}, {take(at_desk), seen}, {}, {}, take(whole<T> ? 0 : QUERIES * block.head_width)};
        if constexpr (whole<T>)
            desk.shares = desk.scores, desk.downs = desk.slopes;
        else
            desk.shares = {room.take<T>(at_desk), seen}, desk.downs = {room.take<T>(at_desk), seen};
    }
};

template <typename T> struct Scratch { // what a pass needs until it ends
    T *grad_gates, *grad_middle, *grad_attended, *grad_heads, *learned[4];
    T *grad_out, *grad_down; // of what comes out, before its norm
    float *turning; // the gradients of queries, keys and values before they are turned back
    std::vector<Bench<T>> benches;

    Scratch(const Block &block, const Pass &pass, int64_t rank, Room &room) {
        const int64_t n = pass.n_tokens, heads = block.attention_in.n_out;
        const auto take = [&](int64_t width) { return room.take<T>(n * width); };
        grad_gates = take(2 * block.feed_out.n_in), grad_middle = take(block.attention_in.n_in);
        grad_attended = take(block.attention_out.n_in), grad_heads = take(heads);
        grad_out = take(block.attended_norm.weight ? block.attention_in.n_in : 0);
        grad_down = take(block.fed_norm.weight ? block.attention_in.n_in : 0);
        if constexpr (whole<T>)
            turning = grad_heads;
        else
            turning = room.take<float>(n * heads);
        const Fan *const fans[] = {&block.attention_in, &block.attention_out, &block.feed_in, &block.feed_out};
        for (int64_t i = 0; i < 4; i++) learned[i] = take(fans[i]->n_adapted * rank);
        for (int64_t i = 0; i < pass.n_threads; i++) benches.emplace_back(block, pass, rank, room);
    }
};

} // namespace
