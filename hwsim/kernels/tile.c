/* The element-wise stages of a crossbar layer, fused: read-out disturbances, output noise, ADC, digital scale, batch
 * norm, activation, sums, and the DACs of the layers that follow. One pass over memory instead of ten.
 *
 * Tensors are `(images, pixels, channels)` float32, contiguous. Work goes run by run: a run is a whole number of pixels
 * that fits the first-level cache, and the per-channel vectors are repeated to its length, so that every loop below is a
 * plain vector loop whatever the number of channels. Contraction of multiply-add is off: results equal those of the
 * same operations one after the other.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixed_point.h"
#include "recurrent.h"
#include "tile.h"

#ifdef _OPENMP
#include <omp.h>
#define THREAD() omp_get_thread_num()
#else
#define THREAD() 0
#endif

#define RUN 512
#define GOLDEN 0x9E3779B97F4A7C15ull

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/* Start in the pool of one segment of one image's noise. */
static int64_t offset(uint64_t key, int64_t image, int64_t segment, int64_t mask) {
    const uint64_t index = ((uint64_t)image << 20) + (uint64_t)segment + 1;
    return (int64_t)(mix(index * GOLDEN + key) & (uint64_t)mask);
}

/* Bounds of an activation. */
static float lowest(int32_t activation) { return activation == IDENTITY ? -INFINITY : 0.0f; }
static float highest(int32_t activation) { return activation == RELU6 ? 6.0f : INFINITY; }

