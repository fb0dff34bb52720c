/* Statements with their values put back, and the durations of a workload around a migration. */
#include "rehearsal_replay.h"
#include "replay_text.h"
#include "replay_times.h"
#include "unit/suite.h"

#include "arena.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static arena memory; /* of all tests, as of a run */

static void *allocate(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    return arena_alloc(&memory, bytes);
}

static struct {
    void (*fn)(void *arg);
    void *arg;
} deferred[4];
static size_t deferred_count;

static int defer(lb_ctx *ctx_of_run, void (*fn)(void *arg), void *arg)
{
    (void)ctx_of_run;
    deferred[deferred_count].fn = fn;
    deferred[deferred_count++].arg = arg;
    return 0;
}

static int64_t time_left(const lb_ctx *ctx_of_run)
{
    (void)ctx_of_run;
    return 90000000;
}

static const lb_host host = {.size = sizeof host, .alloc = allocate, .defer = defer, .time_left = time_left};
static lb_ctx ctx = {.host = &host};

static replay_text read_text(const char *text)
{
    lb_error err;
    replay_text read;
    CU_ASSERT_EQUAL_FATAL(replay_read(&ctx, text, &read, &err), 0);
    return read;
}

static void check_hole(const replay_text *t, size_t at, replay_fit fit, const char *table, const char *column)
{
    CU_ASSERT_FATAL(at < t->hole_count);
    const replay_hole *hole = &t->holes[at];
    const replay_table *found = hole->column ? replay_table_of(t, hole) : NULL;
    CU_ASSERT_EQUAL(hole->fit, fit);
    CU_ASSERT_STRING_EQUAL(hole->column ? hole->column : "", column);
    CU_ASSERT_STRING_EQUAL(found ? found->name : "", table);
}

static void values_are_those_of_columns(void)
{
    replay_text t =
        read_text("SELECT o.id FROM app.orders o JOIN people p ON p.id = o.person WHERE o.id = $1 AND $2 < "
                  "p.age AND o.state IN ($3, $4) AND o.at BETWEEN $5 AND $6 AND o.tag = ANY ($7) AND p.name "
                  "LIKE $8 AND o.at > now() - $9 LIMIT $10 OFFSET $11");
    CU_ASSERT_EQUAL(t.hole_count, 11);
    check_hole(&t, 0, REPLAY_COLUMN, "orders", "id");
    check_hole(&t, 1, REPLAY_COLUMN, "people", "age");
    check_hole(&t, 2, REPLAY_COLUMN, "orders", "state");
    check_hole(&t, 3, REPLAY_COLUMN, "orders", "state");
    check_hole(&t, 5, REPLAY_COLUMN, "orders", "at");
    check_hole(&t, 6, REPLAY_ARRAY, "orders", "tag");
    check_hole(&t, 7, REPLAY_COLUMN, "people", "name");
    check_hole(&t, 8, REPLAY_UNKNOWN, "", "");
    check_hole(&t, 9, REPLAY_COUNT, "", "");
    check_hole(&t, 10, REPLAY_COUNT, "", "");
    CU_ASSERT(t.only_reads);
    t = read_text("SELECT * FROM a, b WHERE id = $1");
    check_hole(&t, 0, REPLAY_COLUMN, "", "id"); /* nobody can say whose */
}

static void writes_are_told_from_reads(void)
{
    replay_text t = read_text("UPDATE orders SET total = total + $1, note = $2 WHERE id = $3");
    CU_ASSERT(!t.only_reads && !t.inserts);
    check_hole(&t, 0, REPLAY_COLUMN, "orders", "total");
    check_hole(&t, 1, REPLAY_COLUMN, "orders", "note");
    check_hole(&t, 2, REPLAY_COLUMN, "orders", "id");
    CU_ASSERT(read_text("INSERT INTO orders VALUES ($1)").inserts);
    CU_ASSERT(!read_text("SELECT * FROM orders FOR UPDATE").only_reads);
    CU_ASSERT(!read_text("WITH d AS (DELETE FROM orders RETURNING id) SELECT * FROM d").only_reads);
}

static void what_is_no_statement_about_rows_is_refused(void)
{
    static const char *const texts[] = {"<insufficient privilege>", "VACUUM", "SELECT 1; SELECT 2", ""};
    lb_error err;
    replay_text read;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CU_ASSERT_EQUAL(replay_read(&ctx, texts[i], &read, &err), LB_ERR_INVALID);
}

static void values_are_put_in_as_literals(void)
{
    static const char *const values[] = {"it's", "a\\b", "3"};
    static const char text[] = "SELECT 1 FROM t WHERE a = $1 AND b=$12 AND c > $3::int -- end";
    replay_text t = read_text(text);
    CU_ASSERT_STRING_EQUAL(replay_fill(&ctx, text, &t, values),
                           "SELECT 1 FROM t WHERE a = 'it''s' AND b= E'a\\\\b' AND c > '3'::int -- end");
}

