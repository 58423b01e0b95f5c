/* What an answer is made of, for a processor with vectors: products of few rows, LSTM gates, attention, and what a
 * search asks of the logits. `core/nmt/kernels.py` compiles it, `core/nmt/compiled_model.py` calls it.
 *
 * Arrays are float32, their last axis without gaps, and belong to the caller. Every row is worked out in the same order
 * whatever lies beside it, so a row's numbers do not depend on the batch. Nothing is kept between calls. Names that
 * others see begin with `nmt_`: a C library may have a `step` of its own, which would be called in place of ours.
 *
 * Kernels (I, O) come packed: panels of 16 columns one after the other, (ceil(O / 16), I, 16), zeros behind the last
 * column. A product reads them from the first to the last byte once, however many rows it takes; BLAS would copy them
 * into such an order anew each time, which for a few rows takes longer than to multiply them.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef float floats __attribute__((vector_size(32)));
typedef float loose __attribute__((vector_size(32), aligned(4))); /* the same, wherever it lies */
typedef int32_t ints __attribute__((vector_size(32)));

#define WIDTH 8
#define PANEL 16
#define MOST 4      /* panels that are gone through together */
#define TILE 6      /* most rows of a product that are taken at once: their sums fit the registers */
#define TOGETHER 48 /* rows of a step whose gates are worked out before the next ones': they fit the cache */
#define SCORED 12   /* rows whose logits are looked at before the next ones are multiplied, for the same reason */
#define PART 128    /* tokens of which the highest logit is asked for first: few parts have to be gone through */

#define INLINE static inline __attribute__((always_inline))

INLINE floats load(const float *from) { return *(const loose *)from; }
INLINE void store(float *to, floats values) { *(loose *)to = values; }
INLINE floats all(float value) { return value - (floats){0}; }

INLINE floats choose(ints which, floats yes, floats no) { return (floats)((which & (ints)yes) | (~which & (ints)no)); }
INLINE floats larger(floats a, floats b) { return choose(a > b, a, b); }

INLINE float sum_of(floats a) { return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7])); }

INLINE float largest_of(floats a) {
    float largest = a[0];
    for (int i = 1; i < WIDTH; i++) largest = a[i] > largest ? a[i] : largest;
    return largest;
}

/* e^x, to the last bit or two: 2^n times a polynomial of what is left, |r| <= ln 2 / 2 (Cephes, expf). What float32
 * can't hold is the largest or smallest that it can. */
INLINE floats exponential(floats x) {
    const floats low = all(-87.0f), high = all(88.0f), shift = all(12582912.0f); /* 1.5 * 2^23: rounds to integers */
    x = choose(x < low, low, x);
    x = choose(x > high, high, x);
    floats shifted = x * 1.44269504f + shift;
    ints power = (ints)shifted - (ints)shift;
    floats n = shifted - shift;
    floats r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    floats p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * (floats)((power + 127) << 23);
}

/* `rows` and `panels` are constants where it is called, so the sums lie in registers. */
INLINE void tile(const int rows, const int panels, intptr_t depth, const float *x, intptr_t x_stride,
                 const float *kernel, float *y, intptr_t y_stride, int add) {
    floats sums[16];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int c = 0; c < 2 * panels; c++)
            sums[2 * panels * r + c] = add ? load(y + r * y_stride + WIDTH * c) : (floats){0};
    for (intptr_t k = 0; k < depth; k++) {
        floats weights[8];
#pragma GCC unroll 8
        for (int c = 0; c < 2 * panels; c++)
            weights[c] = load(kernel + ((c / 2) * depth + k) * PANEL + c % 2 * WIDTH);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            floats value = all(x[r * x_stride + k]);
#pragma GCC unroll 8
            for (int c = 0; c < 2 * panels; c++) sums[2 * panels * r + c] += value * weights[c];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int c = 0; c < 2 * panels; c++) store(y + r * y_stride + WIDTH * c, sums[2 * panels * r + c]);
}

/* `panels` is 1 or MOST. Of fewer rows more panels at once: an addition waits for the one before, so there have to be
 * some to choose from. */
static void tiles(intptr_t rows, int panels, intptr_t depth, const float *x, intptr_t x_stride, const float *kernel,
                  float *y, intptr_t y_stride, int add) {
#define CASE(ROWS, PANELS)                                                                                  \
    case ROWS:                                                                                              \
        for (; panels >= PANELS; panels -= PANELS, kernel += PANELS * depth * PANEL, y += PANELS * PANEL)   \
            tile(ROWS, PANELS, depth, x, x_stride, kernel, y, y_stride, add);                               \
        for (; panels; panels--, kernel += depth * PANEL, y += PANEL)                                       \
            tile(ROWS, 1, depth, x, x_stride, kernel, y, y_stride, add);                                    \
        break;
    switch (rows) { CASE(1, 4) CASE(2, 2) CASE(3, 2) CASE(5, 1) CASE(6, 1) }
#undef CASE
}

