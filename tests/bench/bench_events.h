/* bench_events.h: what the log of events and its router carry. */
#ifndef LBOPS_TESTS_BENCH_EVENTS_H
#define LBOPS_TESTS_BENCH_EVENTS_H

#include "bench.h"

#define BENCH_EVENT_FIGURES 5

/* Fills so many figures. Works in a directory of its own under dir; ends the program when it cannot. */
void bench_events(const char *dir, bench_figure figures[BENCH_EVENT_FIGURES]);

#endif
