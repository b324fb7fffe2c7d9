// A decoder layer of the Llama family, forward and backward, for many LoRA adapters at once on one core; and
// the loss of an output head.
//
// The arithmetic of seal.training.block, called once a layer instead of once an operator: what lies between two
// matrix products is one pass over memory, and the products go straight to the BLAS that torch has loaded. All
// arrays are row-major float32; N is the number of tokens in flight, the tokens of a slot lie together, and so
// do those of a text. Whatever the backward pass reads is in `kept`, laid out by `Kept`.
//
// The structs are mirrored, field by field, in __init__.py.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

using Blas = void (*)(const char *, const char *, const int *, const int *, const int *, const float *,
                      const float *, const int *, const float *, const int *, const float *, float *,
                      const int *);

extern "C" {

struct Module {          // a linear module of the base
    const float *weight; // [width, in]
    const float *bias;   // [width], or null
    int64_t width;
    int64_t b;      // where its B [width, r] begins in a row of the bank; -1: it is not adapted
    int64_t scale;  // its row in the scales
};

struct Fan { // modules that are given the same input
    int64_t n_in, n_out, n_modules, n_adapted;
    int64_t a; // where their A, one below the other [n_adapted r, in], begin in a row of the bank
    Module modules[3];
};

struct Block {
    Fan attention_in, attention_out, feed_in, feed_out;
    const float *attention_norm, *feed_norm; // [d]
    double attention_epsilon, feed_epsilon;
    int64_t n_q, n_kv, head_width;
    double scaling;
};

struct Bank {
    const float *weights; // [S, P]
    float *gradients;     // [S, P]
    const float *scales;  // [modules, S]
    int64_t n_slots, n_parameters, rank;
};

struct Pass {
    int64_t n_tokens, n_own, n_texts;
    const int64_t *slots, *sizes; // [n_own]: the tokens of each slot
    const int64_t *lengths;       // [n_texts]: the tokens of each text
    const float *cos, *sin;       // [N, head_width]
    int64_t fresh;                // gradients take the place of what is there, else they are added to it
};

} // extern "C"

namespace {

Blas blas;
enum Part { PRODUCTS, ATTENTION, ALL };
double *spent; // seconds of each part, while a profile is taken; else null

struct Timed { // adds the seconds of its scope to a part; products of attention are attention's
    static inline bool within = false;
    double *const into;
    const bool was = within;
    std::chrono::steady_clock::time_point start;
    explicit Timed(Part part) : into(spent && !within ? spent + part : nullptr) {
        if (!into) return;
        within = part != ALL;
        start = std::chrono::steady_clock::now();
    }
    ~Timed() {
        if (!into) return;
        *into += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        within = was;
    }
};

constexpr int64_t QUERIES = 64; // of one product of attention; no more than these waste half a square

struct View { // a matrix whose rows lie `stride` apart
    float *at;
    int64_t stride;
    View rows(int64_t n) const { return {at + n * stride, stride}; }
    View columns(int64_t n) const { return {at + n, stride}; }
};

struct Const {
    const float *at;
    int64_t stride;
    Const(const float *at, int64_t stride) : at(at), stride(stride) {}
    Const(View view) : at(view.at), stride(view.stride) {}
    Const rows(int64_t n) const { return {at + n * stride, stride}; }
    Const columns(int64_t n) const { return {at + n, stride}; }
};

enum Side { AS_IT_IS, TRANSPOSED };

// c [m, n] = alpha a b + beta c, with a or b transposed if so said. BLAS counts by columns, so it is given b a.
void multiply(int64_t m, int64_t n, int64_t k, Const a, Side a_side, Const b, Side b_side, View c, float beta,
              float alpha = 1) {
    const Timed timed(PRODUCTS);
    const int m_ = m, n_ = n, k_ = k, a_stride = a.stride, b_stride = b.stride, c_stride = c.stride;
    blas(b_side == TRANSPOSED ? "T" : "N", a_side == TRANSPOSED ? "T" : "N", &n_, &m_, &k_, &alpha, b.at,
         &b_stride, a.at, &a_stride, &beta, c.at, &c_stride);
}

// e^x to a unit in the last place or two, in a form that compilers turn into vector instructions; x is held
// to where neither end overflows. Cephes' polynomial (Moshier).
inline float exponential(float x) {
    x = std::min(std::max(x, -87.0f), 88.0f);
    const float shifted = x * 1.44269504f + 12582912.0f; // 1.5 x 2^23: rounds to a whole number
    const float whole = shifted - 12582912.0f;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    bits = (bits - 0x4b400000 + 127) << 23;
    float power;
    std::memcpy(&power, &bits, 4);
    return p * power;
}

// One adapter's tokens: where they begin, how many, and its row of the bank.
template <typename Do> void each_slot(const Bank &bank, const Pass &pass, Do &&act) {
    int64_t start = 0;
    for (int64_t i = 0; i < pass.n_own; i++) {
        act(start, pass.sizes[i], pass.slots[i] * bank.n_parameters);
        start += pass.sizes[i];
    }
}

// Multiplies hidden [N, k r] by the scale of each token's adapter in each of the k adapted modules.
void scale(const Fan &fan, const Bank &bank, const Pass &pass, View hidden) {
    int64_t start = 0;
    for (int64_t i = 0; i < pass.n_own; start += pass.sizes[i++])
        for (int64_t t = start; t < start + pass.sizes[i]; t++) {
            float *row = hidden.rows(t).at;
            for (int64_t m = 0; m < fan.n_modules; m++) {
                if (fan.modules[m].b < 0) continue;
                const float by = bank.scales[fan.modules[m].scale * bank.n_slots + pass.slots[i]];
                for (int64_t c = 0; c < bank.rank; c++) row[c] *= by;
                row += bank.rank;
            }
        }
}

// y [N, out] = what the modules make of x [N, in], or that added to it; keeps hidden [N, k r].
void forward(const Fan &fan, const Bank &bank, const Pass &pass, Const x, View y, View hidden, bool add) {
    const int64_t n = pass.n_tokens, r = bank.rank;
    View own = y;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
        const Module &module = fan.modules[m];
        if (module.bias)
            for (int64_t t = 0; t < n; t++) {
                float *row = own.rows(t).at;
                for (int64_t c = 0; c < module.width; c++) row[c] = module.bias[c] + (add ? row[c] : 0);
            }
        multiply(n, module.width, fan.n_in, x, AS_IT_IS, {module.weight, fan.n_in}, TRANSPOSED, own,
                 add || module.bias ? 1 : 0);
    }
    if (!fan.n_adapted) return;
    each_slot(bank, pass, [&](int64_t start, int64_t size, int64_t row) {
        multiply(size, fan.n_adapted * r, fan.n_in, x.rows(start), AS_IT_IS,
                 {bank.weights + row + fan.a, fan.n_in}, TRANSPOSED, hidden.rows(start), 0);
    });
    scale(fan, bank, pass, hidden);
    own = y;
    View part = hidden;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
        const Module &module = fan.modules[m];
        if (module.b < 0) continue;
        each_slot(bank, pass, [&](int64_t start, int64_t size, int64_t row) {
            multiply(size, module.width, r, part.rows(start), AS_IT_IS, {bank.weights + row + module.b, r},
                     TRANSPOSED, own.rows(start), 1);
        });
        part = part.columns(r);
    }
}

