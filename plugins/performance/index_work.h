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
    const lb_value *impact;
    index_fix fix;
    const char *undo;
} index_finding;

typedef struct index_passed {
    const char *reason;
    int64_t count;
} index_passed;

typedef struct index_work index_work;
struct index_work {
    lb_ctx *ctx;
    const index_set *set;
    int (*tell)(index_work *work, const index_finding *finding, lb_error *err);
    void *state;
    int64_t found;
    const index_history *history; /* or NULL: only what the server counted is known */
    struct index_name *names;     /* that this pass has given away */
    unsigned char *marks;    /* by index, where several rules run in one pass: what others have said of it. Or NULL */
    index_passed passed[24]; /* what was left out for a reason that many share */
};

LB_MUST_CHECK int index_tell(index_work *work, const index_finding *finding, lb_error *err);

/* Verdicts of one pass must agree: what one rule lets go, no other improves, and what replaces it stays for now. */
LB_MUST_CHECK int index_use_marks(index_work *work, lb_error *err);
void index_mark_kept(index_work *work, const index_info *x);
bool index_goes(const index_work *work, const index_info *x);
const char *index_mark_text(const index_work *work, const index_info *x); /* NULL: nothing was said */

/* The usual .tell: a finding of the run. */
LB_MUST_CHECK int index_report(index_work *work, const index_finding *finding, lb_error *err);

/* What the finding is about, with its schema. */
const char *index_object(lb_ctx *ctx, const index_finding *finding);

/* One more of what was left out: "12 indexes" with the reason, at the end. */
void index_pass(index_work *work, const char *reason);
LB_MUST_CHECK int index_tell_passed(index_work *work, const char *what, lb_error *err);
LB_MUST_CHECK int index_skip(index_work *work, const index_info *x, const char *reason, lb_error *err);

/* The statement that would make the index again; "" where it is gone. */
LB_MUST_CHECK int index_definition(index_work *work, const index_info *x, const char **ret_text, lb_error *err);
LB_MUST_CHECK int index_make_fix(index_work *work, const lb_statement *statement, const lb_value *values,
                                 index_fix *ret_fix, lb_error *err);
LB_MUST_CHECK int index_fix_drop(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err);
LB_MUST_CHECK int index_fix_rebuild(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err);

/* An index to be made: its name is free and within the server's limit. condition: column that is to be not null. */
typedef struct index_wanted {
    const index_table *table;
    const char *const *columns;
    const bool *descending; /* or NULL */
    size_t count;
    const char *not_null; /* or NULL */
} index_wanted;

LB_MUST_CHECK int index_fix_create(index_work *work, const index_wanted *wanted, const char **ret_name,
                                   index_fix *ret_fix, lb_error *err);
const lb_value *index_texts(lb_ctx *ctx, const char *name, const char *const *texts, size_t count);

/* Names of an index' key columns, "customer_id, (lower(name))". */
const char *index_keys_text(lb_ctx *ctx, const index_info *x);

#endif
