/* judge_internal.h: what the files of the judge share. judge.c walks, the others hold what is known of each statement.
 */
#ifndef LBOPS_PROVISIONING_JUDGE_INTERNAL_H
#define LBOPS_PROVISIONING_JUDGE_INTERNAL_H

#include "judge.h"

#include "effect_rules.h"

/* What earlier statements of the file did, for later ones. */
typedef enum fact_kind {
    FACT_CREATED,   /* table: nobody uses it yet */
    FACT_RENAMED,   /* table: went to another name, so that this one is free */
    FACT_TAKEN,     /* table: one that is in use has this name now */
    FACT_DROPPED,   /* "table app.orders", "function app.f(int4)": and may be created again */
    FACT_NOT_VALID, /* "app.orders.constraint" */
    FACT_VALIDATED, /* the same */
    FACT_NOT_NULL,  /* "app.orders.column": a CHECK of the file says it is not null; counts when it is validated */
    FACT_CHECKED,   /* "app.orders.total": a CHECK of the file names it; extra: "app.orders.constraint" */
    FACT_ALTERED,   /* table */
    FACT_SECURED,   /* table: row security enabled */
    FACT_POLICY,    /* table: has a policy of this file */
    FACT_INDEX,     /* "app.orders_total": index of this file, with the schema of its table; extra: see judge_keys.c */
    FACT_SORTED,    /* the same, of plain columns in their usual order, for all rows */
    FACT_SPARE,     /* the same, and there for nothing but its order */
    FACT_KEEPS,   /* "app.orders_key": an index that a constraint rests on; extra: "constraint app.orders.orders_key" */
    FACT_KEY,     /* "app.orders (kind, day)": primary or unique */
    FACT_PRIMARY, /* table: has a primary key; extra: its columns, where they are known */
    FACT_KEY_DROPPED, /* table: its primary key goes; extra: "app.orders.orders_pkey" */
    FACT_REFERS,      /* "app.lines (order_id)": foreign key; extra: what it refers to, where that is known */
    FACT_WANTS_INDEX, /* the same, of columns of this file */
    FACT_COLUMN,      /* "app.orders.total": of this file; extra: its type */
    FACT_SOLID,       /* the same, of any: NOT NULL */
    FACT_TYPE,        /* "app.orders.total", with its schema; extra: its type, or NULL where that is not known any more,
                       * then also a table, of each of its columns, a schema, and "", of all */
    FACT_READS,       /* view; extra: a table of its query */
    FACT_SHOWS,       /* view; extra: a column of its query, or "*" */
    FACT_INVOKER,     /* view: reads as whoever asks */
    FACT_PARTITIONED, /* table */
    FACT_PARTED_BY,   /* table: is partitioned; extra: its columns, "app.orders (day)", or NULL by an expression */
    FACT_PARTITION,   /* table: is one; extra: of which */
    FACT_DETACHED     /* table: is none any more */
} fact_kind;

typedef struct fact {
    fact_kind kind;
    const char *name, *extra;
    const char *said; /* its name in the statement itself, as tables may go to another one */
    uint32_t statement;
    script_place place;
} fact;

typedef struct judging {
    arena *memory;
    int server;
    const judge_there *there; /* NULL: nobody has looked */
    script text;
    judged *now;
    uint32_t number;
    script_place place;
    const char *source; /* of the statement in hand, also where it stands in a block */
    bool in_block, in_body, in_loop, is_guarded;
    bool has_own_path; /* search_path is none of the runner's any more */
    judge_hazard *hazards;
    size_t hazard_count, hazard_capacity;
    fact *facts;
    size_t fact_count, fact_capacity;
    bool out_of_memory;
} judging;

/* judge.c */
const char *judging_printf(judging *j, const char *fmt, ...) LB_PRINTF(2, 3);
void judging_hazard(judging *j, judge_rule_id id, const char *object, const char *rewrite);
void judging_lock(judging *j, judge_lock lock, const char *on);
void judging_builds_on(judging *j, tree range);
void judging_fact(judging *j, fact_kind kind, const char *name, const char *extra);
const fact *judging_find(const judging *j, fact_kind kind, const char *name);
bool judging_is_new(const judging *j, const char *table);                      /* of this file */
bool judging_was_new(const judging *j, const char *table, uint32_t statement); /* when that one met it, or by it */
bool judging_is_free(judging *j, const char *what, const char *name); /* the file has taken away what was there */
void judging_rename(judging *j, const char *from, const char *to);
void judging_at(judging *j, const fact *f);         /* what is found next is found there */
const char *judging_schema(judging *j, tree range); /* that the runner would find it in */
void judging_not_idempotent(judging *j, const char *object, const char *rewrite);
void judging_bare_drop(judging *j, const char *object, const char *rewrite);
void judging_needs(judging *j, int server, const char *what);

