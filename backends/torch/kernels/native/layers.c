/* All layers of a decoder in one call: at batch 1 calling them from Python takes a tenth of the
 * time, a third where weights are int8. */
#include "kernels.h"

typedef struct {
    Weight qkv, output, gate_up, down;
    const bf16 *attention_norm, *mlp_norm;
    const bf16 *head_norm; /* [H + K, D], or null where heads have no norm */
    bf16 *keys, *values;   /* [N, K, S, D] */
} Layer;

/* What is the same for all layers, and room for what is between them. */
typedef struct {
    const Step *step;
    long count, hidden, heads, kv_heads, size, inner;
    float eps;
    int tiles, int8, threads;
    bf16 *normed;    /* [T, hidden] */
    bf16 *qkv;       /* [T, (H + 2 K) D] */
    bf16 *seen;      /* [T, H D] */
    bf16 *gate_up;   /* [T, 2 inner] */
    bf16 *gated;     /* [T, inner] */
    uint8_t *halves; /* [2, T, most inputs of a linear], int8 only */
    float *scales;   /* [T], int8 only */
    void *room;
} Stack;

static void linear(const Stack *stack, const Weight *weight, const bf16 *x, bf16 *y, long tokens)
{
    const int threads = stack->threads;
    if (!stack->int8) {
        (stack->tiles ? linear_tiled : linear_vector)(weight, x, y, tokens, threads);
        return;
    }
    const long width = weight->steps * LINE;
    uint8_t *lower = stack->halves + tokens * width;
    split(x, stack->halves, lower, stack->scales, tokens, width, threads);
    (stack->tiles ? linear_int8_tiled : linear_int8_vector)(weight, stack->halves, lower, stack->scales,
                                                            y, tokens, threads);
}

/* x [T, hidden] grows by what all layers but
 * the last one's MLP add to it; that is left in delta [T, hidden]. */
void layers(const Stack *stack, const Layer *all, bf16 *x, bf16 *delta, long tokens)
{
    const long heads = stack->heads, kv_heads = stack->kv_heads, hidden = stack->hidden;
    const int threads = stack->threads;
    for (long i = 0; i < stack->count; i++) {
        const Layer *layer = all + i;
        add_rms_norm(x, i ? delta : 0, layer->attention_norm, stack->normed, tokens, hidden, stack->eps,
                     threads);
        linear(stack, &layer->qkv, stack->normed, stack->qkv, tokens);
        if (layer->head_norm)
            norm_heads(stack->qkv, layer->head_norm, tokens, heads + kv_heads, heads + 2 * kv_heads,
                       stack->size, stack->eps, threads);
        attend(stack->step, stack->qkv, layer->keys, layer->values, stack->room, stack->seen, threads);
        linear(stack, &layer->output, stack->seen, delta, tokens);
        add_rms_norm(x, delta, layer->mlp_norm, stack->normed, tokens, hidden, stack->eps, threads);
        linear(stack, &layer->gate_up, stack->normed, stack->gate_up, tokens);
        silu_mul(stack->gate_up, stack->gated, tokens, stack->inner, threads);
        linear(stack, &layer->down, stack->gated, delta, tokens);
    }
}
