/* history_tool: a local history driven by lines on standard input, one answer a line, for tests in other languages.
 *
 *   history_tool DIR [PARAM=VALUE ...]
 *
 *   create-older          makes all tables as a version would have that did not know their last columns yet
 *   metrics N FIRST DAY    N rows of lakebase_metrics with values from FIRST on, DAY days after 2026-01-01
 *   statements N DAY       N rows of pg_stat_history, five minutes apart
 *   every DAY              one row of every table
 *   flush                  commits what waits: "files rows damaged repeated"
 *   audit DAY              one row of audit_log
 *   maintain DAY [TABLE]   upkeep as of that day: what it did
 *   left                   how many files wait in the outbox
 *   ddl TABLE              its CREATE TABLE, on one line
 *   ask SQL                the answer, cells with |, rows with ;
 */
#include "../unit/delta_place.h"

#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        if ((call) < 0) {                                                                                              \
            (void)fprintf(stderr, "%s: %s\n", #call, err.message);                                                     \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

#define OLDER_LACKS 2 /* columns at the end of each table */

static int create_older(place *p)
{
    lb_error err = {0};
    size_t count = table_count();
    lb_delta_table *tables = base_alloc(count * sizeof *tables);
    const lb_delta_table **list = base_alloc(count * sizeof *list);
    lb_delta_column *columns = base_alloc(count * TABLE_COLUMNS_MAX * sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const table_def *def = table_at(i);
        lb_delta_column *own = columns + i * TABLE_COLUMNS_MAX;
        uint32_t n = 0;
        for (; n + OLDER_LACKS < def->column_count; n++)
            own[n] = (lb_delta_column){def->columns[n].name, def->columns[n].type, def->columns[n].required,
                                       def->columns[n].doc};
        tables[i] = (lb_delta_table){sizeof tables[i], sizeof own[0],       n,  def->retention_days, def->name,
                                     def->doc,         def->partition_time, own};
        list[i] = &tables[i];
    }
    const lb_delta_setup setup = {sizeof setup, (uint32_t)count, list, p->root, p->root};
    const lb_delta_care care = {.size = sizeof care, .now = clock_now()};
    const lb_delta *plugin = lb_plugin_v1_delta_local.ops;
    void *args = arena_alloc(&p->memory, plugin->args_size), *state = NULL;
    lb_delta_upkeep upkeep = {.size = sizeof upkeep};
    CHECK(params_bind("delta_local", (param_rows){plugin->params, plugin->param_size}, NULL, 0, args, plugin->args_size,
                      &p->memory, &err));
    CHECK(plugin->open(&place_host, &setup, args, &state, &err));
    CHECK(plugin->maintain(state, &care, &upkeep, &err));
    plugin->close(state);
    free(columns);
    free(list);
    free(tables);
    return 0;
}

/* Something for each column, so that readers have all types to read. */
static int put_row(outbox_batch *batch, const table_def *def, int64_t at, int64_t n)
{
    lb_error err = {0};
    lb_value values[TABLE_COLUMNS_MAX + 1];
    size_t used = 0;
    for (const table_column *c = def->columns; c->name; c++) {
        if (strcmp(c->name, "run_id") == 0 || strcmp(c->name, "project_id") == 0 || strcmp(c->name, "branch_id") == 0)
            continue;
        lb_value *v = &values[used++];
        switch (c->type) {
        case LB_I64:
            *v = lb_i64(c->name, strstr(c->name, "id") ? n % 3 : n); /* some keys, and figures */
            break;
        case LB_F64:
            *v = lb_f64(c->name, (double)n / 4);
            break;
        case LB_BOOL:
            *v = lb_bool(c->name, n % 2 == 0);
            break;
        case LB_TIME:
            *v = lb_time(c->name, strcmp(c->name, def->partition_time ? def->partition_time : "") == 0 ? at : NOON);
            break;
        case LB_JSON:
            *v = lb_json(c->name, "{\"a\":[1,\"\\u00e9\\\"\"]}");
            break;
        default:
            *v = lb_text(c->name, strcmp(c->name, "granularity") == 0 ? "snapshot"
                                                                      : "gr\xc3\xbc\xc3\x9f"
                                                                        "e \"q\"\n");
            break;
        }
    }
    values[used] = (lb_value){.type = LB_END};
    CHECK(outbox_add(batch, def->name, values, &shop, &err));
    return 0;
}

static int put_rows(place *p, const char *table, int64_t count, int64_t at, int64_t step)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, "01TESTRUN00000000000000000", 1 << 20);
    for (size_t t = 0; t < table_count(); t++)
        for (int64_t i = 0; i < count && (!table || strcmp(table, table_at(t)->name) == 0); i++)
            if (put_row(batch, table_at(t), at + i * step, i) != 0)
                return 1;
    CHECK(outbox_commit(batch, &err));
    (void)outbox_batch_free(batch);
    return 0;
}

