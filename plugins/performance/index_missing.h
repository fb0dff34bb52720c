/* index_missing.h: indexes that statements ask for. Shared by the files index_missing*.c only, but for the rule itself.
 */
#ifndef INDEX_MISSING_H
#define INDEX_MISSING_H

#include "index_uses.h"
#include "index_work.h"

#define INDEX_CANDIDATE_KEYS 3

typedef struct index_missing_limits {
    int64_t min_rows, min_bytes; /* of a table: smaller ones are read quickly anyway */
    int64_t min_scans;           /* of the whole table, where only these are known */
    int64_t min_calls;           /* of a statement */
    double min_mean_ms, min_share;
    int64_t max_statements, max_proofs;
    int64_t min_minutes;    /* of counting, under which no count of scans says anything */
    int64_t min_brin_bytes; /* of a table whose order an index of ranges of blocks uses */
    double write_us;        /* that one index takes for each row that is written */
} index_missing_limits;

#define INDEX_BESIDE    2 /* columns that an index may store beside its keys */
#define INDEX_REDUNDANT 4

typedef struct index_candidate {
    const index_table *table;
    const index_column *columns[INDEX_CANDIDATE_KEYS];
    bool descending[INDEX_CANDIDATE_KEYS];
    int count, equal_count;
    bool is_join, is_ordered, is_range;
    index_kind kind;
    index_use_kind use; /* of a GIN index: what it is for */
    index_part part;    /* of the rows, by this column */
    const index_column *part_column;
    bool part_is_said; /* by the statements, and not for want of values that nobody looks for */
    double part_share;
    const index_column *beside[INDEX_BESIDE];
    int beside_count;
    const index_info *extends;                    /* there, and begins as it does: it takes its place */
    const index_info *redundant[INDEX_REDUNDANT]; /* once it is there */
    int redundant_count;
    const char *trigram_schema; /* where the operator class for patterns is */
    double calls, total_ms;     /* of the statements that ask for it */
    const char *query_id;       /* of the costliest, and what it alone takes */
    double top_calls, top_ms;
    double rows_per_call; /* the most of any; -1: they are not rows of the table alone */
    int64_t statement_count;
    double cost_before, cost_after;     /* by the planner; after: -1 where nobody could say */
    double cost_plain;                  /* with the keys alone; -1: there is nothing beside them, or nobody could say */
    double blocks_before, blocks_after; /* that were read when it was executed on a branch; -1: it was not */
    int64_t bytes;                      /* of the index; -1: not known */
    bool reads_all;                     /* the planner reads the whole table now */
    bool is_tried;                      /* the planner was asked */
    const char *proven_on;              /* the branch that it was built on, within so many ms; or NULL */
    const char *proven_at;              /* the place in the log that the branch was made from, where that is known */
    double build_ms;
    double mix_before, mix_after; /* all statements, by how often they run, where it was built; -1: nobody asked */
    int64_t mix_worse, build_wal; /* statements that cost more with it; bytes that building it wrote to the log */
    const char *mix_worst;
    const char *load;                 /* what executing its table's statements has shown, as a document; or NULL */
    double load_before, load_after;   /* ms of a call, by how often each runs; -1: none was executed */
    int64_t load_slower;              /* statements that took longer with it */
    double write_before, write_after; /* bytes of log for a row that is written; -1: not known */
    const char *why_no_write;
} index_candidate;

/* Why a statement asks for no index; what tells most comes last. */
typedef enum index_refusal {
    INDEX_REFUSED_NOT = 0,
    INDEX_REFUSED_UNKNOWN,
    INDEX_REFUSED_EXTENSION,
    INDEX_REFUSED_SMALL,
    INDEX_REFUSED_LOCKED,
    INDEX_REFUSED_ALL,
    INDEX_REFUSED_MUCH,
    INDEX_REFUSED_SERVED,
    INDEX_REFUSED_FEW,
    INDEX_REFUSED_OTHER,
    INDEX_REFUSED_OR,
    INDEX_REFUSED_COMPUTED
} index_refusal;

typedef struct index_candidates {
    index_candidate *items;
    size_t count, capacity;
    int64_t asked;         /* how often somebody asked for one of them */
    index_refusal refused; /* of the statement that is looked at */
    bool *is_named; /* by table, in the order of the set: by a statement that was looked at; NULL: nobody keeps note */
} index_candidates;

static inline void index_refuse(index_candidates *list, index_refusal why)
{
    list->refused = why > list->refused ? why : list->refused;
}

LB_MUST_CHECK int index_find_missing(index_work *work, const index_missing_limits *limits, lb_error *err);

/* Adds what the levels of one statement ask for. Where that is nothing, why not is passed. */
LB_MUST_CHECK int index_add_candidates(index_work *work, const index_missing_limits *limits, const index_level *levels,
                                       const index_candidate *statement, index_candidates *list, lb_error *err);
/* Those that an index over what values hold, or over the order of a large table, would serve. */
LB_MUST_CHECK int index_add_special(index_work *work, const index_missing_limits *limits, const index_level *level,
                                    const index_table *const *tables, int relation, const index_candidate *statement,
                                    index_candidates *list, lb_error *err);
LB_MUST_CHECK int index_add_candidate(lb_ctx *ctx, index_candidates *list, const index_candidate *c, lb_error *err);
const index_table *index_table_named(const index_set *set, const index_relation *relation);
int index_owner_of(const index_level *level, const index_table *const *tables, const index_use *use);
const index_column *index_column_named(const index_table *t, const char *name);

/* Tables that are read in full, and are in no candidate of the list. statements: these were looked at. */
LB_MUST_CHECK int index_look_at_scans(index_work *work, const index_missing_limits *limits,
                                      const index_candidates *list, bool statements, lb_error *err);

/* Puts the keys of what is there first, where their order is free, so that one index can take its place; then names all
 * that will have nothing left to do. */
void index_prefer_extending(const index_set *set, index_candidate *c);
void index_name_redundant(const index_set *set, index_candidate *c);
/* What statements read beside the keys, where that is little and the table is rarely written. */
void index_add_beside(const index_level *level, const index_table *const *tables, int relation, index_candidate *c);
/* Milliseconds that writers pay for it, for what was written while statements were counted. */
double index_write_ms(const index_candidate *c, double write_us);

/* As it is to be built. columns: room for all of its names. */
#define INDEX_CANDIDATE_NAMES (INDEX_CANDIDATE_KEYS + INDEX_BESIDE)
index_wanted index_wanted_of(const index_candidate *c, const char **columns);

/* Leaves out what is stored beside the keys where these alone do nearly as well. */
void index_weigh_beside(index_candidate *c, double cost_plain, int64_t bytes);

/* It halves the work: by the blocks that were read where it was executed, which is more than the planner knows of
 * values that it was not told; else by the planner's word. And it harms nobody: no statement's plan, nor the time of
 * all that were executed. */
bool index_is_proven(const index_candidate *c, double least_cost);

/* Asks the planner. */
LB_MUST_CHECK int index_prove(index_work *work, index_candidate *c, lb_error *err);
/* What a search like those of the statements costs as things stand. */
LB_MUST_CHECK int index_explain_candidate(index_work *work, const index_candidate *c, double *ret_cost,
                                          bool *ret_reads_all, lb_error *err);
/* On a branch: executes it, twice, and counts the blocks of the second time. */
LB_MUST_CHECK int index_execute_candidate(index_work *work, const index_candidate *c, double *ret_blocks,
                                          lb_error *err);

#endif
