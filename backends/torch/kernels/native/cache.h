/* Where keys and values stand in the paged cache, and how a token's come there.
 *
 * Cache and tables are those of models/cache.py: a layer's keys and values are [N, K, S, D].
 */
#pragma once
#include "vectors.h"
#include <string.h>

enum { HEAD = 256 }; /* the largest head */

#define LOWEST (-1e30f) /* lower than any score, and no infinity: what is less than it is no NaN */

/* What is the same for all layers of a step. Its first `decoding` sequences have one token each. */
struct Step {
    const int32_t *positions; /* [T] */
    const int32_t *tables;    /* [sequences, blocks] */
    const int32_t *starts;    /* [sequences + 1], each one's first token */
    const float *cos, *sin;   /* [context, D/2] */
    long decoding, sequences;
    long blocks, heads, kv_heads, size, block_tokens;
    long longest; /* context of those that decode */
    float scale;
    int shared; /* whether some that decode are of one sequence: then all are kept before any is read */
};
typedef struct Step Step;

/* Where in keys and values a token of one key head is. */
INLINE long place(const Step *step, const int32_t *table, long kv_head, long position)
{
    const long block = table[position / step->block_tokens];
    const long slot = position % step->block_tokens;
    return ((block * step->kv_heads + kv_head) * step->block_tokens + slot) * step->size;
}

/* One head turned by its position; `to` may be `from`. */
INLINE void rotate(const Step *step, const bf16 *from, bf16 *to, long position)
{
    const long half = step->size / 2;
    const float *cos = step->cos + position * half, *sin = step->sin + position * half;
    for (long i = 0; i < half; i += 16) {
        const __mmask16 lanes = lanes16(half - i);
        __m512 c = _mm512_maskz_loadu_ps(lanes, cos + i), s = _mm512_maskz_loadu_ps(lanes, sin + i);
        __m512 a = load16(from + i, half - i), b = load16(from + half + i, half - i);
        store16(to + i, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)), half - i);
        store16(to + half + i, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)), half - i);
    }
}

/* A new token of a sequence to the cache. `row` is its queries, keys and values. */
INLINE void keep(const Step *step, const bf16 *row, long sequence, long kv_head, long position,
                 bf16 *keys, bf16 *values)
{
    const long to = place(step, step->tables + sequence * step->blocks, kv_head, position);
    const bf16 *key = row + (step->heads + kv_head) * step->size;
    rotate(step, key, keys + to, position);
    memcpy(values + to, key + step->kv_heads * step->size, step->size * sizeof(bf16));
}