/* `x` (count, depth) @ `kernel` (depth, 16 * panels) → `y`, or added to what lies there. */
void nmt_product(intptr_t count, intptr_t depth, intptr_t panels, const float *x, intptr_t x_stride,
                 const float *kernel, float *y, intptr_t y_stride, int add) {
    /* Of so many rows how many to take first. Sums of four rows would have to wait for one another. */
    static const int first[] = {0, 1, 2, 3, 2, 5, 6, 5, 5, 6, 5, 6};
    for (intptr_t p = 0; p < panels;) {
        int width = panels - p < MOST ? 1 : MOST;
        for (intptr_t r = 0, taken; r < count; r += taken) {
            taken = count - r < 2 * TILE ? first[count - r] : TILE;
            tiles(taken, width, depth, x + r * x_stride, x_stride, kernel + p * depth * PANEL,
                  y + r * y_stride + p * PANEL, y_stride, add);
        }
        p += width;
    }
}

/* An LSTM step after its product, of one row: see `numpy_layers.LSTMWeights` for how its gates come. */
INLINE void run_gates(intptr_t units, const float *gates, float *cells, float *outputs) {
    for (intptr_t u = 0; u < units; u += WIDTH) {
        floats i = 1.0f / (1.0f + exponential(load(gates + u)));
        floats f = 1.0f / (1.0f + exponential(load(gates + units + u)));
        floats o = 1.0f / (1.0f + exponential(load(gates + 2 * units + u)));
        floats g = 2.0f / (1.0f + exponential(load(gates + 3 * units + u))) - 1.0f;
        floats cell = f * load(cells + u) + i * g;
        store(cells + u, cell);
        store(outputs + u, o * (2.0f / (1.0f + exponential(-2.0f * cell)) - 1.0f));
    }
}

INLINE void add_to(intptr_t units, float *to, const float *from) {
    for (intptr_t u = 0; u < units; u += WIDTH) store(to + u, load(to + u) + load(from + u));
}

/* What a call comes to. */
enum { NO_MEMORY, DONE, NO_TOKEN };

/* Layers of an encoder or a decoder, bottom first. */
typedef struct {
    intptr_t layers, units, first_residual, tokens;
    const float *table;   /* (tokens, 4U): what the bottom layer's kernel makes of a token, its bias added */
    const float **inputs; /* packed (U, 4U): what layers read; the bottom layer of an encoder has none */
    const float **states; /* packed (U, 4U): their own state; those of a decoder lie behind the inputs, as (2U, 4U) */
    const float **biases; /* (4U,); none of the bottom layer */
} Stack;

/* Whether the table has a row for it: what lies beyond is somebody else's memory. */
INLINE int is_token(const Stack *stack, intptr_t id) { return id >= 0 && id < stack->tokens; }

/* Reads `ids` (count, steps), whose `lengths` fall. `outputs` (count, steps, U) are those of the top layer; `states`
 * and `cells` (count, L, U) zeros, and then those after each row's last token. */
int nmt_read_tokens(const Stack *stack, intptr_t count, intptr_t steps, const int32_t *ids, const intptr_t *lengths,
                    float *outputs, float *states, float *cells) {
    intptr_t units = stack->units, width = 4 * units, beside = stack->layers * units;
    for (intptr_t b = 0; b < count; b++)
        for (intptr_t t = 0; t < lengths[b]; t++)
            if (!is_token(stack, ids[b * steps + t])) return NO_TOKEN;
    float *gates = malloc(sizeof(float) * count * steps * width);
    if (!gates) return NO_MEMORY;
    for (intptr_t layer = 0; layer < stack->layers; layer++) {
        for (intptr_t b = 0; b < count; b++) {
            for (intptr_t t = 0; t < lengths[b]; t++)
                memcpy(gates + (b * steps + t) * width,
                       layer ? stack->biases[layer] : stack->table + ids[b * steps + t] * width, sizeof(float) * width);
            if (layer)
                nmt_product(lengths[b], units, width / PANEL, outputs + b * steps * units, units, stack->inputs[layer],
                            gates + b * steps * width, width, 1);
        }
        float *own = states + layer * units;
        intptr_t active = count;
        for (intptr_t t = 0; t < steps; t++) {
            while (active && lengths[active - 1] <= t) active--;
            if (t)
                nmt_product(active, units, width / PANEL, own, beside, stack->states[layer], gates + t * width,
                            steps * width, 1);
            for (intptr_t b = 0; b < active; b++) {
                float *said = outputs + (b * steps + t) * units;
                run_gates(units, gates + (b * steps + t) * width, cells + b * beside + layer * units, own + b * beside);
                if (layer < stack->first_residual) memcpy(said, own + b * beside, sizeof(float) * units);
                else add_to(units, said, own + b * beside);
            }
        }
    }
    free(gates);
    return DONE;
}

