/* The element-wise stages of a crossbar layer, fused: read-out disturbances, output noise, ADC, digital scale, batch
 * norm, activation, sums, and the DACs of the layers that follow. One pass over memory instead of ten.
 *
 * Tensors are `(images, pixels, channels)` float32, contiguous. Work goes run by run: a run is a whole number of pixels
 * that fits the first-level cache, and the per-channel vectors are repeated to its length, so that every loop below is a
 * plain vector loop whatever the number of channels. Contraction of multiply-add is off: results equal those of the
 * same operations one after the other.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#define THREAD() omp_get_thread_num()
#else
#define THREAD() 0
#endif

#define RUN 512
#define GOLDEN 0x9E3779B97F4A7C15ull

/* Activations. */
enum { IDENTITY = 0, RELU = 1, RELU6 = 2 };

/* One DAC that reads a stage's result: channels first..last-1, quantised, to a dense tensor of their own. */
typedef struct {
    float *out;
    const float *scale, *shift; /* (channels) affine before the DAC; NULL for none */
    int64_t first, last;
    int32_t activation;
    float to_code, levels, from_code; /* levels 0: continuous */
} Tap;

typedef struct {
    int64_t images, pixels, channels;
    const float *current;                      /* summed products */
    int64_t stride;                            /* of `current`, `load` and `drop` from pixel to pixel */
    const float *gain;                         /* (channels); NULL for one */
    const float *load, *drop, *load_gain;      /* IR drop; NULL for none; load_gain (channels) */
    const float *variance, *variance_gain;     /* read noise, dense; NULL for none; its gain (channels) */
    float read_std, noise_std, s_shape;
    int32_t converts;                          /* 0: no ADC, `current` is a digital tensor */
    float to_code, levels;                     /* ADC; levels 0: continuous */
    const float *pool;                         /* normal numbers; NULL for no noise */
    uint64_t noise_key, read_key;
    int64_t pool_mask, first_image, segment;   /* segment: pixels with one offset */
    const float *scale, *shift;                /* (channels); NULL for none */
    const float *before;                       /* added before the first activation; NULL for none */
    int32_t first_activation;
    const float *scale2, *shift2;              /* (channels); NULL for none */
    const float *after;                        /* added after it; NULL for none */
    int32_t second_activation;
    float *out;                                /* NULL where only taps are wanted */
    int64_t n_taps;
    const Tap *taps;
} Stage;

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

static void multiply(float *restrict y, const float *restrict a, int64_t n) {
    if (a)
        for (int64_t i = 0; i < n; i++) y[i] *= a[i];
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

/* Per-channel vectors, repeated to the length of a run. */
typedef struct {
    const float *gain, *load_gain, *variance_gain, *scale, *shift, *scale2, *shift2;
    const float *const *tap_scale, *const *tap_shift;
} Vectors;

static void drop(const Stage *s, const Vectors *v, float *restrict y, int64_t pixel, int64_t n, float *restrict a,
                 float *restrict d) {
    const float *restrict gain = v->load_gain;
    gather(a, s->load + pixel * s->stride, n, s->channels, s->stride);
    gather(d, s->drop + pixel * s->stride, n, s->channels, s->stride);
    multiply(d, v->gain, n);
    for (int64_t i = 0; i < n; i++) {
        const float load = a[i] * gain[i];
        y[i] -= d[i] * (((load * 0.05f - 0.2f) * load + 0.5f) * load);
    }
}

static void read_noise(const Stage *s, const Vectors *v, float *restrict y, int64_t pixel, int64_t n,
                       const float *restrict normal, float *restrict t) {
    const float *restrict variance = s->variance + pixel * s->channels;
    const float std = s->read_std;
    if (v->variance_gain) {
        memcpy(t, variance, (size_t)n * sizeof(float));
        multiply(t, v->variance_gain, n);
        variance = t;
    }
    for (int64_t i = 0; i < n; i++) y[i] += sqrtf(variance[i] > 0.0f ? variance[i] : 0.0f) * normal[i] * std;
}

/* The common passes, written once; the flags are constants where they are used, so that each use is one plain loop. */
#define INLINE static inline __attribute__((always_inline))

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

static void run(const Stage *s, const Vectors *v, int64_t pixel, int64_t n, const float *noise, const float *read,
                float *restrict y, float *restrict t, float *restrict d) {
    const int64_t start = pixel * s->channels;
    const float *in = s->current + pixel * s->stride;
    if (s->stride != s->channels || v->gain || s->drop || s->variance || s->s_shape > 0.0f || !s->converts) {
        gather(y, in, n, s->channels, s->stride);
        in = y;
    }
    if (s->converts) {
        multiply(y, v->gain, n);
        if (s->drop) drop(s, v, y, pixel, n, t, d);
        if (s->variance && read) read_noise(s, v, y, pixel, n, read, t);
        if (s->s_shape > 0.0f)
            for (int64_t i = 0; i < n; i++) y[i] = y[i] / (1.0f + s->s_shape * fabsf(y[i]));
        if (in == y) { /* one buffer may not be read and written through two restrict pointers */
            memcpy(t, y, (size_t)n * sizeof(float));
            in = t;
        }
        if (noise && s->levels > 0.0f) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 1, 1);
        else if (noise) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 1, 0);
        else if (s->levels > 0.0f) convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 0, 1);
        else convert(y, in, noise, s->to_code, s->noise_std, s->levels, n, 0, 0);
    }
    to_digital(y, v->scale, v->shift, s->before ? s->before + start : NULL, s->first_activation, n);
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
    const int64_t c = s->channels, per_run = c >= RUN ? 1 : RUN / c, length = per_run * c;
    const size_t n_vectors = (size_t)(7 + 2 * s->n_taps);
    float *vectors = malloc((n_vectors + 3 * (size_t)threads) * (size_t)length * sizeof(float));
    const float **pointers = malloc(2 * (size_t)(s->n_taps + 1) * sizeof(float *));
    if (!vectors || !pointers) {
        free(vectors);
        free(pointers);
        return 1;
    }
    float *room = vectors;
    for (int64_t k = 0; k < s->n_taps; k++) {
        pointers[k] = repeat(s->taps[k].scale, &room, c, length);
        pointers[s->n_taps + k] = repeat(s->taps[k].shift, &room, c, length);
    }
    const Vectors v = {repeat(s->gain, &room, c, length),          repeat(s->load_gain, &room, c, length),
                       repeat(s->variance_gain, &room, c, length), repeat(s->scale, &room, c, length),
                       repeat(s->shift, &room, c, length),         repeat(s->scale2, &room, c, length),
                       repeat(s->shift2, &room, c, length),        pointers,
                       pointers + s->n_taps};
    float *work = vectors + n_vectors * (size_t)length;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t image = 0; image < s->images; image++) {
        float *y = work + 3 * length * THREAD(), *t = y + length, *d = t + length;
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
                run(s, &v, image * s->pixels + at, n, noise ? noise + done : NULL, read ? read + done : NULL, y, t, d);
            }
        }
    }
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

