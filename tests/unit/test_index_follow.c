/* What becomes of a recommendation once it was made: what it was good for, who suffers by a drop, what is learnt. */
#include "index_measure.h"
#include "index_missing.h"
#include "index_stage.h"
#include "index_statements.h"
#include "index_watch.h"
#include "unit/suite.h"

#define DAY INT64_C(86400000000)

/* ---- recommendations ---- */

static index_set around; /* what else there is */
static bool is_remade;   /* by a person, as a unique one */
static bool is_found_again;

/* gain NULL: it was not made for a statement. */
static index_step step_of(const char *type, const char *status, bool is_there, int64_t scans, bool all,
                          const index_gain *gain)
{
    static const index_gain none = {.mean_before = -1, .mean_after = -1};
    lb_error err;
    index_step step;
    index_info x = index_stage_btree("1", 1);
    x.r.schema = "public";
    x.r.name = "i";
    x.tree_scans = scans;
    x.r.is_unique = is_remade;
    index_set set = around;
    set.indexes = &x;
    set.index_count = is_there;
    index_past past = {.r = {.recommendation_type = type,
                             .status = status,
                             .schema_name = "public",
                             .table_name = "t",
                             .index_name = "i"},
                       .is_seen = is_found_again};
    const index_keeping keeping = {.set = &set, .days = 7, .share = 0.2, .min_calls = 50, .all = all, .now = 8 * DAY};
    CU_ASSERT_EQUAL(index_next_step(&index_stage_run, &keeping, &past, gain ? gain : &none, &step, &err), 0);
    CU_ASSERT_EQUAL(!step.status && !step.wants_undo, !step.why);
    return step;
}

static const char *next(const char *type, const char *status, bool is_there, int64_t scans, bool all)
{
    const char *state = step_of(type, status, is_there, scans, all, NULL).status;
    return state ? state : "the same";
}

static const char *shared_verdict(int64_t scans, double calls_before, double mean_before, double calls_after,
                                  double mean_after, int64_t statements)
{
    const index_gain gain = {1, calls_before, mean_before, calls_after, mean_after, statements, {0}};
    index_step step = step_of("create_missing", "executed", true, scans, false, &gain);
    const char *word = step.wants_undo ? "undo" : step.status ? step.status : "the same";
    if (step.wants_undo)
        CU_ASSERT_EQUAL(step.is_unscanned, scans == 0 && around.window.since == 0);
    index_stage_done();
    return word;
}

static const char *verdict(int64_t scans, double calls_before, double mean_before, double calls_after,
                           double mean_after)
{
    return shared_verdict(scans, calls_before, mean_before, calls_after, mean_after, 1);
}

static void judges_by_the_times_of_statements(void)
{
    ASSERT_TEXT(verdict(90, 100, 20, 90, 0.5), "kept");
    ASSERT_TEXT(verdict(90, 0, 20, 90, 0.5), "kept");    /* before is what the server had counted */
    ASSERT_TEXT(verdict(90, 100, 20, 90, 16), "kept");   /* a fifth less is enough */
    ASSERT_TEXT(verdict(90, 100, 20, 90, 16.1), "undo"); /* used, and no faster */
    ASSERT_TEXT(verdict(0, 100, 20, 90, 0.5), "undo");   /* faster, and not by it */
    ASSERT_TEXT(verdict(0, 100, 20, 90, 21), "undo");
    ASSERT_TEXT(verdict(9, 100, 20, 49, 0.5), "the same"); /* too few calls so far */
    ASSERT_TEXT(verdict(0, 100, 20, 0, -1), "the same");
    ASSERT_TEXT(verdict(9, 0, 20, 0, -1), "kept"); /* nobody counts here: use is all there is */
    ASSERT_TEXT(verdict(0, 0, 20, 0, -1), "the same");
    ASSERT_TEXT(verdict(9, 0, -1, 90, 0.5), "kept");
}

