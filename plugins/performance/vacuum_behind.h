/* vacuum_behind.h: what the watch on autovacuum remembers from one look to the next: since when a table is past its
 * trigger, what was counted of it, how often all workers were at work, and the alert that is open. */
#ifndef LBOPS_VACUUM_BEHIND_H
#define LBOPS_VACUUM_BEHIND_H

#include "vacuum_scan.h"

/* Of the database that is looked at. What is remembered of other ones of the branch stays as it is. */
typedef struct vacuum_behind {
    const char *database;
    struct json_object *memory;                 /* of all databases */
    struct json_object *before, *now;           /* relation: since when it is past its trigger */
    struct json_object *rows_before, *rows_now; /* relation: what was counted of it */
    struct json_object *looks;                  /* at the workers: the last ones, the newest last */
    struct json_object *told; /* database, schema, table and level of the alert that is open; NULL: none is */
} vacuum_behind;

LB_MUST_CHECK int vacuum_recall_behind(lb_ctx *ctx, const char *database, vacuum_behind *ret_behind, lb_error *err);
LB_MUST_CHECK int vacuum_remember_behind(lb_ctx *ctx, vacuum_behind *b, lb_error *err);

/* Since when the table was past its trigger at the last look; `now`: it was not. */
int64_t vacuum_behind_since(const vacuum_behind *b, const char *key, int64_t now);
void vacuum_note_behind(vacuum_behind *b, const char *key, int64_t since);

/* Of the last looks at the workers, five at most. */
typedef struct vacuum_looks {
    int64_t count, busy; /* busy: all of them were at work */
} vacuum_looks;

/* One more look; those from before `since`, when the server began to count, are none any more. */
LB_MUST_CHECK int vacuum_note_look(lb_ctx *ctx, vacuum_behind *b, int64_t since, int64_t now, bool is_busy,
                                   vacuum_looks *ret_looks, lb_error *err);

/* The open alert's "schema", "table" or "level"; "" where none is open. */
const char *vacuum_told(const vacuum_behind *b, const char *name);
/* The database that the open alert names, or the next one will; NULL: one of an earlier version, which names none. */
const char *vacuum_told_database(const vacuum_behind *b);
bool vacuum_is_told(const vacuum_behind *b, const vacuum_relation *v);
LB_MUST_CHECK int vacuum_note_told(lb_ctx *ctx, vacuum_behind *b, const vacuum_relation *v, const char *level,
                                   lb_error *err);

#endif
