// Matrix products by the BLAS that torch has loaded, the time that they take, and e^x.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>

using Blas = void (*)(const char *, const char *, const int *, const int *, const int *, const float *,
                      const float *, const int *, const float *, const int *, const float *, float *,
                      const int *);

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

float dot(const float *a, const float *b, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++) sum += a[c] * b[c];
    return sum;
}

} // namespace
