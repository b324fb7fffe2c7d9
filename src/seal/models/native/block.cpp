// A decoder layer of the Llama family, forward and backward, for many LoRA adapters at once; and the loss of an output
// head.
//
// The arithmetic of seal.training.block, called once a layer instead of once an operator: what lies between two matrix
// products is one pass over memory, and the products go straight to the BLAS that torch has loaded. All arrays are
// row-major. Weights, factors and states are T, float or Half (bfloat16); products are summed up in float, as are norms,
// softmax and the gradients of factors. N is the number of tokens in flight, the tokens of a slot lie together, and so
// do those of a text. Whatever the backward pass reads is in `kept`, laid out by `Kept`.
//
// Between attention and attention each token goes by itself, so that some rows at a time go through all of a layer
// while they are in the cache; the heads of a text attend by themselves; the gradients of the factors, sums over all
// rows, come last. Threads share these parts.
//
// The headers are parts of this one source, compiled with it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "adapters.h"
#include "attention.h"
#include "head.h"
#include "lookup.h"
#include "matrix.h"
#include "memory.h"
#include "records.h"
#include "tasks.h"

namespace {

// RMSNorm (Zhang & Sennrich, arXiv 1910.07467) of x [n, d]; keeps the inverse of its scale [n].
template <typename T, typename X>
void norm(int64_t n, int64_t d, const X *x, const T *weight, double epsilon, T *y, float *inverse) {
    for (int64_t t = 0; t < n; t++, x += d, y += d) {
        const float by = inverse[t] = 1 / std::sqrt(dot(x, x, d) / d + float(epsilon));
        for (int64_t c = 0; c < d; c++) put(wide(x[c]) * by * wide(weight[c]), y[c]);
    }
}

// The gradient of x [n, d]: what comes through its norm, from `grad`, and what goes `beside` it.
template <typename T>
void norm_backward(int64_t n, int64_t d, float *grad, const T *beside, const T *x, const float *inverse,
                   const T *weight, T *grad_x) {
    for (int64_t t = 0; t < n; t++, grad += d, beside += d, x += d, grad_x += d) {
        for (int64_t c = 0; c < d; c++) grad[c] *= wide(weight[c]);
        const float by = inverse[t], along = -dot(grad, x, d) * by * by * by / d;
        for (int64_t c = 0; c < d; c++) put(wide(beside[c]) + grad[c] * by + wide(x[c]) * along, grad_x[c]);
    }
}

// product [n, f] = silu(gate) up, of gates [n, 2 f]
template <typename T> void gate(int64_t n, int64_t f, const float *gates, T *product) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, product += f)
        for (int64_t c = 0; c < f; c++) put(gates[c] / (1 + exponential(-gates[c])) * gates[f + c], product[c]);
}

// The gradients of gates [n, 2 f] from that of the product.
template <typename T> void gate_backward(int64_t n, int64_t f, const T *gates, const float *grad, T *into) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, grad += f, into += 2 * f)
        for (int64_t c = 0; c < f; c++) {
            const float by = wide(gates[c]), open = 1 / (1 + exponential(-by)), silu = by * open;
            put(grad[c] * silu, into[f + c]);
            put(grad[c] * wide(gates[f + c]) * (open + silu * (1 - open)), into[c]);
        }
}

