/* Approvals on real servers: a definition that moved shows, growth does not; what was approved is executed once.
 * LBOPS_TEST_PG15 and LBOPS_TEST_PG17 hold their URLs; without any the program is skipped. */
#include "unit/door_rig.h"

#include <libpq-fe.h>

#define DATABASE "lbops_gate_server"

static const char *url;

static PGconn *connect_to(const char *database)
{
    const char *names[] = {"dbname", "dbname", "options", NULL};
    const char *values[] = {url, database, "-c client_min_messages=warning", NULL};
    return PQconnectdbParams(names, values, 1);
}

/* A session of somebody else. Returns the first cell, in the rig's memory. */
static const char *aside(rig *g, const char *database, const char *sql)
{
    PGconn *db = connect_to(database);
    PGresult *result = PQexec(db, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        printf("\n    %s: %s", sql, PQerrorMessage(db));
    CU_ASSERT(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    const char *cell = arena_strdup(&g->memory, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(db);
    return cell;
}

static const char *const setup[] = {
    "DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)",
    "CREATE DATABASE " DATABASE,
};
static const char *const schema[] = {
    "CREATE TABLE public.parents (id int PRIMARY KEY)",
    "CREATE TABLE public.orders (id int PRIMARY KEY, parent int REFERENCES public.parents, note text DEFAULT 'x')",
    "CREATE INDEX old_idx ON public.orders (note)",
    "CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
};

static void open_on_server(rig *g)
{
    static param_arg dsn;
    rig_open(g);
    dsn = (param_arg){"dsn", url};
    g->setup.transport.name = "transport_local";
    g->setup.transport.path = arena_printf(&g->memory, "%s/transport_local.so", getenv("LBOPS_PLUGINS"));
    g->setup.transport.args = &dsn;
    g->setup.transport.arg_count = 1;
    for (size_t i = 0; i < LB_COUNT(setup); i++)
        (void)aside(g, "postgres", setup[i]);
    for (size_t i = 0; i < LB_COUNT(schema); i++)
        (void)aside(g, DATABASE, schema[i]);
}

static void close_on_server(rig *g)
{
    rig_stop(g); /* it holds a session there */
    (void)aside(g, "postgres", setup[0]);
    rig_close(g);
}

static const char *ask(rig *g, const char *name, const char *value)
{
    rig_run(g, "proposes", DATABASE, LB_BRANCH_PRODUCTION, GATE_PERSON, ARGS(name, value));
    rig_expect(g, RUN_PENDING_APPROVAL, 0);
    CU_ASSERT_EQUAL_FATAL(g->ask_count, 1);
    return g->asks[0];
}

static void approve(rig *g, const char *document)
{
    rig_run(g, APPROVED_TOOL, DATABASE, LB_BRANCH_PRODUCTION, GATE_PERSON,
            ARGS("approval", document, "approval_id", "A1"));
    rig_expect(g, RUN_OK, 0);
}

/* ---- what grows ---- */

static void growth_moves_nothing(void)
{
    static const char *const growth[] = {
        "INSERT INTO public.parents SELECT generate_series(1, 1000)",
        "INSERT INTO public.orders SELECT i, i, 'n' || i FROM generate_series(1, 1000) i",
        "ANALYZE public.orders",
        "VACUUM public.orders",
        "VACUUM FULL public.orders",
        "UPDATE public.orders SET note = 'y' WHERE id < 10",
        "CREATE TABLE public.unrelated (i int)",
    };
    rig g;
    open_on_server(&g);
    const char *asked = ask(&g, "drops", "[\"old_idx\"]");
    for (size_t i = 0; i < LB_COUNT(growth); i++)
        (void)aside(&g, DATABASE, growth[i]);
    approve(&g, asked);
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
    ASSERT_TEXT(rig_outcome(&g, 0), "applied");
    ASSERT_TEXT(aside(&g, DATABASE, "SELECT to_regclass('public.old_idx') IS NULL"), "t");
    approve(&g, asked); /* a second time there is nothing left of it */
    ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "false");
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.object"), "public.old_idx");
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.part"), "object");
    close_on_server(&g);
}

/* ---- what moves ---- */

/* What somebody does to public.orders meanwhile, and the first part that shows it. */
static const struct {
    const char *sql, *part;
} moves[] = {
    {"ALTER TABLE public.orders ADD COLUMN more int", "columns"},
    {"ALTER TABLE public.orders ALTER note DROP DEFAULT", "columns"},
    {"ALTER TABLE public.orders ALTER note SET NOT NULL", "columns"},
    {"ALTER TABLE public.orders ADD CONSTRAINT positive CHECK (id > 0)", "constraints"},
    {"CREATE INDEX another ON public.orders (parent)", "indexes"},
    {"ALTER TABLE public.orders SET (fillfactor = 50)", "options"},
    {"GRANT SELECT ON public.orders TO public", "permissions"},
    {"CREATE POLICY hides ON public.orders USING (id > 0)", "policies"},
    {"ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY", "row security"},
    {"CREATE VIEW public.seen AS SELECT id FROM public.orders", "referenced by"},
    {"CREATE TABLE public.lines (o int REFERENCES public.orders)", "referenced by"},
    {"CREATE TRIGGER g BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.t()", "triggers"},
    {"ALTER TABLE public.orders SET UNLOGGED", "kind"},
    {"ALTER TABLE public.orders REPLICA IDENTITY FULL", "replica identity"},
    {"CREATE RULE r AS ON DELETE TO public.orders DO ALSO NOTHING", "rules"},
};

static void a_definition_that_moved_shows(void)
{
    static const gate_rule asks = {.tool = "proposes", .decision = GATE_ASK};
    for (size_t i = 0; i < LB_COUNT(moves); i++) {
        rig g;
        open_on_server(&g);
        g.setup.rules = &asks;
        g.setup.rule_count = 1;
        const char *asked = ask(&g, "comment", "known");
        (void)aside(&g, DATABASE, moves[i].sql);
        approve(&g, asked);
        ASSERT_TEXT(rig_member(&g, g.done.result, "moved"), "true");
        ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.part"), moves[i].part);
        ASSERT_TEXT(aside(&g, DATABASE, "SELECT obj_description('public.orders'::regclass) IS NULL"), "t");
        const char *now = rig_member(&g, g.done.result, "document");
        approve(&g, now);
        ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
        ASSERT_TEXT(aside(&g, DATABASE, "SELECT obj_description('public.orders'::regclass)"), "known");
        close_on_server(&g);
    }
}

/* Whether an index may go is decided by what else its table has. */
static const struct {
    const char *sql, *part;
} moves_beside[] = {
    {"CREATE INDEX another ON public.orders (note, parent)", "indexes"},
    {"ALTER TABLE public.orders ALTER note TYPE varchar(9)", "columns"},
    {"ALTER TABLE public.orders ADD CONSTRAINT positive CHECK (id > 0)", "constraints"},
    {"ALTER INDEX public.old_idx SET (fillfactor = 50)", "definition"},
};

static void an_index_stands_with_its_table(void)
{
    for (size_t i = 0; i < LB_COUNT(moves_beside); i++) {
        rig g;
        open_on_server(&g);
        const char *asked = ask(&g, "drops", "[\"old_idx\"]");
        (void)aside(&g, DATABASE, moves_beside[i].sql);
        approve(&g, asked);
        ASSERT_TEXT(rig_member(&g, g.done.result, "moved"), "true");
        CU_ASSERT_PTR_NOT_NULL(strstr(rig_member(&g, g.done.result, "difference"), moves_beside[i].part));
        ASSERT_TEXT(aside(&g, DATABASE, "SELECT to_regclass('public.old_idx') IS NULL"), "f");
        approve(&g, rig_member(&g, g.done.result, "document"));
        ASSERT_TEXT(rig_member(&g, g.done.result, "executed"), "true");
        ASSERT_TEXT(aside(&g, DATABASE, "SELECT to_regclass('public.old_idx') IS NULL"), "t");
        close_on_server(&g);
    }
}

static void a_table_that_was_made_again_is_another_one(void)
{
    static const gate_rule asks = {.tool = "proposes", .decision = GATE_ASK};
    rig g;
    open_on_server(&g);
    g.setup.rules = &asks;
    g.setup.rule_count = 1;
    const char *asked = ask(&g, "comment", "known");
    (void)aside(&g, DATABASE, "DROP TABLE public.orders");
    for (size_t i = 1; i < 3; i++)
        (void)aside(&g, DATABASE, schema[i]);
    approve(&g, asked);
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.0.part"), "oid");
    ASSERT_TEXT(rig_member(&g, g.done.result, "difference.1"), "(null)");
    close_on_server(&g);
}

/* ---- both servers ---- */

static void on_each_server(void (*test)(void))
{
    static const char *const variables[] = {"LBOPS_TEST_PG15", "LBOPS_TEST_PG17"};
    for (size_t i = 0; i < LB_COUNT(variables); i++) {
        url = getenv(variables[i]);
        if (url && *url)
            test();
    }
}

static void growth(void)
{
    on_each_server(growth_moves_nothing);
}

static void definitions(void)
{
    on_each_server(a_definition_that_moved_shows);
}

static void beside(void)
{
    on_each_server(an_index_stands_with_its_table);
}

static void made_again(void)
{
    on_each_server(a_table_that_was_made_again_is_another_one);
}

int main(void)
{
    const char *one = getenv("LBOPS_TEST_PG15"), *other = getenv("LBOPS_TEST_PG17");
    if ((!one || !*one) && (!other || !*other)) {
        printf("no server: LBOPS_TEST_PG15 and LBOPS_TEST_PG17 name none\n");
        return 77;
    }
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("gate_server", NULL, NULL);
    if (!suite || !CU_ADD_TEST(suite, growth) || !CU_ADD_TEST(suite, definitions) || !CU_ADD_TEST(suite, beside) ||
        !CU_ADD_TEST(suite, made_again))
        return 2;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
