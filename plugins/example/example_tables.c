/* example_tables: a detector. Finds large tables that vacuum has left alone for long. */
#include <lbops/lbops.h>
#include <sql/example/largest_tables.h>
#include <sql/example/vacuum_table.h>

struct args {
    int64_t min_bytes;
    int64_t days;
    lb_texts schemas;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_bytes, LB_I64, "1048576", "leave smaller tables out", .min = "0"),
    LB_PARAM(struct args, days, LB_I64, "7", "days without a vacuum that make a finding", .min = "1", .max = "365"),
    LB_PARAM(struct args, schemas, LB_LIST_OF(LB_TEXT), NULL, "only these schemas; none given: all"),
    LB_PARAMS_END,
};

static bool is_wanted(const lb_texts *schemas, const char *schema)
{
    for (size_t i = 0; i < schemas->count; i++)
        if (strcmp(schemas->items[i], schema) == 0)
            return true;
    return schemas->count == 0;
}

static int report(lb_ctx *ctx, const example_largest_tables_row *row, double days, lb_error *err)
{
    const lb_sql *fix = NULL;
    const example_vacuum_table_args vacuum = {.schema = row->schema, .table = row->name};
    int r = example_vacuum_table_compose(ctx, &vacuum, &fix, err);
    if (r < 0)
        return r;
    return lb_report(
        ctx,
        LB_FINDING(.object = lb_printf(ctx, "%s.%s", row->schema, row->name), .kind = "vacuum_overdue",
                   .reason = row->last_vacuum_is_null ? "no vacuum is on record for this table"
                                                      : lb_printf(ctx, "the last vacuum was %.1f days ago", days),
                   .evidence = LB_ARGS(lb_i64("bytes", row->bytes), row->last_vacuum_is_null
                                                                        ? lb_null("last_vacuum")
                                                                        : lb_time("last_vacuum", row->last_vacuum)),
                   .terms = LB_TERMS({"size_known", 0.3}, {"vacuum_age", row->last_vacuum_is_null ? 0.2 : 0.5}),
                   .impact = LB_ARGS(lb_i64("bytes", row->bytes)), .fix = fix),
        err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const example_largest_tables_args wanted = {.min_bytes = args->min_bytes};
    example_largest_tables_row row;
    lb_rows *rows = NULL;
    int64_t examined = 0, largest = 0;
    int r = example_largest_tables(ctx, &wanted, &rows, err);
    while (r >= 0 && example_largest_tables_next(ctx, rows, &row)) {
        if (!is_wanted(&args->schemas, row.schema)) {
            r = lb_skipped(ctx, lb_printf(ctx, "%s.%s", row.schema, row.name), "its schema was not asked for", err);
            continue;
        }
        double days = row.last_vacuum_is_null ? 0 : (double)(lb_now(ctx) - row.last_vacuum) / 86400e6;
        largest = row.bytes > largest ? row.bytes : largest;
        examined++;
        if (row.last_vacuum_is_null || days >= (double)args->days)
            r = report(ctx, &row, days, err);
    }
    if (r >= 0)
        r = lb_examined(ctx, "tables", examined, err);
    if (r >= 0)
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", "largest_table_bytes"), lb_f64("metric_value", (double)largest),
                              lb_time("snapshot_timestamp", lb_now(ctx))),
                      err);
    return r;
}

LB_TOOL(example_tables, "large tables that vacuum has left alone", .agent = "example", .risk = LB_RISK_LOW,
        .schedule = "0 * * * *", .detector = true, .timeout_s = 60, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics"), .run = run);
