/* The rules on indexes that need no server: what replaces what, how large a new one would be, which columns a statement
 * looks for rows by. */
#include "index_measure.h"
#include "index_missing.h"
#include "index_stage.h"
#include "index_statements.h"
#include "index_without.h"
#include "index_writes.h"
#include "unit/suite.h"

/* ---- one index for another ---- */

static void reads_lists_of_numbers(void)
{
    index_vector v;
    CU_ASSERT_TRUE(index_vector_parse("1 0 -3", &v));
    CU_ASSERT_EQUAL(v.count, 3);
    CU_ASSERT_EQUAL(v.items[2], -3);
    CU_ASSERT_TRUE(index_vector_parse("", &v));
    CU_ASSERT_EQUAL(v.count, 0);
    CU_ASSERT_FALSE(index_vector_parse("1,2", &v));
    CU_ASSERT_FALSE(index_vector_parse("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", &v));
}

static void replaces_the_same_and_the_beginning(void)
{
    index_info a = index_stage_btree("1", 1), again = index_stage_btree("1", 1), ab = index_stage_btree("1 2", 2),
               ba = index_stage_btree("2 1", 2);
    index_info a_with_b = index_stage_btree("1 2", 1), ab_down = index_stage_btree("1 2", 2);
    CU_ASSERT_EQUAL(index_can_replace(&again, &a), INDEX_REPLACES_EXACTLY);
    CU_ASSERT_EQUAL(index_can_replace(&ab, &a), INDEX_REPLACES_PREFIX);
    CU_ASSERT_EQUAL(index_can_replace(&a, &ab), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&ba, &a), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&a_with_b, &a), INDEX_REPLACES_PREFIX);
    CU_ASSERT_EQUAL(index_can_replace(&ab, &a_with_b), INDEX_REPLACES_PREFIX);
    ab_down.options.items[0] = ab_down.options.items[1] = 3; /* the same backwards */
    CU_ASSERT_EQUAL(index_can_replace(&ab_down, &ab), INDEX_REPLACES_EXACTLY);
    ab_down.options.items[1] = 0;
    CU_ASSERT_EQUAL(index_can_replace(&ab_down, &ab), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&a, &a), INDEX_REPLACES_NOT);
}

static void respects_what_an_index_is(void)
{
    index_info plain = index_stage_btree("1", 1), other = index_stage_btree("1", 1);
    other.opclasses.items[0] = 2;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = index_stage_btree("1", 1);
    other.collations.items[0] = 950;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = index_stage_btree("1", 1);
    other.r.predicate = "(b = 3)";
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&plain, &other), INDEX_REPLACES_NOT);
    other = index_stage_btree("1", 1);
    other.r.method = "hash";
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = index_stage_btree("1", 1);
    other.r.is_valid = false;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = index_stage_btree("1", 1);
    other.r.bytes_is_null = true; /* locked */
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
}

static void keeps_the_rule_of_a_unique_one(void)
{
    index_info unique = index_stage_btree("1", 1), plain = index_stage_btree("1", 1),
               longer = index_stage_btree("1 2", 2), deferred = index_stage_btree("1", 1),
               strict = index_stage_btree("1", 1);
    unique.r.is_unique = longer.r.is_unique = deferred.r.is_unique = strict.r.is_unique = true;
    deferred.r.is_immediate = false;
    strict.r.is_nulls_not_distinct = true;
    CU_ASSERT_EQUAL(index_can_replace(&unique, &plain), INDEX_REPLACES_EXACTLY);
    CU_ASSERT_EQUAL(index_can_replace(&plain, &unique), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&longer, &unique), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&deferred, &unique), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&strict, &unique), INDEX_REPLACES_EXACTLY);
    CU_ASSERT_EQUAL(index_can_replace(&unique, &strict), INDEX_REPLACES_NOT);
}

/* ---- sizes, as measured on new indexes of 200,000 rows ---- */

static double pages(double width, bool is_fixed, double null_share, double distinct, bool deduplicates)
{
    index_shape s = {.rows = 200000, .column_count = 1, .deduplicates = deduplicates, .block_bytes = 8192, .fill = 0.9};
    s.columns[0].width = width;
    s.columns[0].is_fixed = is_fixed;
    s.columns[0].alignment = (int)width == 4 ? 4 : 8;
    s.columns[0].null_share = null_share;
    s.columns[0].distinct = distinct;
    return index_expected_pages(&s);
}

