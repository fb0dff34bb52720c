/* index_model.h: what the index tools know of a database after one read of its catalogue. Everything in it belongs to
 * the run. The rules (index_unused.c, index_duplicate.c ...) work on it and ask the server nothing. */
#ifndef INDEX_MODEL_H
#define INDEX_MODEL_H

#include <lbops/lbops.h>
#include <sql/index/columns.h>
#include <sql/index/equality.h>
#include <sql/index/foreign_keys.h>
#include <sql/index/indexes.h>
#include <sql/index/observation.h>
#include <sql/index/opclasses.h>
#include <sql/index/statistics.h>
#include <sql/index/tables.h>

#define INDEX_KEYS 32 /* the server's limit of columns in an index or key */

typedef struct index_table index_table;

/* The numbers of an int2vector or oidvector. */
typedef struct index_vector {
    int count;
    int64_t items[INDEX_KEYS];
} index_vector;

typedef struct index_column {
    index_columns_row r;
    bool has_statistics;
    double null_share, distinct_values; /* the latter as pg_stats has it: negative is a share of the rows */
    int64_t width;
    double correlation;  /* of values with places in the table; 0: not known */
    double true_share;   /* of a boolean; -1: not known */
    double rarest_share; /* of the rows: the rarest value's, where all are known and they are few; -1: else */
} index_column;

typedef struct index_info {
    index_indexes_row r;
    index_table *table;
    struct index_info *parent; /* the partitioned index that it is attached to */
    index_column *computed;    /* its own columns where it has expressions, by number */
    size_t computed_count;
    index_vector keys;                           /* with the INCLUDE columns; 0 is an expression */
    index_vector opclasses, collations, options; /* of the key columns alone */
    int64_t reader_scans;                        /* of r.scans, those of computes that only read */
    int64_t tree_bytes, tree_scans, tree_leaves; /* with all that are attached, of a partitioned one */
} index_info;

struct index_table {
    index_tables_row r;
    int64_t reader_reads; /* scans of it and its indexes by computes that only read */
    index_table *parent;
    index_info **indexes;
    size_t index_count;
    index_column *columns; /* by number, with holes left out */
    size_t column_count;
};

typedef struct index_foreign_key {
    index_foreign_keys_row r;
    index_table *table;
    index_vector keys, parent_keys, operators;
} index_foreign_key;

typedef struct index_opclass {
    int64_t opclass_id, family_id;
    bool is_equal_image, is_default;
} index_opclass;

/* Where an index may be used beside the server that was read. */
typedef enum index_elsewhere {
    INDEX_ELSEWHERE_NONE = 1, /* nowhere that was not read as well */
    INDEX_ELSEWHERE_UNREAD,   /* there are others, whose statistics could not be read */
    INDEX_ELSEWHERE_UNKNOWN   /* nobody can say */
} index_elsewhere;

/* A compute of the branch that only reads. */
typedef struct index_reader {
    const char *name;
    const char *why; /* it could not be read; NULL: it was */
    int64_t since;   /* it has counted */
} index_reader;

typedef struct index_window {
    index_observation_row r;
    int64_t since;     /* counters of all computes that were read are whole from here on */
    double days;       /* from then until now */
    int64_t own_since; /* the same of the compute that writes, for what only it counts */
    double own_days;
    index_elsewhere elsewhere;
    const char *no_list;    /* why the control plane did not say which computes there are; or NULL */
    int64_t other_computes; /* that could not be read */
    index_reader *readers;
    size_t reader_count;
} index_window;

typedef struct index_set {
    index_window window;
    index_info *indexes;
    size_t index_count;
    index_table *tables; /* by table_id */
    size_t table_count;
    index_foreign_key *keys; /* by table */
    size_t key_count;
    index_opclass *opclasses; /* by opclass_id */
    size_t opclass_count;
    index_equality_row *equalities;
    size_t equality_count;
    index_vector loose_collations;
    bool has_statistics;
} index_set;

/* Reads what the rules need; statistics of columns too where they are asked for. */
LB_MUST_CHECK int index_read(lb_ctx *ctx, bool statistics, const index_set **ret_set, lb_error *err);

/* How long counters have counted, and who else counts. */
LB_MUST_CHECK int index_read_window(lb_ctx *ctx, index_window *ret_window, lb_error *err);
int64_t index_counted_since(const index_observation_row *seen);

const index_column *index_find_column(const index_table *table, int64_t number);
const index_opclass *index_find_opclass(const index_set *set, int64_t opclass_id);
bool index_vector_parse(const char *text, index_vector *ret_vector);
bool index_vector_has(const index_vector *v, int64_t item);

/* Rows of a table as far as somebody knows; -1 where nobody does. */
double index_table_rows(const index_table *table);

#define INDEX_LOCKED "{its table is|their tables are} locked: looking closer would wait"

/* Somebody holds, or waits for, a lock that reading would queue behind: what it is over is not known either. */
static inline bool index_is_locked(const index_info *x)
{
    return x->r.bytes_is_null;
}

static inline bool index_is_whole(const index_info *x)
{
    return x->r.is_valid && x->r.is_ready && x->r.is_live;
}

/* It is the table, or a partition of it or of its partitions. */
static inline bool index_is_below(const index_table *t, const index_table *root)
{
    while (t && t != root)
        t = t->parent;
    return t == root;
}

/* "public.orders_idx", for people. */
static inline const char *index_label(lb_ctx *ctx, const char *schema, const char *name)
{
    return lb_printf(ctx, "%s.%s", schema, name);
}

#endif
