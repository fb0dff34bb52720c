/* rehearsal.h: a migration tried out on a branch of its own, with everything that was seen of it. */
#ifndef LBOPS_PROVISIONING_REHEARSAL_H
#define LBOPS_PROVISIONING_REHEARSAL_H

#include "branch_json.h"
#include "rehearsal_locks.h"
#include "rehearsal_replay.h"
#include "schema.h"

#include <lbops/lbops.h>
#include <stdio.h>

#define REHEARSAL_MIGRATES "apply_schema_migration"
#define REHEARSAL_REASONS  16

typedef struct rehearsal_args {
    const char *dir, *target_version, *replay, *replay_source, *rollback, *second_run;
    lb_texts workload, test;
    int64_t clients, replay_top, rate, around_ms, sample_ms, lock_timeout_ms, lock_tries, rows_mb;
    bool replay_writes;
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
    const char *name, *sum, *columns; /* columns: a document, {"note":{"filled":3,"sum":"1"}} */
    int64_t rows, filled;
} rehearsal_table;

typedef struct rehearsal_content {
    rehearsal_table *items;
    size_t count, left_out; /* left out: too large, or not ours to read */
} rehearsal_content;

/* A relation that a statement's transaction holds, as it was right behind the statement. */
typedef struct rehearsal_held {
    const char *relation, *mode;
    bool is_index, is_partitioned;
    bool is_taken;     /* by this statement */
    bool is_read;      /* from its first page to its last, or through an index */
    bool is_rewritten; /* has another file than before the statement */
} rehearsal_held;

typedef struct rehearsal_statement {
    const char *file;
    int64_t first, number;               /* in its file, from 1; first: of those that were measured as one */
    int64_t took_us, held_us, log_bytes; /* held: from its beginning to the end of its transaction */
    rehearsal_held *held;
    size_t held_count;
    int64_t catalog_rows; /* that it wrote; none by what found nothing to do */
} rehearsal_statement;

/* What the server said of a statement. */
typedef struct rehearsal_notice {
    const char *file, *kind, *object, *says; /* kind: see migration_notices.h */
    int64_t statement;
} rehearsal_notice;

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

typedef enum rehearsal_second { AGAIN_SAME, AGAIN_FAILS, AGAIN_SCHEMA, AGAIN_ROWS, AGAIN_UNKNOWN } rehearsal_second;

/* A file that was run twice. */
typedef struct rehearsal_again {
    const char *file, *says; /* says: what failed or differs; NULL: nothing */
    rehearsal_second outcome;
    bool is_foretold;    /* that it cannot be run twice: by the judge */
    bool is_behind;      /* later files were there by then */
    bool left_something; /* in the schema */
} rehearsal_again;

/* The way back that is made from the catalogue where the author gave none. */
typedef struct rehearsal_generated {
    const char *script;         /* NULL: none was asked for; "": nothing of the schema has changed */
    rehearsal_rollback outcome; /* ROLLBACK_SKIPPED: it was not tried */
    const char *says, *by_hand; /* what is not as it was; what no statement can do. NULL: nothing */
} rehearsal_generated;

/* The round before the measured one, with nobody at work. */
typedef struct rehearsal_quiet {
    bool ran;
    rehearsal_rollback rollback;
    const char *says;
} rehearsal_quiet;

typedef struct rehearsal {
    lb_ctx *ctx;
    const rehearsal_args *args;
    schema_filter filter;
    schema_model *before, *after;
    struct json_object *migrated; /* what apply_schema_migration said, as far as it came; NULL: nothing */
    bool failed, waits;           /* it did; a part of it waits for an approval */
    bool is_one_way;              /* a file cannot be taken back, so there was no quiet round */
    rehearsal_quiet quiet;
    int64_t applied, versioned;            /* files; those that could be taken back */
    int64_t took_us, log_bytes, log_alone; /* the last: without the workload; -1: not known */
    int64_t temp_bytes, size_before, size_after;
    rehearsal_statement *statements; /* those of transactions */
    size_t statement_count;
    rehearsal_notice *notices;
    size_t notice_count;
    bool notices_known; /* somebody listened */
    rehearsal_watched watched;
    rehearsal_files files_before, files_after;
    rehearsal_program workload, test;
    replay replay;       /* of what the source is asked; count 0: not asked for */
    replay_times *times; /* of pgbench; NULL: it was not pgbench */
    const char *diff;    /* from before to after, for people */
    uint32_t diff_changes;
    rehearsal_content rows_before;                    /* of the migration */
    size_t rows_compared, rows_left_out, rows_differ; /* tables */
    size_t columns_say_count;
    bool rows_unproven;   /* others may have changed them */
    const char *rows_say; /* which differ, or why none is proven; NULL: none */
    bool lacks_undo;      /* of a file, there is no script */
    bool is_down;         /* the generated way back was gone, and not all of the way there again */
    rehearsal_generated generated;
    int64_t gone;           /* versions that the rollback has taken back, and nothing has put there again */
    rehearsal_again *again; /* the last file comes first */
    size_t again_count, not_idempotent;
    rehearsal_rollback rollback;
    const char *rollback_says;                         /* what differs, or why it was not to be had */
    int64_t confirmed, proven, refuted, not_exercised; /* predictions */
    const char *warnings_say, *spared_say;             /* lines: hazards to heed, and those that are none here */
    size_t warning_count, spared_count;
    int64_t analysed, not_analysed;         /* statements, by the judge */
    const char *unread_say;                 /* lines: those that were not */
    const char *reasons[REHEARSAL_REASONS]; /* why it failed; none: it passed */
    size_t reason_count;
} rehearsal;