static void check_pages(double got, double measured)
{
    if (got < measured * 0.95 || got > measured * 1.05)
        printf("\n    %.0f pages are expected, %.0f were measured\n", got, measured);
    CU_ASSERT_TRUE(got >= measured * 0.95 && got <= measured * 1.05);
}

static void expects_what_was_measured(void)
{
    check_pages(pages(4, true, 0, 7, true), 171);
    check_pages(pages(8, true, 0, 20000, true), 232);
    check_pages(pages(33, false, 0, 1000, true), 186);
    check_pages(pages(8, true, 0, 50000, true), 304);
    check_pages(pages(8, true, 0.5, 50, true), 175);
    check_pages(pages(33, false, 0, 200000, true), 1444);
    check_pages(pages(8, true, 0, 200000, false), 551);
}

static void an_empty_one_has_two_pages(void)
{
    index_shape s = {.column_count = 1, .block_bytes = 8192, .fill = 0.9, .deduplicates = true};
    CU_ASSERT_DOUBLE_EQUAL(index_expected_pages(&s), 2, 0.01);
}

/* ---- foreign keys ---- */

static void covers_in_any_order(void)
{
    index_opclass classes[] = {{1978, 1976, true, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_set set = {.opclasses = classes, .opclass_count = 1, .equalities = equalities, .equality_count = 1};
    index_foreign_key key = {.table = &index_stage_table};
    CU_ASSERT_TRUE(index_vector_parse("1 2", &key.keys));
    CU_ASSERT_TRUE(index_vector_parse("96 96", &key.operators));
    index_info ab = index_stage_btree("1 2", 2), bac = index_stage_btree("2 1 3", 3),
               acb = index_stage_btree("1 3 2", 3), c = index_stage_btree("3", 1);
    CU_ASSERT_EQUAL(index_covers(&set, &ab, &key), INDEX_COVER_FULL);
    CU_ASSERT_EQUAL(index_covers(&set, &bac, &key), INDEX_COVER_FULL);
    CU_ASSERT_EQUAL(index_covers(&set, &acb, &key), INDEX_COVER_WEAK);
    CU_ASSERT_EQUAL(index_covers(&set, &c, &key), INDEX_COVER_NONE);
    ab.r.predicate = "(c = 1)";
    CU_ASSERT_EQUAL(index_covers(&set, &ab, &key), INDEX_COVER_QUESTIONABLE);
    bac.r.is_valid = false;
    CU_ASSERT_EQUAL(index_covers(&set, &bac, &key), INDEX_COVER_QUESTIONABLE);
    key.operators.items[0] = 98; /* of another type's family */
    ab.r.predicate = NULL;
    CU_ASSERT_EQUAL(index_covers(&set, &ab, &key), INDEX_COVER_NONE);
}

static void a_partial_one_covers_if_only_nulls_lack(void)
{
    static const struct {
        const char *name, *predicate;
        index_cover cover;
    } cases[] = {{"a", "(a IS NOT NULL)", INDEX_COVER_FULL},
                 {"a", "(b IS NOT NULL)", INDEX_COVER_QUESTIONABLE},
                 {"a", "(ab IS NOT NULL)", INDEX_COVER_QUESTIONABLE},
                 {"a", "((a IS NOT NULL) AND (b = 1))", INDEX_COVER_QUESTIONABLE},
                 {"a", "((a IS NOT NULL) AND (a IS NOT NULL))", INDEX_COVER_FULL},
                 {"a", "((a IS NOT NULL) OR (a IS NOT NULL))", INDEX_COVER_QUESTIONABLE},
                 {"a", "((a IS NOT NULL) AND (b IS NOT NULL))", INDEX_COVER_QUESTIONABLE},
                 {"The \"key\"", "(\"The \"\"key\"\"\" IS NOT NULL)", INDEX_COVER_FULL},
                 {"The key", "(\"The key too\" IS NOT NULL)", INDEX_COVER_QUESTIONABLE}};
    index_opclass classes[] = {{1978, 1976, true, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_set set = {.opclasses = classes, .opclass_count = 1, .equalities = equalities, .equality_count = 1};
    index_foreign_key key = {.table = &index_stage_table};
    CU_ASSERT_TRUE(index_vector_parse("1", &key.keys));
    CU_ASSERT_TRUE(index_vector_parse("96", &key.operators));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        index_column column = {.r = {.number = 1, .name = cases[i].name}};
        index_info x = index_stage_btree("1", 1);
        index_stage_table.columns = &column;
        index_stage_table.column_count = 1;
        x.r.predicate = cases[i].predicate;
        CU_ASSERT_EQUAL(index_covers(&set, &x, &key), cases[i].cover);
    }
    index_stage_table.column_count = 0;
}

/* ---- history ---- */

#define DAY INT64_C(86400000000)

static double proven(const index_history *h, const index_window *w, const char *object)
{
    return index_proven_idle(h, w, object).days;
}

static void adds_epochs_up_after_the_last_use(void)
{
    index_epoch epochs[] = {{0, 10 * DAY}, {12 * DAY, 20 * DAY}, {30 * DAY, 35 * DAY}};
    index_sight sights[] = {{"public.late", 15 * DAY, 0, 0, 0},
                            {"public.latest", 38 * DAY, 0, 0, 0},
                            {"public.old", 0, 0, 0, 0},
                            {"public.used", 0, 0, 18 * DAY, 2}};
    index_floor floors[] = {{1024, 1 * DAY, 39 * DAY}, {8192, 10 * DAY, 36 * DAY}};
    index_history h = {
        .epochs = epochs, .epoch_count = 3, .floors = floors, .floor_count = 2, .sights = sights, .sight_count = 4};
    index_window w = {.r = {.now = 40 * DAY}, .since = 30 * DAY};
    CU_ASSERT_DOUBLE_EQUAL(index_proven_idle(NULL, &w, "public.old").days, 0, 1e-9); /* nobody has seen it */
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(NULL, &w, "public.old", 8192).days, 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&h, &w, "public.new", 8192).days, 1,
                           1e-9); /* it was not there at the last look */
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&h, &w, "public.latest", 8192).days, 2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&(index_history){0}, &w, "public.new", 8192).days, 10,
                           1e-9);                                                         /* nobody has looked */
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&h, &w, "public.new", 1023).days, 10, 1e-9); /* none saw small ones */
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&h, &w, "public.new", 2048).days, 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_proven_idle(&h, &w, "public.new").days, 0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_seen_days(&h, &w, "public.new"), 0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_seen_days(&h, &w, "public.late"), 25, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.old"), 28, 1e-9); /* the running epoch counts once */
    CU_ASSERT_DOUBLE_EQUAL(index_proven_idle(&h, &w, "public.old").earlier_days, 18, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.late"), 15, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.used"), 12, 1e-9);
}

