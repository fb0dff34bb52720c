/* sync_compare.h: how far a copy agrees with its table. */
#ifndef LBOPS_HEALTH_SYNC_COMPARE_H
#define LBOPS_HEALTH_SYNC_COMPARE_H

#include "sync_pair.h"

#define SYNC_NO_TIME INT64_MIN

/* Whole-number keys from the first one up to the second one, which is left out. Of other keys: the numbers that their
 * digests begin with. */
typedef struct sync_span {
    bool has_from, has_to;
    int64_t from, to;
} sync_span;

/* Counts and latest changes. A time that there is not is SYNC_NO_TIME. */
typedef struct sync_counts {
    bool is_counted; /* false: there are marks alone */
    int64_t source_rows, target_rows;
    int64_t settled;        /* rows of the source that the copy has had time for; all, where that cannot be told */
    int64_t target_settled; /* rows of the copy that are as old */
    int64_t mark;           /* what is compared has changed until then */
    int64_t lasting;        /* and until then nothing is committed any more, as far as can be known */
    int64_t since;          /* and after that; SYNC_NO_TIME: whenever */
    int64_t source_latest, target_latest, oldest_waiting; /* of the rows that are not stamped ahead of the time */
    int64_t source_ahead, target_ahead;                   /* rows that are; the copy's where it has been looked at */
    int64_t copy_at;                                      /* when the copy was last written to; 0: not known */
    int64_t now;                                          /* by the server's clock, when the copy was looked at */
    const char *position;   /* in the server's WAL then: what was committed until then was there to be read */
    int64_t writes_since;   /* since when the oldest transaction that writes is open; SYNC_NO_TIME: none is */
    int64_t open_since;     /* the same of those that have only read yet: one may do that for long, and write then */
    int64_t unseen_writers; /* of those, and prepared ones, that do not show it */
    bool is_held;           /* the mark is where it is because of that */
    int64_t ended_since;    /* or of one that began then and has ended; SYNC_NO_TIME: it is not */
    bool is_first;          /* of such nothing is known */
    bool extra_waits;       /* what the copy has too many of may have been deleted at the source since */
    sync_span keys;         /* what is compared lies within */
} sync_counts;

struct sync_entry;

/* sync_count.c: the marks alone, which need no look at the rows of the source. e: what is known of the pair, which gets
 * to know who writes; NULL: that is kept nowhere. */
LB_MUST_CHECK int sync_mark(lb_ctx *ctx, const sync_pair *pair, struct sync_entry *e, sync_counts *ret_counts,
                            lb_error *err);
LB_MUST_CHECK int sync_count(lb_ctx *ctx, const sync_pair *pair, struct sync_entry *e, sync_counts *ret_counts,
                             lb_error *err);
/* sync_writers.c: the copy is known to have been synced since that moment, or has had its time. */
bool sync_has_had_time(const sync_wish *wish, const sync_counts *counts, int64_t since);
/* When the oldest of those began that have ended and whose rows the copy need not have; SYNC_NO_TIME: there is none. */
int64_t sync_note_writers(const sync_wish *wish, const sync_counts *counts, struct sync_entry *e);
int64_t sync_missing(const sync_counts *counts); /* rows that the copy lacks for certain; negative: has too many */
double sync_lag(const sync_counts *counts);      /* seconds that the oldest waiting row waits */

#define SYNC_KEYS_MOST 5000 /* rows of each kind that are looked at again by their keys */
#define SYNC_NAMED     50   /* of which so many are named */

/* A row that is not the same on both sides, with the digest that each had of it. NULL: that side seems to have none. */
typedef struct sync_row {
    const char *key, *source, *copy;
    const char *columns; /* in which they differ, where both have it */
} sync_row;

typedef struct sync_rows {
    sync_row *items;
    size_t named;
    int64_t all;
} sync_rows;

/* What the digests say. */
typedef struct sync_difference {
    bool equal;
    const char *source_digest, *target_digest; /* of all rows that were compared */
    int64_t compared;                          /* rows of the source */
    int64_t parts, parts_differ;
    bool cut;    /* not all parts that differ were looked into */
    bool unseen; /* more rows differed than were looked at again */
    sync_rows missing, extra, different;
    sync_rows gone; /* that only the copy has, and that may have been deleted at the source since; not in .extra */
    sync_rows left; /* such parts, by their names; .source: the digest that they have there */
    int64_t waiting;
    int64_t moved;  /* seemed to be one of these, and were not when they were looked at again, or were so otherwise */
    int64_t moving; /* those of them that were not alike either */
    int64_t undecided; /* differ, and are told once the copy was synced after that, or had its time; some of .waiting */
    bool is_unsure;    /* only another look at all rows tells */
    bool is_empty;     /* as no row has had time yet */
    int64_t version_after; /* of the copy, when it had been compared; -1: it has gone */
} sync_difference;

LB_MUST_CHECK int sync_compare(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts,
                               sync_difference *ret_difference, lb_error *err);

#define SYNC_PARTS 1024 /* of a whole-number key's range */

/* width 0: parts by the digest of the key. */
typedef struct sync_parts {
    int64_t low, width;
} sync_parts;

/* sync_text.c: what names a row, as text. */
LB_MUST_CHECK int sync_make_key(lb_ctx *ctx, const sync_pair *pair, bool lake, const lb_sql **ret_sql, lb_error *err);

/* sync_text.c: the texts that are compared, for one side. */
typedef struct sync_texts {
    const lb_value *forms; /* of each column under its alias, then the key `k`; the last is the part `b` */
    size_t form_count;
    const lb_sql *cells, *marks, *condition; /* condition NULL: all rows */
    const lb_sql *parts_of;                  /* what b takes; NULL: nothing */
} sync_texts;

LB_MUST_CHECK int sync_make_texts(lb_ctx *ctx, const sync_pair *pair, bool lake, const sync_parts *parts,
                                  const sync_counts *counts, sync_texts *ret_texts, lb_error *err);

#endif
