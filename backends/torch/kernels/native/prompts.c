/* Attention of pieces of prompts, on the matrix unit (AMX).
 *
 * Scores stand as [keys, columns]; a column is one query head of one token. So keys are rows as the
 * cache has them, and softmax is done to 16 columns in one register. Values are rows too once they
 * are turned to [D, keys], and what they are mixed to is [D, columns].
 */
#include "cache.h"
#include "kernels.h"
#include "tiles.h"

enum {
    COLUMNS = PAIR, /* that one thread takes at a time, for one key head */
    SPAN = 256,     /* keys whose scores are made before any of their values is read */
    KEYS = 32,      /* keys that are rows of one product; blocks and heads have a multiple of it */
};

/* One piece of a prompt, for one key head. */
typedef struct {
    const Step *step;
    const bf16 *qkv;    /* of its first token */
    const bf16 *keys;   /* the layer's, [N, K, S, D] */
    const bf16 *turned; /* the head's values, [context / KEYS, D, KEYS] */
    bf16 *out;          /* of its first token */
    long sequence, kv_head, before, tokens;
} Piece;

/* What COLUMNS have seen: the highest score, the sum of the weights relative to it, and the values
 * mixed by them. Left and right half have 16 columns each. */
typedef struct {
    __m512 highest[2], sum[2], mix[2][HEAD];
    __m512i positions[2];
} Columns;

/* 2^x, 1e-4 off at most: what it becomes is bfloat16. */
INLINE __m512 power(__m512 x)
{
    const float terms[] = {5.51716e-2f, 0.24261112f, 0.693261f, 0.99992807f};
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT);
    __m512 rest = _mm512_sub_ps(x, whole), result = _mm512_set1_ps(terms[0]);
    for (int i = 1; i < 4; i++) result = _mm512_fmadd_ps(result, rest, _mm512_set1_ps(terms[i]));
    return _mm512_scalef_ps(result, whole);
}

/* 16 rows of 16 numbers of 4 bytes; rows become columns. */
INLINE void transpose(__m512i *rows)
{
    __m512i pairs[16];
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) /* lane l of row i + c becomes column 4 l + c of rows i to i + 3 */
        for (int c = 0; c < 4; c += 2) {
            rows[i + c] = _mm512_unpacklo_epi64(pairs[i + c / 2], pairs[i + c / 2 + 2]);
            rows[i + c + 1] = _mm512_unpackhi_epi64(pairs[i + c / 2], pairs[i + c / 2 + 2]);
        }
    for (int c = 0; c < 4; c++) {
        const __m512i even_top = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0x88);
        const __m512i odd_top = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0xdd);
        const __m512i even_low = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0x88);
        const __m512i odd_low = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0xdd);
        pairs[c] = _mm512_shuffle_i32x4(even_top, even_low, 0x88);
        pairs[4 + c] = _mm512_shuffle_i32x4(odd_top, odd_low, 0x88);
        pairs[8 + c] = _mm512_shuffle_i32x4(even_top, even_low, 0xdd);
        pairs[12 + c] = _mm512_shuffle_i32x4(odd_top, odd_low, 0xdd);
    }
    for (int i = 0; i < 16; i++) rows[i] = pairs[i];
}

/* Two rows of 16 numbers as one of pairs, as the matrix unit takes them. */
INLINE __m512i paired(__m256i first, __m256i second)
{
    return _mm512_or_si512(_mm512_cvtepu16_epi32(first),
                           _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16));
}

/* KEYS values [KEYS, D], `count` of them written yet, to [D, KEYS], the others as zeros: whatever is
 * there is weighted with 0, which would not make a NaN go away. */
static void turn(const bf16 *values, bf16 *turned, long count, long size)
{
    for (long d = 0; d < size; d += 16, turned += 16 * KEYS) {
        __m512i rows[16];
        for (long pair = 0; pair < 16; pair++) {
            const bf16 *from = values + 2 * pair * size + d;
            const __mmask16 first = 2 * pair < count ? 0xffff : 0, second = 2 * pair + 1 < count ? 0xffff : 0;
            rows[pair] = paired(_mm256_maskz_loadu_epi16(first, from),
                                _mm256_maskz_loadu_epi16(second, from + size));
        }
        transpose(rows);
        for (long i = 0; i < 16; i++) _mm512_storeu_si512(turned + i * KEYS, rows[i]);
    }
}

/* 16 columns from `column` as a block [D / 32, 16 lines, 16 columns, 2] (linear.h); their positions. */
static __m512i gather(const Piece *piece, long column, __m512i *block)
{
    const Step *step = piece->step;
    const long heads = step->heads / step->kv_heads, size = step->size;
    const long width = (step->heads + 2 * step->kv_heads) * size, end = piece->tokens * heads;
    bf16 queries[16][HEAD];
    int32_t positions[16];
    for (long i = 0; i < 16; i++) {
        const long at = MIN(column + i, end - 1); /* the last again, where there are no more */
        const long head = piece->kv_head * heads + at % heads;
        positions[i] = (int32_t)(piece->before + at / heads);
        rotate(step, piece->qkv + at / heads * width + head * size, queries[i], positions[i]);
    }
    for (long d = 0; d < size; d += 32, block += 16) {
        for (long i = 0; i < 16; i++) block[i] = _mm512_loadu_si512(queries[i] + d);
        transpose(block);
    }
    return _mm512_loadu_si512(positions);
}

