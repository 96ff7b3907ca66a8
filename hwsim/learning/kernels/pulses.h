/* What the kernels of in-memory training are given, read by the C compiler and by pulses.py. One plain declaration a
 * statement: fixed-width numbers, `float`, and pointers.
 *
 * Cells are `(rows, columns)` float32, contiguous.
 */

#pragma once

#include <stdint.h>

/* Laws of a step. */
enum { AFFINE = 0, EXPONENTIAL = 1 };

/* Which pulses an array takes: all; those up; those down, as pulses up. */
enum { BOTH = 0, ONLY_UP = 1, ONLY_DOWN = 2 };

/* An array of cells with its device. */
typedef struct {
    int64_t rows, columns;
    float *w, *visible;                              /* visible NULL: no write noise */
    const float *low, *high;
    const float *up_0, *up_1, *dn_0, *dn_1;          /* affine */
    const float *up_noise, *dn_noise;                /* affine; NULL: noise in proportion to the step */
    const float *s_up, *s_dn, *scale;                /* exponential */
    float offset, a_up, a_down, gamma_up, gamma_down; /* exponential */
    float noise_add, noise_slope;                    /* exponential */
    float cycle_noise, write_noise;
    int32_t law, select;
    const float *pool;                               /* normal numbers */
    int64_t pool_mask;
    uint64_t key;
} Array;

/* The vectors of a batch, and how strong their update is. */
typedef struct {
    int64_t samples, columns, rows;
    const float *x, *d;               /* (samples, columns) and (samples, rows) */
    float lr, granularity, ratio;     /* ratio of the first two */
    int32_t most_slots;
    int32_t *first_chunk;             /* (samples + 1), room */
    uint64_t key;
} Lines;

/* Each returns 0, or 1 when it ran out of memory; pulses.c says what they do. */
int hwsim_coincide(const Array *a, const int32_t *x_words, const int32_t *d_words, int64_t chunks, int threads);
int hwsim_pulse(const Array *a, const int32_t *counts, int threads);

/* Returns the number of chunks. */
int64_t hwsim_trains(const Lines *l, int32_t *x_words, int32_t *d_words, int threads);
