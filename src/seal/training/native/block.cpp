// A decoder layer of the Llama family, forward and backward, for many LoRA adapters at once on one core; and
// the loss of an output head.
//
// The arithmetic of seal.training.block, called once a layer instead of once an operator: what lies between two
// matrix products is one pass over memory, and the products go straight to the BLAS that torch has loaded. All
// arrays are row-major float32; N is the number of tokens in flight, the tokens of a slot lie together, and so
// do those of a text. Whatever the backward pass reads is in `kept`, laid out by `Kept`.
//
// The headers are parts of this one source, compiled with it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "adapters.h"
#include "attention.h"
#include "head.h"
#include "matrix.h"
#include "records.h"

namespace {

// RMSNorm (Zhang & Sennrich, arXiv 1910.07467) of x [N, d]; keeps the inverse of its scale [N].
void norm(int64_t n, int64_t d, const float *x, const float *weight, double epsilon, float *y, float *inverse) {
    for (int64_t t = 0; t < n; t++, x += d, y += d) {
        const float by = inverse[t] = 1 / std::sqrt(dot(x, x, d) / d + float(epsilon));
        for (int64_t c = 0; c < d; c++) y[c] = x[c] * by * weight[c];
    }
}

// The gradient of x [N, d]: what comes through its norm, from `grad`, and what goes `beside` it.
void norm_backward(int64_t n, int64_t d, float *grad, const float *beside, const float *x, const float *inverse,
                   const float *weight, float *grad_x) {
    for (int64_t t = 0; t < n; t++, grad += d, beside += d, x += d, grad_x += d) {
        for (int64_t c = 0; c < d; c++) grad[c] *= weight[c];
        const float by = inverse[t], along = -dot(grad, x, d) * by * by * by / d;
        for (int64_t c = 0; c < d; c++) grad_x[c] = beside[c] + grad[c] * by + x[c] * along;
    }
}

// product [N, f] = silu(gate) up, of gates [N, 2 f]
void gate(int64_t n, int64_t f, const float *gates, float *product) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, product += f)
        for (int64_t c = 0; c < f; c++) product[c] = gates[c] / (1 + exponential(-gates[c])) * gates[f + c];
}

// The gradients of gates [N, 2 f] from that of the product.
void gate_backward(int64_t n, int64_t f, const float *gates, const float *grad, float *into) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, grad += f, into += 2 * f)
        for (int64_t c = 0; c < f; c++) {
            const float open = 1 / (1 + exponential(-gates[c])), silu = gates[c] * open;
            into[f + c] = grad[c] * silu;
            into[c] = grad[c] * gates[f + c] * (open + silu * (1 - open));
        }
}

struct Kept { // what a backward pass reads, one after the other
    int64_t d, heads, outs, f, r;
    float *normed, *inverse, *turned, *attended, *sums, *middle, *fed, *fed_inverse, *gates, *product;
    View hidden_in, hidden_out, hidden_gates, hidden_down;
    int64_t n_floats;

    Kept(const Block &block, int64_t n, int64_t rank, float *at) {
        d = block.attention_in.n_in, f = block.feed_out.n_in, r = rank;
        heads = block.attention_in.n_out, outs = block.attention_out.n_in;
        float *const begin = at;
        const auto take = [&](int64_t width) { return std::exchange(at, at + n * width); };
        const auto hidden = [&](const Fan &fan) { return View{take(fan.n_adapted * r), fan.n_adapted * r}; };
        normed = take(d), inverse = take(1), turned = take(heads), attended = take(outs), sums = take(block.n_q);
        middle = take(d), fed = take(d), fed_inverse = take(1), gates = take(2 * f), product = take(f);
        hidden_in = hidden(block.attention_in), hidden_out = hidden(block.attention_out);
        hidden_gates = hidden(block.feed_in), hidden_down = hidden(block.feed_out);
        n_floats = at - begin;
    }
};

struct Scratch { // what a backward pass needs until it ends; a forward pass needs less
    float *wide, *narrow, *middle, *fed, *learned, *scores, *slopes;
    int64_t n_floats;

    Scratch(const Block &block, const Pass &pass, int64_t rank, float *at) {
        const int64_t n = pass.n_tokens, d = block.attention_in.n_in, most = QUERIES * longest(pass);
        const int64_t widest = std::max({block.feed_out.n_in, block.attention_in.n_out, block.attention_out.n_in});
        float *const begin = at;
        const auto take = [&](int64_t size) { return std::exchange(at, at + size); };
        wide = take(2 * n * widest), narrow = take(n * widest), middle = take(n * d), fed = take(n * d);
        learned = take(3 * n * rank), scores = take(most), slopes = take(most);
        n_floats = at - begin;
    }
};

} // namespace