static inline float clamp(float x, float low, float high) {
    const float raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/* Nearest grid point, halves away from zero; levels 0: no grid. */
static inline float code(float x, float levels) {
    return levels == 0.0f ? x : clamp(truncf(x + copysignf(0.5f, x)), -levels, levels);
}

#define PIECE 16 /* floats that are copied without a call */

/* Copy pixels that lie `stride` apart. */
static void gather(float *restrict y, const float *restrict a, int64_t n, int64_t channels, int64_t stride) {
    if (stride == channels) {
        memcpy(y, a, (size_t)n * sizeof(float));
        return;
    }
    if (channels % PIECE == 0) {
        for (int64_t i = 0, p = 0; i < n; i += channels, p += stride)
            for (int64_t c = 0; c < channels; c += PIECE) memcpy(y + i + c, a + p + c, PIECE * sizeof(float));
        return;
    }
    for (int64_t i = 0, p = 0; i < n; i += channels, p += stride)
        for (int64_t c = 0; c < channels; c++) y[i + c] = a[p + c];
}

/* Pixels of a run, and its length. */
static int64_t run_pixels(int64_t channels) { return channels >= RUN ? 1 : RUN / channels; }
static int64_t run_length(int64_t channels) { return run_pixels(channels) * channels; }

/* Per-channel vectors, repeated to the length of a run. */
typedef struct {
    const float *gain, *load_gain, *factor, *offset, *scale, *shift, *scale2, *shift2;
    const float *const *tap_scale, *const *tap_shift;
} Vectors;

/* What disturbs a run, from its first output on. */
typedef struct {
    const float *in, *load, *drop, *variance, *normal, *gain, *load_gain;
} Disturbed;

/* IR drop and read noise of `n` outputs that lie side by side, in units of a fully-on product. */
INLINE void disturb(float *restrict y, Disturbed at, float std, int64_t n, const int scaled, const int drops,
                    const int reads) {
    for (int64_t i = 0; i < n; i++) {
        float v = scaled ? at.in[i] * at.gain[i] : at.in[i];
        if (drops) {
            const float load = at.load[i] * at.load_gain[i], drop = scaled ? at.drop[i] * at.gain[i] : at.drop[i];
            v -= drop * (((load * 0.05f - 0.2f) * load + 0.5f) * load);
        }
        if (reads) {
            const float variance = scaled ? at.variance[i] * at.gain[i] : at.variance[i];
            v += sqrtf(variance > 0.0f ? variance : 0.0f) * at.normal[i] * std;
        }
        y[i] = v;
    }
}

/* The same for one run, whose pixels may lie apart; `room` for three of them. */
INLINE void disturb_run(const Stage *s, float *restrict y, Disturbed at, int64_t in_stride, int64_t n,
                        float *restrict room, const int scaled, const int drops, const int reads) {
    const int64_t channels = s->channels, stride = s->stride;
    if (channels % PIECE != 0) {
        gather(room, at.in, n, channels, in_stride);
        at.in = room;
        if (drops) {
            gather(room + n, at.load, n, channels, stride);
            gather(room + 2 * n, at.drop, n, channels, stride);
            at.load = room + n, at.drop = room + 2 * n;
        }
        disturb(y, at, s->read_std, n, scaled, drops, reads);
        return;
    }
    for (int64_t i = 0, p = 0, q = 0; i < n; i += channels, p += in_stride, q += stride)
        for (int64_t c = 0; c < channels; c += PIECE) {
            Disturbed piece = at;
            piece.in += p + c;
            if (drops) piece.load += q + c, piece.drop += q + c, piece.load_gain += i + c;
            if (reads) piece.variance += i + c, piece.normal += i + c;
            if (scaled) piece.gain += i + c;
            disturb(y + i + c, piece, s->read_std, PIECE, scaled, drops, reads); /* a constant length: no remainder */
        }
}

INLINE void disturb_any(const Stage *s, const Vectors *v, float *restrict y, int64_t in_stride, int64_t pixel,
                        int64_t n, const float *normal, float *restrict room, const int scaled) {
    Disturbed at = {.in = s->current + pixel * in_stride, .normal = normal, .gain = v->gain, .load_gain = v->load_gain};
    if (s->drop) at.load = s->load + pixel * s->stride, at.drop = s->drop + pixel * s->stride;
    if (normal) at.variance = s->variance + pixel * s->channels;
    if (s->drop && normal) disturb_run(s, y, at, in_stride, n, room, scaled, 1, 1);
    else if (s->drop) disturb_run(s, y, at, in_stride, n, room, scaled, 1, 0);
    else if (normal) disturb_run(s, y, at, in_stride, n, room, scaled, 0, 1);
    else disturb_run(s, y, at, in_stride, n, room, scaled, 0, 0);
}

INLINE void convert(float *restrict y, const float *restrict in, const float *restrict noise, float to_code,
                    float noise_std, float levels, int64_t n, const int noisy, const int quantised) {
    for (int64_t i = 0; i < n; i++) {
        float v = in[i] * to_code;
        if (noisy) v += noise[i] * noise_std;
        y[i] = quantised ? code(v, levels) : v;
    }
}

INLINE void digital(float *restrict y, const float *restrict scale, const float *restrict shift,
                    const float *restrict sum, float low, float high, int64_t n, const int scaled, const int shifted,
                    const int summed) {
    for (int64_t i = 0; i < n; i++) {
        float v = y[i];
        if (scaled) v *= scale[i];
        if (shifted) v += shift[i];
        if (summed) v += sum[i];
        y[i] = clamp(v, low, high);
    }
}

static void to_digital(float *restrict y, const float *scale, const float *shift, const float *sum, int32_t activation,
                       int64_t n) {
    const float low = lowest(activation), high = highest(activation);
    if (scale && shift && sum) digital(y, scale, shift, sum, low, high, n, 1, 1, 1);
    else if (scale && shift) digital(y, scale, shift, sum, low, high, n, 1, 1, 0);
    else if (scale && sum) digital(y, scale, shift, sum, low, high, n, 1, 0, 1);
    else if (scale) digital(y, scale, shift, sum, low, high, n, 1, 0, 0);
    else if (shift) digital(y, scale, shift, sum ? sum : shift, low, high, n, 0, 1, sum != NULL);
    else if (sum) digital(y, scale, shift, sum, low, high, n, 0, 0, 1);
    else if (activation != IDENTITY) digital(y, scale, shift, sum, low, high, n, 0, 0, 0);
}

INLINE void to_voltage(float *restrict to, const float *restrict y, const Tap *tap, const float *restrict scale,
                       const float *restrict shift, float low, float high, int64_t n, const int affine,
                       const int quantised) {
    const float to_code = tap->to_code, from_code = tap->from_code, levels = tap->levels;
    for (int64_t i = 0; i < n; i++) {
        float v = clamp(affine ? y[i] * scale[i] + shift[i] : y[i], low, high) * to_code;
        if (quantised) v = code(v, levels);
        to[i] = v * from_code;
    }
}

static void tap(const Stage *s, const Vectors *v, int64_t k, const float *restrict y, int64_t pixel, int64_t n,
                float *restrict t) {
    const Tap *tap = &s->taps[k];
    const int64_t width = tap->last - tap->first;
    float *restrict out = tap->out + pixel * width;
    float *restrict to = width == s->channels ? out : t;
    const float *a = v->tap_scale[k], *b = v->tap_shift[k];
    const float low = lowest(tap->activation), high = highest(tap->activation);
    if (a && tap->levels > 0.0f) to_voltage(to, y, tap, a, b, low, high, n, 1, 1);
    else if (a) to_voltage(to, y, tap, a, b, low, high, n, 1, 0);
    else if (tap->levels > 0.0f) to_voltage(to, y, tap, a, b, low, high, n, 0, 1);
    else to_voltage(to, y, tap, a, b, low, high, n, 0, 0);
    if (to == t)
        for (int64_t i = tap->first; i < n; i += s->channels, out += width)
            for (int64_t c = 0; c < width; c++) out[c] = t[i + c];
}

static void run(const Stage *s, const Vectors *v, int64_t pixel, int64_t n, const float *before, const float *noise,
                const float *read, float *restrict y, float *restrict t, double *restrict sum) {
    const int64_t start = pixel * s->channels;
    if (s->converts) {
        const float *in = s->current + pixel * s->stride;
        if (s->stride != s->channels || s->drop || (s->variance && read) || s->s_shape > 0.0f) {
            disturb_any(s, v, t, s->stride, pixel, n, s->variance ? read : NULL, t + run_length(s->channels), 0);
            if (s->s_shape > 0.0f)
                for (int64_t i = 0; i < n; i++) t[i] = t[i] / (1.0f + s->s_shape * fabsf(t[i]));
            in = t;
        }
        if (noise && s->levels > 0.0f) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 1, 1);
        else if (noise) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 1, 0);
        else if (s->levels > 0.0f) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 0, 1);
        else convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 0, 0);
        if (s->factor && !fixed_point(s, v->factor, v->offset, y, sum, start, n)) return;
    } else gather(y, s->current + pixel * s->stride, n, s->channels, s->stride);
    to_digital(y, v->scale, v->shift, before, s->first_activation, n);
    to_digital(y, v->scale2, v->shift2, s->after ? s->after + start : NULL, s->second_activation, n);
    if (s->out) memcpy(s->out + start, y, (size_t)n * sizeof(float));
    for (int64_t k = 0; k < s->n_taps; k++) tap(s, v, k, y, pixel, n, t);
}

