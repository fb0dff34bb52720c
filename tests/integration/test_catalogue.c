/* Every statement of the catalogue is prepared and described on each version that it serves, and the examples are run.
 */
#include <sql/archival/create_batches.h>
#include <sql/archival/create_schema.h>
#include <sql/archival/create_steps.h>
#include <sql/example/comment_on_table.h>
#include <sql/example/create_index.h>
#include <sql/example/create_index_ordered.h>
#include <sql/example/drop_index.h>
#include <sql/example/index_column.h>
#include <sql/example/largest_tables.h>
#include <sql/example/terminate_backend.h>
#include <sql/example/vacuum_table.h>
#include <sql/migration/create_base.h>
#include <sql/migration/create_batches.h>
#include <sql/migration/create_ledger.h>
#include <sql/migration/create_schema.h>
#include <sql/rehearsal/incident_schema.h>
#include <sql/rehearsal/incident_table.h>

#include "unit/sqlc_run.h"

#include "integration/catalogue_server.h"

#ifndef LBOPS_SQL
#define LBOPS_SQL "sql"
#endif

/* ---- every statement ----------------------------------------------------------------------------------------------
 */

static struct json_object *member(struct json_object *node, const char *name)
{
    struct json_object *value = NULL;
    CU_ASSERT_FATAL(json_object_object_get_ex(node, name, &value));
    return value;
}

static const char *text_member(struct json_object *node, const char *name)
{
    return json_object_get_string(member(node, name));
}

static bool serves(struct json_object *variant)
{
    struct json_object *to = member(variant, "to");
    return json_object_get_int(member(variant, "from")) <= major && (!to || json_object_get_int(to) >= major);
}

/* Does a column of that type hold what the server's type prints? */
static bool fits(const char *declared, const char *server)
{
    static const struct {
        const char *declared, *servers;
    } others[] = {{"integer", " int2 int4 int8 oid xid "},
                  {"number", " float4 float8 numeric "},
                  {"boolean", " bool "},
                  {"timestamp", " timestamptz timestamp date "},
                  {"json", " json jsonb "},
                  {"numeric", " numeric int2 int4 int8 "}};
    char word[80];
    bool is_array = *server == '_', is_list = strstr(declared, "[]") != NULL, known = false;
    (void)snprintf(word, sizeof word, " %s ", server + is_array); /* type names have 63 bytes at most */
    for (size_t i = 0; i < LB_COUNT(others); i++) {
        known = known || strstr(others[i].servers, word);
        if (strncmp(others[i].declared, declared, strlen(others[i].declared)) == 0)
            return is_array == is_list && strstr(others[i].servers, word);
    }
    return is_array == is_list && !known; /* text: whatever has no type of its own */
}

static void compare_columns(const char *name, struct json_object *columns, PGresult *described)
{
    size_t count = json_object_array_length(columns);
    CU_ASSERT_EQUAL(PQnfields(described), (int)count);
    for (size_t i = 0; i < count && (int)i < PQnfields(described); i++) {
        struct json_object *column = json_object_array_get_idx(columns, i);
        char oid[16];
        (void)snprintf(oid, sizeof oid, "%u", PQftype(described, (int)i)); /* ten digits */
        RESULT *type = execute_with("SELECT typname FROM pg_type WHERE oid = $1::oid", oid);
        ASSERT_TEXT(PQfname(described, (int)i), text_member(column, "name"));
        bool good = fits(text_member(column, "type"), PQgetvalue(type, 0, 0));
        if (!good)
            printf("\n    %s: column %s is %s on the server\n", name, text_member(column, "name"),
                   PQgetvalue(type, 0, 0));
        CU_ASSERT_TRUE(good);
    }
}

static void check_variant(struct json_object *statement, struct json_object *variant)
{
    const char *name = text_member(statement, "name"), *text = text_member(variant, "text");
    struct json_object *params = member(statement, "params");
    bool bindable = json_object_get_boolean(member(variant, "bindable"));
    Oid types[64];
    int count = 0;
    for (size_t i = 0; bindable && i < json_object_array_length(params); i++) {
        struct json_object *pgtype = member(json_object_array_get_idx(params, i), "pgtype");
        if (pgtype)
            types[count++] = type_oid(json_object_get_string(pgtype));
    }
    RESULT *prepared = expect_good(PQprepare(db, "", text, count, types), name);
    /* Of a utility statement the server reads no more than the grammar here. */
    if (!bindable || PQresultStatus(prepared) != PGRES_COMMAND_OK)
        return;
    RESULT *described = expect_good(PQdescribePrepared(db, ""), name);
    CU_ASSERT_EQUAL(PQnparams(described), count);
    for (int i = 0; i < count && i < PQnparams(described); i++)
        CU_ASSERT_EQUAL(PQparamtype(described, i), types[i]);
    if (strcmp(text_member(statement, "kind"), "read") == 0)
        compare_columns(name, member(statement, "columns"), described);
}

