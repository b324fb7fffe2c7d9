// A decoder layer of the Llama family and its relatives, forward and backward, for many LoRA adapters at once; and the loss of an output
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
#include <map>
#include <utility>
#include <vector>

#include "adapters.h"
#include "attention.h"
#include "head.h"
#include "lookup.h"
#include "matrix.h"
#include "memory.h"
#include "pointwise.h"
#include "records.h"
#include "tasks.h"

namespace {

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

    // Adds to the residual in `sums` what the modules make of `input`, normed where there is a norm for it.
    void add(const Fan &fan, const Norm &norm, Rows rows, Const<T> input, View sums, Matrix<T> hidden, T *raw,
             float *inverse, const Bench<T> &bench) {
        if (!norm.weight) return make(fan, rows, input, sums, hidden, bench, true);
        const Matrix<T> kept = from(raw, k.d, rows);
        const View made{bench.made, k.d};
        make(fan, rows, input, made, hidden, bench, false);
#pragma omp simd
        for (int64_t i = 0; i < rows.n * k.d; i++) put(made.at[i], kept.at[i]);
        normalise<T>(norm, rows.n, k.d, made.at, made.at, inverse + rows.first);
#pragma omp simd
        for (int64_t i = 0; i < rows.n * k.d; i++) sums.at[i] += made.at[i];
    }

    // The gradient of what comes out from that of what is added, which is the same where there is no norm between.
    void add_backward(const Norm &norm, Rows rows, const T *grad, const T *raw, const float *inverse, T *into,
                      const Bench<T> &bench) {
        if (!norm.weight) return;
        const T *const own = from(grad, k.d, rows).at;
        for (int64_t i = 0; i < rows.n * k.d; i++) bench.made[i] = wide(own[i]);
        norm_backward<T>(norm, rows.n, k.d, bench.made, nullptr, from(raw, k.d, rows).at, inverse + rows.first,
                         from(into, k.d, rows).at);
    }

    // Norms each head of queries and keys where they lie.
    void norm_heads(Rows rows, View heads) {
        if (!block.query_norm.weight) return;
        const int64_t width = block.head_width, queries = block.n_q * width, both = queries + block.n_kv * width;
        for (int64_t t = 0; t < rows.n; t++) {
            const int64_t token = rows.first + t;
            float *const own = heads.rows(t).at, *const inverse = k.heads_inverse + token * (block.n_q + block.n_kv);
            for (int64_t c = 0; c < both; c++) put(own[c], k.raw_heads[token * both + c]);
            normalise<T>(block.query_norm, block.n_q, width, own, own, inverse);
            normalise<T>(block.key_norm, block.n_kv, width, own + queries, own + queries, inverse + block.n_q);
        }
    }