/* Training: read-out disturbances, output noise, ADC and digital scale of a stage; notes which outputs were clipped. */
int hwsim_adc(const Stage *s, uint8_t *clipped, int threads) {
    const int64_t c = s->channels, per_run = c >= RUN ? 1 : RUN / c, length = per_run * c;
    const int disturbed = s->drop || s->variance;
    float *vectors = malloc((4 + (disturbed ? 3 * (size_t)threads : 0)) * (size_t)length * sizeof(float));
    if (!vectors) return 1;
    float *room = vectors;
    const Vectors v = {.gain = repeat(s->gain, &room, c, length), .load_gain = repeat(s->load_gain, &room, c, length),
                       .variance_gain = repeat(s->variance_gain, &room, c, length),
                       .scale = repeat(s->scale, &room, c, length)};
    const float *factor = v.scale;
    const float levels = s->levels, std = s->noise_std;
    float *work = vectors + 4 * length;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t image = 0; image < s->images; image++) {
        float *y = work + (disturbed ? 3 * length * THREAD() : 0), *t = y + length, *d = t + length;
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
                    for (int64_t i = 0; i < n; i++) y[i] = in[i] * gain[i];
                    if (s->drop) drop(s, &v, y, image * s->pixels + at, n, t, d);
                    if (read) read_noise(s, &v, y, image * s->pixels + at, n, read + done, t);
                    for (int64_t i = 0; i < n; i++) {
                        const float x = y[i] * s->to_code + (xi ? xi[i] * std : 0.0f);
                        flag[i] = fabsf(x) > levels;
                        out[i] = code(x, levels) * factor[i];
                    }
                } else if (xi)
                    for (int64_t i = 0; i < n; i++) {
                        const float x = in[i] * gain[i] + xi[i] * std;
                        flag[i] = fabsf(x) > levels;
                        out[i] = code(x, levels) * factor[i];
                    }
                else
                    for (int64_t i = 0; i < n; i++) {
                        const float x = in[i] * gain[i];
                        flag[i] = fabsf(x) > levels;
                        out[i] = code(x, levels) * factor[i];
                    }
            }
        }
    }
    free(vectors);
    return 0;
}

int hwsim_adc_gradient(const float *restrict grad, const uint8_t *restrict clipped, const float *factor,
                       float *restrict out, int64_t pixels, int64_t channels, int threads) {
    const int64_t per_run = channels >= RUN ? 1 : RUN / channels, length = per_run * channels;
    float *vector = malloc((size_t)length * sizeof(float));
    if (!vector) return 1;
    float *room = vector;
    const float *restrict f = repeat(factor, &room, channels, length);
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t pixel = 0; pixel < pixels; pixel += per_run) {
        const int64_t n = (pixel + per_run < pixels ? per_run : pixels - pixel) * channels, start = pixel * channels;
        for (int64_t i = 0; i < n; i++) out[start + i] = clipped[start + i] ? 0.0f : grad[start + i] * f[i];
    }
    free(vector);
    return 0;
}

/* Size of the structures, so that a caller can check that it agrees about them. */
int64_t hwsim_sizes(void) { return (int64_t)(sizeof(Stage) * 1000 + sizeof(Tap)); }
