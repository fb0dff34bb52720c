/* The rules on indexes that need no server: what replaces what, how large a new one would be, which columns a statement
 * looks for rows by. */
#include "index_measure.h"
#include "index_missing.h"
#include "index_rules.h"
#include "unit/suite.h"

/* ---- a run that has memory and nothing else ---- */

#define BLOCKS 4096

static void *blocks[BLOCKS];
static size_t block_count;

static void *give(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    void *block = block_count < BLOCKS ? calloc(1, bytes) : NULL;
    if (block)
        blocks[block_count++] = block;
    return block;
}

static void take_all_back(void)
{
    while (block_count)
        free(blocks[--block_count]);
}

static const lb_host host = {.size = sizeof host, .alloc = give};
static lb_ctx run = {.host = &host};

/* ---- one index for another ---- */

static index_table table = {.r = {.table_id = 1, .schema = "public", .name = "t", .kind = "r", .rows = 1000}};

static index_info btree(const char *keys, int key_count)
{
    index_info x = {.table = &table,
                    .r = {.method = "btree",
                          .settings = "",
                          .key_count = key_count,
                          .key_texts_is_null = true,
                          .is_immediate = true,
                          .is_valid = true,
                          .is_ready = true,
                          .is_live = true}};
    CU_ASSERT_TRUE(index_vector_parse(keys, &x.keys));
    CU_ASSERT_TRUE(index_vector_parse("1978 1978 1978", &x.opclasses));
    CU_ASSERT_TRUE(index_vector_parse("0 0 0", &x.collations));
    CU_ASSERT_TRUE(index_vector_parse("0 0 0", &x.options));
    return x;
}

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
    index_info a = btree("1", 1), again = btree("1", 1), ab = btree("1 2", 2), ba = btree("2 1", 2);
    index_info a_with_b = btree("1 2", 1), ab_down = btree("1 2", 2);
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
    index_info plain = btree("1", 1), other = btree("1", 1);
    other.opclasses.items[0] = 2;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = btree("1", 1);
    other.collations.items[0] = 950;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = btree("1", 1);
    other.r.predicate = "(b = 3)";
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    CU_ASSERT_EQUAL(index_can_replace(&plain, &other), INDEX_REPLACES_NOT);
    other = btree("1", 1);
    other.r.method = "hash";
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = btree("1", 1);
    other.r.is_valid = false;
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
    other = btree("1", 1);
    other.r.bytes_is_null = true; /* locked */
    CU_ASSERT_EQUAL(index_can_replace(&other, &plain), INDEX_REPLACES_NOT);
}