static void check_statement(const char *line, size_t length, unsigned *checked)
{
    lb_error failure;
    JSON_AUTO *statement = json_parse(line, length, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(statement);
    struct json_object *variants = member(statement, "variants");
    const char *kind = text_member(statement, "kind");
    bool asks = strcmp(kind, "history") == 0 || strcmp(kind, "lake") == 0; /* of no server */
    if (strcmp(kind, "fragment") == 0 || asks)
        return;
    for (size_t i = 0; i < json_object_array_length(variants); i++)
        if (serves(json_object_array_get_idx(variants, i))) {
            check_variant(statement, json_object_array_get_idx(variants, i));
            ++*checked;
        }
}

static unsigned check_tree(const char *root)
{
    SCRATCH scratch = scratch_new();
    OUTCOME list = RUN(scratch, "--root", root, "--list");
    unsigned checked = 0;
    CU_ASSERT_EQUAL(list.status, 0);
    ASSERT_TEXT(list.err, "");
    for (const char *line = list.out; *line;) {
        size_t length = strcspn(line, "\n");
        check_statement(line, length, &checked);
        line += length + (line[length] == '\n');
    }
    return checked;
}

/* What statements read that a server has only on demand; true: it was not there before. */
static bool add_extension(void)
{
    RESULT *found = execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'");
    if (PQntuples(found))
        return false;
    run_sql("CREATE EXTENSION pg_stat_statements SCHEMA public");
    return true;
}

/* pg_cron has to be in the server's settings before it can be created: this table of it has its columns. */
static void make_stand_in(void)
{
    run_sql("CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, schedule text, command text, nodename text, "
            "nodeport int, database text, username text, active boolean, jobname text)");
}

/* Tables of ours that statements read and write. */
static void make_own_tables(void)
{
    const lb_sql *schema = &untouched, *ledger = &untouched, *base = &untouched, *marked = &untouched;
    run_change(migration_create_schema_compose(&ctx, &schema, &err), &schema);
    run_change(migration_create_ledger_compose(&ctx, &ledger, &err), &ledger);
    run_change(migration_create_base_compose(&ctx, &base, &err), &base);
    run_change(migration_create_batches_compose(&ctx, &marked, &err), &marked);
    const lb_sql *archive = &untouched, *batches = &untouched, *steps = &untouched;
    run_change(archival_create_schema_compose(&ctx, &archive, &err), &archive);
    run_change(archival_create_batches_compose(&ctx, &batches, &err), &batches);
    run_change(archival_create_steps_compose(&ctx, &steps, &err), &steps);
    const lb_sql *rehearsed = &untouched, *incident = &untouched;
    const rehearsal_incident_table_args small = {.row_count = 10};
    run_change(rehearsal_incident_schema_compose(&ctx, &rehearsed, &err), &rehearsed);
    run_change(rehearsal_incident_table_compose(&ctx, &small, &incident, &err), &incident);
}

static void every_statement_prepares_and_describes_as_declared(void)
{
    bool was_added = add_extension();
    make_stand_in();
    make_own_tables();
    unsigned checked = check_tree(setting("LBOPS_SQL", LBOPS_SQL));
    if (was_added)
        run_sql("DROP EXTENSION pg_stat_statements");
    CU_ASSERT_TRUE(checked >= 7);
    run_sql("DROP SCHEMA lbops_migration CASCADE; DROP SCHEMA lbops_archive CASCADE; "
            "DROP SCHEMA rehearsed CASCADE; DROP SCHEMA cron CASCADE");
    printf(" %u statements on %d ", checked, major);
}

/* ---- the examples -------------------------------------------------------------------------------------------------
 */

static const char *index_text(const char *name)
{
    RESULT *result = execute_with("SELECT indexdef FROM pg_indexes WHERE indexname = $1", name);
    return PQntuples(result) == 1 ? arena_strdup(&memory, PQgetvalue(result, 0, 0)) : "";
}

static void indexes_come_and_go(void)
{
    static const char *const columns[] = {"A b", "user"};
    const lb_sql *sql = &untouched, *pieces[] = {&untouched, &untouched};
    run_sql("DROP TABLE IF EXISTS \"my Table\"; CREATE TABLE \"my Table\" (\"A b\" int, \"user\" text)");
    example_create_index_args args = {
        .name = "my Index", .schema = "public", .table = "my Table", .columns = {columns, 2}};
    run_change(example_create_index_compose(&ctx, &args, &sql, &err), &sql);
    ASSERT_CONTAINS(index_text("my Index"), "ON public.\"my Table\" USING btree (\"A b\", \"user\")");
    example_drop_index_args drop = {.schema = "public", .name = "my Index"};
    run_change(example_drop_index_compose(&ctx, &drop, &sql, &err), &sql);
    ASSERT_TEXT(index_text("my Index"), "");
    for (size_t i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(
            example_index_column_compose(&ctx, &(example_index_column_args){.column = columns[i]}, &pieces[i], &err),
            0);
    example_create_index_ordered_args ordered = {
        .name = "ordered", .schema = "public", .table = "my Table", .columns = {pieces, 2}};
    run_change(example_create_index_ordered_compose(&ctx, &ordered, &sql, &err), &sql);
    ASSERT_CONTAINS(index_text("ordered"), "(\"A b\" DESC NULLS LAST, \"user\" DESC NULLS LAST)");
    run_sql("DROP TABLE \"my Table\"");
}

static void large_tables_are_found_and_vacuumed(void)
{
    const lb_sql *sql = &untouched;
    run_sql("DROP TABLE IF EXISTS \"Big\"; CREATE TABLE \"Big\" AS SELECT g FROM generate_series(1, 10000) g");
    example_vacuum_table_args vacuum = {.schema = "public", .table = "Big"};
    run_change(example_vacuum_table_compose(&ctx, &vacuum, &sql, &err), &sql);
    example_largest_tables_args args = {.min_bytes = 100000};
    CU_ASSERT_EQUAL_FATAL(
        compose(&example_largest_tables_sql, LB_ARGS(lb_i64("min_bytes", args.min_bytes)), major, &memory, &sql, &err),
        0);
    RESULT *rows = run_composed(sql);
    int at = 0; /* other suites may have their tables on the server too */
    while (at < PQntuples(rows) && strcmp(PQgetvalue(rows, at, 1), "Big") != 0)
        at++;
    CU_ASSERT_TRUE_FATAL(at < PQntuples(rows));
    lb_value cells[8] = {{.type = LB_END}};
    for (int i = 0; i < 7; i++)
        cells[i] = decoded(&example_largest_tables_sql.columns[i], rows, at, i);
    next_row = cells;
    example_largest_tables_row row = {0};
    CU_ASSERT_TRUE(example_largest_tables_next(&ctx, NULL, &row));
    ASSERT_TEXT(row.name, "Big");
    CU_ASSERT_TRUE(row.bytes >= args.min_bytes);
    run_sql("DROP TABLE \"Big\"");
}

static void only_the_seen_session_is_ended(void)
{
    char pid[16], variable[32];
    (void)snprintf(variable, sizeof variable, "LBOPS_TEST_PG%d", major); /* two digits */
    PGconn *other = PQconnectdb(setting(variable, ""));
    (void)snprintf(pid, sizeof pid, "%d", PQbackendPID(other)); /* ten digits */
    RESULT *seen = execute_with(
        "SELECT (extract(epoch FROM backend_start) * 1000000)::int8 FROM pg_stat_activity WHERE pid = $1::int4", pid);
    CU_ASSERT_EQUAL_FATAL(PQntuples(seen), 1);
    example_terminate_backend_args args = {.pid = PQbackendPID(other),
                                           .started = strtoll(PQgetvalue(seen, 0, 0), NULL, 10) - 1};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(example_terminate_backend_compose(&ctx, &args, &sql, &err), 0);
    RESULT *stranger = run_composed(sql);
    CU_ASSERT_EQUAL(PQntuples(stranger), 0);
    args.started++;
    CU_ASSERT_EQUAL_FATAL(example_terminate_backend_compose(&ctx, &args, &sql, &err), 0);
    RESULT *ended = run_composed(sql);
    CU_ASSERT_EQUAL(PQntuples(ended), 1);
    ASSERT_TEXT(PQgetvalue(ended, 0, 0), "t");
    PQfinish(other);
}

ON_EACH(every_statement_prepares_and_describes_as_declared)
ON_EACH(indexes_come_and_go)
ON_EACH(large_tables_are_found_and_vacuumed)
ON_EACH(only_the_seen_session_is_ended)

SUITE(catalogue, TEST(test_every_statement_prepares_and_describes_as_declared), TEST(test_indexes_come_and_go),
      TEST(test_large_tables_are_found_and_vacuumed), TEST(test_only_the_seen_session_is_ended))
