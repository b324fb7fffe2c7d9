// Linear modules that are given the same input, with the adapters of all tokens: forward and backward.
#pragma once

#include <type_traits>
#include <vector>

#include "few_rows.h"
#include "matrix.h"
#include "records.h"
#include "tasks.h"

namespace {

template <typename T> Const<T> weight(const Module &module, const Fan &fan) {
    return {static_cast<const T *>(module.weight), fan.n_in};
}

// One adapter's tokens among `rows`: where they begin there, how many, and the adapter's place.
template <typename Do> void each_slot(const Pass &pass, Rows rows, Do &&act) {
    int64_t start = 0;
    for (int64_t i = 0; i < pass.n_own; start += pass.sizes[i++]) {
        const int64_t from = std::max(start, rows.first);
        const int64_t to = std::min(start + pass.sizes[i], rows.first + rows.n);
        if (from < to) act(from - rows.first, to - from, pass.slots[i]);
    }
}

// The factors of a slot from place `at` of its row of the bank.
template <typename T> Const<T> factor(const Bank &bank, int64_t slot, int64_t at, int64_t width) {
    return {static_cast<const T *>(bank.weights) + slot * bank.n_parameters + at, width};
}

View gradient(const Bank &bank, int64_t slot, int64_t at, int64_t width) {
    return {bank.gradients + slot * bank.n_parameters + at, width};
}

// hidden [n, k r] = sums, times the scale of each token's adapter in each of the k adapted modules.
template <typename T>
void scale(const Fan &fan, const Bank &bank, const Pass &pass, Rows rows, View sums, Matrix<T> hidden) {
    each_slot(pass, rows, [&](int64_t start, int64_t size, int64_t slot) {
        for (int64_t t = start; t < start + size; t++) {
            const float *from = sums.rows(t).at;
            T *to = hidden.rows(t).at;
            for (int64_t m = 0; m < fan.n_modules; m++) {
                if (fan.modules[m].b < 0) continue;
                const float by = bank.scales[fan.modules[m].scale * bank.n_slots + slot];
#pragma omp simd
                for (int64_t c = 0; c < bank.rank; c++) put(from[c] * by, to[c]);
                from += bank.rank, to += bank.rank;
            }
        }
    });
}

// Whether so few rows are in flight that it is the reading of weights that takes time.
template <typename T> bool few(const Pass &pass) { return !whole<T> && pass.n_tokens <= few_rows(); }

// y [n, width] = x [n, k] b^T, or that added to it, by one thread
template <typename T>
void product(bool few, int64_t n, int64_t width, int64_t k, Const<T> x, Const<T> b, View y, bool add) {
    if constexpr (!whole<T>)
        if (few) return multiply_few(n, k, x, {{b, width, y, add}}, 1);
    multiply<T>(n, width, k, x, AS_IT_IS, b, TRANSPOSED, y, add ? 1 : 0);
}

// y [n, out] = what the modules of the base make of x [n, in], or that added to it.
template <typename T> void base(const Fan &fan, const Pass &pass, Rows rows, Const<T> x, View y, bool add) {
    const int64_t n = rows.n;
    std::vector<Weights> read_once;
    View own = y;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
        const Module &module = fan.modules[m];
        if (const T *bias = static_cast<const T *>(module.bias))
            for (int64_t t = 0; t < n; t++) {
                float *row = own.rows(t).at;
                for (int64_t c = 0; c < module.width; c++) row[c] = wide(bias[c]) + (add ? row[c] : 0);
            }
        const bool onto = add || module.bias;
        if constexpr (!whole<T>)
            if (few<T>(pass)) {
                read_once.push_back({weight<T>(module, fan), module.width, own, onto});
                continue;
            }
        product<T>(false, n, module.width, fan.n_in, x, weight<T>(module, fan), own, onto);
    }
    if constexpr (!whole<T>)
        if (!read_once.empty()) multiply_few(n, fan.n_in, x, read_once, pass.n_threads);
}

