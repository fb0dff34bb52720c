/* event_kinds.h: the kinds of events that the platform itself knows, with their typed payloads (events.def). A tool
 * that emits one of them is held to it; kinds of a plugin author's own are free in form. */
#ifndef LBOPS_HOST_EVENT_KINDS_H
#define LBOPS_HOST_EVENT_KINDS_H

#include "buf.h"

typedef struct event_field {
    const char *name;
    lb_type type; /* LB_TEXT LB_I64 LB_F64 LB_BOOL LB_TIME LB_JSON (any value), or LB_LIST_OF one of them */
    bool required;
    const char *doc;
} event_field;

typedef struct event_kind {
    const char *name, *doc;
    bool of_host; /* tools cannot emit it */
    const event_field *fields;
    size_t field_count;
} event_kind;

const event_kind *event_kind_find(const char *name); /* NULL: somebody's own */
size_t event_kind_count(void);
const event_kind *event_kind_at(size_t index);
void event_field_type(const event_field *field, buf *into); /* "text", "list of integer" */

/* Is that what a tool may emit under this name? LB_ERR_INVALID naming kind and field: unknown field (with the nearest
 * right one), wrong type, missing; LB_ERR_DENIED: a kind of the host. Null is the same as not there. */
LB_MUST_CHECK int event_kind_check(const char *name, const lb_value *payload, lb_error *err);

void event_kinds_json(buf *into); /* [{"kind","by","doc","payload":[{"name","type","required","doc"}]}] */

#endif
