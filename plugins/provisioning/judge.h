/* judge.h: judges migrations statement by statement, on the tree of the server's own parser: what a statement does,
 * which lock it takes, whether a second run would do it again, and by which of the known hazards it endangers others.
 * It looks into DO blocks and into the bodies of functions. Nothing is executed and no server is asked. */
#ifndef LBOPS_PROVISIONING_JUDGE_H
#define LBOPS_PROVISIONING_JUDGE_H

#include "arena.h"
#include "effect_script.h"
#include "sha256.h"

typedef enum judge_severity {
    JUDGE_NOTICE,
    JUDGE_BLOCKING,
    JUDGE_BREAKING,
    JUDGE_DATA_LOSS,
    JUDGE_IRREVERSIBLE
} judge_severity;

typedef enum judge_rule_id {
#define RULE(symbol, id, severity, refuses, doc, safe) JUDGE_##symbol,
#include "judge_rules.def"
#undef RULE
    JUDGE_RULES
} judge_rule_id;

typedef struct judge_rule {
    const char *id; /* "index-not-concurrent" */
    judge_severity severity;
    bool refuses; /* a file with it is not executed, unless it says that it may */
    const char *doc, *safe;
} judge_rule;

const judge_rule *judge_rule_of(judge_rule_id id);
bool judge_rule_find(const char *id, judge_rule_id *ret_id);
const char *judge_severity_name(
    judge_severity severity); /* "notice" "blocking-lock" "breaking" "data-loss" "irreversible" */

/* Strengths of a table lock, as the server orders them; 0: none on a table. */
typedef enum judge_lock {
    LOCK_NONE,
    LOCK_ACCESS_SHARE,
    LOCK_ROW_SHARE,
    LOCK_ROW_EXCLUSIVE,
    LOCK_SHARE_UPDATE_EXCLUSIVE,
    LOCK_SHARE,
    LOCK_SHARE_ROW_EXCLUSIVE,
    LOCK_EXCLUSIVE,
    LOCK_ACCESS_EXCLUSIVE
} judge_lock;

const char *judge_lock_name(judge_lock lock); /* "ACCESS EXCLUSIVE"; "none" */

typedef struct judge_hazard {
    judge_rule_id rule;
    uint32_t statement; /* counted from 1; 0: the file */
    script_place place;
    bool in_body;        /* of a function or a rule, which this migration only defines */
    const char *object;  /* "app.orders" */
    const char *rewrite; /* the statement as it would pass, or the rule's safe form */
} judge_hazard;

typedef struct judged {
    const script_statement *source;
    effect_verdict verdict; /* as the gate has it */
    judge_lock lock;
    const char *lock_on;  /* the table; "" where there is none */
    bool scans, rewrites; /* the whole table, under that lock */
    bool with_partitions; /* locks those of lock_on, if it has any, as it locks that */
    bool is_idempotent, is_ddl;
    int64_t batch_rows;        /* of the first batch, where the author has it executed in batches; else 0 */
    bool starts_part;          /* a transaction of its own begins here; see judge_file */
    char meaning[SHA256_TEXT]; /* of the statements up to this one: the same for texts that differ in comments, blanks
                                * and letter case of keywords */
    struct {
        const char *schema, *name, *table; /* of an index that is built CONCURRENTLY; else NULL */
        const char *shape; /* "unique btree on orders (a, (expression) desc) where": as sql/migration/index_state.sql */
        bool shape_says_all; /* columns as they are: no text of an expression or condition, no class, no collation */
        const char *on_schema, *on_name; /* the table of it, or what REINDEX CONCURRENTLY builds anew, with ""
                                          * for the tables of a schema, and of the database; else NULL */
    } builds;
} judged;

/* What is known of a column's type: "app.orders.total", with its schema, and "numeric(10,2)". NULL: it is not known any
 * more; then the name may be that of a table, for each of its columns, of a schema, or "" for all tables. The last word
 * counts. */
typedef struct judge_column_type {
    const char *name, *type;
} judge_column_type;

typedef struct judgement {
    const judged *items;
    size_t count;
    const judge_hazard *hazards;
    size_t hazard_count;
    const char **validated; /* constraints that it validates, or adds valid: "app.orders.total" */
    size_t validated_count;
    const judge_column_type *types; /* that it makes */
    size_t type_count;
    bool destroys;             /* some statement is destructive to the gate */
    char meaning[SHA256_TEXT]; /* of all statements */
} judgement;

/* Judges a text for a server of that major version. Text that does not parse becomes one hazard (syntax-error), so that
 * a directory can be told of as a whole; only a lack of memory is an error.
 *
 * Statements that can share a transaction form a part. A part ends before a statement that must stand alone, before
 * VALIDATE of what the part has just added, behind a new value of an enum; and, as long as nothing is destroyed, where
 * rows would be changed or a second table locked while the strong lock of a first one is held. */
LB_MUST_CHECK int judge_file(const char *text, int server_major, arena *memory, judgement *ret_judgement,
                             lb_error *err);

/* A partitioned table, and what it is split by. */
typedef struct judge_parted {
    const char *name, *by; /* "app.orders", "day, kind"; "": an expression is among them */
} judge_parted;

/* A column as the statement names it, and the validated CHECK by which it holds no NULL: "app.orders.total",
 * "app.orders.total_there". */
typedef struct judge_proof {
    const char *column, *constraint;
} judge_proof;

/* The same where somebody has looked at the server: tables and materialized views that are there before the file, named
 * as its statements name them. CREATE ... IF NOT EXISTS makes none of these, so that what follows meets one in use. And
 * the types of columns, which a new type is compared with; and what the server need not read: columns that are proven
 * to hold no NULL, and those that nothing rests on which would be looked at again for another type. */
typedef struct judge_there {
    const char *const *names;
    size_t count;
    const judge_column_type *types;
    size_t type_count;
    const judge_parted *parted; /* partitioned tables among them */
    size_t parted_count;
    const judge_proof *proofs;
    size_t proof_count;
    const char *const *alone; /* "app.orders.total", with its schema */
    size_t alone_count;
} judge_there;
LB_MUST_CHECK int judge_file_where(const char *text, int server_major, const judge_there *there, arena *memory,
                                   judgement *ret_judgement, lb_error *err);

/* A statement that has batch_rows, without its comments: up to its WHERE, and what stands behind that, or "true".
 * False: out of memory. */
#define JUDGE_BATCH_MOST 10000
bool judge_cut(const char *text, arena *memory, const char **ret_head, const char **ret_condition);

/* A condition that holds for every row, as far as its text says so. */
bool judge_is_true(tree expression);

#endif