static int put_values(place *p, int64_t count, double first, int64_t at)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, "01TESTRUN00000000000000000", 1 << 20);
    for (int64_t i = 0; i < count; i++)
        CHECK(outbox_add(batch, "lakebase_metrics",
                         LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("metric_name", "n"),
                                 lb_f64("metric_value", first + (double)i)),
                         &shop, &err));
    CHECK(outbox_commit(batch, &err));
    (void)outbox_batch_free(batch);
    return 0;
}

static int maintain(place *p, int64_t day, const char *table)
{
    lb_error err = {0};
    lb_delta_upkeep u;
    CHECK(delta_driver_maintain(p->driver, *table ? table : NULL, NOON + day * DAY,
                                clock_monotonic() + 300 * CLOCK_SECOND, &u, &err));
    (void)printf(
        "compacted %lld into %lld, rolled up %lld into %lld, expired %lld, vacuumed %lld, checkpoints %lld, log "
        "files %lld\n",
        (long long)u.compacted, (long long)u.compacted_into, (long long)u.rolled_up, (long long)u.rolled_up_into,
        (long long)u.expired_files, (long long)u.vacuumed_files, (long long)u.checkpoints, (long long)u.log_files);
    return 0;
}

static int print_ddl(const char *name)
{
    BUF_AUTO text = BUF_INIT((size_t)1 << 20);
    const table_def *table = table_find(name);
    if (!table)
        return 1;
    table_ddl(&text, table, NULL, "lakebase_ops");
    for (char *p = text.data; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    return puts(buf_text(&text)) < 0;
}

static int obey(place *p, const char *line)
{
    lb_error err = {0};
    long long n = 0, day = 0;
    double first = 0;
    char table[64] = "";
    reply answer;
    if (sscanf(line, "metrics %lld %lf %lld", &n, &first, &day) == 3) {
        return put_values(p, n, first, NOON + day * DAY) || puts("ok") < 0;
    } else if (sscanf(line, "statements %lld %lld", &n, &day) == 2) {
        return put_rows(p, "pg_stat_history", n, NOON + day * DAY, 300 * CLOCK_SECOND) || puts("ok") < 0;
    } else if (sscanf(line, "every %lld", &day) == 1) {
        return put_rows(p, NULL, 1, NOON + day * DAY, 0) || puts("ok") < 0;
    } else if (sscanf(line, "audit %lld", &day) == 1) {
        return put_rows(p, "audit_log", 1, NOON + day * DAY, 0) || puts("ok") < 0;
    } else if (sscanf(line, "maintain %lld %63s", &day, table) >= 1) {
        return maintain(p, day, table);
    } else if (strcmp(line, "flush") == 0) {
        delta_driver_report r;
        CHECK(delta_driver_flush(p->driver, clock_monotonic() + 300 * CLOCK_SECOND, &r, &err));
        return printf("%lld %lld %lld %lld\n", (long long)r.files, (long long)r.rows, (long long)r.damaged,
                      (long long)r.repeated) < 0;
    } else if (strcmp(line, "left") == 0) {
        outbox_listing listing;
        CHECK(outbox_list(p->outbox, &listing, &err));
        n = listing.files;
        outbox_listing_done(&listing);
        return printf("%lld\n", n) < 0;
    } else if (strncmp(line, "ddl ", 4) == 0) {
        return print_ddl(line + 4);
    } else if (strncmp(line, "ask ", 4) == 0) {
        CHECK(place_ask(p, line + 4, &answer, &err));
        return puts(answer.text) < 0;
    } else {
        (void)fprintf(stderr, "no such line: %s\n", line);
        return 1;
    }
    return puts("ok") < 0;
}

int main(int argc, char **argv)
{
    lb_error err = {0};
    const char *pairs[33] = {NULL};
    char line[65536]; /* a term for each column of a table that has many */
    if (argc < 2)
        return 2;
    place p = {
        .root = argv[1], .outbox = base_printf("%s/outbox", argv[1]), .history = base_printf("%s/history", argv[1])};
    arena_init(&p.memory, 0);
    for (int i = 2, n = 0; i < argc && n < 32; i++, n += 2) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            return 2;
        *equals = '\0';
        pairs[n] = argv[i];
        pairs[n + 1] = equals + 1;
    }
    int code = 0;
    while (code == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "create-older") == 0) {
            code = create_older(&p) || puts("ok") < 0;
        } else {
            if (!p.driver)
                CHECK(place_open_with(&p, pairs, &err));
            code = obey(&p, line);
        }
        (void)fflush(stdout); /* a reader that is gone ends us at the next line */
    }
    place_close(&p);
    arena_done(&p.memory);
    free(p.outbox);
    free(p.history);
    return code;
}