/* A decoder: its layers, what its queries and its vectors are multiplied with, packed (U, U) and (U, `size`), and which
 * vectors those are: the attention's or, without `output_attention`, the top layer's. */
typedef struct {
    Stack stack;
    intptr_t output_attention, size;
    const float *query_kernel, *projection;
} Decoder;

/* What attention looks at: of each source `lengths` (B,) of `tokens` (B, most, 2U), which hold what a token is looked
 * for by, and what it then adds to the attention vector. */
typedef struct {
    intptr_t most;
    const float *tokens;
    const intptr_t *lengths;
} Memory;

/* `query` (U,) → the context's part of the attention vector (U,). `weights` (most,) is room. */
static void attend(const Memory *memory, intptr_t owner, intptr_t units, const float *query, float *weights,
                   float *context) {
    const float *tokens = memory->tokens + owner * memory->most * 2 * units;
    intptr_t count = memory->lengths[owner];
    float highest = -INFINITY, sum = 0;
    for (intptr_t s = 0; s < count; s++) {
        floats product = {0};
        for (intptr_t u = 0; u < units; u += WIDTH) product += load(query + u) * load(tokens + s * 2 * units + u);
        weights[s] = sum_of(product);
        highest = weights[s] > highest ? weights[s] : highest;
    }
    for (intptr_t s = 0; s < count; s++) sum += weights[s] = exponential(all(weights[s] - highest))[0];
    for (intptr_t u = 0; u < units; u += WIDTH) {
        floats found = {0};
        for (intptr_t s = 0; s < count; s++) found += weights[s] * load(tokens + (2 * s + 1) * units + u);
        store(context + u, found / sum);
    }
}

/* One token for each hypothesis: see `numpy_model.NumpyModel.step`. `vectors` (count, U). */
int nmt_step(const Decoder *decoder, const Memory *memory, intptr_t count, const intptr_t *ids, const intptr_t *owners,
             float *state, float *vectors) {
    const Stack *stack = &decoder->stack;
    intptr_t units = stack->units, width = 4 * units, layers = stack->layers, stride = (2 * layers + 1) * units;
    for (intptr_t r = 0; r < count; r++)
        if (!is_token(stack, ids[r])) return NO_TOKEN;
    float *gates = malloc(sizeof(float) * (TOGETHER * (width + 2 * units) + memory->most));
    if (!gates) return NO_MEMORY;
    float *beside = gates + TOGETHER * width, *weights = beside + TOGETHER * 2 * units;
    size_t size = sizeof(float) * units;
    for (intptr_t at = 0; at < count; at += TOGETHER) {
        intptr_t rows = count - at < TOGETHER ? count - at : TOGETHER;
        float *some = state + at * stride;
        for (intptr_t r = 0; r < rows; r++) memcpy(beside + 2 * r * units, some + r * stride, size);
        for (intptr_t layer = 0; layer < layers; layer++) {
            float *outputs = some + (layer + 1) * units, *cells = outputs + layers * units;
            for (intptr_t r = 0; r < rows; r++) {
                memcpy(beside + (2 * r + 1) * units, outputs + r * stride, size);
                memcpy(gates + r * width, layer ? stack->biases[layer] : stack->table + ids[at + r] * width, 4 * size);
            }
            nmt_product(rows, 2 * units, width / PANEL, beside, 2 * units, stack->states[layer], gates, width, 1);
            for (intptr_t r = 0; r < rows; r++) {
                float *said = beside + 2 * r * units;
                run_gates(units, gates + r * width, cells + r * stride, outputs + r * stride);
                if (layer < stack->first_residual) memcpy(said, outputs + r * stride, size);
                else add_to(units, said, outputs + r * stride);
            }
        }
        for (intptr_t r = 0; r < rows; r++)
            attend(memory, owners[at + r], units, beside + 2 * r * units, weights, some + r * stride);
        nmt_product(rows, units, units / PANEL, beside, 2 * units, decoder->query_kernel, some, stride, 1);
        for (intptr_t r = 0; r < rows; r++)
            memcpy(vectors + (at + r) * units,
                   decoder->output_attention ? some + r * stride : beside + 2 * r * units, size);
    }
    free(gates);
    return DONE;
}

