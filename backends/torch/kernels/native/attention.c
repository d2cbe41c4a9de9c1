/* Rotary positions, and attention of tokens that stand alone.
 *
 * The work is shared out by token, key head and piece of the context; pieces are joined at the end.
 */
#include "cache.h"
#include "kernels.h"

enum {
    GROUP = 4,    /* query heads that read a key together */
    SPAN = 32,    /* keys whose scores are made before any of their values is read */
    PIECE = 512,  /* tokens of context that one thread takes at a time */
};

/* What one thread does at a time: a piece of the context of one token at `position`, for one key
 * head. */
typedef struct {
    const int32_t *table;
    const bf16 *keys, *values; /* the layer's, [N, K, S, D] */
    long kv_head, position, begin, end;
} Part;

/* Queries and keys of qkv [T, (H + 2 K) D] turned where they are, from token `first` to `end`. */
void rotate_rows(const Step *step, bf16 *qkv, long first, long end, int threads)
{
    const long heads = step->heads + step->kv_heads, size = step->size;
    #pragma omp parallel for schedule(static) num_threads(threads) if (end - first > FEW_ROWS)
    for (long t = first; t < end; t++) {
        bf16 *row = qkv + t * (heads + step->kv_heads) * size;
        for (long head = 0; head < heads; head++)
            rotate(step, row + head * size, row + head * size, step->positions[t]);
    }
}

/* What some query heads have seen of a piece: the highest score, the sum of the weights relative to
 * it, and the values mixed by them. */
typedef struct {
    float highest[GROUP], sum[GROUP];
    __m512 mix[GROUP][HEAD / 16];
} Seen;

INLINE void score(const bf16 (*query)[HEAD], const bf16 *keys, const bf16 *next, long count, float scale,
                  float (*scores)[SPAN], const int heads, const long size)
{
    for (long key = 0; key < count; key++, keys += size, next += size) {
        __m512 sums[GROUP] = {0};
        for (long i = 0; i < size; i += 32) {
            __m512bh part = load32(keys + i, size - i);
            _mm_prefetch((const char *)(next + i), _MM_HINT_T0);
            for (int head = 0; head < heads; head++)
                sums[head] = _mm512_dpbf16_ps(sums[head], part, load32(query[head] + i, 32));
        }
        for (int head = 0; head < heads; head++)
            scores[head][key] = _mm512_reduce_add_ps(sums[head]) * scale;
    }
}

/* Scores of a head become weights; what was seen before shrinks where a higher score has come. */
INLINE void weigh(float *scores, long count, Seen *seen, int head, const long size)
{
    const __mmask16 first = lanes16(count), rest = lanes16(MAX(count - 16, 0));
    const __m512 lowest = _mm512_set1_ps(LOWEST);
    __m512 a = _mm512_mask_loadu_ps(lowest, first, scores);
    __m512 b = _mm512_mask_loadu_ps(lowest, rest, scores + 16);
    const float highest = MAX(seen->highest[head], _mm512_reduce_max_ps(_mm512_max_ps(a, b)));
    const __m512 shrink = exponential(_mm512_set1_ps(seen->highest[head] - highest));
    a = _mm512_maskz_mov_ps(first, exponential(_mm512_sub_ps(a, _mm512_set1_ps(highest))));
    b = _mm512_maskz_mov_ps(rest, exponential(_mm512_sub_ps(b, _mm512_set1_ps(highest))));
    _mm512_storeu_ps(scores, a);
    _mm512_storeu_ps(scores + 16, b);
    seen->sum[head] *= _mm512_cvtss_f32(shrink);
    seen->sum[head] += _mm512_reduce_add_ps(_mm512_add_ps(a, b));
    seen->highest[head] = highest;
    for (long i = 0; i < size; i += 16)
        seen->mix[head][i / 16] = _mm512_mul_ps(seen->mix[head][i / 16], shrink);
}

INLINE void mix(const bf16 *values, const bf16 *next, long count, float (*scores)[SPAN], Seen *seen,
                const int heads, const long size)
{
    for (long value = 0; value < count; value++, values += size, next += size)
        for (long i = 0; i < size; i += 16) {
            __m512 part = load16(values + i, size - i);
            if (i % 32 == 0) _mm_prefetch((const char *)(next + i), _MM_HINT_T0);
            for (int head = 0; head < heads; head++)
                seen->mix[head][i / 16] = _mm512_fmadd_ps(_mm512_set1_ps(scores[head][value]), part,
                                                          seen->mix[head][i / 16]);
        }
}

/* Up to GROUP query heads over the tokens from `begin` to `end`. `heads` and `size` are constants
 * where this is inlined, so that the loops over them unroll. */
INLINE void see(const Step *step, const bf16 (*query)[HEAD], const Part *part, Seen *out,
                const int heads, const long size)
{
    Seen seen;
    for (int head = 0; head < heads; head++) {
        seen.highest[head] = LOWEST;
        seen.sum[head] = 0;
        for (long i = 0; i < size; i += 16) seen.mix[head][i / 16] = _mm512_setzero_ps();
    }
    for (long at = part->begin, count; at < part->end; at += count) {
        float scores[GROUP][SPAN];
        const long left = step->block_tokens - at % step->block_tokens;
        count = MIN(MIN(left, SPAN), part->end - at);
        const long here = place(step, part->table, part->kv_head, at), ahead = at + count;
        const long next = ahead < part->end ? place(step, part->table, part->kv_head, ahead) : here;
        score(query, part->keys + here, part->keys + next, count, step->scale, scores, heads, size);
        for (int head = 0; head < heads; head++) weigh(scores[head], count, &seen, head, size);
        mix(part->values + here, part->values + next, count, scores, &seen, heads, size);
    }
    for (int head = 0; head < heads; head++) {
        out->highest[head] = seen.highest[head];
        out->sum[head] = seen.sum[head];
        for (long i = 0; i < size; i += 16) out->mix[head][i / 16] = seen.mix[head][i / 16];
    }
}

