/* The sum file of a directory of migrations: what fits it, and each way in which something does not. */
#include "migration.h"
#include "suite.h"

typedef struct directory {
    arena memory;
    migration_files files;
    const char *sums;
} directory;

static void fill(directory *d, const char *const pairs[][2], size_t count)
{
    lb_error err;
    *d = (directory){0};
    arena_init(&d->memory, 0);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL_FATAL(migration_take(&d->files, pairs[i][0], pairs[i][1], &d->memory, &err), 0);
    CU_ASSERT_EQUAL_FATAL(migration_sort(&d->files, &err), 0);
}

static const char *text_of(directory *d)
{
    lb_error err;
    CU_ASSERT_EQUAL_FATAL(migration_sum_text(&d->files, &d->memory, &d->sums, &err), 0);
    return d->sums;
}

static const char *const three[][2] = {
    {"V1__a.sql", "SELECT 1;"}, {"V2__b.sql", "SELECT 2;"}, {"R__v.sql", "SELECT 3;"}};

static void what_was_written_fits(void)
{
    static const char *const windows[][2] = {
        {"V1__a.sql", "\xef\xbb\xbfSELECT 1;"}, {"V2__b.sql", "SELECT 2;"}, {"R__v.sql", "SELECT 3;"}};
    directory d, same, none;
    lb_error err;
    fill(&d, three, LB_COUNT(three));
    fill(&same, windows, LB_COUNT(windows));
    fill(&none, three, 0);
    CU_ASSERT_EQUAL(migration_sum_check(&d.files, text_of(&d), &err), 0);
    CU_ASSERT_EQUAL(migration_sum_check(&same.files, text_of(&d), &err), 0);
    CU_ASSERT_EQUAL(migration_sum_check(&none.files, text_of(&none), &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&d), " V2__b.sql\n"));
    arena_done(&d.memory);
    arena_done(&same.memory);
    arena_done(&none.memory);
}

static void refuses(const migration_files *files, const char *text, int code, const char *says)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(migration_sum_check(files, text, &err), code);
    if (!strstr(err.message, says))
        (void)fprintf(stderr, "%s is not in: %s\n", says, err.message);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, says));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--sum tell"));
}

static void what_has_moved_is_named(void)
{
    static const char *const edited[][2] = {
        {"V1__a.sql", "SELECT 1;"}, {"V2__b.sql", "SELECT 7;"}, {"R__v.sql", "SELECT 3;"}};
    static const char *const more[][2] = {
        {"V1__a.sql", "SELECT 1;"}, {"V1_5__n.sql", ""}, {"V2__b.sql", "SELECT 2;"}, {"R__v.sql", "SELECT 3;"}};
    static const char *const last[][2] = {
        {"V1__a.sql", "SELECT 1;"}, {"V2__b.sql", "SELECT 2;"}, {"R__v.sql", "SELECT 3;"}, {"R__w.sql", ""}};
    directory d, other;
    fill(&d, three, LB_COUNT(three));
    const char *text = text_of(&d);
    fill(&other, edited, LB_COUNT(edited));
    refuses(&other.files, text, LB_ERR_CONFLICT, "lbops.sum, line 3: V2__b.sql has another text");
    arena_done(&other.memory);
    fill(&other, more, LB_COUNT(more));
    refuses(&other.files, text, LB_ERR_CONFLICT, "line 3: V2__b.sql does not come next");
    arena_done(&other.memory);
    fill(&other, last, LB_COUNT(last));
    refuses(&other.files, text, LB_ERR_CONFLICT, "lbops.sum has no sum of R__w.sql");
    arena_done(&other.memory);
    fill(&other, three, 2);
    refuses(&other.files, text, LB_ERR_CONFLICT, "line 4: R__v.sql is not in the directory");
    arena_done(&other.memory);
    arena_done(&d.memory);
}

/* Two branches add a file each, and somebody keeps the lines of both. */
static void a_merge_by_hand_is_seen(void)
{
    static const char *const ours[][2] = {{"V1__a.sql", "SELECT 1;"}, {"V2__b.sql", "SELECT 2;"}};
    static const char *const theirs[][2] = {{"V1__a.sql", "SELECT 1;"}, {"V3__c.sql", "SELECT 3;"}};
    static const char *const both[][2] = {
        {"V1__a.sql", "SELECT 1;"}, {"V2__b.sql", "SELECT 2;"}, {"V3__c.sql", "SELECT 3;"}};
    directory a, b, all;
    fill(&a, ours, LB_COUNT(ours));
    fill(&b, theirs, LB_COUNT(theirs));
    fill(&all, both, LB_COUNT(both));
    const char *mine = text_of(&a), *line = strstr(text_of(&b), " V3__c.sql\n");
    while (line[-1] != '\n')
        line--;
    const char *total = strrchr(mine, '\n');
    while (total[-1] != '\n')
        total--;
    const char *merged =
        arena_printf(&all.memory, "%.*s%.*s%s", (int)(total - mine), mine, (int)strcspn(line, "\n") + 1, line, total);
    CU_ASSERT_PTR_NOT_NULL_FATAL(merged);
    refuses(&all.files, merged, LB_ERR_CONFLICT, "V3__c.sql has a sum that does not follow");
    const char *marked = arena_printf(&all.memory, "<<<<<<< HEAD\n%s", mine);
    CU_ASSERT_PTR_NOT_NULL_FATAL(marked);
    refuses(&all.files, marked, LB_ERR_INVALID, "line 1: this is no sum of a file");
    const char *cut = arena_printf(&a.memory, "%.*s", (int)(total - mine), mine);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
    refuses(&a.files, cut, LB_ERR_INVALID, "has no sum of all files");
    refuses(&a.files, "", LB_ERR_CONFLICT, "has no sum of V1__a.sql");
    arena_done(&a.memory);
    arena_done(&b.memory);
    arena_done(&all.memory);
}

SUITE(migration_sum, TEST(what_was_written_fits), TEST(what_has_moved_is_named), TEST(a_merge_by_hand_is_seen))
