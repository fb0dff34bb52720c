/* index_work.h: how the rules tell what they found. A rule calls index_tell for each finding; whoever runs the rules
 * says what becomes of it (a report, a recommendation). */
#ifndef INDEX_WORK_H
#define INDEX_WORK_H

#include "index_history.h"
#include "index_model.h"

/* A statement that would help: to be read, and to be given to a group of changes. */
typedef struct index_fix {
    const lb_sql *sql; /* NULL: there is none */
    const lb_statement *statement;
    const lb_value *values;
    const struct index_fix *steps; /* in place of it, where one statement would block people: all of them, in order */
    size_t step_count;
} index_fix;

typedef struct index_finding {
    const char *kind; /* "unused_index" */
    const char *type; /* what a recommendation of it is called: "drop_unused"; NULL: there is nothing to do yet */
    const index_table *table;
    const index_info *index; /* the index it is about, or NULL where one is missing */
    const char *new_index;   /* the name of the index that the fix would make */
    const lb_value *columns; /* of that index: a list of texts, or NULL */
    const char *object;      /* NULL: the index, else the table */
    const char *reason;
    const lb_value *evidence;
    const lb_term *terms;
    const lb_term *found_terms; /* without what people made of earlier advice; NULL: these are the same */
    const lb_value *impact;
    index_fix fix;
    const char *undo;
    const struct index_trial *rehearsed; /* on its branch; NULL: nowhere */
} index_finding;

typedef struct index_passed {
    const char *reason;
    int64_t count;
} index_passed;

struct index_trial; /* index_trial.h */

typedef struct index_work index_work;
struct index_work {
    lb_ctx *ctx;
    const index_set *set;
    int (*tell)(index_work *work, const index_finding *finding, lb_error *err);
    int (*has_read)(index_work *work, lb_error *err); /* the catalogue, before the first is told; or NULL */
    int (*told_all)(index_work *work, lb_error *err); /* while the branch is still there; or NULL */
    void *state;
    int64_t found;
    const index_history *history;   /* or NULL: only what the server counted is known */
    struct index_name *names;       /* that this pass has given away */
    struct index_plans *plans;      /* of statements that ran, once somebody asked for them */
    struct index_trial *trial;      /* where to try out what the planner cannot be asked, or NULL */
    struct index_promise *promises; /* indexes for foreign keys that this pass has proposed, the newest first */
    unsigned char *marks;    /* by index, where several rules run in one pass: what others have said of it. Or NULL */
    index_passed passed[24]; /* what was left out for a reason that many share */
};

LB_MUST_CHECK int index_tell(index_work *work, const index_finding *finding, lb_error *err);

/* Verdicts of one pass must agree: what one rule lets go, no other improves, and what replaces it stays for now. */
LB_MUST_CHECK int index_use_marks(index_work *work, lb_error *err);
void index_mark_kept(index_work *work, const index_info *x);
bool index_goes(const index_work *work, const index_info *x);
const char *index_mark_text(const index_work *work, const index_info *x); /* NULL: nothing was said */

/* An index for a foreign key that this pass proposes begins with these columns, in whatever order: it serves who looks
 * for values of all of them, and one more would be its twin. */
bool index_is_promised(const index_work *work, const index_table *table, const index_column *const *columns, int count);

/* The usual .tell: a finding of the run. */
LB_MUST_CHECK int index_report(index_work *work, const index_finding *finding, lb_error *err);

/* What the finding is about, with its schema. */
const char *index_object(lb_ctx *ctx, const index_finding *finding);

/* One more of what was left out: "12 indexes" with the reason, at the end. It reads well of one and of many:
 * amount_words. */
void index_pass(index_work *work, const char *reason);
LB_MUST_CHECK int index_tell_passed(index_work *work, const char *one, const char *many, lb_error *err);
LB_MUST_CHECK int index_skip(index_work *work, const index_info *x, const char *reason, lb_error *err);

/* The statement that would make the index again; "" where it is gone. */
LB_MUST_CHECK int index_definition(index_work *work, const index_info *x, const char **ret_text, lb_error *err);
LB_MUST_CHECK int index_make_fix(index_work *work, const lb_statement *statement, const lb_value *values,
                                 index_fix *ret_fix, lb_error *err);
LB_MUST_CHECK int index_fix_drop(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err);
/* The same of one that a fix of the table would make. */
LB_MUST_CHECK int index_fix_drop_new(index_work *work, const index_table *table, const char *name, index_fix *ret_fix,
                                     lb_error *err);
LB_MUST_CHECK int index_fix_rebuild(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err);

typedef enum index_kind { INDEX_BTREE = 0, INDEX_GIN, INDEX_BRIN } index_kind;

/* Which rows an index holds. */
typedef enum index_part {
    INDEX_PART_ALL = 0,
    INDEX_PART_NOT_NULL,
    INDEX_PART_NULL,
    INDEX_PART_TRUE,
    INDEX_PART_FALSE
} index_part;

/* An index to be made: its name is free and within the server's limit. */
typedef struct index_wanted {
    const index_table *table;
    const char *const *columns;
    const bool *descending; /* or NULL */
    size_t count;
    index_kind kind;
    const char *opclass_schema, *opclass; /* of its only column; NULL: the usual one */
    const char *const *beside;            /* stored, and not ordered by */
    size_t beside_count;
    index_part part;
    const char *part_column;
} index_wanted;

bool index_has_fix(const index_fix *fix);
/* Those of its steps, for a finding; NULL: memory is used up. */
const lb_sql *const *index_fix_steps(lb_ctx *ctx, const index_fix *fix);
/* All of its statements, as psql reads them. */
const char *index_fix_text(lb_ctx *ctx, const index_fix *fix);
/* Adds them to a group. */
LB_MUST_CHECK int index_fix_apply(lb_ctx *ctx, lb_group *group, const index_fix *fix, lb_error *err);

/* table_a_b_idx, free and within the server's limit. */
LB_MUST_CHECK int index_choose_name(index_work *work, const index_table *table, const char *const *columns,
                                    size_t count, const char **ret_name, lb_error *err);

/* What stands behind the table's name in CREATE INDEX. */
LB_MUST_CHECK int index_compose_body(lb_ctx *ctx, const index_wanted *wanted, const lb_sql **ret_body, lb_error *err);

LB_MUST_CHECK int index_fix_create(index_work *work, const index_wanted *wanted, const char **ret_name,
                                   index_fix *ret_fix, lb_error *err);
const lb_value *index_texts(lb_ctx *ctx, const char *name, const char *const *texts, size_t count);

/* Names of an index' key columns, "customer_id, (lower(name))". */
const char *index_keys_text(lb_ctx *ctx, const index_info *x);

#endif
