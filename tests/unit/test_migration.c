/* Migrations without a database: names, versions, texts, and what is to be done next. */
#include "migration.h"
#include "suite.h"

static const char *version_of(arena *memory, const char *name, migration_kind *ret_kind)
{
    const char *version = NULL;
    return migration_name(name, memory, ret_kind, &version) ? version : "(none)";
}

static void names_say_kind_and_version(void)
{
    static const struct {
        const char *name, *version;
        migration_kind kind;
    } all[] = {
        {"V1__a.sql", "1", MIGRATION_VERSIONED},
        {"V1_2.3__a b.sql", "1.2.3", MIGRATION_VERSIONED},
        {"V20240131120000__a.sql", "20240131120000", MIGRATION_VERSIONED},
        {"U1_2__a.sql", "1.2", MIGRATION_UNDO},
        {"R__view.sql", "", MIGRATION_REPEATABLE},
        {"001_a.sql", "001", MIGRATION_VERSIONED},
        {"7.sql", "7", MIGRATION_VERSIONED},
        {"7.up.sql", "7", MIGRATION_VERSIONED},
        {"000007_a.down.sql", "000007", MIGRATION_UNDO},
        {"1.2-a.SQL", "1.2", MIGRATION_VERSIONED},
        {"20240131120000_a.sql", "20240131120000", MIGRATION_VERSIONED},
    };
    static const char *const none[] = {"a.sql",     "V__a.sql", "V1_a.sql", "Vx__a.sql", "1a.sql",
                                       "V1__a.txt", "R_a.sql",  "sql",      ""};
    arena memory;
    arena_init(&memory, 0);
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        migration_kind kind = MIGRATION_REPEATABLE;
        ASSERT_TEXT(version_of(&memory, all[i].name, &kind), all[i].version);
        CU_ASSERT_EQUAL(kind, all[i].kind);
    }
    for (size_t i = 0; i < LB_COUNT(none); i++) {
        migration_kind kind;
        ASSERT_TEXT(version_of(&memory, none[i], &kind), "(none)");
    }
    arena_done(&memory);
}

static void versions_compare_by_number(void)
{
    CU_ASSERT(migration_compare("2", "10") < 0);
    CU_ASSERT(migration_compare("1.10", "1.9") > 0);
    CU_ASSERT(migration_compare("001", "1") == 0);
    CU_ASSERT(migration_compare("1", "1.0") == 0);
    CU_ASSERT(migration_compare("1", "1.0.1") < 0);
    CU_ASSERT(migration_compare("20240131120000", "20240131120001") < 0);
    CU_ASSERT(migration_compare("99999999999999999999999", "100000000000000000000000") < 0);
}

/* ---- plans ---- */

static migration_files files_of(arena *memory, const char *const *pairs)
{
    migration_files files = {0};
    lb_error err;
    for (; *pairs; pairs += 2)
        CU_ASSERT_EQUAL_FATAL(migration_take(&files, pairs[0], pairs[1], memory, &err), 0);
    CU_ASSERT_EQUAL_FATAL(migration_sort(&files, &err), 0);
    return files;
}

#define FILES(...) files_of(&memory, (const char *const[]){__VA_ARGS__, NULL})

static migration_row row_of(const migration_files *files, const char *name, int64_t id, int64_t step, int64_t steps)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return (migration_row){.id = id,
                                   .kind = migration_kind_name(files->items[i].kind),
                                   .version = files->items[i].version,
                                   .script = name,
                                   .state = "done",
                                   .checksum = files->items[i].checksum,
                                   .meaning = "",
                                   .step = step,
                                   .steps = steps};
    CU_FAIL_FATAL("no such file");
    return (migration_row){.id = id};
}

/* "V2__b.sql:0 R__c.sql:0", or the error. */
static const char *planned(arena *memory, migration_files *files, const migration_row *rows, size_t count,
                           migration_options options)
{
    char text[512] = "";
    migration_plan plan;
    lb_error err = {0};
    const migration_ledger ledger = {.rows = rows, .count = count};
    if (migration_plan_make(files, &ledger, &options, memory, &plan, &err) < 0)
        return arena_strdup(memory, err.message);
    for (size_t i = 0; i < plan.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s:%u", i ? " " : "",
                       plan.tasks[i].file->name, plan.tasks[i].done);
    return arena_strdup(memory, text);
}

