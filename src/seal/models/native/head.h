// The loss of an output head, a few tokens at a time.
#pragma once

#include <cmath>

#include "matrix.h"

namespace {

int64_t head_rows(int64_t n_words) { return std::max<int64_t>(16, (1 << 17) / n_words); } // half a megabyte

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

} // extern "C"
