/* Linears on the matrix unit (AMX): reading the weights is nearly all they cost up to 32 tokens.
 *
 * Tile registers: 0 to 3 are sums, [top, bottom] rows by [left, right] block; 4 and 5 the rows, 16
 * at most; 6 and 7 the weights.
 */
#include "kernels.h"
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROWS = 16, AHEAD = 4 * STEP };

/* Linux gives the unit to a process that asks for it. Whether it did. */
int permit_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static void configure(int top, int bottom)
{
    struct { uint8_t palette, start, reserved[14]; uint16_t width[16]; uint8_t rows[16]; } shape;
    memset(&shape, 0, sizeof shape);
    shape.palette = 1;
    for (int i = 0; i < 8; i++) shape.width[i] = LINE;
    shape.rows[0] = shape.rows[1] = shape.rows[4] = top;
    shape.rows[2] = shape.rows[3] = shape.rows[5] = MAX(bottom, 1);
    shape.rows[6] = shape.rows[7] = 16;
    __asm__ volatile("" : : "r"(&shape) : "memory"); /* gcc's own intrinsic reads 8 bytes of it */
    _tile_loadconfig(&shape);
}

/* Tile numbers have to be literals; `int8` is a constant where this is inlined. */
#define DOT(sum, rows, weights)                         \
    do {                                                \
        if (int8) _tile_dpbusd(sum, rows, weights);     \
        else _tile_dpbf16ps(sum, rows, weights);        \
    } while (0)

#define PUT(tile, y, rows, out)             \
    do {                                    \
        _tile_stored(tile, sums, LINE);     \
        put_rows(y, sums, rows, weight, out); \
    } while (0)

/* Rows of x, `stride` bytes apart, times a pair of blocks, to tile registers 0 to 3. */
INLINE void multiply(const char *top, const char *bottom, long stride, const char *left,
                     const char *right, long steps, int first_read, const int int8)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (long i = 0; i < steps; i++, left += STEP, right += STEP) {
        if (first_read) prefetch_step(left + AHEAD), prefetch_step(right + AHEAD);
        _tile_loadd(4, top + i * LINE, stride);
        _tile_loadd(6, left, LINE);
        _tile_loadd(7, right, LINE);
        DOT(0, 4, 6);
        DOT(1, 4, 7);
        if (!bottom) continue;
        _tile_loadd(5, bottom + i * LINE, stride);
        DOT(2, 5, 6);
        DOT(3, 5, 7);
    }
}

static void put_rows(bf16 *y, const float (*sums)[BLOCK], int rows, const Weight *weight, long out)
{
    for (int row = 0; row < rows; row++)
        put(y + row * weight->outs, _mm512_loadu_ps(sums[row]), weight, out);
}

/* y [T, outs] = x [T, ins] times weight, plus bias. */
void linear_tiled(const Weight *weight, const bf16 *x, bf16 *y, long tokens, int threads)
{
    const long steps = weight->steps, outs = weight->outs, stride = steps * LINE;
    #pragma omp parallel num_threads(threads)
    {
        float sums[ROWS][BLOCK];
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
                multiply(rows, bottom ? rows + ROWS * stride : 0, stride, left, right, steps, !token, 0);
                PUT(0, to, top, out);
                PUT(1, to, top, out + BLOCK);
                if (!bottom) continue;
                to += ROWS * outs;
                PUT(2, to, bottom, out);
                PUT(3, to, bottom, out + BLOCK);
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
                         stride, left, right, steps, !token, 1);
                _tile_stored(0, sums[0], LINE);
                _tile_stored(1, sums[1], LINE);
                _tile_stored(2, sums[2], LINE);
                _tile_stored(3, sums[3], LINE);
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
