#include "online_tool.h"

#include <sql/host/abilities.h>
#include <sql/host/whoami.h>

static int tell_who(lb_ctx *ctx, int major, lb_error *err)
{
    lb_rows *rows = NULL;
    host_whoami_row row;
    int r = host_whoami(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!host_whoami_next(ctx, rows, &row))
        return lb_fail(err, LB_ERR_SQL, NULL, "the server does not say who we are");
    return lb_result(ctx,
                     LB_ARGS(lb_i64("major", major), lb_text("version", row.version), lb_text("role", row.role),
                             lb_text("database", row.database)),
                     err);
}

static int tell_abilities(lb_ctx *ctx, lb_error *err)
{
    lb_rows *rows = NULL;
    host_abilities_row row;
    int r = host_abilities(ctx, &rows, err);
    while (r >= 0 && host_abilities_next(ctx, rows, &row))
        r = lb_append(ctx, "abilities",
                      LB_ARGS(lb_text("kind", row.kind), lb_text("name", row.name), lb_bool("has", row.has),
                              lb_text("detail", row.detail)),
                      err);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    int major = 0;
    int r = lb_server_version(ctx, &major, err);
    if (r >= 0)
        r = tell_who(ctx, major, err);
    return r < 0 ? r : tell_abilities(ctx, err);
}

static const lb_tool online_tool = {.size = sizeof online_tool, .risk = LB_RISK_LOW, .run = run};

const lb_plugin online_plugin = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof online_plugin,
    .kind = LB_KIND_TOOL,
    .name = ONLINE_TOOL,
    .version = LB_PLUGIN_VERSION,
    .summary = "says what a server offers, and what we may do there",
    .ops = &online_tool,
};
