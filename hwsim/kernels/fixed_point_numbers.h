/* The fixed-point unit in one type of numbers: included once for each, with NUMBER, the type, and NAMED(x), its names. */

INLINE NUMBER NAMED(rounded)(NUMBER x, const int mode) {
    const NUMBER half = (NUMBER)0.5;
    switch (mode) {
    case FLOOR: return floor(x);
    case HALF_UP: return floor(x + half);
    case HALF_EVEN: return rint(x);
    case HALF_AWAY: return trunc(x + copysign(half, x));
    }
    return trunc(x);
}

INLINE void NAMED(products)(NUMBER *restrict sum, const float *restrict factor, int64_t n, const int mode) {
    for (int64_t i = 0; i < n; i++) sum[i] = NAMED(rounded)(sum[i] * factor[i], mode);
}

INLINE void NAMED(to_words)(NUMBER *restrict sum, NUMBER to_output, NUMBER least, NUMBER most, int64_t n,
                            const int mode) {
    for (int64_t i = 0; i < n; i++) {
        const NUMBER x = NAMED(rounded)(sum[i] * to_output, mode), raised = x < least ? least : x;
        sum[i] = raised > most ? most : raised;
    }
}

/* From `n` counts to their products, sums, and output words, in place. */
static void NAMED(unit)(const Stage *s, NUMBER *restrict sum, const float *restrict factor,
                        const float *restrict offset, int64_t start, int64_t n) {
    switch (s->product_rounding) {
    case HALF_EVEN: NAMED(products)(sum, factor, n, HALF_EVEN); break;
    case HALF_AWAY: NAMED(products)(sum, factor, n, HALF_AWAY); break;
    default: NAMED(products)(sum, factor, n, TOWARD_ZERO);
    }
    if (s->sums) {
        const NUMBER *restrict before = (const NUMBER *)s->sums + start;
        for (int64_t i = 0; i < n; i++) sum[i] += before[i];
    }
    if (offset)
        for (int64_t i = 0; i < n; i++) sum[i] += offset[i];
    if (s->requantises) {
        const NUMBER infinite = (NUMBER)INFINITY, half = s->most + 1.0f, to = s->to_output;
        const NUMBER most = s->wraps ? infinite : s->most, least = s->wraps && s->least < 0.0f ? -infinite : s->least;
        switch (s->rounding) {
        case FLOOR: NAMED(to_words)(sum, to, least, most, n, FLOOR); break;
        case HALF_UP: NAMED(to_words)(sum, to, least, most, n, HALF_UP); break;
        case HALF_EVEN: NAMED(to_words)(sum, to, least, most, n, HALF_EVEN); break;
        default: NAMED(to_words)(sum, to, least, most, n, HALF_AWAY);
        }
        if (s->wraps)
            for (int64_t i = 0; i < n; i++) sum[i] -= 2 * half * floor((sum[i] + half) / (2 * half));
    }
    if (s->sum) {
        NUMBER *restrict to = (NUMBER *)s->sum + start;
        const NUMBER step = s->requantises ? s->from_output : 1.0f;
        for (int64_t i = 0; i < n; i++) to[i] = sum[i] * step;
    }
}

#undef NUMBER
#undef NAMED
