/* cost_days.h: what a branch cost each day, and which of these days do not fit its weeks. Arithmetic alone. */
#ifndef LBOPS_COST_DAYS_H
#define LBOPS_COST_DAYS_H

#include <stdbool.h>
#include <stddef.h>

#define COST_WEEK       7
#define COST_MOST_DAYS  400
#define COST_LEAST_SAME 3 /* days of the same weekday before it, without which nothing is expected of a day */

typedef struct cost_rule {
    double sigmas;      /* robust standard deviations from the weekday's median */
    double share;       /* or so much above it */
    double least_money; /* and at least this much, whatever the rest says */
} cost_rule;

typedef struct cost_judgement {
    bool is_known; /* there were enough days of the weekday before it */
    bool is_anomaly;
    double expected;  /* the median of the same weekday before */
    double sigma;     /* how much days usually differ from that; 0: they never did */
    double score;     /* (cost - expected) / sigma; 0 where sigma is 0 */
    size_t same_days; /* what it rests on */
} cost_judgement;

/* Judges day `at` of a series of days without a gap by those before it; a day without usage cost 0. */
void cost_judge(const double *days, size_t at, const cost_rule *rule, cost_judgement *ret_judgement);

#endif
