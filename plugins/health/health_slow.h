/* health_slow.h: statements that took long at least once, as pg_stat_statements has them. What takes its time by nature
 * (VACUUM, CREATE INDEX, COPY), and what we send ourselves, is no slow statement for anybody. */
#ifndef LBOPS_HEALTH_SLOW_H
#define LBOPS_HEALTH_SLOW_H

#include <lbops/lbops.h>

#include <sql/health/slow_statements.h>
#include <sql/health/statement_texts.h>

#include <json-c/json.h>

typedef struct health_slow {
    health_slow_statements_row *rows; /* those of the connected database first */
    size_t count;
} health_slow;

/* A code as lb_query answers it. Which are which their texts say, and these are read of those alone that `before` does
 * not know; what is known by now goes into `next`. Both may be NULL. What has no text is taken for slow. */
LB_MUST_CHECK int health_read_slow(lb_ctx *ctx, const char *schema, double min_ms, struct json_object *before,
                                   struct json_object *next, health_slow *ret_slow, lb_error *err);
/* The text of one; *ret_row without one (key NULL): the server has lost it. */
LB_MUST_CHECK int health_slow_text(lb_ctx *ctx, const char *schema, const char *key,
                                   health_statement_texts_row *ret_row, lb_error *err);

#endif
