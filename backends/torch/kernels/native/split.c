/* Inputs of int8 linears: 16 bits a number, which costs a bfloat16 nothing that it could tell.
 *
 * The dot product instructions take bytes, so a row is scaled to -32767 ... 32767, moved up by
 * 32768, and split in upper and lower bytes. Weights stay what is quantised to 8 bits.
 */
#include "kernels.h"

/* One row of x to its bytes, [width] each. Its scale, NaN if a number of x is, so that the product
 * is too; width is whole steps. */
static float split_row(const bf16 *x, uint8_t *upper, uint8_t *lower, long width)
{
    __m512i largest = _mm512_castps_si512(_mm512_set1_ps(1e-30f));
    for (long i = 0; i < width; i += 16) /* bits grow as the numbers do, and NaN's are the largest */
        largest = _mm512_max_epi32(largest, _mm512_castps_si512(_mm512_abs_ps(load16(x + i, 16))));
    const __m512i most = _mm512_set1_epi32(_mm512_reduce_max_epi32(largest));
    const float scale = _mm512_cvtss_f32(_mm512_castsi512_ps(most)) / 32767.0f;
    const __m512 per_step = _mm512_set1_ps(1.0f / scale);
    for (long i = 0; i < width; i += 16) {
        __m512i number = _mm512_cvtps_epi32(_mm512_mul_ps(load16(x + i, 16), per_step));
        number = _mm512_add_epi32(number, _mm512_set1_epi32(32768));
        _mm_storeu_si128((__m128i *)(upper + i), _mm512_cvtepi32_epi8(_mm512_srli_epi32(number, 8)));
        _mm_storeu_si128((__m128i *)(lower + i), _mm512_cvtepi32_epi8(number));
    }
    return scale;
}

/* x [T, width] to upper [T, width], lower [T, width] and scales [T]. */
void split(const bf16 *x, uint8_t *upper, uint8_t *lower, float *scales, long tokens, long width,
           int threads)
{
    #pragma omp parallel for schedule(static) num_threads(threads) if (tokens > FEW_ROWS)
    for (long t = 0; t < tokens; t++)
        scales[t] = split_row(x + t * width, upper + t * width, lower + t * width, width);
}