static void durations_belong_to_the_phase_they_touch(void)
{
    replay_times times = {.from = 2000000, .to = 3000000};
    replay_take_line(&times, "0 0 500 0 1 900000\n");
    replay_take_line(&times, "0 1 300000 0 2 200000 0\n");  /* began before it */
    replay_take_line(&times, "0 2 900000 0 3 400000 50\n"); /* ended after it */
    replay_take_line(&times, "0 3 700 0 3 500000 600\n");   /* its turn came earlier */
    replay_take_line(&times, "progress: 1.0 s\n");
    replay_take_line(&times, "\n");
    CU_ASSERT_EQUAL(times.phases[REPLAY_BEFORE].count, 1);
    CU_ASSERT_EQUAL(times.phases[REPLAY_DURING].count, 2);
    CU_ASSERT_EQUAL(times.phases[REPLAY_AFTER].count, 1);
    CU_ASSERT_EQUAL(times.phases[REPLAY_DURING].longest_us, 899950);
    CU_ASSERT_EQUAL(times.phases[REPLAY_AFTER].longest_us, 100);
}

static void percentiles_are_close(void)
{
    replay_times times = {.from = INT64_MAX, .to = INT64_MAX};
    char line[64];
    for (int i = 1; i <= 1000; i++) {
        (void)snprintf(line, sizeof line, "0 %d %d 0 1 0", i, i * 100);
        replay_take_line(&times, line);
    }
    const replay_spread *s = &times.phases[REPLAY_BEFORE];
    CU_ASSERT(replay_percentile(s, 0.5) > 48000 && replay_percentile(s, 0.5) <= 50100);
    CU_ASSERT(replay_percentile(s, 0.99) > 95000 && replay_percentile(s, 0.99) <= 99100);
    CU_ASSERT_EQUAL(replay_percentile(&times.phases[REPLAY_AFTER], 0.5), 0);
}

static void a_workload_ends_by_itself(void)
{
    const replay_wish wish = {.clients = 2};
    const replay none = {.dir = "/nowhere"};
    const char *const *argv = replay_command(&ctx, &wish, &none, "script");
    CU_ASSERT_PTR_NOT_NULL_FATAL(argv);
    while (*argv && strcmp(*argv, "-T") != 0)
        argv++;
    CU_ASSERT_PTR_NOT_NULL_FATAL(*argv);
    CU_ASSERT_STRING_EQUAL(argv[1], "150"); /* what is left of the run, and a margin */
}

static void what_a_killed_run_left_goes(void)
{
    char base[] = "/tmp/lbops replay XXXXXX";
    const char *first = NULL, *second = NULL;
    lb_error err;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(base));
    CU_ASSERT_EQUAL_FATAL(setenv("TMPDIR", base, 1), 0);
    const char *dead = lb_printf(&ctx, "%s/lbops-replay-killed", base), *script = lb_printf(&ctx, "%s/1.sql", dead);
    const char *other = lb_printf(&ctx, "%s/other", base);
    CU_ASSERT_EQUAL_FATAL(mkdir(dead, 0700) | mkdir(other, 0700), 0);
    FILE *out = fopen(script, "we");
    CU_ASSERT_FATAL(out && fputs("SELECT 'of a row'", out) >= 0 && fclose(out) == 0);
    CU_ASSERT_EQUAL_FATAL(replay_make_dir(&ctx, &first, &err), 0);
    CU_ASSERT_EQUAL(access(dead, F_OK), -1);
    CU_ASSERT_EQUAL(access(other, F_OK), 0);
    CU_ASSERT_EQUAL_FATAL(replay_make_dir(&ctx, &second, &err), 0);
    CU_ASSERT_EQUAL(access(first, F_OK), 0); /* whose owner lives */
    for (; deferred_count; deferred_count--)
        deferred[deferred_count - 1].fn(deferred[deferred_count - 1].arg);
    CU_ASSERT_EQUAL(access(first, F_OK), -1);
    CU_ASSERT_EQUAL(rmdir(other) | rmdir(base), 0);
    CU_ASSERT_EQUAL(unsetenv("TMPDIR"), 0);
}

static void leaves_nothing(void)
{
    arena_done(&memory);
}

SUITE(replay, TEST(values_are_those_of_columns), TEST(writes_are_told_from_reads),
      TEST(what_is_no_statement_about_rows_is_refused), TEST(values_are_put_in_as_literals),
      TEST(durations_belong_to_the_phase_they_touch), TEST(percentiles_are_close), TEST(a_workload_ends_by_itself),
      TEST(what_a_killed_run_left_goes), TEST(leaves_nothing))