/* Scores [keys, COLUMNS] of the keys from `begin`. */
static void score(const Piece *piece, const __m512i (*queries)[HEAD / 2], long begin, long keys,
                  float (*scores)[SPAN][16])
{
    const Step *step = piece->step;
    const long row = step->size * (long)sizeof(bf16);
    const int32_t *table = step->tables + piece->sequence * step->blocks;
    for (long key = 0; key < keys; key += KEYS) {
        const char *rows = (const char *)(piece->keys + place(step, table, piece->kv_head, begin + key));
        multiply(rows, rows + ROWS * row, row, LINE, (const char *)queries[0], (const char *)queries[1],
                 row / LINE, 0, 0);
        _tile_stored(0, scores[0][key], LINE);
        _tile_stored(1, scores[1][key], LINE);
        _tile_stored(2, scores[0][key + ROWS], LINE);
        _tile_stored(3, scores[1][key + ROWS], LINE);
    }
}

/* Scores of 16 columns become weights: pairs of bfloat16 at half the place. By how much what was
 * seen before shrinks. `future` is the first key that some column may not look at. */
static __m512 weigh(float (*scores)[16], long keys, long begin, long future, Columns *seen, int half,
                    float scale)
{
    const __m512 lowest = _mm512_set1_ps(LOWEST), unit = _mm512_set1_ps(scale * 1.44269504f);
    __m512 highest = seen->highest[half], sum = _mm512_setzero_ps();
    for (long key = MAX(future - begin, 0); key < keys; key++) {
        const __m512i at = _mm512_set1_epi32((int32_t)(begin + key));
        const __mmask16 past = _mm512_cmpge_epi32_mask(seen->positions[half], at);
        _mm512_storeu_ps(scores[key], _mm512_mask_loadu_ps(lowest, past, scores[key]));
    }
    for (long key = 0; key < keys; key++) highest = _mm512_max_ps(highest, _mm512_loadu_ps(scores[key]));
    /* Where nothing higher has come nothing is touched: power(0) is not quite 1. */
    const __mmask16 same = _mm512_cmp_ps_mask(seen->highest[half], highest, _CMP_EQ_OQ);
    __m512 shrink = power(_mm512_mul_ps(_mm512_sub_ps(seen->highest[half], highest), unit));
    shrink = _mm512_mask_mov_ps(shrink, same, _mm512_set1_ps(1.0f));
    const __m512 top = _mm512_mul_ps(highest, unit);
    for (long key = 0; key < keys; key += 2) {
        const __m512 first = power(_mm512_fmsub_ps(_mm512_loadu_ps(scores[key]), unit, top));
        const __m512 second = power(_mm512_fmsub_ps(_mm512_loadu_ps(scores[key + 1]), unit, top));
        sum = _mm512_add_ps(sum, _mm512_add_ps(first, second));
        _mm512_storeu_si512(scores[key / 2], paired((__m256i)_mm512_cvtneps_pbh(first),
                                                    (__m256i)_mm512_cvtneps_pbh(second)));
    }
    seen->highest[half] = highest;
    seen->sum[half] = _mm512_fmadd_ps(seen->sum[half], shrink, sum);
    return shrink;
}

/* The values from `begin` on, by their weights, to what was seen before. */
static void mix(const Piece *piece, long begin, long keys, float (*weights)[SPAN][16],
                const __m512 *shrink, Columns *seen)
{
    const long size = piece->step->size, apart = size * LINE;
    const char *values = (const char *)(piece->turned + begin * size);
    for (long d = 0; d < size; d += 2 * ROWS) {
        __m512 sums[4][ROWS];
        const char *rows = values + d * LINE;
        multiply(rows, rows + ROWS * LINE, LINE, apart, (const char *)weights[0], (const char *)weights[1],
                 keys / KEYS, 0, 0);
        store_sums((char *)sums);
        for (int half = 0; half < 2; half++)
            for (long i = 0; i < 2 * ROWS; i++) {
                __m512 *all = &seen->mix[half][d + i];
                *all = _mm512_fmadd_ps(*all, shrink[half], sums[i / ROWS * 2 + half][i % ROWS]);
            }
    }
}

/* What 16 columns from `column` have seen to their tokens' rows of out. */
static void put_columns(const Piece *piece, long column, Columns *seen, int half)
{
    const long heads = piece->step->heads / piece->step->kv_heads, size = piece->step->size;
    const long count = MIN(piece->tokens * heads - column, 16);
    const __m512 share = _mm512_div_ps(_mm512_set1_ps(1.0f), seen->sum[half]);
    for (long d = 0; d < size; d += 16) {
        __m512i rows[16];
        for (long i = 0; i < 16; i++) rows[i] = (__m512i)_mm512_mul_ps(seen->mix[half][d + i], share);
        transpose(rows);
        for (long i = 0; i < count; i++) {
            const long token = (column + i) / heads, head = piece->kv_head * heads + (column + i) % heads;
            store16(piece->out + (token * piece->step->heads + head) * size + d, (__m512)rows[i], 16);
        }
    }
}

