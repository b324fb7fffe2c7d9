// The records that Python hands over. They are mirrored, field by field, in __init__.py. What a pointer to void
// leads to are floats, or Halves where the block says so.
#pragma once

#include <cstdint>

extern "C" {

struct Module {         // a linear module of the base
    const void *weight; // [width, in]
    const void *bias;   // [width], or null
    int64_t width;
    int64_t b;     // where its B [width, r] begins in a row of the bank; -1: it is not adapted
    int64_t scale; // its row in the scales
};

struct Fan { // modules that are given the same input
    int64_t n_in, n_out, n_modules, n_adapted;
    int64_t a; // where their A, one below the other [n_adapted r, in], begin in a row of the bank
    Module modules[3];
};

struct Norm {           // RMSNorm
    const void *weight; // [width]; null: there is no such norm
    double epsilon, shift; // what is added to the weights: Gemma keeps what they are beyond one
};

struct Block {
    Fan attention_in, attention_out, feed_in, feed_out;
    Norm attention_norm, feed_norm; // of what goes in [d]
    Norm attended_norm, fed_norm;   // of what comes out, before it is added [d]
    Norm query_norm, key_norm;      // of each head [head_width]; both or neither
    double gate_slope, gate_cube;   // gate(x) = x sigmoid(slope x + cube x^3)
    int64_t n_q, n_kv, head_width;
    double scaling;
    int64_t half; // weights, factors and states are Halves
};

struct Bank {
    const void *weights; // [S, P]
    float *gradients;    // [S, P]
    const float *scales; // [modules, all slots]
    int64_t n_slots, n_parameters, rank;
};

struct Pass {
    int64_t n_tokens, n_own, n_groups, n_texts, n_threads;
    const int64_t *slots, *sizes;    // [n_own]: the tokens of each slot
    const int64_t *prefixes, *texts; // [n_groups]: the tokens that texts share, which lie before them; how many texts
    const int64_t *lengths;          // [n_texts]: the tokens of each text besides what it shares
    const float *cos, *sin;          // [N, head_width]
    int64_t fresh;                   // gradients take the place of what is there, else they are added to it
};

struct Cached { // where the keys and values of a layer lie, as in Lookup; its angles, as in Pass
    void *keys, *values;
    const float *cos, *sin;
    int64_t window; // how many places back it sees, a token's own included; 0: all
};

struct Lookup {                  // attention of tokens to what their rows have read, in bfloat16
    const void *query;           // [tokens, n_q, width], tokens query_stride apart
    const void *keys, *values;   // [rows, n_kv, capacity, width], rows and heads row_stride and head_stride apart
    const uint8_t *mask;         // [rows, capacity], rows mask_stride apart: which keys a row sees; null: all
    void *out;                   // [tokens, n_q, width]
    const int64_t *rows, *seen;  // [tokens]: the row of each, and how many places there it may look at; its own is the last
    int64_t n_tokens, n_q, n_kv, width, query_stride, row_stride, head_stride, mask_stride;
    double scaling;
};

} // extern "C"