template <typename T> class Layer {
    const Block &block;
    const Bank &bank;
    const Pass &pass;
    const T *const x; // [N, d]
    Room kept_room, scratch_room;
    Kept<T> k;
    const Scratch<T> s;

    // Calls act(group, shared key, bench) for all heads that share a key.
    template <typename Do> void each_key(Do &&act) {
        const std::vector<Group> all = groups(pass);
        each_part(pass.n_groups * block.n_kv, pass.n_threads, [&](int64_t i, int64_t thread) {
            act(all[i / block.n_kv], i % block.n_kv, s.benches[thread]);
        });
    }

    template <typename Do> void each(Do &&act) {
        each_rows(pass.n_tokens, most_rows<T>(pass), pass.n_threads,
                  [&](Rows rows, int64_t thread) { act(rows, s.benches[thread]); });
    }

    // Calls act(rows) for parts of `rows`. Where few are in flight one part of the pass has them all, and threads share
    // them here.
    template <typename Do> void shared(Rows rows, Do &&act) {
        if (!few<T>(pass)) return act(rows);
        each_range(rows.n, pass.n_threads, [&](int64_t first, int64_t end) {
            act(Rows{rows.first + first, end - first});
        });
    }

    template <typename U> static Matrix<U> from(U *at, int64_t stride, Rows rows) {
        return Matrix<U>{at, stride}.rows(rows.first);
    }

    void make(const Fan &fan, Rows rows, Const<T> input, View y, Matrix<T> hidden, const Bench<T> &bench, bool add) {
        ::forward<T>(fan, bank, pass, rows, input, y, hidden.rows(rows.first), bench.learned, add);
    }

    static const T *weights(const void *at) { return static_cast<const T *>(at); }

  public:
    Layer(const Block &block, const Bank &bank, const Pass &pass, const T *x, void *kept, void *scratch)
        : block(block), bank(bank), pass(pass), x(x), kept_room(kept), scratch_room(scratch),
          k(block, pass.n_tokens, bank.rank, kept_room), s(block, pass, bank.rank, scratch_room) {}

    // y [N, d] = the block's output for x
    void forward(T *y) {
        enter();
        each_key([&](const Group &group, int64_t key, const Bench<T> &bench) {
            attend<T>(block, pass, group, key, {k.turned, k.heads}, {k.attended, k.outs}, k.sums, bench.desk);
        });
        leave(y);
    }

    // For attention that somebody else computes: puts queries, keys and values, turned, into heads [N, (n_q + 2 n_kv)
    // width].
    void enter_into(T *heads) {
        k.turned = heads;
        enter();
    }

    // y [N, d] = the block's output for x and what its heads have attended to [N, n_q width]
    void leave_with(T *attended, T *y) {
        k.attended = attended;
        leave(y);
    }

  private:
    void enter() {
        each([&](Rows rows, const Bench<T> &bench) {
            const auto [normed, turned] = std::pair(from(k.normed, k.d, rows), from(k.turned, k.heads, rows));
            norm<T>(rows.n, k.d, from(x, k.d, rows).at, weights(block.attention_norm), block.attention_epsilon,
                    normed.at, k.inverse + rows.first);
            const View sums = summed(turned, bench.wide);
            make(block.attention_in, rows, normed, sums, k.hidden_in, bench, false);
            turn(block, pass, rows, sums, turned, 1);
        });
    }

    void leave(T *y) {
        each([&](Rows rows, const Bench<T> &bench) {
            const Matrix<T> middle = from(k.middle, k.d, rows), fed = from(k.fed, k.d, rows);
            const Matrix<T> gates = from(k.gates, 2 * k.f, rows), product = from(k.product, k.f, rows);
            const Matrix<T> out = from(y, k.d, rows);
            const Const<T> in = from(x, k.d, rows);
            const View states = summed(middle, bench.states), open = summed(gates, bench.wide);
            for (int64_t i = 0; i < rows.n * k.d; i++) states.at[i] = wide(in.at[i]);
            make(block.attention_out, rows, from(k.attended, k.outs, rows), states, k.hidden_out, bench, true);
            keep(rows.n, k.d, states, middle);
            norm<T>(rows.n, k.d, states.at, weights(block.feed_norm), block.feed_epsilon, fed.at,
                    k.fed_inverse + rows.first);
            make(block.feed_in, rows, fed, open, k.hidden_gates, bench, false);
            shared(rows, [&](Rows part) {
                const View own = open.rows(part.first - rows.first);
                keep(part.n, 2 * k.f, own, from(k.gates, 2 * k.f, part));
                gate(part.n, k.f, own.at, from(k.product, k.f, part).at);
            });
            const View sums = summed(out, bench.states); // what it is added to is there already
            if (whole<T>) std::copy_n(states.at, rows.n * k.d, sums.at);
            make(block.feed_out, rows, product, sums, k.hidden_down, bench, true);
            keep(rows.n, k.d, sums, out);
        });
    }

  public:
    // Puts the gradients of the factors into the bank and, unless it is null, that of x into grad_x [N, d].
    void backward(const T *grad, T *grad_x) {
        const auto flow = [&](const Fan &fan, const T *input, const T *output, Matrix<T> hidden, T *learned) {
            return Flow<T>{fan, {input, fan.n_in}, {output, fan.n_out}, hidden, {learned, fan.n_adapted * k.r}};
        };
        const Flow<T> down = flow(block.feed_out, k.product, grad, k.hidden_down, s.learned[3]);
        const Flow<T> gates = flow(block.feed_in, k.fed, s.grad_gates, k.hidden_gates, s.learned[2]);
        const Flow<T> out = flow(block.attention_out, k.attended, s.grad_middle, k.hidden_out, s.learned[1]);
        const Flow<T> in = flow(block.attention_in, k.normed, s.grad_heads, k.hidden_in, s.learned[0]);
        each([&](Rows rows, const Bench<T> &bench) {
            const auto go = [&](const Flow<T> &flow, View into) {
                ::backward(flow, bank, pass, rows, bench.learned, into);
            };
            go(down, {bench.narrow, k.f});
            gate_backward(rows.n, k.f, from(k.gates, 2 * k.f, rows).at, bench.narrow,
                          from(s.grad_gates, 2 * k.f, rows).at);
            go(gates, {bench.states, k.d});
            norm_backward(rows.n, k.d, bench.states, from(grad, k.d, rows).at, from(k.middle, k.d, rows).at,
                          k.fed_inverse + rows.first, weights(block.feed_norm), from(s.grad_middle, k.d, rows).at);
            const Matrix<T> attended = from(s.grad_attended, k.outs, rows);
            const View sums = summed(attended, bench.narrow);
            go(out, sums);
            keep(rows.n, k.outs, sums, attended);
        });
        each_key([&](const Group &group, int64_t key, const Bench<T> &bench) {
            attend_backward<T>(block, pass, group, key, {k.turned, k.heads}, {k.attended, k.outs}, k.sums,
                               {s.grad_attended, k.outs}, {s.turning, k.heads}, bench.desk);
        });
        each([&](Rows rows, const Bench<T> &bench) {
            turn(block, pass, rows, from(s.turning, k.heads, rows), from(s.grad_heads, k.heads, rows), -1);
            ::backward(in, bank, pass, rows, bench.learned, View{grad_x ? bench.states : nullptr, k.d});
            if (!grad_x) return;
            norm_backward(rows.n, k.d, bench.states, from<const T>(s.grad_middle, k.d, rows).at,
                          from(x, k.d, rows).at, k.inverse + rows.first, weights(block.attention_norm),
                          from(grad_x, k.d, rows).at);
        });
        std::vector<std::pair<const Flow<T> *, int64_t>> factors;
        for (const Flow<T> *one : {&down, &gates, &out, &in}) {
            if (one->fan.n_adapted) factors.emplace_back(one, -1);
            for (int64_t m = 0; m < one->fan.n_modules; m++)
                if (one->fan.modules[m].b >= 0) factors.emplace_back(one, m);
        }
        each_part(factors.size(), pass.n_threads,
                  [&](int64_t i, int64_t) { learn(*factors[i].first, factors[i].second, bank, pass); });
    }
};

