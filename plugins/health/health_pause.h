/* health_pause.h: what stands in the thresholds' document of a pause, which holds back what would be raised. */
#ifndef LBOPS_HEALTH_PAUSE_H
#define LBOPS_HEALTH_PAUSE_H

#include <lbops/lbops.h>

#include <json-c/json.h>

/* NULL: there is none */
static inline const char *health_pause(lb_ctx *ctx, struct json_object *document)
{
    struct json_object *pause = NULL;
    return json_object_object_get_ex(document, "paused_by", &pause) && pause
               ? lb_printf(ctx, "%s", json_object_get_string(pause))
               : NULL;
}

#endif
