/* state_postgres.h: what the files of the service share. */
#ifndef LBOPS_SERVICES_STATE_POSTGRES_H
#define LBOPS_SERVICES_STATE_POSTGRES_H

#include "state_rules.h"

/* state_postgres_values.c: a batch as the values of apply.sql, in the text form of the server's types. */
#define BATCH_VALUES 13

typedef struct batch_values {
    const char *values[BATCH_VALUES];
    char *owned[BATCH_VALUES]; /* those that are to be freed */
    char number[24];
} batch_values;

extern const char *const batch_types[BATCH_VALUES];

LB_MUST_CHECK int batch_values_init(batch_values *v, const char *client, int64_t number, const lb_state_txn *txns,
                                    size_t count, lb_error *err);
void batch_values_done(batch_values *v);

/* What apply.sql answered, from the hexadecimal form of bytea. */
LB_MUST_CHECK int batch_read_verdicts(const char *hex, const char *client, int64_t number, int64_t last,
                                      lb_state_verdict *ret_verdicts, size_t count, lb_error *err);

#endif
