/* Batch norm of channels-last float32 tensors with the ReLU before or after it, forward and backward.
 *
 * A tensor is `rows` rows of `channels` numbers. Blocks of rows are summed in float, the sums of the blocks are added
 * in double and in order: results do not depend on the number of threads. Coefficients are repeated to a pattern of
 * several rows, so that the inner loops are long whatever the number of channels.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "norm.h"

#define PATTERN 512
#define BLOCK 2048

static int64_t repeats(int64_t channels) {
    return channels >= PATTERN ? 1 : PATTERN / channels;
}

static void repeat(float *pattern, const float *values, int64_t channels, int64_t n) {
    for (int64_t r = 0; r < n; r++) memcpy(pattern + r * channels, values, channels * sizeof(float));
}

/* The same with a pattern that holds the values already. */
static void spread(float *pattern, int64_t channels, int64_t n) {
    for (int64_t r = 1; r < n; r++) memcpy(pattern + r * channels, pattern, channels * sizeof(float));
}

static int64_t block_rows(int64_t n) { return (BLOCK + n - 1) / n * n; }

/* Adds the two sums of each block, `(blocks, 2, width)` float, to `(2, channels)` double. */
static void reduce(const float *sums, int64_t blocks, int64_t width, int64_t channels, double *total) {
    memset(total, 0, 2 * channels * sizeof(double));
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t k = 0; k < 2; k++)
            for (int64_t first = 0; first < width; first += channels)
                for (int64_t c = 0; c < channels; c++)
                    total[k * channels + c] += sums[(b * 2 + k) * width + first + c];
}

static void add_moments(const float *restrict x, const float *restrict shift, float *restrict s0,
                        float *restrict s1, int64_t width, int relu) {
    if (relu)
        for (int64_t i = 0; i < width; i++) {
            float v = (x[i] > 0 ? x[i] : 0) - shift[i];
            s0[i] += v;
            s1[i] += v * v;
        }
    else
        for (int64_t i = 0; i < width; i++) {
            float v = x[i] - shift[i];
            s0[i] += v;
            s1[i] += v * v;
        }
}

static void apply(const float *restrict x, const float *restrict a, const float *restrict b, float *restrict y,
                  int64_t width, int before, int after) {
    if (before)
        for (int64_t i = 0; i < width; i++) y[i] = (x[i] > 0 ? x[i] : 0) * a[i] + b[i];
    else if (after)
        for (int64_t i = 0; i < width; i++) {
            float v = x[i] * a[i] + b[i];
            y[i] = v > 0 ? v : 0;
        }
    else
        for (int64_t i = 0; i < width; i++) y[i] = x[i] * a[i] + b[i];
    if (before && after)
        for (int64_t i = 0; i < width; i++) y[i] = y[i] > 0 ? y[i] : 0;
}

int norm_forward(const Norm *s, int threads) {
    int64_t channels = s->channels, n = repeats(channels), width = n * channels;
    int64_t step = block_rows(n), blocks = (s->rows + step - 1) / step;
    float *sums = calloc((size_t)(blocks * 2 * width), sizeof(float));
    float *pattern = malloc((size_t)(2 * width + channels) * sizeof(float));
    double *total = malloc((size_t)(2 * channels) * sizeof(double));
    if (!sums || !pattern || !total) {
        free(sums), free(pattern), free(total);
        return 1;
    }
    float *shift = pattern, *b = pattern + width, *first = pattern + 2 * width;
    for (int64_t c = 0; c < channels; c++) first[c] = s->relu_before && s->x[c] < 0 ? 0 : s->x[c];
    repeat(shift, first, channels, n);
#pragma omp parallel for num_threads(threads)
    for (int64_t k = 0; k < blocks; k++) {
        int64_t end = (k + 1) * step < s->rows ? (k + 1) * step : s->rows;
        float *s0 = sums + k * 2 * width, *s1 = s0 + width;
        for (int64_t row = k * step; row < end; row += n) {
            int64_t part = (end - row < n ? end - row : n) * channels;
            add_moments(s->x + row * channels, shift, s0, s1, part, s->relu_before);
        }
    }
    reduce(sums, blocks, width, channels, total);
    for (int64_t c = 0; c < channels; c++) {
        double moved = total[c] / (double)s->rows;
        double variance = total[channels + c] / (double)s->rows - moved * moved;
        if (variance < 0) variance = 0;
        s->mean[c] = (float)(first[c] + moved);
        s->variance[c] = (float)variance;
        s->inverse[c] = (float)(1 / sqrt(variance + s->eps));
        shift[c] = s->weight[c] * s->inverse[c];
        b[c] = s->bias[c] - s->mean[c] * shift[c];
        float seen = s->mean[c] + (s->offset ? s->offset[c] : 0);
        float unbiased = s->variance[c] * s->correction;
        s->running_mean[c] += s->momentum * (seen - s->running_mean[c]);
        s->running_variance[c] += s->momentum * (unbiased - s->running_variance[c]);
    }
    spread(shift, channels, n);
    spread(b, channels, n);
#pragma omp parallel for num_threads(threads)
    for (int64_t k = 0; k < blocks; k++) {
        int64_t end = (k + 1) * step < s->rows ? (k + 1) * step : s->rows;
        for (int64_t row = k * step; row < end; row += n) {
            int64_t part = (end - row < n ? end - row : n) * channels, at = row * channels;
            apply(s->x + at, shift, b, s->y + at, part, s->relu_before, s->relu_after);
        }
    }
    free(sums), free(pattern), free(total);
    return 0;
}

