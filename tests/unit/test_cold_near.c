/* Which lines are misspelt names of a table, and which are another database's. */
#include "unit/suite.h"

#include "cold_model.h"

static cold_table tables[] = {{.r = {.schema = "public", .name = "orders"}},
                              {.r = {.schema = "public", .name = "borders"}},
                              {.r = {.schema = "Audit Log", .name = "audit_2024"}},
                              {.r = {.schema = "t", .name = "x"}}};
static const cold_set set = {.tables = tables, .count = 4};

static void expect(const char *line, const cold_table *wanted)
{
    const cold_table *near = cold_nearest(&set, line);
    if (near != wanted)
        printf("\n    %s: %s\n", line, near ? near->r.name : "none");
    CU_ASSERT_PTR_EQUAL(near, wanted);
}

static void misspelt_names_are_known(void)
{
    static const char *const orders[] = {"Orders",        "public.ORDERS", "ordes",   "public.roders",
                                         "publik.orders", "sales.orders",  "orders_", "public.oders_*",
                                         "ord",           "sales.ord*"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        expect(orders[i], &tables[0]);
    expect("public.Borders", &tables[1]);
    expect("audit_2025", &tables[2]);
    expect("Audit Log.audti_*", &tables[2]);
    expect("audit log.*", &tables[2]);
    expect("Audit Lgo.*", &tables[2]);
    expect("publc.*", &tables[0]);
    expect("public", &tables[0]);
}

static void names_of_other_databases_are_not(void)
{
    static const char *const others[] = {"public.invoices", "invoices", "public.log",     "shop.*",
                                         "public.inv*",     "",         "billing.ledger", "Audit Log.books"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect(others[i], NULL);
    expect("public.a_name_that_is_longer_than_any_that_the_server_would_have_kept_of_it_as_a_table", NULL);
}

SUITE(cold_near, TEST(misspelt_names_are_known), TEST(names_of_other_databases_are_not))
