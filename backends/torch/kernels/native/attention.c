/* Rotary positions, keeping keys and values in the paged cache, and attention of decoding tokens.
 *
 * Cache and tables are those of models/cache.py: a layer's keys and values are [N, K, S, D]. The
 * work is shared out by token, key head and piece of the context; pieces are joined at the end.
 */
#include "kernels.h"
#include <string.h>

enum {
    HEAD = 256,   /* the largest head */
    GROUP = 4,    /* query heads that read a key together */
    SPAN = 32,    /* keys whose scores are made before any of their values is read */
    PIECE = 512,  /* tokens of context that one thread takes at a time */
};

#define LOWEST (-1e30f) /* lower than any score, and no infinity: what is less than it is no NaN */

/* What is the same for all layers of a step. */
struct Step {
    const int32_t *positions; /* [T] */
    const int32_t *tables;    /* [T, blocks] */
    const float *cos, *sin;   /* [context, D/2] */
    long blocks, heads, kv_heads, size, block_tokens;
    long longest; /* of the contexts that are attended to */
    float scale;
    int shared; /* whether some tokens are of one sequence: then all are kept before any is read */
};

/* What one thread does at a time: a piece of the context of one token at `position`, for one key
 * head. */
typedef struct {
    const int32_t *table;
    const bf16 *keys, *values; /* the layer's, [N, K, S, D] */
    long kv_head, position, begin, end;
} Part;

/* Where in keys and values a token of the part's sequence is. */
INLINE long place(const Step *step, const Part *part, long position)
{
    const long block = part->table[position / step->block_tokens];
    const long slot = position % step->block_tokens;
    return ((block * step->kv_heads + part->kv_head) * step->block_tokens + slot) * step->size;
}

/* One head turned by its position; `to` may be `from`. */
INLINE void rotate(const Step *step, const bf16 *from, bf16 *to, long position)
{
    const long half = step->size / 2;
    const float *cos = step->cos + position * half, *sin = step->sin + position * half;
    for (long i = 0; i < half; i += 16) {
        const __mmask16 lanes = lanes16(half - i);
        __m512 c = _mm512_maskz_loadu_ps(lanes, cos + i), s = _mm512_maskz_loadu_ps(lanes, sin + i);
        __m512 a = load16(from + i, half - i), b = load16(from + half + i, half - i);
        store16(to + i, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)), half - i);
        store16(to + half + i, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)), half - i);
    }
}

/* The new token's key and value to the cache. `row` is its queries, keys and values. */
INLINE void keep(const Step *step, const bf16 *row, const Part *part, bf16 *keys, bf16 *values)
{
    const long to = place(step, part, part->position);
    const bf16 *key = row + (step->heads + part->kv_head) * step->size;
    rotate(step, key, keys + to, part->position);
    memcpy(values + to, key + step->kv_heads * step->size, step->size * sizeof(bf16));
}

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
struct Seen {
    float highest[GROUP], sum[GROUP];
    __m512 mix[GROUP][HEAD / 16];
};

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
        const long here = place(step, part, at), ahead = at + count;
        const long next = ahead < part->end ? place(step, part, ahead) : here;
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

/* The bytes of `room` that `attend` needs for a step of so many tokens. */
long attend_room(const Step *step, long tokens)
{
    const long groups = (step->heads / step->kv_heads + GROUP - 1) / GROUP;
    const long pieces = (step->longest + PIECE - 1) / PIECE;
    return tokens * step->kv_heads * pieces * groups * (long)sizeof(Seen);
}

/* The piece of its context that starts at `begin`, for token `t` and one key head. */
INLINE Part part_of(const Step *step, bf16 *keys, bf16 *values, long t, long kv_head, long begin)
{
    const long length = step->positions[t] + 1;
    return (Part){step->tables + t * step->blocks, keys, values, kv_head, length - 1, begin,
                  MIN(begin + PIECE, length)};
}

/* Keep and attend: qkv [T, (H + 2 K) D] to out [T, H D]. Where each token is of a sequence of its
 * own, the last piece of its context writes it, for no other reads it. */
void attend(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, Seen *room, bf16 *out,
            long tokens, int threads)
{
    const long kv_heads = step->kv_heads, size = step->size, heads = step->heads / kv_heads;
    const long width = (heads + 2) * kv_heads * size;
    const long groups = (heads + GROUP - 1) / GROUP, pieces = (step->longest + PIECE - 1) / PIECE;
    #pragma omp parallel num_threads(threads)
    {
        if (step->shared) {
            #pragma omp for collapse(2) schedule(static)
            for (long t = 0; t < tokens; t++)
                for (long kv_head = 0; kv_head < kv_heads; kv_head++) {
                    const Part part = part_of(step, keys, values, t, kv_head, 0);
                    keep(step, qkv + t * width, &part, keys, values);
                }
        }
        #pragma omp for collapse(3) schedule(dynamic)
        for (long t = 0; t < tokens; t++)
            for (long kv_head = 0; kv_head < kv_heads; kv_head++)
                for (long piece = 0; piece < pieces; piece++) {
                    const Part part = part_of(step, keys, values, t, kv_head, piece * PIECE);
                    const bf16 *row = qkv + t * width;
                    if (part.begin > part.position) continue;
                    if (!step->shared && part.end > part.position) keep(step, row, &part, keys, values);
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