/* What reaches the norm of the gradient, and the normalised input; `a`, `b` give the normalised input, `w`, `d` the
 * norm's output from that. */
#define NORMALISED(before) (((before) ? (x[i] > 0 ? x[i] : 0) : x[i]) * a[i] + b[i])

static void add_gradients(const float *restrict x, const float *restrict grad, const float *restrict a,
                          const float *restrict b, const float *restrict w, const float *restrict d,
                          float *restrict s0, float *restrict s1, int64_t width, int before, int after) {
    if (after)
        for (int64_t i = 0; i < width; i++) {
            float v = NORMALISED(before), g = v * w[i] + d[i] > 0 ? grad[i] : 0;
            s0[i] += g;
            s1[i] += g * v;
        }
    else
        for (int64_t i = 0; i < width; i++) {
            float v = NORMALISED(before);
            s0[i] += grad[i];
            s1[i] += grad[i] * v;
        }
}

static void back(const float *restrict x, const float *restrict grad, const float *restrict a,
                 const float *restrict b, const float *restrict w, const float *restrict d,
                 const float *restrict scale, const float *restrict m0, const float *restrict m1,
                 float *restrict out, int64_t width, int before, int after) {
    if (after)
        for (int64_t i = 0; i < width; i++) {
            float v = NORMALISED(before), g = v * w[i] + d[i] > 0 ? grad[i] : 0;
            out[i] = scale[i] * (g - m0[i] - v * m1[i]);
        }
    else
        for (int64_t i = 0; i < width; i++) {
            float v = NORMALISED(before);
            out[i] = scale[i] * (grad[i] - m0[i] - v * m1[i]);
        }
    if (before)
        for (int64_t i = 0; i < width; i++) out[i] = x[i] > 0 ? out[i] : 0;
}

int norm_backward(const Norm *s, int threads) {
    int64_t channels = s->channels, n = repeats(channels), width = n * channels;
    int64_t step = block_rows(n), blocks = (s->rows + step - 1) / step;
    float *sums = calloc((size_t)(blocks * 2 * width), sizeof(float));
    float *pattern = malloc((size_t)(7 * width) * sizeof(float));
    double *total = malloc((size_t)(2 * channels) * sizeof(double));
    if (!sums || !pattern || !total) {
        free(sums), free(pattern), free(total);
        return 1;
    }
    float *a = pattern, *b = a + width, *w = b + width, *d = w + width;
    float *scale = d + width, *m0 = scale + width, *m1 = m0 + width;
    for (int64_t c = 0; c < channels; c++) {
        a[c] = s->inverse[c];
        b[c] = -s->mean[c] * s->inverse[c];
        w[c] = s->weight[c];
        d[c] = s->bias[c];
        scale[c] = s->weight[c] * s->inverse[c];
    }
    for (int k = 0; k < 5; k++) spread(pattern + k * width, channels, n);
#pragma omp parallel for num_threads(threads)
    for (int64_t k = 0; k < blocks; k++) {
        int64_t end = (k + 1) * step < s->rows ? (k + 1) * step : s->rows;
        float *s0 = sums + k * 2 * width, *s1 = s0 + width;
        for (int64_t row = k * step; row < end; row += n) {
            int64_t part = (end - row < n ? end - row : n) * channels, at = row * channels;
            add_gradients(s->x + at, s->grad + at, a, b, w, d, s0, s1, part, s->relu_before, s->relu_after);
        }
    }
    reduce(sums, blocks, width, channels, total);
    for (int64_t c = 0; c < channels; c++) {
        s->grad_bias[c] = (float)total[c];
        s->grad_weight[c] = (float)total[channels + c];
        m0[c] = (float)(total[c] / (double)s->rows);
        m1[c] = (float)(total[channels + c] / (double)s->rows);
    }
    spread(m0, channels, n);
    spread(m1, channels, n);
#pragma omp parallel for num_threads(threads)
    for (int64_t k = 0; k < blocks; k++) {
        int64_t end = (k + 1) * step < s->rows ? (k + 1) * step : s->rows;
        for (int64_t row = k * step; row < end; row += n) {
            int64_t part = (end - row < n ? end - row : n) * channels, at = row * channels;
            back(s->x + at, s->grad + at, a, b, w, d, scale, m0, m1, s->grad_x + at, part, s->relu_before,
                 s->relu_after);
        }
    }
    free(sums), free(pattern), free(total);
    return 0;
}
