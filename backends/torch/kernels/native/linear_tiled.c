/* Linears on the matrix unit (AMX): reading the weights is nearly all they cost up to 32 tokens. */
#include "kernels.h"
#include "tiles.h"
#include <sys/syscall.h>
#include <unistd.h>

/* Linux gives the unit to a process that asks for it. Whether it did. */
int permit_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

/* Sums of 16 rows and a pair of blocks, plus bias, to y. */
INLINE void put_rows(bf16 *y, const float (*left)[BLOCK], const float (*right)[BLOCK], int rows,
                     const Weight *weight, long out)
{
    const long count = MIN(weight->outs - out, PAIR);
    __m512 low = _mm512_setzero_ps(), high = low;
    if (weight->bias) {
        low = load16(weight->bias + out, count);
        high = load16(weight->bias + out + BLOCK, MAX(count - BLOCK, 0));
    }
    for (int row = 0; row < rows; row++, y += weight->outs) {
        const __m512 a = _mm512_add_ps(_mm512_loadu_ps(left[row]), low);
        const __m512 b = _mm512_add_ps(_mm512_loadu_ps(right[row]), high);
        _mm512_mask_storeu_epi16(y + out, lanes32(count), (__m512i)_mm512_cvtne2ps_pbh(b, a));
    }
}

/* y [T, outs] = x [T, ins] times weight, plus bias. */
void linear_tiled(const Weight *weight, const bf16 *x, bf16 *y, long tokens, int threads)
{
    const long steps = weight->steps, outs = weight->outs, stride = steps * LINE;
    #pragma omp parallel num_threads(threads)
    {
        _Alignas(LINE) float sums[4][ROWS][BLOCK];
        int shaped_top = 0, shaped_bottom = 0;
        #pragma omp for schedule(dynamic, SHARE)
        for (long out = 0; out < outs; out += PAIR) {
            const char *left = block_of(weight, out), *right = block_of(weight, out + BLOCK);
            for (long token = 0; token < tokens; token += 2 * ROWS) {
                const int top = MIN(tokens - token, ROWS);
                const int bottom = MAX(MIN(tokens - token - ROWS, ROWS), 0);
                if (top != shaped_top || bottom != shaped_bottom)
                    configure(shaped_top = top, shaped_bottom = bottom);
                const char *rows = (const char *)x + token * stride;
                bf16 *to = y + token * outs;
                multiply(rows, bottom ? rows + ROWS * stride : 0, stride, LINE, left, right, steps, !token, 0);
                _tile_stored(0, sums[0], LINE);
                _tile_stored(1, sums[1], LINE);
                put_rows(to, sums[0], sums[1], top, weight, out);
                if (!bottom) continue;
                _tile_stored(2, sums[2], LINE);
                _tile_stored(3, sums[3], LINE);
                put_rows(to + ROWS * outs, sums[2], sums[3], bottom, weight, out);
            }
        }
        _tile_release();
    }
}

/* The same for int8 weights; x comes as its upper and lower bytes and their scales (split.c). */
void linear_int8_tiled(const Weight *weight, const uint8_t *upper, const uint8_t *lower,
                       const float *input_scales, bf16 *y, long tokens, int threads)
{
    const long steps = weight->steps, outs = weight->outs, stride = steps * LINE;
    #pragma omp parallel num_threads(threads)
    {
        int32_t sums[4][ROWS][BLOCK];
        int shaped = 0;
        #pragma omp for schedule(dynamic, SHARE)
        for (long out = 0; out < outs; out += PAIR) {
            const char *left = block_of(weight, out), *right = block_of(weight, out + BLOCK);
            for (long token = 0; token < tokens; token += ROWS) {
                const int rows = MIN(tokens - token, ROWS);
                if (rows != shaped) configure(rows, rows), shaped = rows;
                multiply((const char *)upper + token * stride, (const char *)lower + token * stride,
                         stride, LINE, left, right, steps, !token, 1);
                store_sums((char *)sums);
                for (int row = 0; row < rows; row++)
                    for (int half = 0; half < 2; half++)
                        put_int8(y + (token + row) * outs, _mm512_loadu_si512(sums[half][row]),
                                 _mm512_loadu_si512(sums[2 + half][row]), input_scales[token + row],
                                 weight, out + half * BLOCK);
            }
        }
        _tile_release();
    }
}
