/* The matrix unit (AMX).
 *
 * Tile registers: 0 to 3 are sums, [top, bottom] rows by [left, right] block; 4 and 5 the rows, 16
 * at most; 6 and 7 the blocks (linear.h).
 */
#pragma once
#include "linear.h"
#include <string.h>

enum { ROWS = 16, AHEAD = 4 * STEP };

static inline void configure(int top, int bottom)
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

/* Rows times a pair of blocks, to tile registers 0 to 3. Rows are `stride` bytes apart, and each
 * row's steps of LINE bytes are `apart` from one another. */
INLINE void multiply(const char *top, const char *bottom, long stride, long apart, const char *left,
                     const char *right, long steps, int first_read, const int int8)
{
    __asm__ volatile("" : : : "memory"); /* gcc does not know that loading a tile reads memory */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (long i = 0; i < steps; i++, left += STEP, right += STEP) {
        if (first_read) prefetch_step(left + AHEAD), prefetch_step(right + AHEAD);
        _tile_loadd(4, top + i * apart, stride);
        _tile_loadd(6, left, LINE);
        _tile_loadd(7, right, LINE);
        DOT(0, 4, 6);
        DOT(1, 4, 7);
        if (!bottom) continue;
        _tile_loadd(5, bottom + i * apart, stride);
        DOT(2, 5, 6);
        DOT(3, 5, 7);
    }
}

/* The sums to memory, [4, 16, 16]. */
INLINE void store_sums(char *to)
{
    _tile_stored(0, to, LINE);
    _tile_stored(1, to + STEP, LINE);
    _tile_stored(2, to + 2 * STEP, LINE);
    _tile_stored(3, to + 3 * STEP, LINE);
}