/* How many numbers a row of logits has, the last of which are of no token, and how many parts the vocabulary. */
INLINE intptr_t stride_of(const Decoder *decoder) { return (decoder->size + PANEL - 1) / PANEL * PANEL; }
INLINE intptr_t parts_of(const Decoder *decoder) { return (decoder->size + PART - 1) / PART; }

INLINE intptr_t end_of(const Decoder *decoder, intptr_t part) {
    return (part + 1) * PART < decoder->size ? (part + 1) * PART : decoder->size;
}

/* `vectors` (rows, U) → `logits` (rows, stride), the highest of each part, `maxima` (rows, parts), and `sums` (rows,),
 * log Σ e^logit. */
static void score(const Decoder *decoder, intptr_t rows, const float *vectors, float *logits, float *maxima,
                  float *sums) {
    intptr_t units = decoder->stack.units, size = decoder->size;
    intptr_t stride = stride_of(decoder), parts = parts_of(decoder);
    nmt_product(rows, units, stride / PANEL, vectors, units, decoder->projection, logits, stride, 0);
    for (intptr_t r = 0; r < rows; r++, logits += stride, maxima += parts) {
        float highest = -INFINITY, sum = 0;
        for (intptr_t part = 0; part < parts; part++) {
            intptr_t i = part * PART, end = end_of(decoder, part);
            floats most = all(-INFINITY);
            for (; i + WIDTH <= end; i += WIDTH) most = larger(load(logits + i), most);
            maxima[part] = largest_of(most);
            for (; i < end; i++) maxima[part] = logits[i] > maxima[part] ? logits[i] : maxima[part];
            highest = maxima[part] > highest ? maxima[part] : highest;
        }
        floats powers = {0};
        intptr_t i = 0;
        for (; i + WIDTH <= size; i += WIDTH) powers += exponential(load(logits + i) - highest);
        for (; i < size; i++) sum += exponential(all(logits[i] - highest))[0];
        sums[r] = highest + logf(sum_of(powers) + sum);
    }
}

/* `vectors` (count, U) → `logits` (count, stride) and their `sums` (count,); `maxima` is room for SCORED rows'. */
void nmt_scores(const Decoder *decoder, intptr_t count, const float *vectors, float *logits, float *maxima,
                float *sums) {
    for (intptr_t at = 0; at < count; at += SCORED)
        score(decoder, count - at < SCORED ? count - at : SCORED, vectors + at * decoder->stack.units,
              logits + at * stride_of(decoder), maxima, sums + at);
}

/* `vectors` (count, U) → of each the likeliest of the `tokens` (count,), the first of equal ones, and its `log_probs`
 * (count,). `logits` and `maxima` are room for SCORED rows'. */
void nmt_likeliest(const Decoder *decoder, intptr_t count, const float *vectors, float *logits, float *maxima,
                   intptr_t *tokens, float *log_probs) {
    intptr_t stride = stride_of(decoder), parts = parts_of(decoder);
    float sums[SCORED];
    for (intptr_t at = 0; at < count; at += SCORED) {
        intptr_t rows = count - at < SCORED ? count - at : SCORED;
        score(decoder, rows, vectors + at * decoder->stack.units, logits, maxima, sums);
        for (intptr_t r = 0; r < rows; r++) {
            const float *row = logits + r * stride, *highest = maxima + r * parts;
            intptr_t part = 0, token;
            for (intptr_t other = 1; other < parts; other++)
                if (highest[other] > highest[part]) part = other;
            for (token = part * PART; token + 1 < end_of(decoder, part) && row[token] != highest[part];) token++;
            tokens[at + r] = token, log_probs[at + r] = row[token] - sums[r];
        }
    }
}

/* Continuations, the best of a source side by side, and how many there are. */
typedef struct {
    intptr_t *parents, *tokens;
    float *log_probs;
    intptr_t count;
} Grown;

/* Whether a continuation so likely has a place among the `width` from `first` on. */
INLINE int joins(const Grown *grown, intptr_t first, intptr_t width, float least, float log_prob) {
    return log_prob >= least && (grown->count - first < width || log_prob > grown->log_probs[grown->count - 1]);
}

/* Takes a continuation in, behind those from `first` on that are as likely; the last goes where there are more than
 * `width`. */