    // Turns the gradients of queries and keys back, and takes them through the norms of their heads.
    void heads_backward(Rows rows) {
        const View turning = from(s.turning, k.heads, rows);
        const Matrix<T> into = from(s.grad_heads, k.heads, rows);
        if (!block.query_norm.weight) return turn(block, pass, rows, turning, into, -1);
        turn(block, pass, rows, turning, turning, -1);
        const int64_t width = block.head_width, queries = block.n_q * width, both = queries + block.n_kv * width;
        for (int64_t t = 0; t < rows.n; t++) {
            const int64_t token = rows.first + t;
            float *const grad = turning.rows(t).at;
            T *const to = into.rows(t).at;
            const T *const raw = k.raw_heads + token * both;
            const float *const inverse = k.heads_inverse + token * (block.n_q + block.n_kv);
            norm_backward<T>(block.query_norm, block.n_q, width, grad, nullptr, raw, inverse, to);
            norm_backward<T>(block.key_norm, block.n_kv, width, grad + queries, nullptr, raw + queries,
                             inverse + block.n_q, to + queries);
            for (int64_t c = both; c < k.heads; c++) put(grad[c], to[c]);
        }
    }

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
            normalise<T>(block.attention_norm, rows.n, k.d, from(x, k.d, rows).at, normed.at, k.inverse + rows.first);
            const View sums = summed(turned, bench.wide);
            make(block.attention_in, rows, normed, sums, k.hidden_in, bench, false);
            norm_heads(rows, sums);
            turn(block, pass, rows, sums, turned, 1);
        });
    }

    void leave(T *y) {
        each([&](Rows rows, const Bench<T> &bench) {
            const Matrix<T> middle = from(k.middle, k.d, rows), fed = from(k.fed, k.d, rows);
            const Matrix<T> gates = from(k.gates, 2 * k.f, rows), product = from(k.product, k.f, rows);
            const Matrix<T> out = from(y, k.d, rows);
            const Const<T> in = from(x, k.d, rows);
            const View states = summed(middle, bench.states), wide_gates = summed(gates, bench.wide);
            for (int64_t i = 0; i < rows.n * k.d; i++) states.at[i] = wide(in.at[i]);
            add(block.attention_out, block.attended_norm, rows, from(k.attended, k.outs, rows), states, k.hidden_out,
                k.raw_attended, k.raw_attended_inverse, bench);
            keep(rows.n, k.d, states, middle);
            normalise<T>(block.feed_norm, rows.n, k.d, states.at, fed.at, k.fed_inverse + rows.first);
            make(block.feed_in, rows, fed, wide_gates, k.hidden_gates, bench, false);
            shared(rows, [&](Rows part) {
                const View own = wide_gates.rows(part.first - rows.first);
                keep(part.n, 2 * k.f, own, from(k.gates, 2 * k.f, part));
                open(Gate(block), part.n, k.f, own.at, from(k.product, k.f, part).at);
            });
            const View sums = summed(out, bench.states); // what it is added to is there already
            if (whole<T>) std::copy_n(states.at, rows.n * k.d, sums.at);
            add(block.feed_out, block.fed_norm, rows, product, sums, k.hidden_down, k.raw_fed, k.raw_fed_inverse, bench);
            keep(rows.n, k.d, sums, out);
        });
    }

  public:
    // Puts the gradients of the factors into the bank and, unless it is null, that of x into grad_x [N, d].
    void backward(const T *grad, T *grad_x) {
        const auto flow = [&](const Fan &fan, const T *input, const T *output, Matrix<T> hidden, T *learned) {
            return Flow<T>{fan, {input, fan.n_in}, {output, fan.n_out}, hidden, {learned, fan.n_adapted * k.r}};
        };
        const T *const grad_down = block.fed_norm.weight ? s.grad_down : grad;
        const T *const grad_out = block.attended_norm.weight ? s.grad_out : s.grad_middle;
        const Flow<T> down = flow(block.feed_out, k.product, grad_down, k.hidden_down, s.learned[3]);
        const Flow<T> gates = flow(block.feed_in, k.fed, s.grad_gates, k.hidden_gates, s.learned[2]);
        const Flow<T> out = flow(block.attention_out, k.attended, grad_out, k.hidden_out, s.learned[1]);
        const Flow<T> in = flow(block.attention_in, k.normed, s.grad_heads, k.hidden_in, s.learned[0]);
        each([&](Rows rows, const Bench<T> &bench) {
            const auto go = [&](const Flow<T> &flow, View into) {
                ::backward(flow, bank, pass, rows, bench.learned, into);
            };
            add_backward(block.fed_norm, rows, grad, k.raw_fed, k.raw_fed_inverse, s.grad_down, bench);
            go(down, {bench.narrow, k.f});
            open_backward(Gate(block), rows.n, k.f, from(k.gates, 2 * k.f, rows).at, bench.narrow,
                          from(s.grad_gates, 2 * k.f, rows).at);
            go(gates, {bench.states, k.d});
            norm_backward<T>(block.feed_norm, rows.n, k.d, bench.states, from(grad, k.d, rows).at,
                             from(k.middle, k.d, rows).at, k.fed_inverse + rows.first,
                             from(s.grad_middle, k.d, rows).at);
            add_backward(block.attended_norm, rows, s.grad_middle, k.raw_attended, k.raw_attended_inverse, s.grad_out,
                         bench);
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
            heads_backward(rows);
            ::backward(in, bank, pass, rows, bench.learned, View{grad_x ? bench.states : nullptr, k.d});
            if (!grad_x) return;
            norm_backward<T>(block.attention_norm, rows.n, k.d, bench.states, from(s.grad_middle, k.d, rows).at,
                             from(x, k.d, rows).at, k.inverse + rows.first, from(grad_x, k.d, rows).at);
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
    std::map<int64_t, Seen> seen; // by window
    for (int64_t i = 0; i < n_layers; i++) {
        const Block &block = *blocks[i];
        Pass turned = *pass;
        turned.cos = caches[i].cos, turned.sin = caches[i].sin;
        const auto found = seen.try_emplace(caches[i].window);
        if (found.second) found.first->second = seen_by_each(*all, caches[i].window);
        Layer<Half> layer(block, *bank, turned, states, kept, scratch);
        layer.enter_into(made);
        Lookup own = *all;
        own.keys = caches[i].keys, own.values = caches[i].values, own.query = heads, own.out = attended;
        own.query_stride = block.attention_in.n_out, own.scaling = block.scaling;
        remember(own, made + own.n_q * own.width);
        {
            const Timed attending(ATTENTION);
            look_all_up(own, found.first->second, pass->n_threads);
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