/* One more reason why it failed. */
LB_PRINTF(2, 3) void rehearsal_blame(rehearsal *s, const char *fmt, ...);

/* rehearsal_measure.c: applying the migration with everybody else at work. */
LB_MUST_CHECK int rehearsal_read_files(rehearsal *s, rehearsal_files *ret_files, lb_error *err);
LB_MUST_CHECK int rehearsal_measure(rehearsal *s, lb_error *err);
typedef enum rehearsal_way {
    REHEARSAL_UP,
    REHEARSAL_UP_IF_BACK, /* nothing, where one of the files cannot be taken back */
    REHEARSAL_DOWN
} rehearsal_way;
LB_MUST_CHECK int rehearsal_migrate(rehearsal *s, rehearsal_way way, const char **ret_json, lb_error *err);
/* The same up, with what it says and writes. A migration that fails is a result. */
LB_MUST_CHECK int rehearsal_apply(rehearsal *s, rehearsal_way way, lb_error *err);
bool rehearsal_is_up(const rehearsal *s); /* all of it */
/* What the server has written so far, and how large the database is. */
typedef struct rehearsal_written {
    int64_t bytes, temp, size;
} rehearsal_written;
LB_MUST_CHECK int rehearsal_read_written(rehearsal *s, rehearsal_written *ret_written, lb_error *err);
LB_MUST_CHECK int rehearsal_run_test(rehearsal *s, lb_error *err);

/* rehearsal_statements.c: each statement of a transaction by itself. */
LB_MUST_CHECK int rehearsal_take_statements(rehearsal *s, lb_error *err);
const rehearsal_statement *rehearsal_find_statement(const rehearsal *s, const char *file, int64_t number);
LB_MUST_CHECK int rehearsal_tell_statements(rehearsal *s, lb_error *err);
void rehearsal_put_statements(FILE *out, const rehearsal *s);

/* rehearsal_notices.c: why, in the server's words. */
LB_MUST_CHECK int rehearsal_take_notices(rehearsal *s, lb_error *err);
bool rehearsal_noticed(const rehearsal *s, const char *file, int64_t statement, const char *kind);
const char *rehearsal_why(const rehearsal *s, const char *file, int64_t statement); /* NULL: it said nothing */
lb_value rehearsal_notices_of(const rehearsal *s, const rehearsal_statement *one);
LB_MUST_CHECK int rehearsal_tell_notices(rehearsal *s, lb_error *err);
void rehearsal_put_notices(FILE *out, const rehearsal *s);

/* rehearsal_work.c: the workload beside it. begin: until it is at work, and has been for a while. */
typedef struct rehearsal_work {
    lb_group *group; /* NULL: there is none */
    bool is_replay;  /* pgbench, started by us */
} rehearsal_work;
LB_MUST_CHECK int rehearsal_check_work(const rehearsal *s, lb_error *err); /* as it was asked for */
LB_MUST_CHECK int rehearsal_begin_work(rehearsal *s, rehearsal_work *ret_work, lb_error *err);
LB_MUST_CHECK int rehearsal_end_work(rehearsal *s, rehearsal_work *work, lb_error *err);
bool rehearsal_has_work(const rehearsal *s);
/* May it leave other rows than it found? What is replayed from the source reads, or is rolled back. */
bool rehearsal_work_writes(const rehearsal *s);
LB_MUST_CHECK int rehearsal_start(rehearsal *s, const char *const *argv, bool beside, rehearsal_program *program,
                                  lb_group **ret_group, lb_error *err);
const char **rehearsal_words(lb_ctx *ctx, const lb_texts *words);

/* rehearsal_quiet.c. goes on: the measured round can begin where the quiet one has begun. */
LB_MUST_CHECK int rehearsal_go_quietly(rehearsal *s, bool *ret_goes_on, lb_error *err);
bool rehearsal_compares_rows(const rehearsal *s);
bool rehearsal_lacks_undo(const lb_error *err);

