/* alert_memory.h: which notes an alert service has delivered already. The host sends a note again with the same id when
 * a crash has taken its answer; receivers that cannot tell are told once. [service] */
#ifndef LBOPS_SERVICES_ALERT_MEMORY_H
#define LBOPS_SERVICES_ALERT_MEMORY_H

#include "service_ground.h"

typedef struct alert_memory alert_memory;

/* Opens STATE_DIR/alerts-NAME.sent, or makes it. LB_ERR_CONFLICT: another process has it. */
LB_MUST_CHECK int alert_memory_open(const char *state_dir, const char *name, alert_memory **ret_memory, lb_error *err);
alert_memory *alert_memory_free(alert_memory *m); /* NULL is fine */

bool alert_memory_knows(const alert_memory *m, const char *id);

/* Durable before it returns. */
LB_MUST_CHECK int alert_memory_add(alert_memory *m, const char *id, lb_error *err);

#endif
