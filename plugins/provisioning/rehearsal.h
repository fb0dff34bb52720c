/* rehearsal.h: a migration tried out on a branch of its own, with everything that was seen of it. */
#ifndef LBOPS_PROVISIONING_REHEARSAL_H
#define LBOPS_PROVISIONING_REHEARSAL_H

#include "branch_json.h"
#include "rehearsal_locks.h"
#include "schema.h"

#include <lbops/lbops.h>

#define REHEARSAL_MIGRATES "apply_schema_migration"
#define REHEARSAL_REASONS  16

typedef struct rehearsal_args {
    const char *dir, *target_version, *replay, *rollback;
    lb_texts workload, test;
    int64_t clients, sample_ms, lock_timeout_ms, lock_tries, rows_mb;
} rehearsal_args;

typedef struct rehearsal_relation {
    int64_t id, file, bytes;
    const char *name, *kind;
} rehearsal_relation;

typedef struct rehearsal_files {
    rehearsal_relation *items; /* by id */
    size_t count;
} rehearsal_files;

/* What a table holds: rows, filled columns in them, and a sum over their content. */
typedef struct rehearsal_table {
    const char *name, *sum;
    int64_t rows, filled;
} rehearsal_table;

typedef struct rehearsal_content {
    rehearsal_table *items;
    size_t count, left_out; /* left out: too large, or not ours to read */
} rehearsal_content;

/* A program that was run: the workload or the test. */
typedef struct rehearsal_program {
    bool ran, failed;
    const char *line, *said, *why;
} rehearsal_program;

typedef enum rehearsal_rollback {
    ROLLBACK_SKIPPED,
    ROLLBACK_IMPOSSIBLE,
    ROLLBACK_DIFFERS,  /* the schema is another one */
    ROLLBACK_UNPROVEN, /* the schema is back, and nobody knows of the rows */
    ROLLBACK_LOSES,    /* the schema is back, and not all of the rows */
    ROLLBACK_CHANGES,  /* nothing is lost, and something is not what it was */
    ROLLBACK_EXACT
} rehearsal_rollback;

typedef struct rehearsal {
    lb_ctx *ctx;
    const rehearsal_args *args;
    schema_filter filter;
    schema_model *before, *after;
    struct json_object *migrated;          /* what apply_schema_migration said; NULL: it failed */
    int64_t applied, versioned;            /* files; those that could be taken back */
    int64_t took_us, log_bytes, log_alone; /* the last: without the workload; -1: not known */
    rehearsal_watched watched;
    rehearsal_files files_before, files_after;
    rehearsal_program workload, test;
    const char *diff; /* from before to after, for people */
    uint32_t diff_changes;
    rehearsal_content rows_before;                    /* of the migration */
    size_t rows_compared, rows_left_out, rows_differ; /* tables */
    bool rows_unproven;                               /* others may have changed them */
    const char *rows_say;                             /* which differ, or why none is proven; NULL: none */
    rehearsal_rollback rollback;
    const char *rollback_says;              /* what differs, or why it was not to be had */
    const char *reasons[REHEARSAL_REASONS]; /* why it failed; none: it passed */
    size_t reason_count;
} rehearsal;

/* One more reason why it failed. */
LB_PRINTF(2, 3) void rehearsal_blame(rehearsal *s, const char *fmt, ...);

/* rehearsal_measure.c: applying the migration with everybody else at work. */
LB_MUST_CHECK int rehearsal_read_files(rehearsal *s, rehearsal_files *ret_files, lb_error *err);
LB_MUST_CHECK int rehearsal_measure(rehearsal *s, lb_error *err);
LB_MUST_CHECK int rehearsal_migrate(rehearsal *s, bool undo, const char **ret_json, lb_error *err);
LB_MUST_CHECK int rehearsal_log_bytes(rehearsal *s, int64_t *ret_bytes, lb_error *err);
LB_MUST_CHECK int rehearsal_run_test(rehearsal *s, lb_error *err);

/* rehearsal_rollback.c: up, down and up again. */
LB_MUST_CHECK int rehearsal_take_back(rehearsal *s, lb_error *err);
LB_MUST_CHECK int rehearsal_compare(schema_model *from, schema_model *to, const char *from_name, const char *to_name,
                                    uint32_t *ret_changes, const char **ret_text, lb_error *err);

/* rehearsal_rows.c: what tables hold, as far as that can be read in reasonable time. */
LB_MUST_CHECK int rehearsal_read_rows(rehearsal *s, rehearsal_content *ret_content, lb_error *err);
/* Others were at work, so that nothing can be said: what is there is counted as left out. */
LB_MUST_CHECK int rehearsal_leave_rows(rehearsal *s, lb_error *err);
bool rehearsal_same_rows(const rehearsal_content *before, const rehearsal_content *after);
LB_MUST_CHECK int rehearsal_compare_rows(rehearsal *s, const rehearsal_content *before, const rehearsal_content *after,
                                         lb_error *err);

/* rehearsal_tell.c: the document, and the same for people. */
LB_MUST_CHECK int rehearsal_tell(rehearsal *s, lb_error *err);
const char *rehearsal_rollback_name(rehearsal_rollback rollback);
/* Calls back for each relation that has other files than before; kind: "rewritten" "rebuilt" "new" "gone". */
typedef int (*rehearsal_file_fn)(rehearsal *s, void *arg, const char *change, const rehearsal_relation *r,
                                 lb_error *err);
LB_MUST_CHECK int rehearsal_each_file(rehearsal *s, rehearsal_file_fn fn, void *arg, lb_error *err);

/* rehearsal_predict.c: each lock that was foretold, and whether it was seen. */
LB_MUST_CHECK int rehearsal_tell_predictions(rehearsal *s, lb_error *err);

/* rehearsal_text.c: the report as Markdown; NULL: out of memory. */
const char *rehearsal_text(rehearsal *s);

#endif