extern "C" {

void use_blas(void *found) { blas = reinterpret_cast<Blas>(found); }

// From now on adds the seconds of each Part to `into`; null ends it.
void time_parts(double *into) { spent = into; }

// How many floats a pass keeps for its backward.
int64_t kept_floats(const Block *block, int64_t n_tokens, int64_t rank) {
    return Kept(*block, n_tokens, rank, nullptr).n_floats;
}

// How many floats of room it needs while it runs.
int64_t scratch_floats(const Block *block, const Pass *pass, int64_t rank) {
    return Scratch(*block, *pass, rank, nullptr).n_floats;
}

// y [N, d] = the block's output for x [N, d]
void block_forward(const Block *block, const Bank *bank, const Pass *pass, const float *x, float *y, float *kept,
                   float *scratch) {
    const Timed timed(ALL);
    const Block &b = *block;
    const int64_t n = pass->n_tokens;
    const Kept k(b, n, bank->rank, kept);
    norm(n, k.d, x, b.attention_norm, b.attention_epsilon, k.normed, k.inverse);
    forward(b.attention_in, *bank, *pass, {k.normed, k.d}, {k.turned, k.heads}, k.hidden_in, false);
    turn(b, *pass, k.turned, 1);
    attend(b, *pass, {k.turned, k.heads}, {k.attended, k.outs}, k.sums, {scratch, longest(*pass)});
    std::copy_n(x, n * k.d, k.middle);
    forward(b.attention_out, *bank, *pass, {k.attended, k.outs}, {k.middle, k.d}, k.hidden_out, true);
    norm(n, k.d, k.middle, b.feed_norm, b.feed_epsilon, k.fed, k.fed_inverse);
    forward(b.feed_in, *bank, *pass, {k.fed, k.d}, {k.gates, 2 * k.f}, k.hidden_gates, false);
    gate(n, k.f, k.gates, k.product);
    std::copy_n(k.middle, n * k.d, y);
    forward(b.feed_out, *bank, *pass, {k.product, k.f}, {y, k.d}, k.hidden_down, true);
}

// Puts the gradients of the factors into the bank and, unless it is null, that of x into grad_x [N, d].
void block_backward(const Block *block, const Bank *bank, const Pass *pass, const float *x, const float *grad,
                    const float *kept, float *grad_x, float *scratch) {
    const Timed timed(ALL);
    const Block &b = *block;
    const int64_t n = pass->n_tokens, most = longest(*pass);
    const Kept k(b, n, bank->rank, const_cast<float *>(kept));
    const Scratch room(b, *pass, k.r, scratch);
    float *const wide = room.wide, *const narrow = room.narrow, *const middle = room.middle, *const fed = room.fed;
    const auto as = [&](const Fan &fan) { return View{room.learned, fan.n_adapted * k.r}; };

    backward(b.feed_out, *bank, *pass, {k.product, k.f}, {grad, k.d}, k.hidden_down, as(b.feed_out), {narrow, k.f});
    gate_backward(n, k.f, k.gates, narrow, wide);
    backward(b.feed_in, *bank, *pass, {k.fed, k.d}, {wide, 2 * k.f}, k.hidden_gates, as(b.feed_in), {fed, k.d});
    norm_backward(n, k.d, fed, grad, k.middle, k.fed_inverse, b.feed_norm, middle);
    backward(b.attention_out, *bank, *pass, {k.attended, k.outs}, {middle, k.d}, k.hidden_out, as(b.attention_out),
             {narrow, k.outs});
    attend_backward(b, *pass, {k.turned, k.heads}, {k.attended, k.outs}, k.sums, {narrow, k.outs}, {wide, k.heads},
                    {room.scores, most}, {room.slopes, most});
    turn(b, *pass, wide, -1);
    backward(b.attention_in, *bank, *pass, {k.normed, k.d}, {wide, k.heads}, k.hidden_in, as(b.attention_in),
             {grad_x ? fed : nullptr, k.d});
    if (grad_x) norm_backward(n, k.d, fed, middle, x, k.inverse, b.attention_norm, grad_x);
}

} // extern "C"
