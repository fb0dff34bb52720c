/* index_rules.h: the detectors' rules. Each looks through the whole set, tells its findings through the work it is
 * given and says what it left out. Confidence is arithmetic: from 0.8 on it reads as high, from 0.5 as medium. */
#ifndef INDEX_RULES_H
#define INDEX_RULES_H

#include "index_work.h"

typedef struct index_unused_limits {
    double days;         /* that must have been counted */
    int64_t min_minutes; /* under which no count says anything */
    int64_t min_bytes;
    int64_t min_reads;   /* of the table: an index that nobody could have used proves nothing */
    double rare_scans;   /* a day, below which an index of a busy table is rarely used */
    int64_t min_written; /* rows of the table, below which it was not busy */
} index_unused_limits;

typedef struct index_missing_key_limits {
    int64_t min_rows, min_bytes; /* of the referencing table: either is enough */
} index_missing_key_limits;

typedef struct index_bloat_limits {
    double threshold; /* times the size that a new one would have */
    int64_t min_bytes;
    int64_t wasted_bytes; /* that are a finding below the threshold too, from 1.5 times on */
    int64_t max_rebuilds; /* that are measured on a branch, where one is wanted: the worst */
} index_bloat_limits;

typedef struct index_few_limits {
    int64_t min_minutes, min_reads, min_rows, min_bytes; /* the latter two of the table, and of the index */
} index_few_limits;

typedef struct index_many_limits {
    int64_t max_indexes, min_table_bytes; /* the latter for those that are larger than their table */
    double min_writes;                    /* an hour */
} index_many_limits;

LB_MUST_CHECK int index_find_unused(index_work *work, const index_unused_limits *limits, lb_error *err);
LB_MUST_CHECK int index_find_invalid(index_work *work, lb_error *err);
LB_MUST_CHECK int index_find_duplicates(index_work *work, lb_error *err);
LB_MUST_CHECK int index_find_duplicate_keys(index_work *work, lb_error *err);
LB_MUST_CHECK int index_find_missing_keys(index_work *work, const index_missing_key_limits *limits, lb_error *err);
LB_MUST_CHECK int index_find_bloated(index_work *work, const index_bloat_limits *limits, lb_error *err);
LB_MUST_CHECK int index_find_few_values(index_work *work, const index_few_limits *limits, lb_error *err);
LB_MUST_CHECK int index_find_many(index_work *work, const index_many_limits *limits, lb_error *err);

/* Scans of the table and of its indexes, with those of its partitions. */
int64_t index_reads(const index_set *set, const index_table *table);

/* Why indexes like this one have to stay whatever their counts say; NULL: it may go. */
const char *index_role(const index_set *set, const index_info *x);

/* Why one that cannot be used yet will be: those whom it serves then need no other. NULL: it will not, or is there. */
const char *index_coming(const index_info *x);

/* ---- the parts that tests look at ---- */

/* Can everything that `weaker` does be done by `stronger`? NULL: no; else "exact" or "prefix". */
typedef enum index_replaces { INDEX_REPLACES_NOT = 0, INDEX_REPLACES_EXACTLY, INDEX_REPLACES_PREFIX } index_replaces;
index_replaces index_can_replace(const index_info *stronger, const index_info *weaker);

/* How well an index serves the look-ups of a foreign key. */
typedef enum index_cover {
    INDEX_COVER_NONE = 0,
    INDEX_COVER_QUESTIONABLE,
    INDEX_COVER_WEAK,
    INDEX_COVER_FULL
} index_cover;
index_cover index_covers(const index_set *set, const index_info *x, const index_foreign_key *key);

/* Behind a column's name as the server writes it, quoted or not; NULL: something else stands there. */
const char *index_skip_name(const char *at, const char *name);

/* Is even the rarest of its values in so many rows that reading the table is the faster way to any of them? */
bool index_tells_nothing_apart(const index_column *c);

/* What a table carries, but for indexes that go. */
typedef struct index_burden {
    int64_t count, index_bytes, table_bytes; /* the last -1 where it is not known */
} index_burden;
bool index_are_many(const index_burden *burden, const index_many_limits *limits);
bool index_outweigh(const index_burden *burden,
                    const index_many_limits *limits); /* the table, whatever their number is */

/* Distinct values of a column of a table with so many rows. */
double index_distinct(const index_column *c, double rows);

/* What a new index over these columns would take. */
typedef struct index_shape {
    double rows;
    int column_count;
    struct {
        double width; /* of a value that is there */
        int alignment;
        bool is_fixed;
        double null_share, distinct;
    } columns[INDEX_KEYS];
    bool deduplicates;
    int64_t block_bytes;
    double fill; /* 0.9 */
} index_shape;

/* Counts of the first minutes are a load, or a test, and no rate: a day is told from an hour of counting on. */
#define INDEX_RATE_DAYS (1.0 / 24)

double index_expected_pages(const index_shape *shape);

#endif