template <typename T> int64_t kept_bytes_of(const Block &block, int64_t n_tokens, int64_t rank) {
    Room room(nullptr);
    Kept<T>(block, n_tokens, rank, room);
    return room.n_bytes();
}

template <typename T> int64_t scratch_bytes_of(const Block &block, const Pass &pass, int64_t rank) {
    Room room(nullptr);
    Scratch<T>(block, pass, rank, room);
    return room.n_bytes();
}

template <typename T>
void enter_of(const Block &block, const Bank &bank, const Pass &pass, const void *x, void *heads, void *kept,
              void *scratch) {
    Layer<T>(block, bank, pass, static_cast<const T *>(x), kept, scratch).enter_into(static_cast<T *>(heads));
}

template <typename T>
void leave_of(const Block &block, const Bank &bank, const Pass &pass, const void *x, void *attended, void *y, void *kept,
              void *scratch) {
    Layer<T>(block, bank, pass, static_cast<const T *>(x), kept, scratch)
        .leave_with(static_cast<T *>(attended), static_cast<T *>(y));
}

template <typename T>
void backward_of(const Block &block, const Bank &bank, const Pass &pass, const void *x, const void *grad, void *kept,
                 void *grad_x, void *scratch) {
    Layer<T>(block, bank, pass, static_cast<const T *>(x), kept, scratch)
        .backward(static_cast<const T *>(grad), static_cast<T *>(grad_x));
}

} // namespace

