/* sync_pair.h: a table of a server and its copy in the lakehouse, and how their rows are compared: each column in a
 * text that Postgres, Databricks SQL and DuckDB give alike, a row as the digest of its texts, a table as the sum of its
 * rows' digests, whatever their order. */
#ifndef LBOPS_HEALTH_SYNC_PAIR_H
#define LBOPS_HEALTH_SYNC_PAIR_H

#include <lbops/lbops.h>

#define SYNC_CONTINUOUS_S 3600
#define SYNC_BATCH_S      86400
#define SYNC_PAIRS_MOST   500

/* What the tools share of parameters. */
typedef struct sync_args {
    const char *source_table, *target_delta_table, *timestamp_column, *sync_type, *pairs, *catalog;
    lb_texts key_columns;
    int64_t max_drift_rows, grace_s, max_lag_s;
    const char *scope; /* the rest: of those that compare digests */
    int64_t full_every_s, full_budget_s;
    int64_t max_rows; /* of repairs */
    bool delete_extra;
} sync_args;

extern const lb_param sync_params[], sync_digest_params[], sync_repair_params[];

/* What is asked of one pair. */
typedef struct sync_wish {
    const char *source, *target; /* as people write them */
    const char *schema, *name;
    lb_lake_name lake;
    const char *mark; /* column of the latest change; NULL: none is known */
    const char *const *keys;
    size_t key_count; /* 0: the primary key */
    int64_t limit_s, grace_s;
} sync_wish;

typedef struct sync_wishes {
    sync_wish *items;
    size_t count;
} sync_wishes;

/* From `pairs`, from one pair in parameters, or by name in `catalog`. None: it has been said why (lb_skipped). */
LB_MUST_CHECK int sync_find_wishes(lb_ctx *ctx, const sync_args *args, sync_wishes *ret_wishes, lb_error *err);

typedef struct sync_column {
    const char *name, *type, *lake_type;
    const char *alias;           /* c1 */
    const lb_sql *source, *lake; /* its text in both */
    int64_t key_place;           /* from 1; 0: not of the key */
} sync_column;

typedef struct sync_pair {
    const sync_wish *wish;
    const lb_lake_table *copy; /* as it was when we began */
    bool has_versions;         /* of the copy: it is no view, nor a table of some database */
    sync_column *columns;      /* those that are compared */
    size_t count, key_count;
    bool lacks_key;        /* a column of the key is not in the copy, or cannot be compared */
    const char *mark;      /* NULL: rows in flight cannot be told */
    const char *left_out;  /* columns that cannot be compared, with the reasons; NULL: none */
    const char *missing;   /* columns that the copy lacks; NULL: none */
    const char *whole_key; /* the one key column, where it is a whole number */
    const char *shape;     /* a digest of the names and types on both sides */
} sync_pair;

#define SYNC_HASHES 4096 /* numbers that the digest of a key may begin with */

/* All of it can be compared in ranges of its key, or else of the digests of that. */
bool sync_has_slices(const sync_pair *pair);

/* Looks at both sides. *ret_why: why the pair cannot be compared at all; NULL: it can. */
LB_MUST_CHECK int sync_open(lb_ctx *ctx, const sync_wish *wish, sync_pair *ret_pair, const char **ret_why,
                            lb_error *err);

#endif
