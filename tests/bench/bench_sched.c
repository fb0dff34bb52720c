/* bench_sched: the scheduler's figures alone; bench_host has them among its own. */
#include "sched_figures.h"

int main(void)
{
    bench_figure figures[SCHED_FIGURES];
    sched_figures(figures);
    bench_print("sched", figures, LB_COUNT(figures));
    return 0;
}
