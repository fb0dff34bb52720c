/* A detector with a statement of its own: reads tables, reports the large ones with a fix, and changes one. */
#include "hostile.h"

static const lb_statement_param read_params[] = {{.name = "min_bytes", .type = LB_I64, .pgtype = "int8"}};
static const lb_column read_columns[] = {{.name = "name", .type = LB_TEXT}, {.name = "bytes", .type = LB_I64}};
static const lb_statement_part read_parts[] = {{"SELECT name, bytes FROM sizes WHERE bytes >= ", 0}, {"", -1}};
static const lb_statement_variant read_variants[] = {{.from = 14, .bindable = true, .parts = read_parts}};
static const lb_statement read_sizes = {.size = sizeof(lb_statement),
                                        .kind = LB_STATEMENT_READ,
                                        .name = "hostile/read_sizes",
                                        .params = read_params,
                                        .param_count = 1,
                                        .columns = read_columns,
                                        .column_count = 2,
                                        .variants = read_variants,
                                        .variant_count = 1};

static const lb_statement_param fix_params[] = {{.name = "table", .type = LB_IDENT}};
static const lb_statement_part fix_parts[] = {{"VACUUM ", 0}, {"", -1}};
static const lb_statement_variant fix_variants[] = {{.from = 14, .parts = fix_parts}};
static const lb_statement fix_table = {.size = sizeof(lb_statement),
                                       .kind = LB_STATEMENT_CHANGE,
                                       .name = "hostile/fix_table",
                                       .params = fix_params,
                                       .param_count = 1,
                                       .variants = fix_variants,
                                       .variant_count = 1};

static int report(lb_ctx *ctx, const lb_value *row, lb_error *err)
{
    const lb_sql *fix = NULL;
    const lb_value args[] = {lb_ident("table", row[0].v.text), {.type = LB_END}};
    int r = lb_compose(ctx, &fix_table, args, &fix, err);
    if (r < 0)
        return r;
    return lb_report(ctx,
                     LB_FINDING(.object = row[0].v.text, .kind = "large", .reason = "it is larger than asked",
                                .evidence = LB_ARGS(lb_i64("bytes", row[1].v.i64)),
                                .terms = LB_TERMS({"measured", 0.6}, {"fresh", 0.3}), .fix = fix),
                     err);
}

static int mend(lb_ctx *ctx, const char *table, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    return lb_change_one(
        ctx, LB_GROUP(.title = "vacuum it", .reason = "it is large", .evidence = LB_ARGS(lb_text("t", table))),
        &fix_table, LB_ARGS(lb_ident("table", table)), &outcome, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    lb_rows *rows = NULL;
    const lb_value *row;
    const char *last = NULL;
    int64_t examined = 0;
    int r = lb_query(ctx, &read_sizes, LB_ARGS(lb_i64("min_bytes", 10)), &rows, err);
    while (r >= 0 && (row = lb_next(ctx, rows))) {
        last = row[0].v.text;
        examined++;
        r = report(ctx, row, err);
    }
    if (r >= 0)
        r = lb_examined(ctx, "tables", examined, err);
    if (r >= 0)
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", "sizes"), lb_f64("metric_value", (double)examined),
                              lb_time("snapshot_timestamp", lb_now(ctx))),
                      err);
    return r < 0 || !last ? r : mend(ctx, last, err);
}

LB_TOOL(looks, "reads sizes and mends the last", .agent = "hostile", .risk = LB_RISK_LOW, .detector = true,
        .timeout_s = 10, .writes = LB_NAMES("lakebase_metrics"), .run = run);
