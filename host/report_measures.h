/* report_measures.h: what `lbops report` measures, each with its target, from rows of the history. Pure: the rows come
 * from the statements of sql/report, whoever asks them. */
#ifndef LBOPS_HOST_REPORT_MEASURES_H
#define LBOPS_HOST_REPORT_MEASURES_H

#include "buf.h"

typedef enum measure_form {
    MEASURE_SHARE, /* part of whole */
    MEASURE_PART,  /* part, where there is a whole */
    MEASURE_WORST, /* the greatest share of part in whole that a row has */
    MEASURE_MEAN,  /* of the seconds from began to ended; what has no end is counted apart */
    MEASURE_TAIL,  /* 95 of 100 take no longer; what has not ended has taken until now */
    MEASURE_DAYS,  /* from the date of the first to that of now */
    MEASURE_AGE,   /* of the row that began first, in seconds, now; it tells that row's name */
    MEASURE_COST   /* cost for the share of the time that was ours, of all cost */
} measure_form;

typedef struct measure {
    const char *id, *title;
    const char *source; /* NFR-01, or "success metric" */
    const char *how;    /* what the figure is; or why there is none */
    const char *unit;   /* share, seconds, days, count */
    measure_form form;
    const lb_statement *statement; /* NULL: the history does not say */
    double target, later;          /* of the first version; of the second, or NaN */
    bool at_least;                 /* the target is the least, else what it must stay below */
    bool at_most;                  /* it may be as much as the target */
    bool young;                    /* it grows with the age of the history: not enough data until it is met */
    const char *table;             /* whose rows reach back; or NULL */
} measure;

extern const measure measures[];
extern const size_t measure_count;

typedef struct measured {
    double *seconds; /* of spans */
    size_t count, capacity;
    double part, whole;
    double value;    /* NaN: not enough data */
    size_t open;     /* without an end, ... */
    double longest;  /* ... and for so many seconds until now */
    int64_t kept;    /* days that the table's rows are kept; 0: for ever, or it is none of one */
    char worst[160]; /* the name of the row that the value is of, or what is to be said beside it; or empty */
} measured;

/* A row of the measure's statement: its columns as they are declared. */
void measured_add(const measure *m, measured *into, const lb_value *row, int64_t now);
void measured_finish(const measure *m, measured *into);
void measured_done(measured *m);

/* "met", "missed" or "not enough data" */
const char *measured_verdict(const measure *m, const measured *value);
int64_t measured_samples(const measure *m, const measured *value);

/* "97.5 %", "4 min 10 s", "12 days"; "< 5 min" */
void measure_put_value(const measure *m, double value, buf *b);
void measure_put_target(const measure *m, double target, buf *b);

#endif
