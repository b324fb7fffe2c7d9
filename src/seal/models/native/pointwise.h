// Norms and gates, which lie between products: forward and backward.
#pragma once

#include <cmath>
#include <cstdint>

#include "matrix.h"
#include "records.h"

namespace {

// RMSNorm (Zhang & Sennrich, arXiv 1910.07467) of x [n, d]; keeps the inverse of its scale [n]. `y` may be x.
template <typename T, typename X, typename Y>
void normalise(const Norm &norm, int64_t n, int64_t d, const X *x, Y *y, float *inverse) {
    const T *const weight = static_cast<const T *>(norm.weight);
    const float shift = norm.shift;
    for (int64_t t = 0; t < n; t++, x += d, y += d) {
        const float by = inverse[t] = 1 / std::sqrt(dot(x, x, d) / d + float(norm.epsilon));
#pragma omp simd
        for (int64_t c = 0; c < d; c++) put(wide(x[c]) * by * (wide(weight[c]) + shift), y[c]);
    }
}

// The gradient of x [n, d]: what comes through its norm, from `grad`, and what goes `beside` it, if anything does.
template <typename T>
void norm_backward(const Norm &norm, int64_t n, int64_t d, float *grad, const T *beside, const T *x,
                   const float *inverse, T *grad_x) {
    const T *const weight = static_cast<const T *>(norm.weight);
    const float shift = norm.shift;
    for (int64_t t = 0; t < n; t++, grad += d, x += d, grad_x += d) {
        for (int64_t c = 0; c < d; c++) grad[c] *= wide(weight[c]) + shift;
        const float by = inverse[t], along = -dot(grad, x, d) * by * by * by / d;
        const T *const own = beside ? beside + t * d : nullptr;
#pragma omp simd
        for (int64_t c = 0; c < d; c++)
            put((own ? wide(own[c]) : 0) + grad[c] * by + wide(x[c]) * along, grad_x[c]);
    }
}

// x sigmoid(slope x + cube x^3): SiLU with 1 and 0, and GELU by tanh (arXiv 1606.08415), since 1 + tanh(x) = 2
// sigmoid(2 x).
struct Gate {
    float slope, cube;
    explicit Gate(const Block &block) : slope(block.gate_slope), cube(block.gate_cube) {}
    float closing(float x) const { return 1 + exponential(-x * (slope + cube * x * x)); }
    float steepness(float x) const { return slope + 3 * cube * x * x; }
};

// product [n, f] = gate(gates) up, of gates [n, 2 f]
template <typename T> void open(const Gate gate, int64_t n, int64_t f, const float *gates, T *product) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, product += f)
        for (int64_t c = 0; c < f; c++) put(gates[c] / gate.closing(gates[c]) * gates[f + c], product[c]);
}

// The gradients of gates [n, 2 f] from that of the product.
template <typename T>
void open_backward(const Gate gate, int64_t n, int64_t f, const T *gates, const float *grad, T *into) {
    for (int64_t t = 0; t < n; t++, gates += 2 * f, grad += f, into += 2 * f)
        for (int64_t c = 0; c < f; c++) {
            const float by = wide(gates[c]), share = 1 / gate.closing(by), passed = by * share;
            put(grad[c] * passed, into[f + c]);
            put(grad[c] * wide(gates[f + c]) * (share + passed * (1 - share) * gate.steepness(by)), into[c]);
        }
}

} // namespace