static void scans_that_were_forgotten_prove_nothing(void)
{
    around.window.since = 3 * DAY; /* the server was started again after the index was made */
    ASSERT_TEXT(verdict(0, 100, 20, 90, 0.5), "kept");
    ASSERT_TEXT(verdict(0, 100, 20, 90, 21), "undo");
    ASSERT_TEXT(verdict(9, 100, 20, 90, 21), "undo");
    ASSERT_TEXT(shared_verdict(0, 100, 20, 90, 21, 2), "the same");
    around = (index_set){0};
}

static void what_has_a_role_is_not_taken_back(void)
{
    index_opclass classes[] = {{1978, 1976, true, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_foreign_key key = {.table = &index_stage_table};
    CU_ASSERT_TRUE(index_vector_parse("1", &key.keys));
    CU_ASSERT_TRUE(index_vector_parse("96", &key.operators));
    around = (index_set){.keys = &key,
                         .key_count = 1,
                         .opclasses = classes,
                         .opclass_count = 1,
                         .equalities = equalities,
                         .equality_count = 1};
    ASSERT_TEXT(verdict(0, 100, 20, 90, 21), "kept"); /* the only one on a foreign key */
    around = (index_set){0};
    ASSERT_TEXT(verdict(0, 100, 20, 90, 21), "undo");
    is_remade = true;
    ASSERT_TEXT(verdict(0, 100, 20, 90, 21), "kept");
    ASSERT_TEXT(verdict(9, 100, 20, 90, 16.1), "kept");
    is_remade = false;
}

static void others_may_scan_what_they_asked_for(void)
{
    ASSERT_TEXT(shared_verdict(90, 100, 20, 90, 21, 2), "the same");
    ASSERT_TEXT(shared_verdict(90, 100, 20, 90, 0.5, 2), "kept");
    ASSERT_TEXT(shared_verdict(0, 100, 20, 90, 21, 2), "undo");
    ASSERT_TEXT(shared_verdict(0, 100, 20, 90, 0.5, 2), "undo");
}

static void sums_up_what_lies_on_one_side(void)
{
    static const index_span spans[] = {{0, 10, 2, 20},   {10, 20, 2, 60}, {20, 31, 9, 999}, {31, 50, 9, 999},
                                       {49, 60, 9, 999}, {50, 60, 4, 4},  {60, 70, 4, 12},  {70, 80, 0, 5}};
    index_gain gain = {.mean_before = -1, .mean_after = -1};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        index_add_span(&gain, &spans[i], 30, 50);
    CU_ASSERT_DOUBLE_EQUAL(gain.calls_before, 4, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(gain.mean_before, 20, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(gain.calls_after, 8, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(gain.mean_after, 2, 1e-9);
}

static void knows_the_span_of_a_row(void)
{
    const int64_t hour = DAY / 24, minute = hour / 60;
    index_measured_row row = {.taken_at = 10 * hour, .seconds = 300, .calls = 7, .total_ms = 9};
    index_span span = index_span_of(&row);
    CU_ASSERT_TRUE(span.from == 10 * hour - 5 * minute && span.until == 10 * hour);
    row.is_hour = true; /* from 10 to 11, where one snapshot covers five minutes */
    span = index_span_of(&row);
    CU_ASSERT_TRUE(span.from == 10 * hour - 5 * minute && span.until == 11 * hour);
    index_gain gain = {.mean_before = -1, .mean_after = -1};
    index_add_span(&gain, &span, 10 * hour + 30 * minute, 10 * hour + 30 * minute); /* made within the hour */
    CU_ASSERT_TRUE(gain.mean_before < 0 && gain.mean_after < 0);
    index_add_span(&gain, &span, 11 * hour, 12 * hour);
    CU_ASSERT_DOUBLE_EQUAL(gain.calls_before, 7, 1e-9);
}

static void follows_a_recommendation(void)
{
    ASSERT_TEXT(next("drop_unused", "pending_review", false, 0, false), "executed");
    ASSERT_TEXT(next("drop_unused", "pending_review", true, 0, true),
                "the same"); /* the counts may have been forgotten */
    ASSERT_TEXT(next("drop_unused", "pending_review", true, 9, true), "obsolete");
    ASSERT_TEXT(next("drop_unused", "executed", false, 0, false), "kept");
    ASSERT_TEXT(next("drop_duplicate", "executed", true, 0, false), "reverted");
    ASSERT_TEXT(next("drop_duplicate", "pending_review", true, 0, true), "obsolete");
    ASSERT_TEXT(next("create_missing", "pending_review", true, 0, false), "executed");
    ASSERT_TEXT(next("create_missing", "pending_review", false, 0, true), "the same");
    ASSERT_TEXT(next("create_missing", "executed", true, 0, false), "the same");
    ASSERT_TEXT(next("create_missing", "executed", true, 5, false), "kept");
    ASSERT_TEXT(next("create_fk_index", "executed", false, 0, false), "reverted");
    ASSERT_TEXT(next("create_fk_index", "kept", false, 0, true), "the same");
    ASSERT_TEXT(next("create_fk_index", "rejected", true, 0, true), "the same");
    ASSERT_TEXT(next("reindex_bloated", "executed", true, 0, true), "kept");
    ASSERT_TEXT(next("reindex_bloated", "executed", true, 0, false), "the same"); /* not every finding was looked for */
    ASSERT_TEXT(next("reindex_bloated", "executed", false, 0, true), "obsolete");
    ASSERT_TEXT(next("reindex_bloated", "pending_review", true, 0, true), "obsolete");
    is_found_again = true;
    ASSERT_TEXT(next("reindex_bloated", "executed", true, 0, true), "obsolete"); /* or it would never be told again */
    ASSERT_TEXT(next("reindex_bloated", "pending_review", true, 0, true), "the same");
    is_found_again = false;
}

/* ---- after a drop ---- */

static const index_keeping watching = {.min_calls = 50, .slowdown = 1.5};

static void tells_who_suffers_by_a_drop(void)
{
    static const index_watched_row rows[] = {{.query_id = 1,
                                              .calls_before = 90,
                                              .calls_since = 90,
                                              .ms_before = 90,
                                              .ms_since = 134,
                                              .blocks_before = 90,
                                              .blocks_since = 999},
                                             {.query_id = 2,
                                              .calls_before = 90,
                                              .calls_since = 90,
                                              .ms_before = 90,
                                              .ms_since = 900,
                                              .blocks_before = 90,
                                              .blocks_since = 130},
                                             {.query_id = 3,
                                              .calls_before = 90,
                                              .calls_since = 90,
                                              .ms_before = 0.9,
                                              .ms_since = 9,
                                              .blocks_before = 90,
                                              .blocks_since = 999},
                                             {.query_id = 4,
                                              .calls_before = 90,
                                              .calls_since = 49,
                                              .ms_before = 90,
                                              .ms_since = 900,
                                              .blocks_before = 90,
                                              .blocks_since = 999},
                                             {.query_id = 5,
                                              .calls_before = 90,
                                              .calls_since = 90,
                                              .ms_before = 90,
                                              .ms_since = 180,
                                              .blocks_before = 90,
                                              .blocks_since = 135},
                                             {.query_id = 6,
                                              .calls_before = 90,
                                              .calls_since = 60,
                                              .ms_before = 90,
                                              .ms_since = 600,
                                              .blocks_before_is_null = true},
                                             {.query_id = 7,
                                              .calls_before = 90,
                                              .calls_since = 90,
                                              .ms_before = 90,
                                              .ms_since = 135,
                                              .blocks_before = 90,
                                              .blocks_since = 135}};
    index_harm harm = {0};
    for (size_t i = 0; i < 4; i++) /* not by enough; a machine under load; nothing to speak of; too few calls */
        index_add_watched(&harm, &rows[i], &watching);
    CU_ASSERT_TRUE(harm.compared == 3 && harm.awaited == 1 && harm.slower == 0);
    for (size_t i = 4; i < sizeof rows / sizeof *rows; i++)
        index_add_watched(&harm, &rows[i], &watching);
    CU_ASSERT_TRUE(harm.compared == 6 && harm.slower == 3 && harm.worst == 6);
    CU_ASSERT_DOUBLE_EQUAL(harm.mean_since, 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(harm.mean_before, 1, 1e-9);
    CU_ASSERT_TRUE(harm.blocks_before < 0);
}

static void knows_whose_table_a_statement_names(void)
{
    index_table tables[5] = {{.r = {.schema = "public", .name = "orders"}},
                             {.r = {.schema = "public", .name = "orders_2026"}},
                             {.r = {.schema = "public", .name = "Odd \"one"}},
                             {.r = {.schema = "a", .name = "twice"}},
                             {.r = {.schema = "b", .name = "twice"}}};
    tables[1].parent = &tables[0];
    const index_set set = {.tables = tables, .table_count = 5};
    CU_ASSERT_TRUE(index_speaks_of(&set, "SELECT 1 FROM x JOIN (SELECT * FROM Orders) o USING (id)", &tables[0]));
    CU_ASSERT_TRUE(index_speaks_of(&set, "UPDATE public.orders SET a = $1 WHERE b = $2", &tables[0]));
    CU_ASSERT_TRUE(index_speaks_of(&set, "DELETE FROM orders WHERE id = $1", &tables[1]));
    CU_ASSERT_TRUE(index_speaks_of(&set, "SELECT * FROM orders_2026", &tables[0]));
    CU_ASSERT_FALSE(index_speaks_of(&set, "SELECT * FROM other.orders", &tables[0]));
    CU_ASSERT_FALSE(index_speaks_of(&set, "SELECT orders FROM x", &tables[0]));
    CU_ASSERT_TRUE(index_speaks_of(&set, "SELECT * FROM \"Odd \"\"one\" WHERE id = $1", &tables[2]));
    CU_ASSERT_FALSE(index_speaks_of(&set, "SELECT * FROM twice", &tables[3])); /* whose it is depends on who says it */
    CU_ASSERT_TRUE(index_speaks_of(&set, "SELECT * FROM a.twice", &tables[3]));
    CU_ASSERT_FALSE(index_speaks_of(&set, "SELECT * FROM b.twice", &tables[3]));
    CU_ASSERT_FALSE(index_speaks_of(&set, "SELECT * FROM orders WHERE", &tables[0]));
}

static const char *drop_verdict(int64_t compared, int64_t awaited, int64_t slower)
{
    const index_gain gain = {.harm = {.compared = compared, .awaited = awaited, .slower = slower}};
    index_step step = step_of("drop_unused", "executed", false, 0, false, &gain);
    index_stage_done();
    return step.wants_undo ? "undo" : step.status ? step.status : "the same";
}

static void judges_a_drop_by_those_who_miss_the_index(void)
{
    around = (index_set){.tables = &index_stage_table, .table_count = 1};
    ASSERT_TEXT(drop_verdict(3, 0, 1), "undo");
    ASSERT_TEXT(drop_verdict(3, 5, 1), "undo");
    ASSERT_TEXT(drop_verdict(3, 0, 0), "kept");
    ASSERT_TEXT(drop_verdict(3, 1, 0), "the same"); /* one has hardly run since */
    ASSERT_TEXT(drop_verdict(0, 0, 0), "kept");
    around = (index_set){0};
    ASSERT_TEXT(drop_verdict(3, 0, 1), "obsolete"); /* the table went, too */
}

static void learns_from_what_people_decided(void)
{
    index_past items[] = {{.r = {.recommendation_type = "drop_unused", .status = "rejected"}},
                          {.r = {.recommendation_type = "drop_unused", .status = "reverted"}},
                          {.r = {.recommendation_type = "create_missing", .status = "kept"}}};
    index_pasts pasts = {items, 3};
    const index_finding drop = {.type = "drop_unused", .terms = LB_TERMS({"no_scans", 0.5})};
    const lb_term *terms = index_learned_terms(&index_stage_run, &pasts, &drop, &items[0]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(terms);
    ASSERT_TEXT(terms[1].name, "earlier_ones_of_its_kind");
    CU_ASSERT_DOUBLE_EQUAL(terms[1].points, -0.1 * 2 / 6, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(terms[2].points, -0.2, 1e-9);
    CU_ASSERT_PTR_NULL(terms[3].name);
    const index_finding other = {.type = "reindex_bloated", .terms = drop.terms};
    terms = index_learned_terms(&index_stage_run, &pasts, &other, NULL);
    CU_ASSERT_PTR_NULL(terms[1].name);
    index_stage_done();
}

static void drops_one_index_of_a_table_a_day(void)
{
    const int64_t hour = INT64_C(3600000000), now = 1000 * hour;
    index_past list[2] = {{.r = {.recommendation_id = "a",
                                 .recommendation_type = "drop_unused",
                                 .schema_name = "public",
                                 .table_name = "t",
                                 .index_name = "t_a",
                                 .status = "executed",
                                 .updated_at = now - hour}},
                          {.r = {.recommendation_id = "b",
                                 .recommendation_type = "drop_duplicate",
                                 .schema_name = "public",
                                 .table_name = "other",
                                 .index_name = "other_b",
                                 .status = "pending_review",
                                 .updated_at = now - 99 * hour}}};
    const index_pasts pasts = {list, 2};
    const index_finding drop = {.type = "drop_unused", .table = &index_stage_table},
                        make = {.type = "create_missing", .table = &index_stage_table};
    CU_ASSERT_PTR_NOT_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "c", now));
    CU_ASSERT_PTR_NULL(index_drop_waits(&index_stage_run, &pasts, &make, "c", now));
    CU_ASSERT_PTR_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "c", now + 24 * hour));
    list[0].r.status = "pending_review";
    CU_ASSERT_PTR_NOT_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "c", now + 24 * hour));
    CU_ASSERT_PTR_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "a", now)); /* itself */
    list[1].r.table_name = "t";
    CU_ASSERT_PTR_NULL(
        index_drop_waits(&index_stage_run, &pasts, &drop, "a", now)); /* both are open: not for each other */
    list[1].r.status = "executed";
    list[1].r.updated_at = now;
    CU_ASSERT_PTR_NOT_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "a", now));
    list[1].r.evidence = "{\"is_valid\": false}"; /* a ruin was in no plan */
    CU_ASSERT_PTR_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "a", now));
    list[0].r.status = list[1].r.status = "rejected";
    CU_ASSERT_PTR_NULL(index_drop_waits(&index_stage_run, &pasts, &drop, "c", now));
    index_stage_done();
}

