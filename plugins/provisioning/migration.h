/* migration.h: a directory of migrations against the ledger of a database: what is there, what has been done, what is
 * to be done next. Files and plans are pure; what talks to a database is in migration_run.h. */
#ifndef LBOPS_PROVISIONING_MIGRATION_H
#define LBOPS_PROVISIONING_MIGRATION_H

#include "judge.h"

typedef enum migration_kind { MIGRATION_VERSIONED, MIGRATION_REPEATABLE, MIGRATION_UNDO } migration_kind;

const char *migration_kind_name(migration_kind kind); /* "versioned" "repeatable" "undo", as in the ledger */

/* "-- lbops:allow RULE because REASON", somewhere in the file. */
typedef struct migration_waiver {
    judge_rule_id rule;
    const char *because;
    const struct migration_waiver *next;
} migration_waiver;

/* What a destructive statement would take: objects, each a table with its rows, its use and what rests on it. */
typedef struct migration_risk {
    lb_value *items;
    size_t count;
} migration_risk;

typedef struct migration_file {
    migration_kind kind;
    const char *name;    /* "V1_2__orders.sql", "2024/V7__orders.sql" */
    const char *version; /* "1.2"; "" of repeatable ones */
    const char *text;
    char checksum[SHA256_TEXT]; /* of the bytes, but for line ends and a byte order mark */
    const migration_waiver *waivers;
    judgement judged;
    const migration_risk *risks; /* one for each statement; NULL where nothing is destroyed */
    bool is_judged, is_told;     /* told: what was found is in the run's result */
} migration_file;

typedef struct migration_other {
    const char *name, *why; /* "notes.sql", "seeds" */
} migration_other;

typedef struct migration_files {
    migration_file *items; /* versioned ones in order, then undo, then repeatable ones by name */
    size_t count;
    migration_other *others; /* .sql files and folders of them that are no migrations of this directory */
    size_t other_count;
} migration_files;

const char *migration_base_name(const char *name); /* behind its folders */
bool migration_is_flyway(const char *name);        /* of what is a migration: it is named as Flyway names them */

/* Kind and version of a file by its name: Flyway's V1__a.sql, U1__a.sql and R__a.sql; 001_a.sql, 20240131120000_a.sql
 * and 1.sql; a.up.sql and a.down.sql of these. False: it has none. */
bool migration_name(const char *path, arena *memory, migration_kind *ret_kind, const char **ret_version);

/* Below, equal or above zero, by the numbers between the dots. */
int migration_compare(const char *a, const char *b);

/* Reads the directory, and holds it to its sum file, where one is there; its folders too, where its files are named as
 * Flyway's. Two files of one version, an unreadable file, a waiver of no rule or without a reason are errors. */
LB_MUST_CHECK int migration_read(const char *directory, arena *memory, migration_files *ret_files, lb_error *err);
LB_MUST_CHECK int migration_read_unheld(const char *directory, arena *memory, migration_files *ret_files,
                                        lb_error *err); /* whatever its sum says */
LB_MUST_CHECK int migration_take(migration_files *files, const char *name, const char *text, arena *memory,
                                 lb_error *err);
LB_MUST_CHECK int migration_leave(migration_files *files, const char *name, const char *why, arena *memory,
                                  lb_error *err);
LB_MUST_CHECK int migration_sort(migration_files *files, lb_error *err);
/* The name of the script that undoes a versioned file, or NULL. */
const char *migration_undo_of(const migration_files *files, const migration_file *file);
const migration_waiver *migration_waived(const migration_file *file, judge_rule_id rule);

/* Judges its text. ${name} is a placeholder in Flyway's files alone. */
LB_MUST_CHECK int migration_judge(migration_file *file, int server_major, arena *memory, lb_error *err);
LB_MUST_CHECK int migration_judge_where(migration_file *file, int server_major, const judge_there *there, arena *memory,
                                        lb_error *err);

/* ---- the sum of the directory: migration_sum.c ---- */

#define MIGRATION_SUM_FILE "lbops.sum"

LB_MUST_CHECK int migration_sum_text(const migration_files *files, arena *memory, const char **ret_text, lb_error *err);
/* LB_ERR_CONFLICT where the text is not that of these files, LB_ERR_INVALID where it is no sum. */
LB_MUST_CHECK int migration_sum_check(const migration_files *files, const char *text, lb_error *err);
LB_MUST_CHECK int migration_sum_hold(const migration_files *files, const char *directory, lb_error *err);

/* ---- the ledger ---- */

typedef struct migration_row {
    int64_t id;
    const char *kind, *version, *script, *state, *checksum, *meaning, *error;
    int64_t generation, step, steps;
} migration_row;

typedef struct migration_ledger {
    const migration_row *rows;
    size_t count;
} migration_ledger;

/* ---- the plan ---- */

typedef struct migration_options {
    const char *target;   /* the last version to apply, or NULL */
    const char *baseline; /* what is there already, up to this version, or NULL */
    bool out_of_order, allow_ahead, undo, only_undoable;
    bool refuse_gaps;
} migration_options;

typedef struct migration_task {
    migration_file *file;
    int64_t generation;
    uint32_t done;     /* statements that have been executed */
    uint32_t attempts; /* that failed */
    bool was_begun;    /* something outside of transactions was begun and not recorded as done */
} migration_task;

typedef struct migration_plan {
    migration_task *tasks;
    size_t count;
    const char *version; /* the highest that has been applied, or NULL */
    bool sets_baseline;
    const char **gaps; /* "3 is missing between 2 and 4" */
    size_t gap_count;
    const char **reworded; /* files whose text differs from what was applied, and whose meaning does not */
    size_t reworded_count;
    int64_t told, last_done; /* rows of the ledger: up to which others have heard, and the last one of a whole file */
} migration_plan;

/* What is to be done, in order; or why not: LB_ERR_CONFLICT with what differs. Files need their judgements only where
 * their text differs from what was applied. */
LB_MUST_CHECK int migration_plan_make(migration_files *files, const migration_ledger *ledger,
                                      const migration_options *options, arena *memory, migration_plan *ret_plan,
                                      lb_error *err);

/* The marks of a ledger alone: version, told, last_done. */
void migration_look(const migration_ledger *ledger, migration_plan *plan);

/* The file has been completed with this text, neither taken back nor completed with another one since. */
bool migration_stands(const migration_ledger *ledger, const char *name, const char *checksum);

/* The files that have been completed after row `told`, in order. */
size_t migration_untold(const migration_ledger *ledger, int64_t told, const char **ret_names, size_t room);

#endif
