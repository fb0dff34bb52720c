/* local_say.h: statements of the catalogue in a session of our own, outside of any run. [worker] */
#ifndef LBOPS_SERVICES_LOCAL_SAY_H
#define LBOPS_SERVICES_LOCAL_SAY_H

#include "pg_session.h"

/* Values are bound, in the order in which they are declared. row: NULL, or who takes the rows. */
typedef int local_take_row(void *arg, uint32_t count, const char *const *cells, lb_error *err);
LB_MUST_CHECK int local_run(pg_session *session, const lb_statement *statement, const char *const *params,
                            local_take_row *row, void *arg, int64_t deadline, lb_error *err);

/* Asks the server for statements (a SELECT with one column), so that it is the server who quotes, and runs what it
 * says, in its order. */
LB_MUST_CHECK int local_say(pg_session *session, const lb_statement *statement, const char *const *params,
                            int64_t deadline, lb_error *err);

/* The same, but for what the role may not do: `left` hears of that. */
LB_MUST_CHECK int local_say_allowed(pg_session *session, const lb_statement *statement, const char *const *params,
                                    void (*left)(void *arg, const char *message), void *arg, int64_t deadline,
                                    lb_error *err);

#endif