static void what_is_left_is_planned(void)
{
    arena memory;
    arena_init(&memory, 0);
    migration_files files = FILES("V2__b.sql", "SELECT 2", "V10__c.sql", "SELECT 10", "V1__a.sql", "SELECT 1",
                                  "R__v.sql", "SELECT 0", "U2__b.sql", "SELECT -2");
    const migration_row rows[] = {row_of(&files, "V1__a.sql", 1, 1, 1), row_of(&files, "V2__b.sql", 2, 3, 5)};
    const migration_options plain = {0};
    ASSERT_TEXT(planned(&memory, &files, NULL, 0, plain), "V1__a.sql:0 V2__b.sql:0 V10__c.sql:0 R__v.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 1, plain), "V2__b.sql:0 V10__c.sql:0 R__v.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 2, plain), "V2__b.sql:3 V10__c.sql:0 R__v.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 1, (migration_options){.target = "2"}), "V2__b.sql:0 R__v.sql:0");
    ASSERT_TEXT(planned(&memory, &files, NULL, 0, (migration_options){.baseline = "2"}), "V10__c.sql:0 R__v.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 1, (migration_options){.undo = true}),
                "there is no undo script for version 1");
    arena_done(&memory);
}

static void what_was_undone_can_be_applied_again(void)
{
    arena memory;
    arena_init(&memory, 0);
    migration_files files = FILES("V1__a.sql", "SELECT 1", "U1__a.sql", "SELECT -1");
    const migration_row rows[] = {row_of(&files, "V1__a.sql", 1, 1, 1), row_of(&files, "U1__a.sql", 2, 1, 1),
                                  row_of(&files, "V1__a.sql", 3, 1, 1)};
    const migration_options undo = {.undo = true}, plain = {0};
    ASSERT_TEXT(planned(&memory, &files, rows, 1, undo), "U1__a.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 2, plain), "V1__a.sql:0");
    ASSERT_TEXT(planned(&memory, &files, rows, 2, undo), "nothing has been applied that could be undone");
    ASSERT_TEXT(planned(&memory, &files, rows, 3, plain), "");
    ASSERT_TEXT(planned(&memory, &files, rows, 3, undo), "U1__a.sql:0");
    const bool stands[] = {false, true, false, true};
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT(migration_stands(&(migration_ledger){rows, i}, "V1__a.sql", rows[0].checksum) == stands[i]);
    CU_ASSERT(!migration_stands(&(migration_ledger){rows, 3}, "V1__a.sql", "another text"));
    CU_ASSERT(!migration_stands(&(migration_ledger){rows, 3}, "V2__a.sql", rows[0].checksum));
    arena_done(&memory);
}

static void a_baseline_is_not_undone(void)
{
    arena memory;
    arena_init(&memory, 0);
    migration_files files =
        FILES("V1__a.sql", "SELECT 1", "U1__a.sql", "SELECT -1", "V2__b.sql", "SELECT 2", "U2__b.sql", "SELECT -2");
    const migration_row rows[] = {
        {.id = 1, .kind = "baseline", .version = "1", .script = "", .state = "done", .checksum = "", .meaning = ""},
        row_of(&files, "V2__b.sql", 2, 1, 1),
        row_of(&files, "U2__b.sql", 3, 1, 1)};
    const migration_options undo = {.undo = true};
    ASSERT_CONTAINS(planned(&memory, &files, rows, 1, undo), "version 1 is the baseline and was not applied here");
    ASSERT_CONTAINS(planned(&memory, &files, NULL, 0, (migration_options){.undo = true, .baseline = "1"}),
                    "version 1 is the baseline");
    ASSERT_TEXT(planned(&memory, &files, rows, 2, undo), "U2__b.sql:0");
    ASSERT_CONTAINS(planned(&memory, &files, rows, 3, undo), "version 1 is the baseline");
    ASSERT_TEXT(planned(&memory, &files, rows, 3, (migration_options){0}), "V2__b.sql:0");
    arena_done(&memory);
}

static void what_cannot_be_taken_back_is_refused(void)
{
    arena memory;
    arena_init(&memory, 0);
    const migration_options options = {.only_undoable = true};
    migration_files back = FILES("V1__a.sql", "SELECT 1", "U1__a.sql", "SELECT -1");
    migration_files away = FILES("V1__a.sql", "SELECT 1", "U1__a.sql", "SELECT -1", "V2__b.sql", "SELECT 2");
    migration_files again = FILES("V1__a.sql", "SELECT 1", "U1__a.sql", "SELECT -1", "R__v.sql", "SELECT 0");
    const migration_row half = row_of(&back, "V1__a.sql", 1, 1, 2);
    ASSERT_TEXT(planned(&memory, &back, NULL, 0, options), "V1__a.sql:0");
    ASSERT_TEXT(planned(&memory, &away, NULL, 0, options), "there is no undo script for V2__b.sql");
    ASSERT_TEXT(planned(&memory, &again, NULL, 0, options),
                "there is no undo script for R__v.sql, which is repeatable");
    ASSERT_TEXT(planned(&memory, &back, &half, 1, options),
                "there is no undo script for V1__a.sql alone, whose first statements have been executed");
    arena_done(&memory);
}

static void what_contradicts_the_ledger_is_refused(void)
{
    arena memory;
    arena_init(&memory, 0);
    migration_files before = FILES("V1__a.sql", "SELECT 1", "V3__c.sql", "SELECT 3");
    const migration_row rows[] = {row_of(&before, "V1__a.sql", 1, 1, 1), row_of(&before, "V3__c.sql", 2, 1, 1)};
    const migration_options plain = {0}, late = {.out_of_order = true}, ahead = {.allow_ahead = true};
    migration_files changed = FILES("V1__a.sql", "SELECT 11", "V3__c.sql", "SELECT 3");
    migration_files more = FILES("V1__a.sql", "SELECT 1", "V2__b.sql", "SELECT 2", "V3__c.sql", "SELECT 3");
    migration_files older = FILES("V1__a.sql", "SELECT 1");
    ASSERT_CONTAINS(planned(&memory, &changed, rows, 2, plain), "V1__a.sql is not what was applied");
    ASSERT_CONTAINS(planned(&memory, &more, rows, 2, plain), "V2__b.sql comes too late: version 3");
    ASSERT_TEXT(planned(&memory, &more, rows, 2, late), "V2__b.sql:0");
    ASSERT_CONTAINS(planned(&memory, &older, rows, 2, plain), "ahead of the files: it has version 3");
    ASSERT_TEXT(planned(&memory, &older, rows, 2, ahead), "");
    ASSERT_CONTAINS(planned(&memory, &before, rows, 2, (migration_options){.baseline = "1"}), "no baseline at 1");
    ASSERT_CONTAINS(planned(&memory, &before, NULL, 0, (migration_options){.refuse_gaps = true}),
                    "no version between V1__a.sql and V3__c.sql");
    arena_done(&memory);
}

static void missing_numbers_are_refused_however_many(void)
{
    arena memory;
    arena_init(&memory, 0);
    const migration_options refuse = {.refuse_gaps = true};
    migration_files far = FILES("V1__a.sql", "SELECT 1", "V2__b.sql", "SELECT 2", "V6__f.sql", "SELECT 6");
    migration_files farther = FILES("V2__b.sql", "SELECT 2", "V300__f.sql", "SELECT 6");
    migration_files whole = FILES("V9__a.sql", "SELECT 1", "V10__b.sql", "SELECT 2", "V11__f.sql", "SELECT 6");
    migration_files tens = FILES("V10__a.sql", "SELECT 1", "V20__b.sql", "SELECT 2", "V21__f.sql", "SELECT 6");
    migration_files days = FILES("V20260101__a.sql", "SELECT 1", "V20260201__b.sql", "SELECT 2");
    ASSERT_CONTAINS(planned(&memory, &far, NULL, 0, refuse), "no version between V2__b.sql and V6__f.sql");
    ASSERT_CONTAINS(planned(&memory, &farther, NULL, 0, refuse), "no version between V2__b.sql and V300__f.sql");
    ASSERT_CONTAINS(planned(&memory, &whole, NULL, 0, refuse), "V9__a.sql:0");
    ASSERT_CONTAINS(planned(&memory, &tens, NULL, 0, refuse), "V10__a.sql:0");
    ASSERT_CONTAINS(planned(&memory, &days, NULL, 0, refuse), "V20260101__a.sql:0");
    arena_done(&memory);
}

static void texts_are_summed_without_their_line_ends(void)
{
    arena memory;
    arena_init(&memory, 0);
    migration_files a = FILES("V1__a.sql", "SELECT 1;\nSELECT 2;\n"),
                    b = FILES("V1__a.sql", "\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n");
    migration_files c = FILES("V1__a.sql", "SELECT 1;\nSELECT 2; \n");
    ASSERT_TEXT(a.items[0].checksum, b.items[0].checksum);
    CU_ASSERT(strcmp(a.items[0].checksum, c.items[0].checksum) != 0);
    arena_done(&memory);
}

static void waivers_name_a_rule_and_a_reason(void)
{
    static const char *const bad[][2] = {{"-- lbops:allow not-idempotent", "does not say why"},
                                         {"-- lbops:allow not-idempotent because  ", "does not say why"},
                                         {"-- lbops:allow nothing because of me", "which is no rule"}};
    arena memory;
    lb_error err;
    judge_rule_id id;
    arena_init(&memory, 0);
    migration_files files = FILES("V1__a.sql", "--lbops:allow table-drop because nobody reads it\nSELECT '-- x';\n");
    CU_ASSERT(judge_rule_find("table-drop", &id));
    CU_ASSERT_PTR_NOT_NULL_FATAL(migration_waived(&files.items[0], id));
    ASSERT_TEXT(migration_waived(&files.items[0], id)->because, "nobody reads it");
    CU_ASSERT(judge_rule_find("not-idempotent", &id));
    CU_ASSERT_PTR_NULL(migration_waived(&files.items[0], id));
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        migration_files none = {0};
        CU_ASSERT_EQUAL(migration_take(&none, "V1__a.sql", bad[i][0], &memory, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, bad[i][1]);
    }
    arena_done(&memory);
}

static void a_file_with_its_way_back_in_it_is_refused(void)
{
    static const char *const bad[] = {"-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE t;\n",
                                      "-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE t;\n",
                                      "-- +migrate Up\nSELECT 1;\n\n--+migrate down notransaction\nDROP TABLE t;\n",
                                      "SELECT 1;\n  -- //@UNDO\r\nDROP TABLE t;\n"};
    arena memory;
    lb_error err;
    arena_init(&memory, 0);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        migration_files none = {0};
        CU_ASSERT_EQUAL(migration_take(&none, "20240131120000_a.sql", bad[i], &memory, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, "20240131120000_a.sql has its way back in itself");
    }
    migration_files both = FILES("1.up.sql", "-- +goose Up\nSELECT '-- migrate:down';\n", "1.down.sql",
                                 "-- migrate:downs are elsewhere\nSELECT 1;\n");
    CU_ASSERT_EQUAL(both.count, 2);
    arena_done(&memory);
}

SUITE(migration, TEST(names_say_kind_and_version), TEST(versions_compare_by_number), TEST(what_is_left_is_planned),
      TEST(what_was_undone_can_be_applied_again), TEST(a_baseline_is_not_undone),
      TEST(what_cannot_be_taken_back_is_refused), TEST(what_contradicts_the_ledger_is_refused),
      TEST(missing_numbers_are_refused_however_many), TEST(texts_are_summed_without_their_line_ends),
      TEST(waivers_name_a_rule_and_a_reason), TEST(a_file_with_its_way_back_in_it_is_refused))
