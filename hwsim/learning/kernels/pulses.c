/* Pulses in an array of cells: trains of random pulses as words of bits, their coincidences, and the steps of the cells.
 *
 * A word holds up to 31 slots of one line, one bit each, and the sign of its value in bit 31. Cell (i, j) gets a pulse
 * where the words of row i and column j both have a bit; up, where their signs differ. Work goes row by row, so that
 * the row's cells stay in the first-level cache for all samples of a batch. Contraction of multiply-add is off, and
 * random numbers depend on key, row and event alone: results equal those of torch's operations one after the other.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pulses.h"

#ifdef _OPENMP
#include <omp.h>
#define THREAD() omp_get_thread_num()
#else
#define THREAD() 0
#endif

#define INLINE static inline __attribute__((always_inline))
#define GOLDEN 0x9E3779B97F4A7C15ull
#define SLOTS 31
#define BITS 0x7FFFFFFF
#define WRITING ((1 << 20) - 1) /* event of the write noise */

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/* Normal numbers of one event in one row. */
static const float *normals(const Array *a, int64_t row, int64_t event) {
    const uint64_t index = ((uint64_t)row << 20) + (uint64_t)event + 1;
    return a->pool + (int64_t)(mix(index * GOLDEN + a->key) & (uint64_t)a->pool_mask);
}

INLINE float power_of_two(float n) {
    const int32_t bits = (int32_t)((uint32_t)((int32_t)n + 127) << 23);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* exp(x) to about one unit in the last place; exponential.py has the same. */
INLINE float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float n = rintf(x * 1.44269504f);
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    return y * power_of_two(n);
}

/* One pulse in those cells of a row whose count exceeds k. */
INLINE void step(const Array *a, int64_t first, const int32_t *restrict count, const int32_t *restrict up, int32_t k,
                 const float *restrict xi, const int law, const int additive) {
    float *restrict w = a->w + first;
    const float *restrict low = a->low + first, *restrict high = a->high + first;
    const int64_t n = a->columns;
    if (law == AFFINE) {
        const float *restrict u0 = a->up_0 + first, *restrict u1 = a->up_1 + first;
        const float *restrict d0 = a->dn_0 + first, *restrict d1 = a->dn_1 + first;
        const float *restrict un = additive ? a->up_noise + first : 0, *restrict dn = additive ? a->dn_noise + first : 0;
        const float sigma = a->cycle_noise;
        for (int64_t j = 0; j < n; j++) {
            const float rise = u0[j] + u1[j] * w[j], fall = -(d0[j] + d1[j] * w[j]);
            const float change = up[j] ? rise : fall;
            const float std = additive ? (up[j] ? un[j] : dn[j]) : fabsf(change) * sigma;
            float v = w[j] + (change + std * xi[j]);
            v = v < low[j] ? low[j] : v;
            v = v > high[j] ? high[j] : v;
            w[j] = count[j] > k ? v : w[j];
        }
        return;
    }
    const float *restrict su = a->s_up + first, *restrict sd = a->s_dn + first, *restrict scale = a->scale + first;
    const float offset = a->offset, gu = a->gamma_up, gd = -a->gamma_down, au = a->a_up, ad = a->a_down;
    const float sigma = a->cycle_noise, add = a->noise_add, slope = a->noise_slope;
    for (int64_t j = 0; j < n; j++) {
        const float z = w[j] * scale[j] + offset;
        const float e = exponential(z * (up[j] ? gu : gd));
        float y = 1.0f - e * (up[j] ? au : ad);
        y = y < 0.0f ? 0.0f : y;
        const float change = up[j] ? su[j] * y : -(sd[j] * y);
        const float std = (fabsf(change) + add + fabsf(w[j]) * slope) * sigma;
        float v = w[j] + (change + std * xi[j]);
        v = v < low[j] ? low[j] : v;
        v = v > high[j] ? high[j] : v;
        w[j] = count[j] > k ? v : w[j];
    }
}

/* All pulses of one set of counts in a row. */
static void steps(const Array *a, int64_t row, const int32_t *restrict count, const int32_t *restrict up, int32_t most,
                  int64_t first_event) {
    const int64_t first = row * a->columns;
    for (int32_t k = 0; k < most; k++) {
        const float *xi = normals(a, row, first_event + k);
        if (a->law == AFFINE && a->up_noise)
            step(a, first, count, up, k, xi, AFFINE, 1);
        else if (a->law == AFFINE)
            step(a, first, count, up, k, xi, AFFINE, 0);
        else
            step(a, first, count, up, k, xi, EXPONENTIAL, 0);
    }
}

/* Keep the counts of the pulses that the array takes; return the largest. */
INLINE int32_t selected(int32_t select, int32_t *restrict count, int32_t *restrict up, int64_t n) {
    int32_t most = 0;
    if (select != BOTH)
        for (int64_t j = 0; j < n; j++) {
            count[j] = (up[j] != 0) == (select == ONLY_UP) ? count[j] : 0;
            up[j] = 1;
        }
    for (int64_t j = 0; j < n; j++) most = count[j] > most ? count[j] : most;
    return most;
}

/* The weight that is read of every cell that was pulsed. */
static void write_noise(const Array *a, int64_t row, const int32_t *restrict pulsed) {
    const float *restrict xi = normals(a, row, WRITING);
    const float *restrict w = a->w + row * a->columns;
    float *restrict visible = a->visible + row * a->columns;
    for (int64_t j = 0; j < a->columns; j++) visible[j] = pulsed[j] ? w[j] + a->write_noise * xi[j] : visible[j];
}