/* However long a server has counted, what was first seen yesterday may be of yesterday. */
static void proves_no_days_from_before_it_was_seen(void)
{
    index_sight sights[] = {{"public.there", 39 * DAY, 0, 0, 0}};
    index_floor floors[] = {{0, 39 * DAY, 39 * DAY}};
    index_history h = {.floors = floors, .floor_count = 1, .sights = sights, .sight_count = 1};
    index_window w = {.r = {.now = 40 * DAY}, .since = 0}; /* 1970: a month begins on the day 31 */
    index_idle proven_idle = index_proven_idle(&h, &w, "public.there");
    CU_ASSERT_DOUBLE_EQUAL(proven_idle.days, 1, 1e-9);
    CU_ASSERT_EQUAL(proven_idle.month_ends, 0);
    CU_ASSERT_DOUBLE_EQUAL(index_likely_idle(&h, &w, "public.there", 8192).days, 40, 1e-9);
}

/* One that only reads came after a while and counts since then; it went again. Days are not counted twice. */
static void counts_days_of_epochs_that_overlap_once(void)
{
    index_epoch epochs[] = {{0, 19 * DAY}, {10 * DAY, 15 * DAY}, {16 * DAY, 25 * DAY}};
    index_sight sights[] = {{"public.old", 0, 0, 0, 0}, {"public.used", 0, 0, 12 * DAY, 1}};
    index_history h = {.epochs = epochs, .epoch_count = 3, .sights = sights, .sight_count = 2};
    index_window w = {.r = {.now = 40 * DAY}, .since = 30 * DAY};
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.old"), 35, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.used"), 23, 1e-9);
}