extern "C" {

void use_blas(void *of_floats) { blas<float> = reinterpret_cast<Blas<float>>(of_floats); }

void use_blas_of_halves(void *found) { blas<Half> = reinterpret_cast<Blas<Half>>(found); }

// From now on adds the seconds of each Part to `into`; null ends it.
void time_parts(double *into) { spent = into; }

// How many bytes a pass keeps for its backward.
int64_t kept_bytes(const Block *block, int64_t n_tokens, int64_t rank) {
    return (block->half ? kept_bytes_of<Half> : kept_bytes_of<float>)(*block, n_tokens, rank);
}

// How many bytes of room it needs while it runs.
int64_t scratch_bytes(const Block *block, const Pass *pass, int64_t rank) {
    return (block->half ? scratch_bytes_of<Half> : scratch_bytes_of<float>)(*block, *pass, rank);
}

// y [N, d] = the block's output for x [N, d]
void block_forward(const Block *block, const Bank *bank, const Pass *pass, const void *x, void *y, void *kept,
                   void *scratch) {
    const Timed timed(ALL);
    if (block->half)
        Layer<Half>(*block, *bank, *pass, static_cast<const Half *>(x), kept, scratch).forward(static_cast<Half *>(y));
    else
        Layer<float>(*block, *bank, *pass, static_cast<const float *>(x), kept, scratch)
            .forward(static_cast<float *>(y));
}

// The two halves of a block without its attention, which is computed by whoever calls: `heads` are what attention is
// given [N, (n_q + 2 n_kv) width], `attended` what it gives [N, n_q width].
void block_enter(const Block *block, const Bank *bank, const Pass *pass, const void *x, void *heads, void *kept,
                 void *scratch) {
    const Timed timed(ALL);
    (block->half ? enter_of<Half> : enter_of<float>)(*block, *bank, *pass, x, heads, kept, scratch);
}

void block_leave(const Block *block, const Bank *bank, const Pass *pass, const void *x, void *attended, void *y,
                 void *kept, void *scratch) {
    const Timed timed(ALL);
    (block->half ? leave_of<Half> : leave_of<float>)(*block, *bank, *pass, x, attended, y, kept, scratch);
}

// What each token attends to, of bfloat16
void look_up_tokens(const Lookup *all, int64_t n_threads) {
    const Timed timed(ATTENTION);
    look_all_up(*all, seen_by_each(*all), n_threads);
}

// Tokens of some rows through all layers, of bfloat16: x [tokens, d] becomes the last layer's output. What each layer
// makes of them goes into its cache, each as the last of what it sees there. `all` says how caches lie, and who sees
// what.
void layers_step(const Block *const *blocks, const Cached *caches, int64_t n_layers, const Bank *bank, const Pass *pass,
                 const Lookup *all, void *x, void *heads, void *attended, void *kept, void *scratch) {
    const Timed timed(ALL);
    Half *const states = static_cast<Half *>(x), *const made = static_cast<Half *>(heads);
    const Seen seen = seen_by_each(*all);
    for (int64_t i = 0; i < n_layers; i++) {
        const Block &block = *blocks[i];
        Layer<Half> layer(block, *bank, *pass, states, kept, scratch);
        layer.enter_into(made);
        Lookup own = *all;
        own.keys = caches[i].keys, own.values = caches[i].values, own.query = heads, own.out = attended;
        own.query_stride = block.attention_in.n_out, own.scaling = block.scaling;
        remember(own, made + own.n_q * own.width);
        {
            const Timed attending(ATTENTION);
            look_all_up(own, seen, pass->n_threads);
        }
        layer.leave_with(static_cast<Half *>(attended), states);
    }
}

// Up to how many rows `few_products` takes; 0 if none.
int64_t most_few_rows() { return few_rows(); }

// y [m, n] = x [m, k] w^T, for few rows of bfloat16, rounded to it
void few_products(int64_t m, int64_t n, int64_t k, int64_t n_threads, const void *x, const void *w, void *y,
                  float *scratch) {
    const View sums{scratch, n};
    multiply_few(m, k, {static_cast<const Half *>(x), k}, {{{static_cast<const Half *>(w), k}, n, sums, false}}, n_threads);
    each_range(n, n_threads, [&](int64_t first, int64_t end) {
        keep(m, end - first, sums.columns(first), Matrix<Half>{static_cast<Half *>(y), n}.columns(first));
    });
}

// Puts the gradients of the factors into the bank and, unless it is null, that of x into grad_x [N, d].
void block_backward(const Block *block, const Bank *bank, const Pass *pass, const void *x, const void *grad,
                    void *kept, void *grad_x, void *scratch) {
    const Timed timed(ALL);
    (block->half ? backward_of<Half> : backward_of<float>)(*block, *bank, *pass, x, grad, kept, grad_x, scratch);
}

} // extern "C"