// y [n, out] = what the modules make of x [n, in], or that added to it; keeps hidden [n, k r]. All are those of `rows`.
template <typename T>
void forward(const Fan &fan, const Bank &bank, const Pass &pass, Rows rows, Const<T> x, View y, Matrix<T> hidden,
             float *room, bool add) {
    const int64_t r = bank.rank;
    const bool read_once = few<T>(pass);
    base<T>(fan, pass, rows, x, y, add);
    if (!fan.n_adapted) return;
    const View sums = summed(hidden, room);
    each_slot(pass, rows, [&](int64_t start, int64_t size, int64_t slot) {
        product<T>(read_once, size, fan.n_adapted * r, fan.n_in, x.rows(start),
                   factor<T>(bank, slot, fan.a, fan.n_in), sums.rows(start), false);
    });
    scale(fan, bank, pass, rows, sums, hidden);
    each_slot(pass, rows, [&](int64_t start, int64_t size, int64_t slot) {
        View own = y.rows(start);
        Const<T> part = Const<T>(hidden).rows(start);
        for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
            const Module &module = fan.modules[m];
            if (module.b < 0) continue;
            product<T>(read_once, size, module.width, r, part, factor<T>(bank, slot, module.b, r), own, true);
            part = part.columns(r);
        }
    });
}

// What goes through a fan in a pass, of all tokens: its input and what of it the factors A make, and the gradients of
// its output and of what A make.
template <typename T> struct Flow {
    const Fan &fan;
    Const<T> x, grad;
    Const<T> hidden;
    Matrix<T> learned;
};

// Makes `learned` from `grad` and, unless it is null, puts the gradient of x [n, in] of `rows` into grad_x.
template <typename T>
void backward(const Flow<T> &flow, const Bank &bank, const Pass &pass, Rows rows, float *room, View grad_x) {
    const int64_t n = rows.n, r = bank.rank;
    const Fan &fan = flow.fan;
    const Const<T> grad = flow.grad.rows(rows.first);
    const Matrix<T> learned = flow.learned.rows(rows.first);
    const View sums = summed(learned, room);
    Const<T> own = grad;
    View into = sums;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width)) {
        const Module &module = fan.modules[m];
        if (module.b < 0) continue;
        each_slot(pass, rows, [&](int64_t start, int64_t size, int64_t slot) {
            multiply<T>(size, r, module.width, own.rows(start), AS_IT_IS, factor<T>(bank, slot, module.b, r), AS_IT_IS,
                        into.rows(start), 0);
        });
        into = into.columns(r);
    }
    if (fan.n_adapted) scale(fan, bank, pass, rows, sums, learned);
    if (!grad_x.at) return;
    own = grad;
    for (int64_t m = 0; m < fan.n_modules; own = own.columns(fan.modules[m++].width))
        multiply<T>(n, fan.n_in, fan.modules[m].width, own, AS_IT_IS, weight<T>(fan.modules[m], fan), AS_IT_IS, grad_x,
                    m ? 1 : 0);
    if (fan.n_adapted)
        each_slot(pass, rows, [&](int64_t start, int64_t size, int64_t slot) {
            multiply<T>(size, fan.n_in, fan.n_adapted * r, Const<T>(learned).rows(start), AS_IT_IS,
                        factor<T>(bank, slot, fan.a, fan.n_in), AS_IT_IS, grad_x.rows(start), 1);
        });
}

// Puts the gradients of the factors into the bank: of the B of module `m`, or of all A where m is -1.
template <typename T> void learn(const Flow<T> &flow, int64_t m, const Bank &bank, const Pass &pass) {
    const int64_t r = bank.rank;
    const Fan &fan = flow.fan;
    const float beta = pass.fresh ? 0 : 1;
    Const<T> own = flow.grad, part = flow.hidden;
    for (int64_t before = 0; before < m; own = own.columns(fan.modules[before++].width))
        if (fan.modules[before].b >= 0) part = part.columns(r);
    each_slot(pass, Rows{0, pass.n_tokens}, [&](int64_t start, int64_t size, int64_t slot) {
        if (m < 0)
            multiply<T>(fan.n_adapted * r, fan.n_in, size, Const<T>(flow.learned).rows(start), TRANSPOSED,
                        flow.x.rows(start), AS_IT_IS, gradient(bank, slot, fan.a, fan.n_in), beta);
        else
            multiply<T>(fan.modules[m].width, r, size, own.rows(start), TRANSPOSED, part.rows(start), AS_IT_IS,
                        gradient(bank, slot, fan.modules[m].b, r), beta);
    });
}

} // namespace