static const float *repeat(const float *vector, float **room, int64_t channels, int64_t length) {
    if (!vector) return NULL;
    float *to = *room;
    for (int64_t i = 0; i < length; i += channels) memcpy(to + i, vector, (size_t)channels * sizeof(float));
    *room += length;
    return to;
}

/* Run a stage on `threads` threads; returns 0, or 1 if memory ran out. */
int hwsim_stage(const Stage *s, int threads) {
    const int64_t c = s->channels, per_run = run_pixels(c), length = run_length(c);
    const size_t n_vectors = (size_t)(7 + 2 * s->n_taps);
    float *vectors = malloc((n_vectors + 5 * (size_t)threads) * (size_t)length * sizeof(float));
    const float **pointers = malloc(2 * (size_t)(s->n_taps + 1) * sizeof(float *));
    double *sums = malloc((s->wide ? (size_t)threads * (size_t)length : 1) * sizeof(double));
    if (!vectors || !pointers || !sums) {
        free(sums);
        free(vectors);
        free(pointers);
        return 1;
    }
    float *room = vectors;
    for (int64_t k = 0; k < s->n_taps; k++) {
        pointers[k] = repeat(s->taps[k].scale, &room, c, length);
        pointers[s->n_taps + k] = repeat(s->taps[k].shift, &room, c, length);
    }
    const Vectors v = {.load_gain = repeat(s->load_gain, &room, c, length), .factor = repeat(s->factor, &room, c, length),
                       .offset = repeat(s->offset, &room, c, length), .scale = repeat(s->scale, &room, c, length),
                       .shift = repeat(s->shift, &room, c, length), .scale2 = repeat(s->scale2, &room, c, length),
                       .shift2 = repeat(s->shift2, &room, c, length), .tap_scale = pointers,
                       .tap_shift = pointers + s->n_taps};
    float *work = vectors + n_vectors * (size_t)length;
    const int64_t stride = s->before_stride ? s->before_stride : s->pixels * c;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t image = 0; image < s->images; image++) {
        float *y = work + 5 * length * THREAD(), *t = y + length;
        double *sum = sums + (s->wide ? length * THREAD() : 0);
        for (int64_t pixel = 0, segment = 0; pixel < s->pixels; pixel += s->segment, segment++) {
            const int64_t end = pixel + s->segment < s->pixels ? pixel + s->segment : s->pixels;
            const float *noise = NULL, *read = NULL;
            if (s->pool) {
                const int64_t number = s->first_image + image;
                noise = s->noise_std > 0.0f ? s->pool + offset(s->noise_key, number, segment, s->pool_mask) : NULL;
                read = s->read_std > 0.0f ? s->pool + offset(s->read_key, number, segment, s->pool_mask) : NULL;
            }
            for (int64_t at = pixel; at < end; at += per_run) {
                const int64_t n = (at + per_run < end ? per_run : end - at) * c, done = (at - pixel) * c;
                const float *before = s->before ? s->before + image * stride + at * c : NULL;
                run(s, &v, image * s->pixels + at, n, before, noise ? noise + done : NULL, read ? read + done : NULL, y,
                    t, sum);
            }
        }
    }
    free(sums);
    free(vectors);
    free(pointers);
    return 0;
}