INLINE void see_sized(const Step *step, const bf16 (*query)[HEAD], const Part *part, Seen *out,
                      int heads, const long size)
{
    switch (heads) {
    case 1: see(step, query, part, out, 1, size); break;
    case 2: see(step, query, part, out, 2, size); break;
    case 3: see(step, query, part, out, 3, size); break;
    default: see(step, query, part, out, 4, size);
    }
}

/* All query heads of one key head, GROUP at a time. `row` is the token's queries, keys and values. */
static void see_part(const Step *step, const bf16 *row, const Part *part, Seen *out)
{
    const long heads = step->heads / step->kv_heads, size = step->size;
    const bf16 *queries = row + part->kv_head * heads * size;
    for (long head = 0; head < heads; head += GROUP, out++) {
        const int count = MIN(heads - head, GROUP);
        bf16 query[GROUP][HEAD] = {0}; /* zeros behind a head that is no whole number of vectors */
        for (int i = 0; i < count; i++) rotate(step, queries + (head + i) * size, query[i], part->position);
        if (size == 64) see_sized(step, query, part, out, count, 64);
        else if (size == 128) see_sized(step, query, part, out, count, 128);
        else see_sized(step, query, part, out, count, size);
    }
}

/* One query head's answer [D] of what was seen of each piece, `stride` apart. */
static void join(const Seen *seen, long pieces, long stride, int head, bf16 *out, long size)
{
    float highest = LOWEST, weights[pieces], sum = 0;
    for (long p = 0; p < pieces; p++) highest = MAX(highest, seen[p * stride].highest[head]);
    for (long p = 0; p < pieces; p++) {
        const Seen *piece = seen + p * stride;
        weights[p] = _mm512_cvtss_f32(exponential(_mm512_set1_ps(piece->highest[head] - highest)));
        sum += weights[p] * piece->sum[head];
    }
    for (long i = 0; i < size; i += 16) {
        __m512 mixed = _mm512_setzero_ps();
        for (long p = 0; p < pieces; p++)
            mixed = _mm512_fmadd_ps(_mm512_set1_ps(weights[p] / sum),
                                    seen[p * stride].mix[head][i / 16], mixed);
        store16(out + i, mixed, size - i);
    }
}

/* The piece of its context that starts at `begin`, for token `t` and one key head. */
INLINE Part part_of(const Step *step, bf16 *keys, bf16 *values, long t, long kv_head, long begin)
{
    const long length = step->positions[t] + 1;
    return (Part){step->tables + t * step->blocks, keys, values, kv_head, length - 1, begin,
                  MIN(begin + PIECE, length)};
}

/* The tokens that stand alone. Where each is of a sequence of its own, the last piece of its
 * context keeps it, for no other reads it. */
static void attend_alone(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, Seen *room,
                         bf16 *out, int threads)
{
    const long tokens = step->decoding;
    const long kv_heads = step->kv_heads, size = step->size, heads = step->heads / kv_heads;
    const long width = (heads + 2) * kv_heads * size;
    const long groups = (heads + GROUP - 1) / GROUP, pieces = (step->longest + PIECE - 1) / PIECE;
    #pragma omp parallel num_threads(threads)
    {
        if (step->shared) {
            #pragma omp for collapse(2) schedule(static)
            for (long t = 0; t < tokens; t++)
                for (long kv_head = 0; kv_head < kv_heads; kv_head++)
                    keep(step, qkv + t * width, t, kv_head, step->positions[t], keys, values);
        }
        #pragma omp for collapse(3) schedule(dynamic)
        for (long t = 0; t < tokens; t++)
            for (long kv_head = 0; kv_head < kv_heads; kv_head++)
                for (long piece = 0; piece < pieces; piece++) {
                    const Part part = part_of(step, keys, values, t, kv_head, piece * PIECE);
                    const bf16 *row = qkv + t * width;
                    if (part.begin > part.position) continue;
                    if (!step->shared && part.end > part.position)
                        keep(step, row, t, kv_head, part.position, keys, values);
                    see_part(step, row, &part, room + ((t * kv_heads + kv_head) * pieces + piece) * groups);
                }
        #pragma omp for collapse(2) schedule(static)
        for (long t = 0; t < tokens; t++)
            for (long head = 0; head < step->heads; head++) {
                const Seen *seen = room + (t * kv_heads + head / heads) * pieces * groups;
                join(seen + head % heads / GROUP, step->positions[t] / PIECE + 1, groups,
                     head % heads % GROUP, out + (t * step->heads + head) * size, size);
            }
    }
}

/* The bytes of `room` that `attend` needs. */
long attend_room(const Step *step)
{
    const long groups = (step->heads / step->kv_heads + GROUP - 1) / GROUP;
    const long pieces = (step->longest + PIECE - 1) / PIECE;
    const long alone = step->decoding * step->kv_heads * pieces * groups * (long)sizeof(Seen);
    return MAX(alone, prompts_room(step));
}

/* Keep and attend: qkv [T, (H + 2 K) D] to out [T, H D]. */
void attend(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, void *room, bf16 *out,
            int threads)
{
    if (step->decoding) attend_alone(step, qkv, keys, values, room, out, threads);
    if (step->sequences > step->decoding) attend_prompts(step, qkv, keys, values, room, out, threads);
}
