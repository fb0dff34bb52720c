/* schema_report.h: a difference as the result of a run. */
#ifndef LBOPS_SCHEMA_REPORT_H
#define LBOPS_SCHEMA_REPORT_H

#include "schema.h"

typedef struct schema_names {
    const char *from, *to; /* as people call the two sides */
} schema_names;

/* output: text, sql, json or all. */
LB_MUST_CHECK int schema_report(lb_ctx *ctx, const schema_diff *d, const schema_names *names, const char *output,
                                const char *script, lb_error *err);
bool schema_kind_is_known(const char *name);
/* A snapshot as text. */
LB_MUST_CHECK int schema_read_file(lb_ctx *ctx, const char *path, const char **ret_json, lb_error *err);

#endif