// Puts the gradients of the factors into the bank and, unless it is null, that of x into grad_x. `learned` is
// room for as much as hidden.
void backward(const Fan &fan, const Bank &bank, const Pass &pass, Const x, Const grad, Const hidden,
              View learned, View grad_x) {
    const int64_t n = pass.n_tokens, r = bank.rank;
    const float beta = pass.fresh ? 0 : 1;
    Const own = grad, part = hidden;
    View into = learned;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
        const Module &module = fan.modules[m];
        if (module.b < 0) continue;
        each_slot(bank, pass, [&](int64_t start, int64_t size, int64_t row) {
            multiply(size, r, module.width, own.rows(start), AS_IT_IS, {bank.weights + row + module.b, r},
                     AS_IT_IS, into.rows(start), 0);
            multiply(module.width, r, size, own.rows(start), TRANSPOSED, part.rows(start), AS_IT_IS,
                     {bank.gradients + row + module.b, r}, beta);
        });
        part = part.columns(r), into = into.columns(r);
    }
    if (fan.n_adapted) {
        scale(fan, bank, pass, learned);
        each_slot(bank, pass, [&](int64_t start, int64_t size, int64_t row) {
            multiply(fan.n_adapted * r, fan.n_in, size, learned.rows(start), TRANSPOSED, x.rows(start), AS_IT_IS,
                     {bank.gradients + row + fan.a, fan.n_in}, beta);
        });
    }
    if (!grad_x.at) return;
    own = grad;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width))
        multiply(n, fan.n_in, fan.modules[m].width, own, AS_IT_IS, {fan.modules[m].weight, fan.n_in}, AS_IT_IS,
                 grad_x, m ? 1 : 0);
    if (fan.n_adapted)
        each_slot(bank, pass, [&](int64_t start, int64_t size, int64_t row) {
            multiply(size, fan.n_in, fan.n_adapted * r, learned.rows(start), AS_IT_IS,
                     {bank.weights + row + fan.a, fan.n_in}, AS_IT_IS, grad_x.rows(start), 1);
        });
}

float dot(const float *a, const float *b, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++) sum += a[c] * b[c];
    return sum;
}

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

int64_t head_rows(int64_t n_words) { return std::max<int64_t>(16, (1 << 17) / n_words); } // half a megabyte

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

// How many floats of room the next needs.
int64_t head_floats(int64_t n_words) { return head_rows(n_words) * n_words; }

// losses [n] = -weights log p(targets) under the logits head [V, d] states [n, d], and the gradient of states.
void head_losses(int64_t n, int64_t d, int64_t n_words, const float *states, const float *head, const int64_t *targets,
                 const float *weights, float *losses, float *grad, float *scratch) {
    const Timed timed(ALL);
    const int64_t most = head_rows(n_words);
    for (int64_t first = 0; first < n; first += most) {
        const int64_t size = std::min(most, n - first);
        const View logits{scratch, n_words};
        multiply(size, n_words, d, Const{states, d}.rows(first), AS_IT_IS, {head, d}, TRANSPOSED, logits, 0);
        for (int64_t i = 0; i < size; i++) {
            float *row = logits.rows(i).at, top = row[0], sum = 0;
            const int64_t target = targets[first + i];
            const float own = row[target], weight = weights[first + i];
#pragma omp simd reduction(max : top)
            for (int64_t c = 0; c < n_words; c++) top = std::max(top, row[c]);
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < n_words; c++) sum += row[c] = exponential(row[c] - top);
            const float by = weight / sum;
            for (int64_t c = 0; c < n_words; c++) row[c] *= by;
            row[target] -= weight;
            losses[first + i] = (top + std::log(sum) - own) * weight;
        }
        multiply(size, d, n_words, logits, AS_IT_IS, {head, d}, AS_IT_IS, View{grad, d}.rows(first), 0);
    }
}

} // extern "C"
