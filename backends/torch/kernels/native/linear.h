/* How a weight [outs, ins] is laid out, by Python, once (layout.py).
 *
 * A block is 16 outputs. Its weights come in steps of 64 bytes of inputs, 32 numbers of bfloat16 or
 * 64 of int8, and a step is 16 lines of 64 bytes: line i has, for each of the 16 outputs in turn,
 * the i-th 4 bytes of the step's inputs. So a step is at once what the matrix unit (AMX) takes as a
 * tile and 16 vectors for the vector unit, and a block is one unbroken stream of memory.
 *
 * Outputs are filled up with zeros to a whole number of block pairs, inputs to whole steps. The
 * caller fills up the rows of x as well.
 */
#pragma once
#include "vectors.h"

enum { BLOCK = 16, PAIR = 2 * BLOCK, LINE = 64, STEP = 16 * LINE };
enum { SHARE = 3 }; /* pairs a thread takes at a time: one whose core serves HTTP too takes fewer */

typedef struct {
    const char *blocks;
    const bf16 *bias;     /* [outs] or null */
    const float *scales;  /* [outs], int8 only: what one step of an output's weights is worth */
    const int32_t *sums;  /* [outs], int8 only: an output's weights added up */
    long outs, steps;
} Weight;

INLINE const char *block_of(const Weight *weight, long out)
{
    return weight->blocks + out / BLOCK * weight->steps * STEP;
}

INLINE void prefetch_step(const char *weights)
{
    for (int line = 0; line < 16; line++) _mm_prefetch(weights + line * LINE, _MM_HINT_T0);
}

/* 16 outputs of one token: sums [16] plus bias, to y. */
INLINE void put(bf16 *y, __m512 sums, const Weight *weight, long out)
{
    long count = weight->outs - out;
    if (count <= 0) return;
    if (weight->bias) sums = _mm512_add_ps(sums, load16(weight->bias + out, count));
    store16(y + out, sums, count);
}

/* The same from int8: the sums are of the upper and the lower bytes of a token's inputs. */
INLINE void put_int8(bf16 *y, __m512i upper, __m512i lower, float input_scale, const Weight *weight,
                     long out)
{
    __mmask16 lanes = lanes16(MAX(weight->outs - out, 0));
    __m512i zero_point = _mm512_slli_epi32(_mm512_maskz_loadu_epi32(lanes, weight->sums + out), 7);
    __m512 sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(upper, zero_point));
    sums = _mm512_fmadd_ps(sums, _mm512_set1_ps(256.0f), _mm512_cvtepi32_ps(lower));
    __m512 scale = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, weight->scales + out),
                                 _mm512_set1_ps(input_scale));
    put(y, _mm512_mul_ps(sums, scale), weight, out);
}