INLINE void take_in(Grown *grown, intptr_t first, intptr_t width, intptr_t parent, intptr_t token, float log_prob) {
    intptr_t place = grown->count - first < width ? grown->count++ : grown->count - 1;
    for (; place > first && log_prob > grown->log_probs[place - 1]; place--) {
        grown->parents[place] = grown->parents[place - 1];
        grown->tokens[place] = grown->tokens[place - 1];
        grown->log_probs[place] = grown->log_probs[place - 1];
    }
    grown->parents[place] = parent, grown->tokens[place] = token, grown->log_probs[place] = log_prob;
}

/* Hypotheses of B sources, `owners` (count,) rising, with `log_probs` and `vectors` (count, U) → of each source the
 * `width` likeliest continuations, the likeliest first and equal ones as they come, without those below the source's
 * `least` (B,): `parents`, `tokens` and `grown`, room for B * width. `logits` and `maxima` as in `nmt_likeliest`.
 * Returns how many there are. */
intptr_t nmt_best(const Decoder *decoder, intptr_t count, const float *vectors, float *logits, float *maxima,
                  const intptr_t *owners, const float *log_probs, const float *least, intptr_t width, intptr_t *parents,
                  intptr_t *tokens, float *grown) {
    Grown found = {parents, tokens, grown, 0};
    float sums[SCORED];
    for (intptr_t r = 0, first = 0; r < count; r++) {
        const float *row = logits + r % SCORED * stride_of(decoder), *highest = maxima + r % SCORED * parts_of(decoder);
        if (r % SCORED == 0)
            score(decoder, count - r < SCORED ? count - r : SCORED, vectors + r * decoder->stack.units, logits, maxima,
                  sums);
        if (!r || owners[r] != owners[r - 1]) first = found.count; /* where the source's own begin */
        float before = log_probs[r] - sums[r % SCORED];
        for (intptr_t part = 0; part < parts_of(decoder); part++) {
            if (!joins(&found, first, width, least[owners[r]], before + highest[part])) continue;
            for (intptr_t i = part * PART, end = end_of(decoder, part); i < end; i++)
                if (joins(&found, first, width, least[owners[r]], before + row[i]))
                    take_in(&found, first, width, r, i, before + row[i]);
        }
    }
    return found.count;
}

/* A greedy search: the token before the first, the one that ends an answer, and of each source the most tokens,
 * `bounds` (count,), of which `longest` is the largest. */
typedef struct {
    intptr_t start, end, longest;
    const intptr_t *bounds;
} Limits;

/* The likeliest token, again and again, for `count` sources: `owners` and `state` as in `nmt_step`. `ids`
 * (count, longest), of which `said` (count,) are so, the end counted, with `log_probs` (count,), zeros before. */
int nmt_search_greedily(const Decoder *decoder, const Memory *memory, const Limits *limits, intptr_t count,
                        const intptr_t *owners, float *state, intptr_t *ids, intptr_t *said, float *log_probs) {
    intptr_t units = decoder->stack.units, width = (2 * decoder->stack.layers + 1) * units;
    intptr_t kept = count < SCORED ? count : SCORED, live = count;
    float *vectors = malloc(sizeof(float) * (count * (units + 1) + kept * (stride_of(decoder) + parts_of(decoder))));
    intptr_t *rows = malloc(sizeof(intptr_t) * 3 * count);
    int outcome = vectors && rows ? DONE : NO_MEMORY;
    if (outcome == DONE) {
        float *gained = vectors + count * units, *logits = gained + count, *maxima = logits + kept * stride_of(decoder);
        intptr_t *last = rows + count, *sources = last + count;
        for (intptr_t r = 0; r < count; r++) rows[r] = r, last[r] = limits->start, sources[r] = owners[r];
        for (intptr_t t = 0; live && t < limits->longest; t++) {
            outcome = nmt_step(decoder, memory, live, last, sources, state, vectors);
            if (outcome != DONE) break;
            nmt_likeliest(decoder, live, vectors, logits, maxima, last, gained);
            intptr_t on = 0; /* those that go on move up */
            for (intptr_t r = 0; r < live; r++) {
                intptr_t row = rows[r];
                ids[row * limits->longest + t] = last[r], said[row] = t + 1, log_probs[row] += gained[r];
                if (last[r] == limits->end || t + 1 >= limits->bounds[row]) continue;
                rows[on] = row, last[on] = last[r], sources[on] = sources[r];
                if (on < r) memcpy(state + on * width, state + r * width, sizeof(float) * width);
                on++;
            }
            live = on;
        }
    }
    free(vectors);
    free(rows);
    return outcome;
}
