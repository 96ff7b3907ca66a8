/* Fixed-point post-processing of the counts of the ADC: products, sums, output words.
 *
 * Numbers are integers, or binary fractions, that float holds exactly; double holds wide ones. Results equal those of
 * shifts and adders of integers, and those of hwsim/near_memory/unit.py.
 */

#include <stdint.h>
#include <tgmath.h>

#include "tile.h"

/* The common passes, written once; the flags are constants where they are used, so that each use is one plain loop. */
#define INLINE static inline __attribute__((always_inline))

#define NUMBER float
#define NAMED(x) narrow_##x
#include "fixed_point_numbers.h"

#define NUMBER double
#define NAMED(x) wide_##x
#include "fixed_point_numbers.h"

/* From counts to output words, in place, with room for `n` wide sums; returns 0 where a partial sum is all that is
 * wanted. */
static int fixed_point(const Stage *s, const float *factor, const float *offset, float *restrict y,
                       double *restrict sum, int64_t start, int64_t n) {
    if (s->wide) {
        for (int64_t i = 0; i < n; i++) sum[i] = y[i];
        wide_unit(s, sum, factor, offset, start, n);
        for (int64_t i = 0; i < n; i++) y[i] = (float)sum[i];
    } else narrow_unit(s, y, factor, offset, start, n);
    return s->sum == NULL;
}