/* Training: quantise inputs of any layout. */
void hwsim_dac(const float *restrict x, float *restrict u, int64_t n, float to_code, float levels, float from_code,
               int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t i = 0; i < n; i++) u[i] = code(x[i] * to_code, levels) * from_code;
}

/* Straight through inside the input range, zero outside. */
void hwsim_dac_gradient(const float *restrict grad, const float *restrict x, float *restrict out, int64_t n,
                        float limit, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t i = 0; i < n; i++) out[i] = fabsf(x[i]) > limit ? 0.0f : grad[i] / limit;
}

/* Training: squares of inputs of any layout; returns whether any input is negative. */
int hwsim_square(const float *restrict u, float *restrict out, int64_t n, int threads) {
    int negative = 0;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static) reduction(| : negative)
    for (int64_t i = 0; i < n; i++) {
        out[i] = u[i] * u[i];
        negative |= u[i] < 0.0f;
    }
    return negative;
}

/* Training: read-out disturbances, output noise, ADC and digital scale of a stage; notes which outputs were clipped. */
int hwsim_adc(const Stage *s, uint8_t *clipped, int threads) {
    const int64_t c = s->channels, per_run = run_pixels(c), length = run_length(c);
    const int disturbed = s->drop || s->variance;
    float *vectors = malloc((3 + (disturbed ? 4 * (size_t)threads : 0)) * (size_t)length * sizeof(float));
    if (!vectors) return 1;
    float *room = vectors;
    const Vectors v = {.gain = repeat(s->gain, &room, c, length), .load_gain = repeat(s->load_gain, &room, c, length),
                       .scale = repeat(s->scale, &room, c, length)};
    const float *factor = v.scale;
    const float levels = s->levels, std = s->noise_std;
    float *work = vectors + 3 * length;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t image = 0; image < s->images; image++) {
        float *y = work + (disturbed ? 4 * length * THREAD() : 0);
        for (int64_t pixel = 0, segment = 0; pixel < s->pixels; pixel += s->segment, segment++) {
            const int64_t end = pixel + s->segment < s->pixels ? pixel + s->segment : s->pixels;
            const int64_t number = s->first_image + image;
            const float *noise = NULL, *read = NULL;
            if (s->pool && std > 0.0f) noise = s->pool + offset(s->noise_key, number, segment, s->pool_mask);
            if (s->pool && s->variance) read = s->pool + offset(s->read_key, number, segment, s->pool_mask);
            for (int64_t at = pixel; at < end; at += per_run) {
                const int64_t n = (at + per_run < end ? per_run : end - at) * c, done = (at - pixel) * c;
                const int64_t start = (image * s->pixels + at) * c;
                const float *restrict in = s->current + start, *restrict xi = noise ? noise + done : NULL;
                const float *restrict gain = v.gain;
                float *restrict out = s->out + start;
                uint8_t *restrict flag = clipped + start;
                if (disturbed) {
                    disturb_any(s, &v, y, c, image * s->pixels + at, n, read ? read + done : NULL, y + length, 1);
                    for (int64_t i = 0; i < n; i++) {
                        const float x = y[i] * s->to_code + (xi ? xi[i] * std : 0.0f);
                        flag[i] = fabsf(x) > levels;
                        out[i] = code(x, levels) * factor[i];
                    }
                } else
                    for (int64_t i = 0; i < n; i++) {
                        const float x = in[i] * gain[i] + (xi ? xi[i] * std : 0.0f);
                        flag[i] = fabsf(x) > levels;
                        out[i] = code(x, levels) * factor[i];
                    }
            }
        }
    }
    free(vectors);
    return 0;
}

