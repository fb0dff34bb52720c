/* query_evidence.h: all that can be known of one statement without being told: its text, its plan, what was counted of
 * it, the tables and indexes that it touches; and what rules make of that. Shared by the tools that explain statements.
 */
#ifndef LBOPS_QUERY_EVIDENCE_H
#define LBOPS_QUERY_EVIDENCE_H

#include "index_trial.h"
#include "query_plan.h"
#include "query_shape.h"

#include <sql/query/statements.h>

#define QUERY_REMARKS      32
#define QUERY_TERMS        6
#define QUERY_REWRITE_TOOL "prove_rewrite_on_branch"
#define QUERY_EXECUTE_TOOL "execute_on_branch"
#define QUERY_CALLS        LB_NAMES("lbops_target", INDEX_TRIAL_TOOL, QUERY_REWRITE_TOOL, QUERY_EXECUTE_TOOL)
#define QUERY_VALUES_PARAM(type)                                                                                       \
    LB_PARAM(type, values, LB_LIST_OF(LB_TEXT), "[]",                                                                  \
             "with analyze: values for its $1 ..., in their order; others are made up, of statistics or rows")
#define QUERY_REWRITE_PARAM(type)                                                                                      \
    LB_PARAM(type, rewrite, LB_TEXT, NULL,                                                                             \
             "another way to write it: with prove = branch it is executed beside it there")

/* What a rule has to say. */
typedef struct query_remark {
    const char *kind;   /* "selective_full_scan" */
    const char *object; /* schema-qualified, or "statement 4711" */
    const char *says;   /* one sentence, whose figures are in facts */
    double weight;
    lb_value facts[10];     /* named, ends with LB_END */
    const char *sql;        /* the condition it is about, or NULL */
    const query_step *scan; /* of which it says more than the plan does, or NULL */
    lb_term terms[QUERY_TERMS];
    const lb_sql *fix;          /* or NULL */
    const lb_sql *const *steps; /* in place of it, where it takes several */
    size_t step_count;
    const char *fix_text; /* the same for reading */
} query_remark;

typedef struct query_evidence {
    lb_ctx *ctx;
    const index_set *set;
    int64_t work_mem;
    index_trial trial; /* a branch to prove things on, where the run wants one; whoever wants it ends it */
    const char *label; /* "statement 4711" */
    const char *text;  /* of the statement */
    bool is_counted;   /* counts holds */
    int64_t hidden;    /* statements that the role may not see */
    query_statements_row counts;
    query_shape shape;
    const char *plan_json, *no_plan; /* NULL the one, why the other */
    const char *generic_json;        /* the plan for any values, where the one that was executed is another; or NULL */
    query_plan plan;                 /* the same as plan_json: as it was executed, where it was */
    const char *not_executed;        /* why it was not, where that was wished; or NULL */
    const char *values;              /* where each of its parameters had its value from: a document; or NULL */
    bool has_made_up_values;
    query_remark remarks[QUERY_REMARKS];
    size_t remark_count;
} query_evidence;

typedef struct query_wish {
    bool analyze;
    int64_t timeout_ms;
    lb_texts values;     /* for its parameters */
    const char *rewrite; /* that somebody offers, or NULL */
} query_wish;

/* What all statements of one run share: set and work_mem of ret_evidence. */
LB_MUST_CHECK int query_begin(lb_ctx *ctx, query_evidence *ret_evidence, lb_error *err);

/* Plan, shape and remarks of evidence->text. A plan that cannot be had is no failure: no_plan says why; nor is one that
 * cannot be executed: not_executed says why. */
LB_MUST_CHECK int query_gather(query_evidence *evidence, const query_wish *wish, lb_error *err);

/* The plan as it is executed, on a branch, where that is wished and can be (query_execute.c); what could not be is
 * said, and where the values came from. */
LB_MUST_CHECK int query_execute(query_evidence *evidence, const query_wish *wish, lb_error *err);
LB_MUST_CHECK int query_say_execution(query_evidence *evidence, lb_error *err);
lb_value query_tell_values(const query_evidence *evidence);

/* What only its execution tells of a step; nothing where it was not executed. */
void query_look_at_execution(query_evidence *evidence, const query_step *step);

/* The rules, over what was gathered (query_rules.c), and an index that would help, proven where it can be
 * (query_index.c). */
LB_MUST_CHECK int query_apply_rules(query_evidence *evidence, lb_error *err);
LB_MUST_CHECK int query_propose_index(query_evidence *evidence, lb_error *err);

/* Other ways to write it: a rule's, and the one that is offered (query_rewrite.c). */
LB_MUST_CHECK int query_propose_rewrite(query_evidence *evidence, const char *offered, lb_error *err);

/* Room for one more; NULL where there is none: what is left out weighs least. */
query_remark *query_add_remark(query_evidence *evidence, const char *kind, double weight);
void query_add_fact(query_remark *remark, lb_value fact);
void query_add_term(query_remark *remark, const char *name, double points);

const index_table *query_find_table(const query_evidence *evidence, const char *schema, const char *name);

/* Statements counted by pg_stat_statements: by its id, or the slow ones. *ret_why: why there are none to be had, or
 * NULL. How many the role may not see is said. */
LB_MUST_CHECK int query_read_statements(query_evidence *evidence, const query_statements_args *wanted,
                                        lb_rows **ret_rows, const char **ret_why, lb_error *err);
LB_MUST_CHECK int query_not_found(const query_evidence *evidence, const char *query_id, lb_error *err); /* of its id */

/* What is told of a statement in the end, as members of a result. */
typedef struct query_words {
    lb_value evidence;    /* a list: id, says, facts, sql */
    lb_value explanation; /* a list: text, evidence (ids), is_checked */
    lb_value model;       /* source, left, refused, error */
} query_words;

/* Has a model say it, or the rules where there is none or it says nothing that can stand. steps: what the plan does is
 * part of it. */
LB_MUST_CHECK int query_put_into_words(query_evidence *evidence, const char *task, bool steps, query_words *ret_words,
                                       lb_error *err);

#endif
