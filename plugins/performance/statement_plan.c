#include "statement_plan.h"

#include <string.h>

static bool ends_run(const lb_ctx *ctx, int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_UNREACHABLE || code == LB_ERR_NO_MEMORY ||
           code == LB_ERR_SUSPENDED || (code == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0);
}

/* "permission denied for table orders", without the name of our own statement in front, and what would help. */
static const char *in_words(lb_ctx *ctx, const lb_error *err)
{
    static const char *const own[] = {"explain: ", "host/explain: "};
    static const char denied[] = "permission denied for ";
    const char *said = err->message;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(said, own[i], strlen(own[i])) == 0)
            said += strlen(own[i]);
    if (strcmp(err->sqlstate, "42501") != 0 || strncmp(said, denied, sizeof denied - 1) != 0)
        return lb_printf(ctx, "%s", said);
    const char *what =
        said + sizeof denied - 1; /* "table orders": its name has no quotes, so it is no one's to paste */
    bool is_schema = strncmp(what, "schema ", 7) == 0;
    bool is_relation = strncmp(what, "table ", 6) == 0 || strncmp(what, "view ", 5) == 0;
    return lb_printf(ctx, "the role that looks has no right to %s: grant it %s", what,
                     is_schema     ? "USAGE there"
                     : is_relation ? "SELECT there, and of a statement that writes what it writes by"
                                   : "what the statement needs");
}

int statement_plan(lb_ctx *ctx, const lb_explain_wish *wish, const char **ret_plan, const char **ret_why, lb_error *err)
{
    *ret_why = NULL;
    int r = lb_explain(ctx, wish, ret_plan, err);
    if (r >= 0)
        return 0;
    *ret_plan = NULL;
    if (ends_run(ctx, r))
        return r;
    *ret_why = in_words(ctx, err);
    return *ret_why ? 0 : lb_out_of_memory(err);
}