/* A fixed-point unit behind dense counts; notes which output words are bounds, where there are words. */
int hwsim_fixed_point(const Stage *s, uint8_t *bounded, int threads) {
    const int64_t c = s->channels, length = run_length(c), n = s->images * s->pixels * c;
    const size_t n_sums = s->wide ? (size_t)threads * (size_t)length : 1;
    float *vectors = malloc((3 + (size_t)threads) * (size_t)length * sizeof(float)), *room = vectors;
    double *sums = malloc(n_sums * sizeof(double));
    if (!vectors || !sums) {
        free(vectors);
        free(sums);
        return 1;
    }
    const float *factor = repeat(s->factor, &room, c, length), *offset = repeat(s->offset, &room, c, length);
    const float *scale = repeat(s->scale, &room, c, length);
    float *work = vectors + 3 * length;
    const float least = s->wraps ? -INFINITY : s->least, most = s->wraps ? INFINITY : s->most;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t start = 0; start < n; start += length) {
        const int64_t m = start + length < n ? length : n - start;
        float *restrict y = work + length * THREAD();
        memcpy(y, s->current + start, (size_t)m * sizeof(float));
        fixed_point(s, factor, offset, y, sums + (s->wide ? length * THREAD() : 0), start, m);
        if (bounded)
            for (int64_t i = 0; i < m; i++) bounded[start + i] = (y[i] <= least) | (y[i] >= most);
        if (s->out)
            for (int64_t i = 0; i < m; i++) s->out[start + i] = y[i] * scale[i];
    }
    free(sums);
    free(vectors);
    return 0;
}

int hwsim_adc_gradient(const float *restrict grad, const uint8_t *restrict clipped, const float *factor,
                       float *restrict out, int64_t pixels, int64_t channels, int threads) {
    const int64_t per_run = run_pixels(channels), length = run_length(channels);
    float *vector = malloc((size_t)length * sizeof(float)), *room = vector;
    if (!vector) return 1;
    const float *restrict f = repeat(factor, &room, channels, length);
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t pixel = 0; pixel < pixels; pixel += per_run) {
        const int64_t n = (pixel + per_run < pixels ? per_run : pixels - pixel) * channels, start = pixel * channels;
        for (int64_t i = 0; i < n; i++) out[start + i] = clipped[start + i] ? 0.0f : grad[start + i] * f[i];
    }
    free(vector);
    return 0;
}
