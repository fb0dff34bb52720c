/* sync_book.h: what comparisons of digests keep between runs: for each pair how far it is known to agree, and when all
 * of it was compared. */
#ifndef LBOPS_HEALTH_SYNC_BOOK_H
#define LBOPS_HEALTH_SYNC_BOOK_H

#include "sync_pair.h"

#define SYNC_AWAITED_MOST 50   /* of a pair, by their keys */
#define SYNC_CROWD_MOST   5000 /* of a pair, when there are more of them or their keys are long */

/* A row that the copy has and the source had not, and when that was first seen, by the source's clock. */
typedef struct sync_awaited {
    const char *key;
    int64_t since;
} sync_awaited;

/* One of many such rows, or of parts that were too large: enough to know it again by, and not to look it up. */
typedef struct sync_crowd {
    uint32_t hash; /* of its key */
    int64_t since;
} sync_crowd;

#define SYNC_ENDED_MOST 8

/* A transaction that wrote, or may have, and has ended: when it had begun, and by when it had ended, by the source's
 * clock. */
typedef struct sync_ended {
    int64_t since, by;
} sync_ended;

typedef struct sync_entry {
    const char *name;  /* of the pair, with its key and its time */
    const char *shape; /* its columns then */
    int64_t full_at;   /* when all rows were compared; 0: never */
    int64_t full_took; /* microseconds that it took then */
    int64_t tried_at;  /* when that was last begun and came to no end */
    int64_t until;     /* rows that have changed until then agree; SYNC_NO_TIME: not known */
    int64_t seen_at;
    bool differs;   /* the comparison of all rows found differences */
    bool is_unsure; /* or such as may be on their way, which only another one tells */

    const sync_awaited *awaited;
    size_t awaited_count;
    sync_crowd *crowd;
    size_t crowd_count;
    int64_t surplus, surplus_since; /* the copy has had so many rows too many at least since then; 0: none */

    int64_t looked_at; /* by the source's clock; 0: never */
    int64_t writer;    /* since when the oldest transaction was open that wrote then; SYNC_NO_TIME: none did */
    int64_t reader;    /* the same of one that had only read, for longer than the copy was behind */
    sync_ended ended[SYNC_ENDED_MOST];
    size_t ended_count;

    /* Of a comparison of all rows in slices that has been begun: */
    int64_t at; /* the key that it goes on with; SYNC_NO_TIME: there is none */
    int64_t at_until, at_took;
    const char *at_shape;
    bool at_differs, at_unsure;
    int64_t rate; /* rows of it that were compared in a second; 0: not measured */
} sync_entry;

typedef struct sync_book {
    lb_ctx *ctx;
    sync_entry *entries;
    size_t count;
    int64_t day, spent; /* microseconds that comparisons of all rows took on that day */
    const char *uid;    /* of the branch; or NULL */
    bool is_new;        /* this run has written something into it */
} sync_book;

/* Has room for `more` pairs that it does not know. */
LB_MUST_CHECK int sync_open_book(lb_ctx *ctx, size_t more, sync_book *ret_book, lb_error *err);
LB_MUST_CHECK int sync_find_entry(sync_book *book, const sync_wish *wish, sync_entry **ret_entry, lb_error *err);
LB_MUST_CHECK int sync_keep_book(const sync_book *book, lb_error *err);

#endif
