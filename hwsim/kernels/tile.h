/* What the kernels are given, read by the C compiler and by library.py. One plain declaration a statement: fixed-width
 * numbers, `float`, and pointers; no macros, arrays or nested structures.
 *
 * Tensors are `(images, pixels, channels)` float32, contiguous.
 */

#pragma once

#include <stdint.h>

/* Activations. */
enum { IDENTITY = 0, RELU = 1, RELU6 = 2 };

/* Roundings to integers. */
enum { TOWARD_ZERO = 0, FLOOR = 1, HALF_UP = 2, HALF_EVEN = 3, HALF_AWAY = 4 };

/* One DAC that reads a stage's result: channels first..last-1, quantised, to a dense tensor of their own. */
typedef struct {
    float *out;
    const float *scale, *shift; /* (channels) affine before the DAC; NULL for none */
    int64_t first, last;
    int32_t activation;
    float to_code, levels, from_code; /* levels 0: continuous */
} Tap;

/* One fused stage. */
typedef struct {
    int64_t images, pixels, channels;
    const float *current;                      /* summed products */
    int64_t stride;                            /* of `current`, `load` and `drop` from pixel to pixel */
    const float *gain;                         /* (channels), of all products but `load`; training only */
    const float *load, *drop, *load_gain;      /* IR drop; NULL for none; load_gain (channels) */
    const float *variance;                     /* read noise, dense; NULL for none */
    float read_std, noise_std, s_shape;
    int32_t converts;                          /* 0: no ADC, `current` is a digital tensor */
    float to_code, levels;                     /* ADC; levels 0: continuous */
    const float *pool;                         /* normal numbers; NULL for no noise */
    uint64_t noise_key, read_key;
    int64_t pool_mask, first_image, segment;   /* segment: pixels with one offset */
    const float *factor, *offset;              /* (channels), fixed-point unit; factor NULL: none, offset NULL: a partial sum */
    const void *sums;                          /* sums of the row blocks before; NULL for none */
    void *sum;                                 /* NULL: the last row block */
    int32_t wide;                              /* sums are double */
    int32_t product_rounding, rounding, requantises, wraps;
    float to_output, from_output;              /* from steps of the product to those of the output word, and back */
    float least, most;                         /* of the output word */
    const float *scale, *shift;                /* (channels); NULL for none */
    const float *before;                       /* added before the first activation; NULL for none */
    int64_t before_stride;                     /* of `before` from image to image; 0: dense */
    int32_t first_activation;
    const float *scale2, *shift2;              /* (channels); NULL for none */
    const float *after;                        /* added after it; NULL for none */
    int32_t second_activation;
    float *out;                                /* NULL where only taps are wanted */
    int64_t n_taps;
    const Tap *taps;
} Stage;

/* Each returns 0, or 1 when it ran out of memory; tile.c says what they do. */
int hwsim_stage(const Stage *s, int threads);
int hwsim_adc(const Stage *s, uint8_t *clipped, int threads);
int hwsim_fixed_point(const Stage *s, uint8_t *bounded, int threads);
int hwsim_adc_gradient(const float *grad, const uint8_t *clipped, const float *factor, float *out, int64_t pixels,
                       int64_t channels, int threads);

/* Returns whether any input is negative. */
int hwsim_square(const float *u, float *out, int64_t n, int threads);

void hwsim_lstm(const float *sums, const float *cell, float *next, float *out, int64_t rows, int64_t n);
void hwsim_dac(const float *x, float *u, int64_t n, float to_code, float levels, float from_code, int threads);
void hwsim_dac_gradient(const float *grad, const float *x, float *out, int64_t n, float limit, int threads);
