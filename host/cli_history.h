/* cli_history.h: questions to the history, for verbs. */
#ifndef LBOPS_HOST_CLI_HISTORY_H
#define LBOPS_HOST_CLI_HISTORY_H

#include "cli.h"
#include "service.h"

#define CLI_HISTORY_TIME (300 * CLOCK_SECOND) /* for one question, unless the caller knows better */

/* An answer as it came, row by row; texts live until take returns. A NULL cell is null. */
typedef struct cli_answer {
    uint32_t columns;
    const char **names;
    lb_type *types;
    const char **cells;
    size_t count, capacity; /* of cells */
    bool cut;               /* there is more than was asked for */
} cli_answer;

typedef struct cli_history_wish {
    void *state;
    const char *(*next)(void *state); /* the next question; NULL: that was all */
    void (*take)(void *state, const cli_answer *answer);
    const lb_error *(*failed)(void *state,
                              lb_error *err); /* may say which question it was; NULL: it stands for itself */
    int64_t most_rows, timeout_us;            /* of each; 0 rows: no limit */
    bool no_flush;                            /* leaves the outbox alone */
    bool of_lake;                             /* of the lakehouse, and not of the history */
} cli_history_wish;

/* Commits what waits, asks one question after the other, and returns the exit code. The first failure is the end. */
int cli_history(cli *c, const cli_history_wish *wish);

/* The history's service alone, for a verb that asks in its own way. */
LB_MUST_CHECK int cli_history_open(const cli *c, struct ev_loop *loop, const service_hooks *hooks,
                                   service **ret_service, lb_error *err);

/* A daemon is the one writer of its history: it commits what waits, and we only read. False: there is none. */
bool cli_history_flush(const cli *c);

#endif