/* COLUMNS of a piece over all that they may look at. */
static void see_columns(const Piece *piece, long column)
{
    const long heads = piece->step->heads / piece->step->kv_heads;
    const long last = MIN(column + COLUMNS, piece->tokens * heads) - 1;
    const long future = piece->before + column / heads + 1;
    const long end = (piece->before + last / heads) / KEYS * KEYS + KEYS;
    __m512i queries[2][HEAD / 2];
    _Alignas(LINE) float scores[2][SPAN][16];
    Columns seen;
    for (int half = 0; half < 2; half++) {
        seen.positions[half] = gather(piece, column + 16 * half, queries[half]);
        seen.highest[half] = _mm512_set1_ps(LOWEST);
        seen.sum[half] = _mm512_setzero_ps();
        for (long d = 0; d < piece->step->size; d++) seen.mix[half][d] = _mm512_setzero_ps();
    }
    for (long begin = 0; begin < end; begin += SPAN) {
        const long keys = MIN(SPAN, end - begin);
        __m512 shrink[2];
        score(piece, queries, begin, keys, scores);
        for (int half = 0; half < 2; half++)
            shrink[half] = weigh(scores[half], keys, begin, future, &seen, half, piece->step->scale);
        mix(piece, begin, keys, scores, shrink, &seen);
    }
    for (int half = 0; half < 2; half++) put_columns(piece, column + 16 * half, &seen, half);
}

/* How many times KEYS a sequence has once this step's are kept; the last may be begun. */
INLINE long spans_of(const Step *step, long b)
{
    return step->positions[step->starts[b + 1] - 1] / KEYS + 1;
}

/* One key head of the step's sequence `b`, whose turned values begin at `turned`. */
INLINE Piece piece_of(const Step *step, const bf16 *qkv, const bf16 *keys, const bf16 *turned, bf16 *out,
                      long b, long kv_head)
{
    const long first = step->starts[b], size = step->size;
    return (Piece){
        .step = step,
        .qkv = qkv + first * (step->heads + 2 * step->kv_heads) * size,
        .keys = keys,
        .turned = turned + kv_head * spans_of(step, b) * KEYS * size,
        .out = out + first * step->heads * size,
        .sequence = b,
        .kv_head = kv_head,
        .before = step->positions[first],
        .tokens = step->starts[b + 1] - first,
    };
}

/* The bytes of `room` that `attend_prompts` needs. */
long prompts_room(const Step *step)
{
    long spans = 0;
    for (long b = step->decoding; b < step->sequences; b++) spans += spans_of(step, b);
    return spans * step->kv_heads * KEYS * step->size * (long)sizeof(bf16);
}

/* Keep and attend, of pieces of prompts: qkv [T, (H + 2 K) D] to out [T, H D]. */
void attend_prompts(const Step *step, const bf16 *qkv, bf16 *keys, bf16 *values, void *room, bf16 *out,
                    int threads)
{
    const long kv_heads = step->kv_heads, size = step->size, heads = step->heads / kv_heads;
    const long width = (step->heads + 2 * kv_heads) * size, span = KEYS * size;
    #pragma omp parallel num_threads(threads)
    {
        bf16 *turned = room;
        for (long b = step->decoding; b < step->sequences; b++) {
            #pragma omp for schedule(static) nowait
            for (long t = step->starts[b]; t < step->starts[b + 1]; t++)
                for (long kv_head = 0; kv_head < kv_heads; kv_head++)
                    keep(step, qkv + t * width, b, kv_head, step->positions[t], keys, values);
        }
        #pragma omp barrier
        for (long b = step->decoding; b < step->sequences; b++) {
            const long spans = spans_of(step, b), end = step->positions[step->starts[b + 1] - 1] + 1;
            const int32_t *table = step->tables + b * step->blocks;
            #pragma omp for collapse(2) schedule(static) nowait
            for (long kv_head = 0; kv_head < kv_heads; kv_head++)
                for (long i = 0; i < spans; i++)
                    turn(values + place(step, table, kv_head, i * KEYS),
                         turned + (kv_head * spans + i) * span, end - i * KEYS, size);
            turned += kv_heads * spans * span;
        }
        #pragma omp barrier
        configure(ROWS, ROWS);
        turned = room;
        for (long b = step->decoding; b < step->sequences; b++) {
            const long columns = (step->starts[b + 1] - step->starts[b]) * heads;
            #pragma omp for collapse(2) schedule(dynamic) nowait
            for (long tile = (columns - 1) / COLUMNS; tile >= 0; tile--) /* the longest first */
                for (long kv_head = 0; kv_head < kv_heads; kv_head++) {
                    const Piece piece = piece_of(step, qkv, keys, turned, out, b, kv_head);
                    see_columns(&piece, tile * COLUMNS);
                }
            turned += kv_heads * spans_of(step, b) * span;
        }
        _tile_release();
    }
}
