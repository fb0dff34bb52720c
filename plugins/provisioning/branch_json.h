/* branch_json.h: documents that live as long as the run, and text that goes into one. */
#ifndef LBOPS_BRANCH_JSON_H
#define LBOPS_BRANCH_JSON_H

#include <json-c/json.h>
#include <lbops/lbops.h>

/* NULL after a failure. */
struct json_object *branch_json_keep(lb_ctx *ctx, const char *text, lb_error *err);
/* An object that the run owns. NULL: out of memory. */
struct json_object *branch_json_object(lb_ctx *ctx);
/* False: out of memory. The object takes over what is added. */
bool branch_json_add(struct json_object *into, const char *name, struct json_object *value);
bool branch_json_add_text(struct json_object *into, const char *name, const char *text); /* NULL: nothing is added */
const char *branch_json_text(lb_ctx *ctx, struct json_object *object);

#endif
