/* bench.h: figures and how they are printed: one JSON object on stdout. */
#ifndef LBOPS_TESTS_BENCH_H
#define LBOPS_TESTS_BENCH_H

#include "json.h"

typedef struct bench_figure {
    const char *name;
    double value;
    const char *unit;
    double target; /* at most, or at least where `more` */
    bool more;
    char against[400]; /* what it was compared with in the same run, or "" */
} bench_figure;

void bench_print(const char *bench, const bench_figure *figures, size_t count);
double bench_percentile(double *sorted, size_t count, double share);
int bench_compare_doubles(const void *a, const void *b);

#endif