/* Every coincidence of every sample in turn. Words are (chunks, columns) and (chunks, rows). */
int hwsim_coincide(const Array *a, const int32_t *x_words, const int32_t *d_words, int64_t chunks, int threads) {
    const int64_t n = a->columns;
    int32_t *room = malloc((size_t)(3 * n) * (size_t)threads * sizeof *room);
    if (!room) return 1;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (int64_t i = 0; i < a->rows; i++) {
        int32_t *restrict count = room + 3 * n * THREAD(), *restrict up = count + n, *restrict pulsed = up + n;
        memset(pulsed, 0, (size_t)n * sizeof *pulsed);
        for (int64_t c = 0; c < chunks; c++) {
            const int32_t d = d_words[c * a->rows + i];
            if (!(d & BITS)) continue;
            const int32_t *restrict x = x_words + c * n;
            for (int64_t j = 0; j < n; j++) {
                count[j] = __builtin_popcount((uint32_t)(x[j] & d & BITS));
                up[j] = (x[j] ^ d) < 0;
            }
            const int32_t most = selected(a->select, count, up, n);
            for (int64_t j = 0; j < n; j++) pulsed[j] |= count[j];
            steps(a, i, count, up, most, c * SLOTS);
        }
        if (a->visible) write_noise(a, i, pulsed);
    }
    free(room);
    return 0;
}

/* As many pulses as `counts` says, up where it is positive. */
int hwsim_pulse(const Array *a, const int32_t *counts, int threads) {
    const int64_t n = a->columns;
    int32_t *room = malloc((size_t)(2 * n) * (size_t)threads * sizeof *room);
    if (!room) return 1;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (int64_t i = 0; i < a->rows; i++) {
        int32_t *restrict count = room + 2 * n * THREAD(), *restrict up = count + n;
        for (int64_t j = 0; j < n; j++) {
            const int32_t signed_count = counts[i * n + j];
            up[j] = signed_count > 0;
            count[j] = signed_count < 0 ? -signed_count : signed_count;
        }
        const int32_t most = selected(a->select, count, up, n);
        if (!most) continue;
        steps(a, i, count, up, most, 0);
        if (a->visible) write_noise(a, i, count);
    }
    free(room);
    return 0;
}

static float largest(const float *restrict v, int64_t n) {
    float most = 0.0f;
    for (int64_t j = 0; j < n; j++) most = fabsf(v[j]) > most ? fabsf(v[j]) : most;
    return most;
}

/* Words of one chunk: the sign of every value, and bit s set with probability min(scale |v|, 1) for the first slots. */
static void chunk_words(const float *restrict v, int64_t n, float scale, int32_t slots, int64_t c, uint64_t key,
                        int32_t *restrict word) {
    for (int64_t j = 0; j < n; j++) word[j] = v[j] < 0.0f ? INT32_MIN : 0;
    for (int32_t s = 0; s < slots; s++) {
        const uint64_t seed = mix(((uint64_t)(c * 32 + s) + 1) * GOLDEN + key);
        const uint32_t first = (uint32_t)seed, second = (uint32_t)(seed >> 32);
        for (int64_t j = 0; j < n; j++) {
            float p = fabsf(v[j]) * scale;
            p = p > 1.0f ? 1.0f : p;
            uint32_t h = (uint32_t)j * 0x9E3779B9u + first;
            h = (h ^ (h >> 16)) * 0x7FEB352Du;
            h ^= second;
            h = (h ^ (h >> 15)) * 0x846CA68Bu;
            h ^= h >> 16;
            word[j] |= (int32_t)((uint32_t)((int32_t)(h >> 8) < (int32_t)(p * 16777216.0f)) << s);
        }
    }
}

/* Pulse trains of a batch, with management of update and bounds; pulse_trains.py says how. */
int64_t hwsim_trains(const Lines *l, int32_t *x_words, int32_t *d_words, int threads) {
    l->first_chunk[0] = 0;
    for (int64_t b = 0; b < l->samples; b++) {
        const float mx = largest(l->x + b * l->columns, l->columns), md = largest(l->d + b * l->rows, l->rows);
        const float needed = ceilf(l->lr * mx * md / l->granularity);
        const int32_t slots = needed > (float)l->most_slots ? l->most_slots : (int32_t)needed;
        l->first_chunk[b + 1] = l->first_chunk[b] + (slots + SLOTS - 1) / SLOTS;
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t b = 0; b < l->samples; b++) {
        const float *x = l->x + b * l->columns, *d = l->d + b * l->rows;
        const float mx = largest(x, l->columns), md = largest(d, l->rows);
        const float strength = l->lr * mx * md / l->granularity, needed = ceilf(strength);
        const float slots = needed > (float)l->most_slots ? (float)l->most_slots : needed;
        if (!(slots > 0.0f)) continue;
        const float scale = sqrtf(l->ratio / slots);
        const float clipped = slots / strength;
        const float ratio = sqrtf(mx / (md * (clipped > 1.0f ? 1.0f : clipped)));
        for (int64_t c = l->first_chunk[b]; c < l->first_chunk[b + 1]; c++) {
            const int32_t left = (int32_t)slots - SLOTS * (int32_t)(c - l->first_chunk[b]);
            const int32_t here = left > SLOTS ? SLOTS : left;
            chunk_words(x, l->columns, scale / ratio, here, c, l->key, x_words + c * l->columns);
            chunk_words(d, l->rows, scale * ratio, here, c, l->key + 1, d_words + c * l->rows);
        }
    }
    return l->first_chunk[l->samples];
}