static void sees_the_end_of_a_month_among_the_days(void)
{
    index_epoch epochs[] = {{2 * DAY, 20 * DAY}, {40 * DAY, 57 * DAY}};
    index_sight sights[] = {{"public.old", 1 * DAY, 0, 0, 0}, {"public.used", 1 * DAY, 0, 18 * DAY, 2}};
    index_floor floors[] = {{0, 1 * DAY, 39 * DAY}};
    index_history h = {
        .epochs = epochs, .epoch_count = 2, .floors = floors, .floor_count = 1, .sights = sights, .sight_count = 2};
    index_window w = {.r = {.now = 70 * DAY}, .since = 60 * DAY}; /* 1970: months begin on the days 31 and 59 */
    int64_t uses = -1;
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.old"), 45, 1e-9);
    CU_ASSERT_EQUAL(index_proven_idle(&h, &w, "public.old").month_ends, 0); /* both fell into a sleep */
    epochs[1].until = 59 * DAY;
    CU_ASSERT_DOUBLE_EQUAL(proven(&h, &w, "public.old"), 47, 1e-9);
    CU_ASSERT_EQUAL(index_proven_idle(&h, &w, "public.old").month_ends, 1);
    w.since = 30 * DAY;
    CU_ASSERT_EQUAL(index_likely_idle(NULL, &w, "public.old", 0).month_ends, 2);
    CU_ASSERT_EQUAL(index_likely_idle(NULL, &w, "public.old", 0).quarter_ends, 0);
    w.r.now = 91 * DAY; /* the second quarter begins on the day 90, the next year on the day 365 */
    CU_ASSERT_EQUAL(index_likely_idle(NULL, &w, "public.old", 0).quarter_ends, 1);
    w.r.now = 366 * DAY;
    CU_ASSERT_EQUAL(index_likely_idle(NULL, &w, "public.old", 0).quarter_ends, 4);
    CU_ASSERT_EQUAL(index_likely_idle(NULL, &w, "public.old", 0).month_ends, 12);
    w.r.now = 70 * DAY;
    CU_ASSERT_EQUAL(index_last_use(&h, "public.used", &uses), 18 * DAY);
    CU_ASSERT_EQUAL(uses, 2);
    CU_ASSERT_EQUAL(index_last_use(&h, "public.old", &uses), 0);
    CU_ASSERT_EQUAL(index_last_use(NULL, "public.old", &uses), 0);
}

static void tells_rates_by_what_looks_have_noted(void)
{
    const index_window w = {.r = {.now = 20 * DAY}, .own_days = 10};
    index_written_row noted = {.first_at = 16 * DAY, .last_at = 19 * DAY, .last_value = 700, .written = 300};
    index_write_rate rate = index_rate_of(&noted, 800, &w);
    CU_ASSERT_TRUE(rate.is_history);
    CU_ASSERT_DOUBLE_EQUAL(rate.per_day, 100, 1e-9); /* and the 400 of before the first look are not in it */
    CU_ASSERT_DOUBLE_EQUAL(rate.days, 4, 1e-9);
    ASSERT_TEXT(index_writes_counted_by(&rate), "history");
    rate = index_rate_of(&noted, 20, &w); /* it began again since the last look */
    CU_ASSERT_DOUBLE_EQUAL(rate.per_day, 80, 1e-9);
    ASSERT_TEXT(index_writes_counted_by(&rate), "history, at least");
    const index_window fresh = {
        .r = {.now = 20 * DAY}, .own_since = 19 * DAY + 1, .own_days = 1}; /* and has caught up */
    CU_ASSERT_TRUE(index_rate_of(&noted, 800, &fresh).is_least);
    noted.restarts = 1;
    CU_ASSERT_TRUE(index_rate_of(&noted, 800, &w).is_least);
    noted.first_at = 19 * DAY + DAY / 2;
    rate = index_rate_of(&noted, 800, &w);
    CU_ASSERT_FALSE(rate.is_history); /* half a day is not one */
    CU_ASSERT_DOUBLE_EQUAL(rate.per_day, 80, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rate.days, 10, 1e-9);
    const index_window young = {.r = {.now = 20 * DAY}, .own_days = 0.01};
    CU_ASSERT_TRUE(index_rate_of(NULL, 800, &young).per_day < 0); /* a load of the first minutes is no rate */
}

