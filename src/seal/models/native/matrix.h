// Numbers of four bytes and of two, products of matrices of either by the BLAS that torch has loaded, the time that
// they take, and e^x.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <type_traits>

struct Half { // bfloat16: the upper half of a float
    uint16_t bits;
};

template <typename T>
using Blas = void (*)(const char *, const char *, const int *, const int *, const int *, const float *, const T *,
                      const int *, const T *, const int *, const float *, float *, const int *);

namespace {

template <typename T> Blas<T> blas;
template <typename T> constexpr bool whole = std::is_same_v<T, float>;

inline float wide(float x) { return x; }

inline float wide(Half x) {
    const uint32_t bits = uint32_t(x.bits) << 16;
    float y;
    std::memcpy(&y, &bits, 4);
    return y;
}

inline void put(float x, float &into) { into = x; }

inline void put(float x, Half &into) { // to the nearest, of two the even one
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    into.bits = uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

enum Part { PRODUCTS, ATTENTION, ALL };
double *spent; // seconds of each part on all threads, while a profile is taken; else null

struct Timed { // adds the seconds of its scope to a part; products of attention are attention's
    static inline thread_local bool within = false;
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
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
#pragma omp atomic
        *into += seconds;
        within = was;
    }
};

template <typename T> struct Matrix { // rows lie `stride` apart
    T *at;
    int64_t stride;
    Matrix rows(int64_t n) const { return {at + n * stride, stride}; }
    Matrix columns(int64_t n) const { return {at + n, stride}; }
    operator Matrix<const T>() const { return {at, stride}; }
};

using View = Matrix<float>;
template <typename T> using Const = Matrix<const T>;

enum Side { AS_IT_IS, TRANSPOSED };

// c [m, n] = alpha a b + beta c, with a or b transposed if so said, summed up in float. BLAS counts by columns, so it
// is given b a.
template <typename T>
void multiply(int64_t m, int64_t n, int64_t k, Const<T> a, Side a_side, Const<T> b, Side b_side, View c, float beta,
              float alpha = 1) {
    const Timed timed(PRODUCTS);
    const int m_ = m, n_ = n, k_ = k, a_stride = a.stride, b_stride = b.stride, c_stride = c.stride;
    blas<T>(b_side == TRANSPOSED ? "T" : "N", a_side == TRANSPOSED ? "T" : "N", &n_, &m_, &k_, &alpha, b.at,
            &b_stride, a.at, &a_stride, &beta, c.at, &c_stride);
}

// Where a product is summed up that is kept as `kept`: there itself, if that is float, else in `room`.
inline View summed(Matrix<float> kept, float *) { return kept; }
inline View summed(Matrix<Half> kept, float *room) { return {room, kept.stride}; }

// Puts what was summed up [n, width] where it is kept.
inline void keep(int64_t, int64_t, View, Matrix<float>) {}
inline void keep(int64_t n, int64_t width, View sums, Matrix<Half> kept) {
    for (int64_t t = 0; t < n; t++)
        for (int64_t c = 0; c < width; c++) put(sums.rows(t).at[c], kept.rows(t).at[c]);
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

template <typename A, typename B> float dot(const A *a, const B *b, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++) sum += wide(a[c]) * wide(b[c]);
    return sum;
}

} // namespace
