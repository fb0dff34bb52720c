/* lbops/request.h: what the calls of a run take and give. Structs grow at their end, and say how long they are. */
#ifndef LBOPS_REQUEST_H
#define LBOPS_REQUEST_H

#include "plugin.h"
#include "statement.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lb_rows lb_rows;   /* one result set */
typedef struct lb_watch lb_watch; /* a read that is repeated beside the run */
typedef struct lb_group lb_group; /* changes that only make sense together */

typedef enum lb_level { LB_LOG_ERROR = 1, LB_LOG_WARN, LB_LOG_INFO, LB_LOG_DEBUG } lb_level;

typedef enum lb_branch_class { LB_BRANCH_THROWAWAY = 1, LB_BRANCH_SHARED, LB_BRANCH_PRODUCTION } lb_branch_class;

/* What the run is about. For a tool of the workspace, project and branch are NULL. */
typedef struct lb_target {
    const char *project;
    const char *branch;
    lb_branch_class branch_class;
} lb_target;

/* What became of a group of changes. */
typedef enum lb_outcome {
    LB_APPLIED = 1, /* executed */
    LB_PLANNED = 2, /* recorded, as this run only plans */
    LB_WAITING = 3, /* a person is asked; approving it is a run of its own */
    LB_REFUSED = 4  /* the gate said no, or asks and nobody can answer */
} lb_outcome;

typedef struct lb_group_spec {
    uint32_t size;            /* sizeof(lb_group_spec); LB_GROUP fills it */
    const char *title;        /* "drop index public.orders_old_idx" */
    const char *reason;       /* why, in a sentence for the person who decides */
    const lb_value *evidence; /* named values, or NULL */
    const char *undo;         /* how to take it back, or NULL */
    bool atomic;              /* one transaction around the SQL of the group; what stands before that is outside */
    bool bounded;             /* ends sessions only within the stated SOP: not disruptive by itself */
    bool asks;                /* a person decides, on throwaway branches too: the tool saw what the gate cannot */
    const char *undone_by;    /* the SQLSTATE by which its SQL fails on purpose, so that nothing of it stays; or NULL */
} lb_group_spec;

#define LB_GROUP(...) (&(const lb_group_spec){.size = sizeof(lb_group_spec), __VA_ARGS__})

/* SQL that people have written: a migration. The host cuts it up by the server's parser, classes each statement, and
 * executes and audits them one by one, in the order of the text. */
typedef struct lb_script {
    uint32_t size;        /* LB_SCRIPT fills it */
    const char *name;     /* the file's name: for errors, the audit log and fixtures (sql/script/NAME.json) */
    const char *text;     /* the whole text, so that errors can say where in it */
    uint32_t first, last; /* which of its statements, counted from 1; 0: from the first, to the last */
} lb_script;

#define LB_SCRIPT(...) (&(const lb_script){.size = sizeof(lb_script), __VA_ARGS__})

/* A program with the branch's connection in its environment, as libpq's variables (PGHOST, PGPASSWORD ...) and nowhere
 * else. */
typedef struct lb_program {
    uint32_t size;           /* LB_PROGRAM fills it */
    const char *const *argv; /* ends with NULL; no shell */
    bool beside;             /* it goes on beside the run, until lb_program_end or the run's end */
} lb_program;

#define LB_PROGRAM(...) (&(const lb_program){.size = sizeof(lb_program), __VA_ARGS__})

/* To whom a group yields. */
typedef struct lb_yield {
    uint32_t size;                 /* LB_YIELD fills it */
    const lb_statement *statement; /* a read of one row: its first column, a boolean, says whether others go first */
    const lb_value *args;
    int64_t every_us; /* from one look to the next */
    int64_t looks;    /* in a row that have to say so */
} lb_yield;

#define LB_YIELD(...) (&(const lb_yield){.size = sizeof(lb_yield), __VA_ARGS__})

/* One term of a confidence: the host adds the points up, so the figure can be checked. */
typedef struct lb_term {
    const char *name; /* NULL ends the array */
    double points;    /* may be negative; the sum is held between 0 and 1 */
} lb_term;

#define LB_TERMS(...) ((const lb_term[]){__VA_ARGS__, {.name = NULL}})

typedef struct lb_finding {
    uint32_t size;            /* LB_FINDING fills it */
    const char *object;       /* schema-qualified */
    const char *kind;         /* "bloated_index" */
    const char *reason;       /* one sentence */
    const lb_value *evidence; /* the figures to check it by; required */
    const lb_term *terms;     /* the confidence as arithmetic; required */
    const lb_value *impact;   /* named values, or NULL */
    const lb_sql *fix;        /* or NULL */

    /* since 1.4 */
    const lb_sql *const *steps; /* in place of .fix, where it takes several statements: each by itself, in order */
    uint32_t step_count;
} lb_finding;