static void few_values_tell_nothing_apart_where_all_are_common(void)
{
    static const struct {
        double distinct, rarest, nulls, correlation;
        bool tells_nothing;
    } cases[] = {{7, 1.0 / 7, 0, 0, true},  {10, 0.1, 0, 0.89, true},  {1, 1, 0, 1, true},
                 {2, 0.5, 0, -0.89, true},  {2, 0.25, 0.5, 0, true},   {2, 0.45, 0.1, 0, true},
                 {11, 0.1, 0, 0, false},    {3, 0.09, 0, 0, false},    {2, 0.5, 0, 0.9, false},
                 {2, 0.5, 0, -0.95, false}, {2, 0.48, 0.04, 0, false}, {7, -1, 0, 0, false},
                 {-0.5, 0.2, 0, 0, false},  {0, 0.2, 1, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        index_column c = {.has_statistics = true,
                          .distinct_values = cases[i].distinct,
                          .rarest_share = cases[i].rarest,
                          .null_share = cases[i].nulls,
                          .correlation = cases[i].correlation};
        if (index_tells_nothing_apart(&c) != cases[i].tells_nothing)
            printf("\n    case %zu\n", i);
        CU_ASSERT_EQUAL(index_tells_nothing_apart(&c), cases[i].tells_nothing);
        c.has_statistics = false;
        CU_ASSERT_FALSE(index_tells_nothing_apart(&c));
    }
}

static void counts_and_weighs_the_indexes_of_a_table(void)
{
    const index_many_limits limits = {.max_indexes = 10, .min_table_bytes = 1000};
    static const struct {
        index_burden load;
        bool are_many, outweigh;
    } cases[] = {{{11, 100, 5000}, true, false},  {{10, 100, 5000}, false, false}, {{11, 0, -1}, true, false},
                 {{2, 2001, 1000}, true, true},   {{2, 2000, 1000}, false, false}, {{2, 9999, 999}, false, false},
                 {{1, 9999, 1000}, false, false}, {{2, 9999, -1}, false, false},   {{12, 9999, 1000}, true, true},
                 {{0, 0, 0}, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(index_are_many(&cases[i].load, &limits), cases[i].are_many);
        CU_ASSERT_EQUAL(index_outweigh(&cases[i].load, &limits), cases[i].outweigh);
    }
    const index_many_limits any = {.max_indexes = 10};
    CU_ASSERT_FALSE(index_are_many(&(index_burden){2, 16384, 0}, &any)); /* nothing is in it */
}

static void knows_an_older_extension(void)
{
    CU_ASSERT_TRUE(index_statements_are_older("1.7"));
    CU_ASSERT_TRUE(index_statements_are_older("1.4"));
    CU_ASSERT_FALSE(index_statements_are_older("1.8"));
    CU_ASSERT_FALSE(index_statements_are_older("1.10"));
    CU_ASSERT_FALSE(index_statements_are_older("2.0"));
    CU_ASSERT_FALSE(index_statements_are_older(NULL));
}

/* ---- without an index ---- */

static void sees_which_plan_takes_an_index(void)
{
    index_info list[3] = {
        {.r = {.name = "whole"}}, {.r = {.name = "part"}, .parent = &list[0]}, {.r = {.name = "other"}}};
    const index_set set = {.indexes = list, .index_count = 3};
    static const char plan[] = "[{\"Plan\": {\"Node Type\": \"Append\", \"Total Cost\": 12.5, \"Plans\": "
                               "[{\"Node Type\": \"Index Scan\", \"Index Name\": \"part\"}]}}]";
    double cost = 0;
    CU_ASSERT_TRUE(index_plan_takes(&set, plan, &list[0], &cost));
    CU_ASSERT_DOUBLE_EQUAL(cost, 12.5, 1e-9);
    CU_ASSERT_TRUE(index_plan_takes(&set, plan, &list[1], &cost));
    CU_ASSERT_FALSE(index_plan_takes(&set, plan, &list[2], &cost));
    CU_ASSERT_FALSE(index_plan_takes(&set, "[]", &list[0], &cost));
    CU_ASSERT_TRUE(cost < 0);
    CU_ASSERT_FALSE(index_plan_takes(&set, "no plan", &list[0], &cost));
}

static void weighs_what_was_tried(void)
{
    index_without w = {.asked = 9};
    CU_ASSERT_DOUBLE_EQUAL(index_without_points(&w, 0.05, -0.4), 0, 1e-9); /* not tried */
    w.is_tried = true;
    CU_ASSERT_DOUBLE_EQUAL(index_without_points(&w, 0.05, -0.4), 0.05, 1e-9);
    w.is_open = true;
    CU_ASSERT_DOUBLE_EQUAL(index_without_points(&w, 0.05, -0.4), 0, 1e-9);
    w.worse = 1;
    CU_ASSERT_DOUBLE_EQUAL(index_without_points(&w, 0.05, -0.4), -0.4, 1e-9);
    CU_ASSERT_FALSE(index_is_worse(100, 109));
    CU_ASSERT_TRUE(index_is_worse(100, 111));
}

/* ---- statements ---- */

/* "o.a= b< c~ d^", one letter a kind, of the outermost statement that has uses; "" where there are none. */
static const char *uses_of(const char *text)
{
    static char out[400];
    index_level *levels = NULL;
    lb_error err;
    out[0] = '\0';
    if (index_read_uses(&index_stage_run, text, &levels, &err) < 0)
        return "unread";
    for (const index_level *level = levels; level; level = level->next)
        for (size_t i = 0; i < level->use_count; i++) {
            const index_use *u = &level->uses[i];
            size_t length = strlen(out);
            (void)snprintf(out + length, sizeof out - length, "%s%s%s%s%c", length ? " " : "",
                           u->qualifier ? u->qualifier : "", u->qualifier ? "." : "", u->column,
                           u->kind == INDEX_USE_ORDER && u->descending ? 'v' : " =<~^0!tf@&?%"[u->kind]); /* by kind */
        }
    index_stage_done();
    return out;
}

static void finds_the_columns_of_a_statement(void)
{
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a = $1 AND $2 = b AND c > $3"), "a= b= c<");
    ASSERT_TEXT(uses_of("SELECT * FROM t x WHERE x.a IN ($1, $2) AND b BETWEEN $3 AND $4"), "x.a= b<");
    ASSERT_TEXT(uses_of("UPDATE t SET v = 1 WHERE a = ANY ($1)"), "a=");
    ASSERT_TEXT(uses_of("DELETE FROM s.t WHERE s.t.a = $1::int + 1"), "t.a=");
    ASSERT_TEXT(uses_of("SELECT * FROM a JOIN b ON a.id = b.a_id WHERE b.x = $1"), "a.id~ b.a_id~ b.x=");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a = $1 ORDER BY b DESC, c LIMIT $2"), "a= bv c^");
    ASSERT_TEXT(uses_of("WITH w AS (SELECT FROM t WHERE a = $1) SELECT FROM w"), "a=");
    ASSERT_TEXT(uses_of("SELECT FROM t WHERE a = $1 UNION SELECT FROM u WHERE b = $1"), "b= a=");
    ASSERT_TEXT(uses_of("INSERT INTO t SELECT * FROM u WHERE a = $1"), "a=");
}

static void finds_what_values_hold_and_which_rows_are_wanted(void)
{
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a IS NULL AND b IS NOT NULL AND c AND NOT d"), "a0 b! ct df");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a IS TRUE AND b IS FALSE AND NOT (c IS NULL)"), "c!");
    ASSERT_TEXT(uses_of("SELECT * FROM t x WHERE x.a @> $1 AND $2 && b AND c ? $3 AND d ?| $4"), "x.a@ b& c? d?");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a LIKE $1 AND b ILIKE $2 || c"), "a%");
    ASSERT_TEXT(uses_of("DELETE FROM t WHERE a IN ($1) AND b BETWEEN $2 AND $3"), "a= b<");
}

