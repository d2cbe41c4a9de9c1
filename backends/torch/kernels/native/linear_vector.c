/* Linears on the vector unit, for processors without AMX: good up to a handful of tokens. */
#include "kernels.h"
#include <string.h>

enum { TOKENS = 4, AHEAD = 2 * STEP };

/* The i-th 4 bytes of a row, in every lane. */
INLINE __m512i spread(const char *row, long i)
{
    int32_t number;
    memcpy(&number, row + 4 * i, 4);
    return _mm512_set1_epi32(number);
}

/* Up to TOKENS rows times a pair of blocks. `tokens` is a constant where this is inlined, so that
 * the sums stay in registers; even and odd lines have their own, to be added up in parallel. */
INLINE void pair(const Weight *weight, const char *x, bf16 *y, long out, const int tokens)
{
    const long stride = weight->steps * LINE;
    const char *left = block_of(weight, out), *right = block_of(weight, out + BLOCK);
    __m512 sums[TOKENS][4] = {0};
    for (long line = 0; line < 16 * weight->steps; line += 2, left += 2 * LINE, right += 2 * LINE) {
        for (int odd = 0; odd < 2; odd++) {
            _mm_prefetch(left + odd * LINE + AHEAD, _MM_HINT_T0);
            _mm_prefetch(right + odd * LINE + AHEAD, _MM_HINT_T0);
            __m512bh a = (__m512bh)_mm512_loadu_si512(left + odd * LINE);
            __m512bh b = (__m512bh)_mm512_loadu_si512(right + odd * LINE);
            for (int t = 0; t < tokens; t++) {
                __m512bh input = (__m512bh)spread(x + t * stride, line + odd);
                sums[t][odd] = _mm512_dpbf16_ps(sums[t][odd], input, a);
                sums[t][2 + odd] = _mm512_dpbf16_ps(sums[t][2 + odd], input, b);
            }
        }
    }
    for (int t = 0; t < tokens; t++) {
        put(y + t * weight->outs, _mm512_add_ps(sums[t][0], sums[t][1]), weight, out);
        put(y + t * weight->outs, _mm512_add_ps(sums[t][2], sums[t][3]), weight, out + BLOCK);
    }
}

/* y [T, outs] = x [T, ins] times weight, plus bias. */
void linear_vector(const Weight *weight, const bf16 *x, bf16 *y, long tokens, int threads)
{
    #pragma omp parallel for schedule(dynamic, SHARE) num_threads(threads)
    for (long out = 0; out < weight->outs; out += PAIR)
        for (long t = 0; t < tokens; t += TOKENS) {
            const char *rows = (const char *)x + t * weight->steps * LINE;
            bf16 *to = y + t * weight->outs;
            switch (MIN(tokens - t, TOKENS)) {
            case 1: pair(weight, rows, to, out, 1); break;
            case 2: pair(weight, rows, to, out, 2); break;
            case 3: pair(weight, rows, to, out, 3); break;
            default: pair(weight, rows, to, out, TOKENS);
            }
        }
}

/* A block by up to TOKENS rows of bytes, upper and lower. */
INLINE void block_int8(const Weight *weight, const uint8_t *upper, const uint8_t *lower,
                       const float *input_scales, bf16 *y, long out, const int tokens)
{
    const long stride = weight->steps * LINE;
    const char *weights = block_of(weight, out);
    __m512i sums[TOKENS][2] = {0};
    for (long line = 0; line < 16 * weight->steps; line++, weights += LINE) {
        _mm_prefetch(weights + AHEAD, _MM_HINT_T0);
        __m512i row = _mm512_loadu_si512(weights);
        for (int t = 0; t < tokens; t++) {
            __m512i high = spread((const char *)upper + t * stride, line);
            __m512i low = spread((const char *)lower + t * stride, line);
            sums[t][0] = _mm512_dpbusd_epi32(sums[t][0], high, row);
            sums[t][1] = _mm512_dpbusd_epi32(sums[t][1], low, row);
        }
    }
    for (int t = 0; t < tokens; t++)
        put_int8(y + t * weight->outs, sums[t][0], sums[t][1], input_scales[t], weight, out);
}

/* The same for int8 weights; x comes as its upper and lower bytes and their scales (split.c). */
void linear_int8_vector(const Weight *weight, const uint8_t *upper, const uint8_t *lower,
                        const float *input_scales, bf16 *y, long tokens, int threads)
{
    #pragma omp parallel for schedule(dynamic, SHARE) num_threads(threads)
    for (long out = 0; out < weight->outs; out += BLOCK)
        for (long t = 0; t < tokens; t += TOKENS) {
            const uint8_t *high = upper + t * weight->steps * LINE;
            const uint8_t *low = lower + t * weight->steps * LINE;
            bf16 *to = y + t * weight->outs;
            switch (MIN(tokens - t, TOKENS)) {
            case 1: block_int8(weight, high, low, input_scales + t, to, out, 1); break;
            case 2: block_int8(weight, high, low, input_scales + t, to, out, 2); break;
            case 3: block_int8(weight, high, low, input_scales + t, to, out, 3); break;
            default: block_int8(weight, high, low, input_scales + t, to, out, TOKENS);
            }
        }
}