#define LB_FINDING(...) (&(const lb_finding){.size = sizeof(lb_finding), __VA_ARGS__})

/* A call to the control plane. GET reads; everything else is a change. A path that begins with unity-catalog/ is of
 * Unity Catalog, where the workspace has one, and scim/v2/Me says who we are there. */
typedef struct lb_request {
    const char *method; /* GET POST PATCH DELETE */
    const char *path;   /* "projects/shop/branches"; the transport puts its own root before it */
    const char *query;  /* "page_size=100", or NULL */
    const char *body;   /* a JSON document, or NULL */
} lb_request;

/* ---- tables of the lakehouse that are no history ---- */

/* Which table. At home it is the Delta table in the folder CATALOG/SCHEMA/NAME below the lake's root. */
typedef struct lb_lake_name {
    const char *catalog, *schema, *name;
} lb_lake_name;

typedef struct lb_lake_column {
    const char *name;
    const char *type; /* as Spark writes it, in small letters: "bigint" "decimal(12,2)" "timestamp" "array<string>" */
} lb_lake_column;

/* What is known of one without reading its rows. */
typedef struct lb_lake_table {
    uint32_t size, column_count;
    int64_t version;      /* of the last commit */
    int64_t committed_at; /* when that was, in microseconds since 1970 UTC */
    const lb_lake_column *columns;
} lb_lake_table;

/* Rows of a server that go into a table of the lakehouse, exactly once. */
typedef struct lb_lake_append {
    uint32_t size;            /* LB_LAKE_APPEND fills it */
    lb_lake_name table;       /* made if it is missing, and given the columns that it lacks */
    const char *key;          /* of this batch among all that the table ever got: up to 64 of a-z A-Z 0-9 . _ - */
    const lb_statement *rows; /* a fragment that is a SELECT, and its arguments; it is read when the group is applied */
    const lb_value *args;
    const lb_lake_column *columns; /* what it gives, in order, with types as format_type prints them: "numeric(12,2)" */
    uint32_t column_count;

    /* since 1.3 */
    bool is_view; /* LB_LAKE_VIEW: `rows` is what the view says */

    /* since 1.4 */
    bool is_merge;       /* LB_LAKE_MERGE: `rows` is a MERGE into the table */
    const char *expects; /* LB_LAKE_EXPECT: the text that the question `rows` has to be answered with */
} lb_lake_append;

#define LB_LAKE_APPEND(...) (&(const lb_lake_append){.size = sizeof(lb_lake_append), __VA_ARGS__})

/* A view of the lakehouse, made or given another text: .table is its name, .rows a statement of kind lake without
 * values, and its .args. It is asked whenever the view is. */
#define LB_LAKE_VIEW(...) (&(const lb_lake_append){.size = sizeof(lb_lake_append), .is_view = true, __VA_ARGS__})

/* A MERGE into .table: .rows is a statement of kind lake that is one, with its values. Unlike rows that are appended it
 * can wait for a person, as all of it is known before. What the lakehouse at hand cannot do is LB_ERR_UNSUPPORTED when
 * it is executed, and has changed nothing. */
#define LB_LAKE_MERGE(...) (&(const lb_lake_append){.size = sizeof(lb_lake_append), .is_merge = true, __VA_ARGS__})

/* A question about .table that has one text for an answer. Any other one than .expects is LB_ERR_CONFLICT and ends the
 * group: nothing behind it happens. */
#define LB_LAKE_EXPECT(...) (&(const lb_lake_append){.size = sizeof(lb_lake_append), __VA_ARGS__})

/* A column that every table has which rows were appended to: the batch's key. */
#define LB_LAKE_BATCH "lbops_batch"

/* A plan to ask for. $1 ... in the text have no values: the plan is then the one that serves any. */
typedef struct lb_explain_wish {
    uint32_t size;      /* LB_EXPLAIN fills it */
    const char *text;   /* one SELECT, INSERT, UPDATE, DELETE or MERGE */
    bool analyze;       /* execute it as well: what only reads, has no $1, and on a throwaway branch */
    int64_t timeout_ms; /* of analyze; 0: the run's own time */
} lb_explain_wish;

#define LB_EXPLAIN(...) (&(const lb_explain_wish){.size = sizeof(lb_explain_wish), __VA_ARGS__})

#ifdef __cplusplus
}
#endif
#endif
