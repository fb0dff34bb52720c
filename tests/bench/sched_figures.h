/* sched_figures.h: what the scheduler costs with 1,000 targets and 15 tools on each. */
#ifndef LBOPS_TESTS_SCHED_FIGURES_H
#define LBOPS_TESTS_SCHED_FIGURES_H

#include "bench.h"

#define SCHED_FIGURES 8

void sched_figures(bench_figure into[SCHED_FIGURES]);

#endif