/* The statement as it would pass: with words put in behind the first such word, or inside a block that looks first. */
const char *judging_insert(judging *j, const char *after, const char *words);
const char *judging_catch(judging *j, const char *condition);
const char *judging_if(judging *j, const char *condition);

/* Each knows some kinds of statements and says whether this one is among them. */
bool judge_table_statement(judging *j, const char *kind, tree s);  /* judge_table.c: ALTER TABLE */
bool judge_create_statement(judging *j, const char *kind, tree s); /* judge_create.c: CREATE */
bool judge_object_statement(judging *j, const char *kind, tree s); /* judge_object.c: DROP, ALTER, rights */
bool judge_data_statement(judging *j, const char *kind, tree s);   /* judge_data.c: rows, sessions, upkeep */
void judge_lock_of(judging *j, const char *kind, tree s);          /* judge_lock.c: locks that no hazard brings along */

/* judge_create.c: a column's type and constraints, of a new table or of one that is there. */
void judge_column(judging *j, tree column, const char *table, bool table_is_new);
bool judge_is_unstable(tree expression); /* calls a function that may answer otherwise for each row */

/* "(int4, text[])": what a function is told apart by from others of its name, of its parameters or of the types that a
 * DROP gives. */
const char *judge_arguments(judging *j, tree list);

void judge_create_index(judging *j, tree s); /* judge_index.c */

/* judge_type.c: what ALTER COLUMN ... TYPE does beside what each does. The table is in use. */
void judge_new_type(judging *j, tree column, const char *table, const char *part);
bool judge_stays_as_stored(judging *j, tree column, const char *table, const char *part);
void judge_note_check(judging *j, const char *table, const char *constraint, tree expression);

/* The types of columns, as far as they are known: before the file, and what it makes of them. */
void judge_know_types(judging *j);
void judge_note_type(judging *j, const char *table, const char *column, tree type);
void judge_note_types(judging *j, const char *table, tree elements); /* of a table that is made */
void judge_forget_type(judging *j, const char *table, const char *column);
void judge_forget_table(judging *j, const char *table);
void judge_forget_types(judging *j, const char *of); /* a table with its schema, a schema, or "" for all */
void judge_lose_path(judging *j);
void judge_rename_type(judging *j, const char *table, const char *from, const char *to);
void judge_rename_types(judging *j, const char *from, const char *to); /* tables */
void judge_types(judging *j, judgement *into);

void judge_move_facts(judging *j, const char *from, const char *to); /* judge_rename.c: of a table */

/* judge_fit.c: whether each value of a type fits into another. */
typedef enum judge_fit { FIT_UNKNOWN, FIT_WHOLLY, FIT_PARTLY } judge_fit;
judge_fit judge_fit_of(const char *old, const char *new);    /* "varchar(20)", "numeric(10,2)[]" */
bool judge_fits_as_stored(const char *old, const char *new); /* wholly, and no value is written otherwise */

/* judge_keys.c: columns, keys and indexes of the file, each noted where it is made. column: which one it stands with.
 */
typedef struct judge_index_parts {
    const char *name, *leads; /* "app.orders_kind", "app.orders (kind, day)"; NULL: by an expression, or of some rows */
    bool is_plain, adds_nothing; /* in the usual order; neither unique nor with columns beside */
} judge_index_parts;

const char *judge_columns(judging *j, const char *table, tree list, const char *only);
void judge_key(judging *j, tree constraint, const char *table, const char *column);
void judge_reference(judging *j, tree constraint, const char *table, const char *column);
void judge_on_delete(judging *j, tree constraint, const char *object); /* of a foreign key; others pass */
void judge_know_parts(judging *j);
void judge_partitioned(judging *j, const char *table, tree spec); /* where there is one */
void judge_key_of_parts(judging *j, const char *table, const char *list, const char *object);
void judge_index(judging *j, const judge_index_parts *index);
void judge_view(judging *j, const char *view, tree query);
bool judge_has_no_nulls(judging *j, const char *table, const char *index); /* as far as the file says so */
bool judge_is_referred_to(const judging *j, const char *table, const char *column);
const char *judge_view_of(judging *j, const char *table, const char *column); /* NULL: none of the file */
void judge_keys_whole(judging *j);

/* judge_batches.c: marks the statements that are to be executed in batches, and tells of marks that stand elsewhere. */
void judge_batch_marks(judging *j, judged *items);

/* judge_code.c: what stands inside of DO and CREATE FUNCTION. */
void judge_code(judging *j, tree statement, bool runs);
void judging_statement(judging *j, tree node); /* judge.c: one more, in the place where j stands */

/* judge_placeholders.c: each ${name} of the text, whether it parses or not. */
void judge_placeholders(judging *j, const char *text);

/* judge_file.c: what only the whole shows, and where a transaction has to end. */
void judge_whole(judging *j, judged *items, size_t count);
void judge_validated(judging *j, judgement *into);

#endif