/* rehearsal_rollback.c: up, down and up again. */
LB_MUST_CHECK int rehearsal_look_after(rehearsal *s, lb_error *err); /* the schema and files, and what has changed */
LB_MUST_CHECK int rehearsal_come_back(rehearsal *s, lb_error *err);  /* down, and what is there then */
LB_MUST_CHECK int rehearsal_take_back(rehearsal *s, lb_error *err);
LB_MUST_CHECK int rehearsal_compare(schema_model *from, schema_model *to, const char *from_name, const char *to_name,
                                    uint32_t *ret_changes, const char **ret_text, lb_error *err);

/* rehearsal_rows.c: what tables hold, as far as that can be read in reasonable time. */
LB_MUST_CHECK int rehearsal_read_rows(rehearsal *s, rehearsal_content *ret_content, lb_error *err);
/* Nothing can be said: what is there is counted as left out. */
LB_MUST_CHECK int rehearsal_leave_rows(rehearsal *s, const char *why, lb_error *err);
/* The name of the first table that does not hold what it held; NULL: there is none. */
const char *rehearsal_first_other(const rehearsal_content *before, const rehearsal_content *after);
LB_MUST_CHECK int rehearsal_compare_rows(rehearsal *s, const rehearsal_content *before, const rehearsal_content *after,
                                         lb_error *err);

/* rehearsal_generate.c: where no undo script is there. Afterwards the migration is up again. */
LB_MUST_CHECK int rehearsal_generate(rehearsal *s, lb_error *err);
lb_value rehearsal_generated_value(rehearsal *s);
void rehearsal_put_generated(FILE *out, const rehearsal *s);

/* rehearsal_again.c: each file a second time. */
/* Applies what was applied, in order, although the ledger has it all: the schema is not there any more. */
LB_MUST_CHECK int rehearsal_go_up_by_files(rehearsal *s, lb_error *err);
LB_MUST_CHECK int rehearsal_go_again(rehearsal *s, lb_error *err);
LB_MUST_CHECK int rehearsal_tell_again(rehearsal *s, lb_error *err);
void rehearsal_put_again(FILE *out, const rehearsal *s);

/* rehearsal_tell.c: the document, and the same for people. */
LB_MUST_CHECK int rehearsal_tell(rehearsal *s, lb_error *err);
const char *rehearsal_rollback_name(rehearsal_rollback rollback);
/* "green": as it was. "yellow": the schema is, rows are others. "red": not all comes back. NULL: nobody knows. */
const char *rehearsal_rollback_grade(rehearsal_rollback rollback);
/* What brings back what the rollback does not; NULL: nothing is amiss. */
const char *rehearsal_other_way_back(const rehearsal *s);
/* Calls back for each relation that has other files than before; kind: "rewritten" "rebuilt" "new" "gone". */
typedef int (*rehearsal_file_fn)(rehearsal *s, void *arg, const char *change, const rehearsal_relation *r,
                                 lb_error *err);
LB_MUST_CHECK int rehearsal_each_file(rehearsal *s, rehearsal_file_fn fn, void *arg, lb_error *err);

/* rehearsal_predict.c: each lock that was foretold, and whether it was seen. */
LB_MUST_CHECK int rehearsal_tell_predictions(rehearsal *s, lb_error *err);

/* What was seen of a finding's statement. */
typedef struct rehearsal_seen {
    const char *outcome;                    /* "confirmed" "proven" "refuted" "not exercised" */
    const char *relation;                   /* as the server calls it; "" where there is none */
    const char *measured;                   /* the strongest lock on it; NULL: none */
    int64_t held_us;                        /* -1: not known */
    bool has_work, was_read, was_rewritten; /* has_work: the other two are known */
} rehearsal_seen;

/* rehearsal_heed.c: whether the finding is still one to heed. */
LB_MUST_CHECK int rehearsal_heed(rehearsal *s, struct json_object *finding, const rehearsal_seen *seen, lb_error *err);

/* How many statements the judge could read, and which it could not. */
LB_MUST_CHECK int rehearsal_tell_coverage(rehearsal *s, lb_error *err);
void rehearsal_put_coverage(FILE *out, const rehearsal *s);

/* rehearsal_text.c: the report as Markdown; NULL: out of memory. */
const char *rehearsal_text(rehearsal *s);
void rehearsal_put_block(FILE *out, const char *text);
void rehearsal_put_code(FILE *out, const char *text, size_t most);

/* rehearsal_tell_work.c: the workload in both, and what no branch can show. */
LB_MUST_CHECK int rehearsal_tell_work(rehearsal *s, lb_error *err);
void rehearsal_put_work(FILE *out, const rehearsal *s);
void rehearsal_put_limits(FILE *out, const rehearsal *s);

#endif
