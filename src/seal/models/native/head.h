// The loss of an output head: in float a few tokens at a time with their products, in bf16 what is between products.
#pragma once

#include <cmath>
#include <vector>

#include "matrix.h"
#include "tasks.h"

namespace {

int64_t head_rows(int64_t n_words) { return std::max<int64_t>(16, (1 << 17) / n_words); } // half a megabyte

float largest(int64_t n, const Half *row) {
    float top = wide(row[0]);
#pragma omp simd reduction(max : top)
    for (int64_t c = 0; c < n; c++) top = std::max(top, wide(row[c]));
    return top;
}

// powers [n] = e^(row - top); their sum.
float powers_of(int64_t n, const Half *row, float top, float *powers) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++) sum += powers[c] = exponential(wide(row[c]) - top);
    return sum;
}

} // namespace

extern "C" {

// How many floats of room `head_losses` needs.
int64_t head_floats(int64_t n_words) { return head_rows(n_words) * n_words; }

// losses [n] = -weights log p(targets) under the logits head [V, d] states [n, d], and the gradient of states.
void head_losses(int64_t n, int64_t d, int64_t n_words, const float *states, const float *head, const int64_t *targets,
                 const float *weights, float *losses, float *grad, float *scratch) {
    const Timed timed(ALL);
    const int64_t most = head_rows(n_words);
    for (int64_t first = 0; first < n; first += most) {
        const int64_t size = std::min(most, n - first);
        const View logits{scratch, n_words};
        multiply<float>(size, n_words, d, Const<float>{states, d}.rows(first), AS_IT_IS, {head, d}, TRANSPOSED, logits, 0);
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
        multiply<float>(size, d, n_words, logits, AS_IT_IS, {head, d}, AS_IT_IS, View{grad, d}.rows(first), 0);
    }
}

// logs [n] = log p(targets) under logits [n, V].
void log_probabilities_of_halves(int64_t n, int64_t n_words, int64_t n_threads, const Half *logits,
                                 const int64_t *targets, float *logs) {
    each_range(n, n_threads, [&](int64_t first, int64_t end) {
        for (int64_t i = first; i < end; i++) {
            const Half *row = logits + i * n_words;
            const float top = largest(n_words, row);
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < n_words; c++) sum += exponential(wide(row[c]) - top);
            logs[i] = wide(row[targets[i]]) - top - std::log(sum);
        }
    });
}

// losses [n] = -weights log p(targets) under logits [n, V], which become the gradient of the losses by them.
void head_losses_of_halves(int64_t n, int64_t n_words, int64_t n_threads, Half *logits, const int64_t *targets,
                           const float *weights, float *losses) {
    each_range(n, n_threads, [&](int64_t first, int64_t end) {
        std::vector<float> powers(n_words);
        for (int64_t i = first; i < end; i++) {
            Half *row = logits + i * n_words;
            const float top = largest(n_words, row), own = wide(row[targets[i]]), weight = weights[i];
            const float sum = powers_of(n_words, row, top, powers.data()), by = weight / sum;
            for (int64_t c = 0; c < n_words; c++) put(powers[c] * by, row[c]);
            put(powers[targets[i]] * by - weight, row[targets[i]]);
            losses[i] = (top + std::log(sum) - own) * weight;
        }
    });
}

// losses [n] = weights KL(taught || logits), likewise; taught [n, V] are logits too.
void head_divergences_of_halves(int64_t n, int64_t n_words, int64_t n_threads, Half *logits, const Half *taught,
                                const float *weights, float *losses) {
    each_range(n, n_threads, [&](int64_t first, int64_t end) {
        std::vector<float> powers(n_words), wanted(n_words);
        for (int64_t i = first; i < end; i++) {
            Half *row = logits + i * n_words;
            const Half *told = taught + i * n_words;
            const float top = largest(n_words, row), their_top = largest(n_words, told), weight = weights[i];
            const float sum = powers_of(n_words, row, top, powers.data());
            const float their_sum = powers_of(n_words, told, their_top, wanted.data());
            float apart = 0;
#pragma omp simd reduction(+ : apart)
            for (int64_t c = 0; c < n_words; c++) apart += wanted[c] * (wide(told[c]) - wide(row[c]));
            const float by = weight / sum, less = weight / their_sum;
            for (int64_t c = 0; c < n_words; c++) put(powers[c] * by - wanted[c] * less, row[c]);
            losses[i] = (apart / their_sum + (top - their_top) + std::log(sum / their_sum)) * weight;
        }
    });
}

} // extern "C"
