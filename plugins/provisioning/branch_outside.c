#include "branch_outside.h"

#include <sql/branch/cron_jobs.h>
#include <sql/branch/foreign_servers.h>
#include <sql/branch/subscriptions.h>
#include <sql/health/extension_home.h>

static int list(lb_ctx *ctx, const char *kind, const char *name, const char *detail, lb_error *err)
{
    return lb_append(ctx, "outside", LB_ARGS(lb_text("kind", kind), lb_text("name", name), lb_text("detail", detail)),
                     err);
}

/* Without a right it is not seen, and that is all. */
static int unseen(lb_ctx *ctx, const char *kind, lb_error *err)
{
    const char *why = lb_printf(ctx, "%s", err->message);
    if (err->code != LB_ERR_DENIED && err->code != LB_ERR_NOT_FOUND)
        return err->code;
    return lb_append(ctx, "unseen", LB_ARGS(lb_text("kind", kind), lb_text("why", why)), err);
}

static int list_subscriptions(lb_ctx *ctx, lb_error *err)
{
    branch_subscriptions_row row;
    lb_rows *rows = NULL;
    int r = branch_subscriptions(ctx, &rows, err);
    if (r < 0)
        return unseen(ctx, "subscription", err);
    while (r >= 0 && branch_subscriptions_next(ctx, rows, &row))
        r = list(ctx, "subscription", row.name, row.detail, err);
    return r;
}

static int list_servers(lb_ctx *ctx, lb_error *err)
{
    branch_foreign_servers_row row;
    lb_rows *rows = NULL;
    int r = branch_foreign_servers(ctx, &rows, err);
    if (r < 0)
        return unseen(ctx, "foreign_server", err);
    while (r >= 0 && branch_foreign_servers_next(ctx, rows, &row))
        r = list(ctx, "foreign_server", row.name, row.detail, err);
    return r;
}

static int list_jobs(lb_ctx *ctx, lb_error *err)
{
    health_extension_home_row home;
    branch_cron_jobs_row row;
    lb_rows *rows = NULL;
    int r = health_extension_home(ctx, &(health_extension_home_args){.name = "pg_cron"}, &rows, err);
    if (r < 0 || !health_extension_home_next(ctx, rows, &home))
        return r;
    r = branch_cron_jobs(ctx, &rows, err);
    if (r < 0)
        return unseen(ctx, "cron_job", err);
    while (r >= 0 && branch_cron_jobs_next(ctx, rows, &row))
        r = list(ctx, "cron_job", row.name, row.detail, err);
    return r;
}

int branch_list_outside(lb_ctx *ctx, lb_error *err)
{
    int r = list_subscriptions(ctx, err);
    if (r >= 0)
        r = list_servers(ctx, err);
    return r < 0 ? r : list_jobs(ctx, err);
}
