/* What the kernels are given, read by the C compiler and by library.py. One plain declaration a statement: fixed-width
 * numbers, `float`, and pointers; no macros, arrays or nested structures.
 *
 * Tensors are `(rows, channels)` float32, contiguous; norm.c says what is done with them.
 */

#include <stdint.h>

/* One batch norm. */
typedef struct {
    int64_t rows, channels;
    const float *x;        /* input */
    const float *weight, *bias;
    float *mean, *inverse; /* per channel: written forward, read backward */
    float *variance;       /* per channel, biased: written forward */
    const float *offset;   /* per channel: what the input lacks, added to the running mean alone; or null */
    float *running_mean, *running_variance; /* moved forward by `momentum` */
    float eps, momentum;
    float correction;      /* rows / (rows - 1), of the running variance */
    int32_t relu_before, relu_after;
    float *y;              /* output, forward */
    const float *grad;     /* gradient of the output, backward */
    float *grad_x, *grad_weight, *grad_bias;
} Norm;

/* Each returns 0, or 1 when it ran out of memory. */
int norm_forward(const Norm *s, int threads);
int norm_backward(const Norm *s, int threads);
