/* log.h: the host's log, to stderr. Lines are for people while nobody asks for JSON; never a secret, never stdout.
 * The supervisor and the worker's top level log; library code returns errors. */
#ifndef LBOPS_HOST_LOG_H
#define LBOPS_HOST_LOG_H

#include "base.h"

typedef enum log_format { LOG_TEXT, LOG_JSON, LOG_JOURNAL } log_format; /* JOURNAL: <N> prefixes for sd-journald */

void log_setup(lb_level level, log_format format, bool colour);
bool log_enabled(lb_level level);

/* At run time, for one component (a tool, "schedule", "state" ...) or for all of them (NULL). */
void log_set_level(const char *component, lb_level level);
LB_PRINTF(3, 4) void log_line(lb_level level, const char *component, const char *fmt, ...);
void log_error(const char *component, const lb_error *err); /* message and hint */
const char *log_level_name(lb_level level);
bool log_level_parse(const char *name, lb_level *ret_level);

#endif
