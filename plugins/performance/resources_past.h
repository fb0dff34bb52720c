/* resources_past.h: what a setting is judged by that is not seen at one moment: since when it has had its value, and
 * what was counted since then. */
#ifndef LBOPS_RESOURCES_PAST_H
#define LBOPS_RESOURCES_PAST_H

#include "resources_rules.h"

/* What runs keep of settings' values from one to the next. */
typedef struct resources_notes {
    struct json_object *before, *now;
} resources_notes;

LB_MUST_CHECK int resources_recall(lb_ctx *ctx, resources_notes *notes, lb_error *err);
LB_MUST_CHECK int resources_remember(lb_ctx *ctx, const resources_notes *notes, lb_error *err);

/* Since when the setting is known to have this value. first: where no run has seen it yet; changed: where the last one
 * saw another value. */
LB_MUST_CHECK int resources_note(resources_notes *notes, const char *setting, const char *value, int64_t first,
                                 int64_t changed, int64_t *ret_since, lb_error *err);

/* Since when work_mem and max_wal_size have the values that they have. */
typedef struct resources_since {
    int64_t spills, checkpoints;
} resources_since;

/* The readings since then, in one question. Where there is no history, *ret_why says so and all is zero, else it is
 * NULL. */
LB_MUST_CHECK int resources_read_past(lb_ctx *ctx, const resources_since *since, resources_past *ret_past,
                                      const char **ret_why, lb_error *err);

#endif
