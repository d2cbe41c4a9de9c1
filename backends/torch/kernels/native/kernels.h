/* The public functions that others of them call. */
#pragma once
#include "linear.h"

enum { FEW_ROWS = 8 }; /* rows that are done sooner than a second thread is awake */

typedef struct Step Step; /* cache.h */

void add_rms_norm(bf16 *x, const bf16 *delta, const bf16 *weight, bf16 *out, long tokens, long width,
                  float eps, int threads);
void norm_heads(bf16 *qkv, const bf16 *weight, long tokens, long normed, long heads, long size,
                float eps, int threads);
void silu_mul(const bf16 *gate_up, bf16 *out, long tokens, long width, int threads);
void linear_tiled(const Weight *weight, const bf16 *x, bf16 *y, long tokens, int threads);
void linear_vector(const Weight *weight, const bf16 *x, bf16 *y, long tokens, int threads);
void split(const bf16 *x, uint8_t *upper, uint8_t *lower, float *scales, long tokens, long width,
           int threads);
void linear_int8_tiled(const Weight *weight, const uint8_t *upper, const uint8_t *lower,
                       const float *input_scales, bf16 *y, long tokens, int threads);
void linear_int8_vector(const Weight *weight, const uint8_t *upper, const uint8_t *lower,
                        const float *input_scales, bf16 *y, long tokens, int threads);
void attend(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, void *room, bf16 *out,
            int threads);
long prompts_room(const Step *step);
void attend_prompts(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, void *room, bf16 *out,
                    int threads);
