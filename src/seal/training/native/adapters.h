// Linear modules that are given the same input, with the adapters of all tokens: forward and backward.
#pragma once

#include "matrix.h"
#include "records.h"

namespace {

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

} // namespace
