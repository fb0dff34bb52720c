/* migration_batch.h: a statement that is executed in batches of rows: the key by which its table is cut up, how far it
 * has come by the ledger, and one batch of it as a change. */
#ifndef LBOPS_PROVISIONING_MIGRATION_BATCH_H
#define LBOPS_PROVISIONING_MIGRATION_BATCH_H

#include "migration_run.h"

/* Composed for each column of the key. */
typedef struct migration_pieces {
    const lb_sql **items;
    size_t count;
} migration_pieces;

typedef struct migration_backfill {
    migration_run *run;
    const migration_task *task;
    uint32_t number; /* of the statement, counted from 1 */
    const char *head, *condition;
    int64_t table_id, table_rows; /* rows: as far as it is known, else 0 */
    const char *schema, *table, *label, *key_label;
    const char **columns, **types; /* of the key */
    migration_pieces keys, texts, downwards, own;
    int64_t begun;         /* the ledger's row; 0: of a plan */
    const char *meaning;   /* as it has it */
    bool is_begun;         /* up_to is in the ledger, or the table was empty */
    lb_texts last, up_to;  /* keys; of no items: there is none */
    int64_t batches, rows; /* that are done */
} migration_backfill;

/* Looks at the table. LB_ERR_NOT_FOUND: it is not there. LB_ERR_INVALID: it cannot be cut up. */
LB_MUST_CHECK int migrate_batch_look(migration_run *run, const migration_task *task, uint32_t number,
                                     migration_backfill *ret_backfill, lb_error *err);
/* How far it has come, and where it ends; of one that has not begun, where it would end now. */
LB_MUST_CHECK int migrate_batch_state(migration_backfill *b, lb_error *err);
bool migrate_batch_is_over(const migration_backfill *b);

/* The changes that make the list of batches and write down where they end. */
LB_MUST_CHECK int migrate_batch_begin(const migration_backfill *b, lb_group *group, lb_error *err);
/* Where a batch of so many rows behind that key ends. */
LB_MUST_CHECK int migrate_batch_end(const migration_backfill *b, const lb_texts *after, int64_t rows, lb_texts *ret_end,
                                    lb_error *err);
/* The change that writes down where all of them end, of the first size; and what it has written, of those not done. */
LB_MUST_CHECK int migrate_batch_plan(const migration_backfill *b, lb_group *group, lb_error *err);
LB_MUST_CHECK int migrate_batch_planned(const migration_backfill *b, lb_texts **ret_ends, size_t *ret_count,
                                        lb_error *err);
LB_MUST_CHECK int migrate_batch_add(const migration_backfill *b, lb_group *group, const lb_texts *after,
                                    const lb_texts *end, int64_t number, lb_error *err);
LB_MUST_CHECK int migrate_batch_add_pause(const migration_backfill *b, lb_group *group, int64_t number, lb_error *err);
LB_MUST_CHECK int migrate_batch_add_vacuum(const migration_backfill *b, lb_group *group, lb_error *err);
/* What stands behind the last one: fresh statistics, and the ledger's word that the statement is done. */
LB_MUST_CHECK int migrate_batch_finish(const migration_backfill *b, lb_group *group, lb_error *err);

/* migration_batches.c. Of each statement; and whether what is to be cut up can be, as far as that is known before. */
migration_limit migrate_batch_limit(const migration_run *run, const migration_limit *of_part);
LB_MUST_CHECK int migrate_batches_check(migration_run *run, const migration_plan *plan, lb_error *err);
/* Writes down where they end, in a group of its own: a request that comes after it is the same the next time. */
LB_MUST_CHECK int migrate_batches_begin(migration_backfill *b, lb_error *err);
/* All that are left, as changes of a group that is no transaction; in a plan the next one. *ret_whole: and its end. */
LB_MUST_CHECK int migrate_batches_add(const migration_backfill *b, lb_group *group, const migration_limit *limit,
                                      bool *ret_whole, lb_error *err);
/* One by one, to the end. */
LB_MUST_CHECK int migrate_batches_go(migration_backfill *b, const migration_limit *limit, migration_tries *all,
                                     lb_error *err);
LB_MUST_CHECK int migrate_batches_tell(const migration_backfill *b, lb_error *err);

#endif
