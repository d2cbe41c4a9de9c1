/* bfloat16 in memory, float32 in registers: what all kernels load, store and compute with.
 *
 * Where a function takes a `count`, that many elements are touched, and lanes behind them are zero.
 */
#pragma once
#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef uint16_t bf16;

INLINE __mmask16 lanes16(long count) { return count >= 16 ? 0xffff : (1u << count) - 1; }
INLINE __mmask32 lanes32(long count) { return count >= 32 ? 0xffffffff : (1u << count) - 1; }

INLINE __m512 load16(const bf16 *from, long count)
{
    __m256i raw = _mm256_maskz_loadu_epi16(lanes16(count), from);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16));
}

INLINE void store16(bf16 *to, __m512 numbers, long count)
{
    _mm256_mask_storeu_epi16(to, lanes16(count), (__m256i)_mm512_cvtneps_pbh(numbers));
}

INLINE __m512bh load32(const bf16 *from, long count)
{
    return (__m512bh)_mm512_maskz_loadu_epi16(lanes32(count), from);
}

/* e^x as 2^whole 2^rest, the latter by its series: 3e-6 off at most, far below bfloat16. */
INLINE __m512 exponential(__m512 x)
{
    const float terms[] = {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f,
                           2.4022651e-1f, 6.9314718e-1f, 1.0f};
    x = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f));
    /* In this order NaN stays: of two numbers that do not compare the second is taken. */
    x = _mm512_min_ps(_mm512_set1_ps(127.0f), _mm512_max_ps(_mm512_set1_ps(-126.0f), x));
    __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT);
    __m512 rest = _mm512_sub_ps(x, whole), power = _mm512_set1_ps(terms[0]);
    for (int i = 1; i < 6; i++) power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(terms[i]));
    return _mm512_scalef_ps(power, whole);
}
