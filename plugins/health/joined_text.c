/* concat(...) of concat(...)s where they are many. */
#include "joined_text.h"

#include <sql/sync/joined.h>

#define TOGETHER 45 /* a function of a server takes a hundred arguments, and a part may be two */

int joined_text(lb_ctx *ctx, lb_value *parts, size_t count, const lb_sql **ret_sql, lb_error *err)
{
    while (count > TOGETHER) {
        size_t joined = 0;
        for (size_t at = 0; at < count; at += TOGETHER) {
            const lb_sql *part = NULL;
            size_t most = count - at < TOGETHER ? count - at : TOGETHER;
            int r = lb_compose(ctx, &sync_joined_sql, LB_ARGS(lb_list("parts", LB_SQL, parts + at, most)), &part, err);
            if (r < 0)
                return r;
            parts[joined++] = lb_sql_value(NULL, part);
        }
        count = joined;
    }
    return lb_compose(ctx, &sync_joined_sql, LB_ARGS(lb_list("parts", LB_SQL, parts, count)), ret_sql, err);
}
