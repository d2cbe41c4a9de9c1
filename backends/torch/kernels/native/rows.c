/* What is done to each token's row by itself: norm, activation. */
#include "kernels.h"
#include <math.h>

static void norm_row(bf16 *x, const bf16 *delta, const bf16 *weight, bf16 *out, long width, float eps)
{
    __m512 squares = _mm512_setzero_ps();
    for (long i = 0; i < width; i += 16) {
        __m512 number = load16(x + i, width - i);
        if (delta) {
            store16(x + i, _mm512_add_ps(number, load16(delta + i, width - i)), width - i);
            number = load16(x + i, width - i); /* of the rounded sum, as in the portable tier */
        }
        squares = _mm512_fmadd_ps(number, number, squares);
    }
    float mean = _mm512_reduce_add_ps(squares) / (float)width;
    __m512 shrink = _mm512_set1_ps(1.0f / sqrtf(mean + eps));
    for (long i = 0; i < width; i += 16) {
        __m512 number = _mm512_mul_ps(load16(x + i, width - i), shrink);
        store16(out + i, _mm512_mul_ps(number, load16(weight + i, width - i)), width - i);
    }
}

/* x [T, width] grows by delta, which may be null; out is its norm, scaled by weight [width]. */
void add_rms_norm(bf16 *x, const bf16 *delta, const bf16 *weight, bf16 *out, long tokens, long width,
                  float eps, int threads)
{
    #pragma omp parallel for schedule(static) num_threads(threads) if (tokens > FEW_ROWS)
    for (long t = 0; t < tokens; t++)
        norm_row(x + t * width, delta ? delta + t * width : 0, weight, out + t * width, width, eps);
}

/* The first `normed` heads of each row of qkv [T, heads, D] normed in place, by weight [normed, D]. */
void norm_heads(bf16 *qkv, const bf16 *weight, long tokens, long normed, long heads, long size,
                float eps, int threads)
{
    #pragma omp parallel for schedule(static) num_threads(threads) if (tokens > FEW_ROWS)
    for (long t = 0; t < tokens; t++)
        for (long head = 0; head < normed; head++) {
            bf16 *row = qkv + (t * heads + head) * size;
            norm_row(row, 0, weight + head * size, row, size, eps);
        }
}

static void silu_mul_row(const bf16 *gate, const bf16 *up, bf16 *out, long width)
{
    const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1.0f);
    for (long i = 0; i < width; i += 16) {
        __m512 number = load16(gate + i, width - i);
        __m512 divisor = _mm512_add_ps(one, exponential(_mm512_sub_ps(zero, number)));
        number = _mm512_mul_ps(_mm512_div_ps(number, divisor), load16(up + i, width - i));
        store16(out + i, number, width - i);
    }
}

/* silu(left half) * right half of gate_up [T, 2 width]. */
void silu_mul(const bf16 *gate_up, bf16 *out, long tokens, long width, int threads)
{
    #pragma omp parallel for schedule(static) num_threads(threads) if (tokens > FEW_ROWS)
    for (long t = 0; t < tokens; t++) {
        const bf16 *row = gate_up + 2 * t * width;
        silu_mul_row(row, row + width, out + t * width, width);
    }
}