static void weighs_writes_that_were_counted_with_the_statements(void)
{
    const int64_t hour = INT64_C(3600000000), now = 1000 * hour;
    index_window w = {.r = {.now = now, .stats_reset = now - 100 * hour}};
    CU_ASSERT_TRUE(index_counts_agree(&w, now - 100 * hour));
    CU_ASSERT_TRUE(index_counts_agree(&w, now - 95 * hour));
    CU_ASSERT_TRUE(index_counts_agree(&w, now - 109 * hour));
    CU_ASSERT_FALSE(index_counts_agree(&w, now - 50 * hour)); /* a load before is not what they cost now */
    CU_ASSERT_FALSE(index_counts_agree(&w, now - 300 * hour));
    CU_ASSERT_FALSE(index_counts_agree(&w, 0));
    w.r.stats_reset_is_null = true; /* since the database is there, whenever that was */
    CU_ASSERT_FALSE(index_counts_agree(&w, now - 100 * hour));
}

SUITE(index_follow, TEST(follows_a_recommendation), TEST(judges_by_the_times_of_statements),
      TEST(scans_that_were_forgotten_prove_nothing), TEST(others_may_scan_what_they_asked_for),
      TEST(what_has_a_role_is_not_taken_back), TEST(sums_up_what_lies_on_one_side), TEST(knows_the_span_of_a_row),
      TEST(tells_who_suffers_by_a_drop), TEST(knows_whose_table_a_statement_names),
      TEST(judges_a_drop_by_those_who_miss_the_index), TEST(learns_from_what_people_decided),
      TEST(drops_one_index_of_a_table_a_day), TEST(weighs_writes_that_were_counted_with_the_statements))