/* The columns that it speaks of, or "*". */
static const char *reads_of(const char *text)
{
    static char out[200];
    index_level *level = NULL;
    lb_error err;
    out[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(index_read_uses(&index_stage_run, text, &level, &err), 0);
    for (size_t i = 0; level && !level->reads_all && i < level->read_count; i++) {
        size_t length = strlen(out);
        (void)snprintf(out + length, sizeof out - length, "%s%s", length ? " " : "", level->reads[i].column);
    }
    bool all = level && level->reads_all;
    index_stage_done();
    return all ? "*" : out;
}

static void knows_all_columns_that_are_read(void)
{
    ASSERT_TEXT(reads_of("SELECT sum(b), x.c FROM t x WHERE a = $1 GROUP BY x.c"), "b c a c");
    ASSERT_TEXT(reads_of("SELECT count(*) FROM t WHERE a = $1"), "a");
    ASSERT_TEXT(reads_of("SELECT * FROM t WHERE a = $1"), "*");
    ASSERT_TEXT(reads_of("SELECT t.* FROM t WHERE a = $1"), "*");
    ASSERT_TEXT(reads_of("SELECT t FROM t WHERE a = $1"), "*");
    ASSERT_TEXT(reads_of("SELECT b FROM t WHERE a = $1 FOR UPDATE"), "*");
    ASSERT_TEXT(reads_of("UPDATE t SET b = 1 WHERE a = $1"), "*");
}

static void leaves_out_what_no_index_serves(void)
{
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a = $1 OR b = $2"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE NOT a = $1"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE lower(a) = $1 AND b + 1 = $2"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a <> $1 AND b NOT LIKE $2 AND b !~ $3 AND (c IS NOT NULL) IS UNKNOWN"),
                "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE $1 @> a AND a <@ $2 AND NOT (b OR c)"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a NOT IN ($1, $2)"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t ORDER BY a"), "");
    ASSERT_TEXT(uses_of("SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 1"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM a LEFT JOIN b ON a.id = b.a_id"), "");
    ASSERT_TEXT(uses_of("CREATE TABLE t (a int)"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a ="), "unread");
    ASSERT_TEXT(uses_of(""), "");
}

static unsigned missed_by(const char *text)
{
    index_level *levels = NULL;
    lb_error err;
    unsigned missed = 0;
    CU_ASSERT_EQUAL_FATAL(index_read_uses(&index_stage_run, text, &levels, &err), 0);
    for (const index_level *level = levels; level; level = level->next)
        missed |= level->missed;
    index_stage_done();
    return missed;
}

static void tells_why_a_condition_is_no_use(void)
{
    static const struct {
        const char *condition;
        unsigned missed;
    } cases[] = {
        {"lower(a) = $1", INDEX_MISS_COMPUTED},
        {"a::text = $1", INDEX_MISS_COMPUTED},
        {"j ->> $1 = $2", INDEX_MISS_COMPUTED},
        {"lower(a) LIKE $1", INDEX_MISS_COMPUTED},
        {"is_old(a)", INDEX_MISS_COMPUTED},
        {"b = $1 AND $2 < a + 1", INDEX_MISS_COMPUTED},
        {"a = $1 OR b = $2", INDEX_MISS_OR},
        {"a = $1 AND (lower(b) = $2 OR c = $3)", INDEX_MISS_OR},
        {"NOT a = $1 AND lower(b) = $2", INDEX_MISS_OTHER | INDEX_MISS_COMPUTED},
        {"a <> $1", INDEX_MISS_OTHER},
        {"a IN (SELECT b FROM u)", INDEX_MISS_OTHER},
        {"a = $1 AND b IN ($2, $3) AND c IS NULL AND NOT d", 0},
        {"a = lower($1)", 0},
        {"$1 > 0", 0},
    };
    char text[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, "SELECT max(v + 1) FROM t WHERE %s", cases[i].condition);
        if (missed_by(text) != cases[i].missed)
            printf("\n    %s\n", text);
        CU_ASSERT_EQUAL(missed_by(text), cases[i].missed);
    }
    CU_ASSERT_EQUAL(missed_by("SELECT max(a) FROM t"), 0);
}

SUITE(index_rules, TEST(reads_lists_of_numbers), TEST(replaces_the_same_and_the_beginning),
      TEST(respects_what_an_index_is), TEST(keeps_the_rule_of_a_unique_one), TEST(expects_what_was_measured),
      TEST(an_empty_one_has_two_pages), TEST(covers_in_any_order), TEST(a_partial_one_covers_if_only_nulls_lack),
      TEST(adds_epochs_up_after_the_last_use), TEST(counts_days_of_epochs_that_overlap_once),
      TEST(proves_no_days_from_before_it_was_seen), TEST(tells_rates_by_what_looks_have_noted),
      TEST(few_values_tell_nothing_apart_where_all_are_common), TEST(counts_and_weighs_the_indexes_of_a_table),
      TEST(sees_the_end_of_a_month_among_the_days), TEST(knows_an_older_extension),
      TEST(sees_which_plan_takes_an_index), TEST(weighs_what_was_tried), TEST(finds_the_columns_of_a_statement),
      TEST(finds_what_values_hold_and_which_rows_are_wanted), TEST(knows_all_columns_that_are_read),
      TEST(leaves_out_what_no_index_serves), TEST(tells_why_a_condition_is_no_use))