static void keeps_the_rule_of_a_unique_one(void)
{
    index_info unique = btree("1", 1), plain = btree("1", 1), longer = btree("1 2", 2), deferred = btree("1", 1),
               strict = btree("1", 1);
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
    index_opclass classes[] = {{1978, 1976, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_set set = {.opclasses = classes, .opclass_count = 1, .equalities = equalities, .equality_count = 1};
    index_foreign_key key = {.table = &table};
    CU_ASSERT_TRUE(index_vector_parse("1 2", &key.keys));
    CU_ASSERT_TRUE(index_vector_parse("96 96", &key.operators));
    index_info ab = btree("1 2", 2), bac = btree("2 1 3", 3), acb = btree("1 3 2", 3), c = btree("3", 1);
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
                 {"The \"key\"", "(\"The \"\"key\"\"\" IS NOT NULL)", INDEX_COVER_FULL},
                 {"The key", "(\"The key too\" IS NOT NULL)", INDEX_COVER_QUESTIONABLE}};
    index_opclass classes[] = {{1978, 1976, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_set set = {.opclasses = classes, .opclass_count = 1, .equalities = equalities, .equality_count = 1};
    index_foreign_key key = {.table = &table};
    CU_ASSERT_TRUE(index_vector_parse("1", &key.keys));
    CU_ASSERT_TRUE(index_vector_parse("96", &key.operators));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        index_column column = {.r = {.number = 1, .name = cases[i].name}};
        index_info x = btree("1", 1);
        table.columns = &column;
        table.column_count = 1;
        x.r.predicate = cases[i].predicate;
        CU_ASSERT_EQUAL(index_covers(&set, &x, &key), cases[i].cover);
    }
    table.column_count = 0;
}

/* ---- history ---- */

#define DAY INT64_C(86400000000)

static void adds_epochs_up_after_the_last_use(void)
{
    index_epoch epochs[] = {{0, 10 * DAY}, {12 * DAY, 20 * DAY}, {30 * DAY, 35 * DAY}};
    index_sight sights[] = {{"public.late", 15 * DAY, 0}, {"public.old", 0, 0}, {"public.used", 0, 18 * DAY}};
    index_history h = {.epochs = epochs, .epoch_count = 3, .sights = sights, .sight_count = 3};
    index_window w = {.r = {.now = 40 * DAY}, .since = 30 * DAY};
    CU_ASSERT_DOUBLE_EQUAL(index_proven_days(NULL, &w, "public.old"), 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_proven_days(&h, &w, "public.new"), 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_proven_days(&h, &w, "public.old"), 28, 1e-9); /* the running epoch counts once */
    CU_ASSERT_DOUBLE_EQUAL(index_proven_days(&h, &w, "public.late"), 15, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(index_proven_days(&h, &w, "public.used"), 12, 1e-9);
}

static index_set around; /* what else there is */
static bool is_remade;   /* by a person, as a unique one */

/* gain NULL: it was not made for a statement. */
static index_step step_of(const char *type, const char *status, bool is_there, int64_t scans, bool all,
                          const index_gain *gain)
{
    static const index_gain none = {.mean_before = -1, .mean_after = -1};
    lb_error err;
    index_step step;
    index_info x = btree("1", 1);
    x.r.schema = "public";
    x.r.name = "i";
    x.tree_scans = scans;
    x.r.is_unique = is_remade;
    index_set set = around;
    set.indexes = &x;
    set.index_count = is_there;
    index_past past = {
        .r = {.recommendation_type = type, .status = status, .schema_name = "public", .index_name = "i"}};
    const index_keeping keeping = {.set = &set, .days = 7, .share = 0.2, .min_calls = 50, .all = all, .now = 8 * DAY};
    CU_ASSERT_EQUAL(index_next_step(&run, &keeping, &past, gain ? gain : &none, &step, &err), 0);
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
    const index_gain gain = {1, calls_before, mean_before, calls_after, mean_after, statements};
    index_step step = step_of("create_missing", "executed", true, scans, false, &gain);
    const char *word = step.wants_undo ? "undo" : step.status ? step.status : "the same";
    if (step.wants_undo)
        CU_ASSERT_EQUAL(step.is_unscanned, scans == 0 && around.window.since == 0);
    take_all_back();
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
    index_opclass classes[] = {{1978, 1976, true}};
    index_equality_row equalities[] = {{.family_id = 1976, .operator_id = 96}};
    index_foreign_key key = {.table = &table};
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
}

static void learns_from_what_people_decided(void)
{
    index_past items[] = {{.r = {.recommendation_type = "drop_unused", .status = "rejected"}},
                          {.r = {.recommendation_type = "drop_unused", .status = "reverted"}},
                          {.r = {.recommendation_type = "create_missing", .status = "kept"}}};
    index_pasts pasts = {items, 3};
    const index_finding drop = {.type = "drop_unused", .terms = LB_TERMS({"no_scans", 0.5})};
    const lb_term *terms = index_learned_terms(&run, &pasts, &drop, &items[0]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(terms);
    ASSERT_TEXT(terms[1].name, "earlier_ones_of_its_kind");
    CU_ASSERT_DOUBLE_EQUAL(terms[1].points, -0.1 * 2 / 6, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(terms[2].points, -0.2, 1e-9);
    CU_ASSERT_PTR_NULL(terms[3].name);
    const index_finding other = {.type = "reindex_bloated", .terms = drop.terms};
    terms = index_learned_terms(&run, &pasts, &other, NULL);
    CU_ASSERT_PTR_NULL(terms[1].name);
    take_all_back();
}

/* ---- statements ---- */

/* "o.a= b< c~ d^", one letter a kind, of the outermost statement that has uses; "" where there are none. */
static const char *uses_of(const char *text)
{
    static char out[400];
    index_level *levels = NULL;
    lb_error err;
    out[0] = '\0';
    if (index_read_uses(&run, text, &levels, &err) < 0)
        return "unread";
    for (const index_level *level = levels; level; level = level->next)
        for (size_t i = 0; i < level->use_count; i++) {
            const index_use *u = &level->uses[i];
            size_t length = strlen(out);
            (void)snprintf(out + length, sizeof out - length, "%s%s%s%s%c", length ? " " : "",
                           u->qualifier ? u->qualifier : "", u->qualifier ? "." : "", u->column,
                           u->kind == INDEX_USE_ORDER && u->descending ? 'v' : " =<~^"[u->kind]); /* by kind */
        }
    take_all_back();
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

static void leaves_out_what_no_index_serves(void)
{
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a = $1 OR b = $2"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE NOT a = $1"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE lower(a) = $1 AND b + 1 = $2"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a <> $1 AND b LIKE $2 AND c IS NULL"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a NOT IN ($1, $2)"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t ORDER BY a"), "");
    ASSERT_TEXT(uses_of("SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 1"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM a LEFT JOIN b ON a.id = b.a_id"), "");
    ASSERT_TEXT(uses_of("CREATE TABLE t (a int)"), "");
    ASSERT_TEXT(uses_of("SELECT * FROM t WHERE a ="), "unread");
    ASSERT_TEXT(uses_of(""), "");
}

SUITE(index_rules, TEST(reads_lists_of_numbers), TEST(replaces_the_same_and_the_beginning),
      TEST(respects_what_an_index_is), TEST(keeps_the_rule_of_a_unique_one), TEST(expects_what_was_measured),
      TEST(an_empty_one_has_two_pages), TEST(covers_in_any_order), TEST(a_partial_one_covers_if_only_nulls_lack),
      TEST(adds_epochs_up_after_the_last_use), TEST(follows_a_recommendation), TEST(judges_by_the_times_of_statements),
      TEST(scans_that_were_forgotten_prove_nothing), TEST(others_may_scan_what_they_asked_for),
      TEST(what_has_a_role_is_not_taken_back), TEST(sums_up_what_lies_on_one_side), TEST(knows_the_span_of_a_row),
      TEST(learns_from_what_people_decided), TEST(finds_the_columns_of_a_statement),
      TEST(leaves_out_what_no_index_serves))
