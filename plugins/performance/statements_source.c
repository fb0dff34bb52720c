#include "statements_source.h"

#include <stdlib.h>

/* pg_stat_statements_info and toplevel came with 1.9. */
static bool is_too_old(const char *version)
{
    char *end = NULL;
    long major = strtol(version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major < 1 || (major == 1 && minor < 9);
}

static const char *reason_against(lb_ctx *ctx, const statements_extension_row *e)
{
    if (!e->version && e->most_entries_is_null)
        return lb_printf(
            ctx, "pg_stat_statements is not in shared_preload_libraries of this server, and not installed in %s",
            e->database);
    if (!e->version)
        return lb_printf(ctx, "pg_stat_statements is not installed in %s: CREATE EXTENSION pg_stat_statements",
                         e->database);
    if (!e->is_loaded)
        return "pg_stat_statements is installed, but not in shared_preload_libraries: it counts nothing";
    if (is_too_old(e->version))
        return lb_printf(ctx, "pg_stat_statements %s is too old: ALTER EXTENSION pg_stat_statements UPDATE",
                         e->version);
    return NULL;
}

int statements_look(lb_ctx *ctx, statements_source *ret_source, const char **ret_why, lb_error *err)
{
    statements_source *s = ret_source;
    lb_rows *rows = NULL;
    *s = (statements_source){.epoch = {0}};
    int r = statements_extension(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!statements_extension_next(ctx, rows, &s->extension))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say which extensions it has");
    *ret_why = reason_against(ctx, &s->extension);
    if (*ret_why)
        return 0;
    const statements_info_args where = {.schema = s->extension.schema};
    r = statements_info(ctx, &where, &rows, err);
    if (r < 0)
        return lb_wrap(err, "pg_stat_statements");
    if (!statements_info_next(ctx, rows, &s->info))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "pg_stat_statements says nothing of itself");
    s->epoch = (statements_epoch){.system_identifier = s->extension.system_identifier,
                                  .postmaster_start = s->extension.postmaster_start,
                                  .stats_reset = s->info.stats_reset};
    return 0;
}

int statements_record(lb_ctx *ctx, const statements_source *s, const char *metric, double value, const char *unit,
                      const char *kind, lb_error *err)
{
    const char *detail = lb_printf(
        ctx, "{\"system_identifier\":\"%lld\",\"postmaster_start\":%lld,\"stats_reset\":%lld}",
        (long long)s->epoch.system_identifier, (long long)s->epoch.postmaster_start, (long long)s->epoch.stats_reset);
    const char *epoch = lb_printf(ctx, "%lld %lld", (long long)s->epoch.system_identifier,
                                  (long long)s->epoch.stats_reset); /* over a restart it is kept, or it begins anew */
    if (!detail || !epoch)
        return lb_out_of_memory(err);
    return lb_record(ctx, "lakebase_metrics",
                     LB_ARGS(lb_time("snapshot_timestamp", s->info.read_at), lb_text("metric_name", metric),
                             lb_f64("metric_value", value), lb_text("unit", unit), lb_text("kind", kind),
                             lb_text("epoch", strcmp(kind, "counter") == 0 ? epoch : NULL), lb_json("detail", detail)),
                     err);
}
