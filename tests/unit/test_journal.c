/* The journal of intents: whoever is killed at whatever step, in the worker, in a recovery or in a forgetting: what was
 * begun is known, nothing is told twice, and nothing is left behind. */
#include "scratch.h"

#include "fs.h"
#include "journal.h"
#include "json.h"
#include "outbox.h"
#include "steps.h"

#include <dirent.h>

/* ---- one run of a worker: two changes in a group ---- */

#define RUN   "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define OTHER "01ARZ3NDEKTSV4RRFFQ69G5FAW"

static const char *const audit_ids[] = {"C1", "C2"};

static int commit_rows(const char *dir, const char *run_id, const char *kind, const char *outcome, lb_error *err)
{
    LB_AUTO_FREE char *outbox = base_printf("%s/outbox", dir), *journal_dir = base_printf("%s/journal", dir);
    const lb_target target = {.project = "shop", .branch = "main"};
    outbox_batch *batch = outbox_batch_new(outbox, run_id, 1 << 20);
    outbox_batch_journal(batch, journal_dir, run_id, kind);
    int r = 0;
    for (size_t i = 0; i < LB_COUNT(audit_ids) && r >= 0; i++)
        r = outbox_add(batch, "audit_log",
                       LB_ARGS(lb_text("audit_id", audit_ids[i]), lb_text("phase", kind), lb_time("at", clock_now()),
                               lb_text("actor_kind", "person"), lb_text("actor", "ada"), lb_text("tool", "drops"),
                               lb_text("kind", "sql"), lb_text("statement", "DROP INDEX public.old"),
                               lb_text("outcome", outcome)),
                       &target, err);
    if (r >= 0)
        r = outbox_commit(batch, err);
    (void)outbox_batch_free(batch); /* gives NULL */
    return r;
}

/* Execution is a file that appears. */
static int execute(const char *dir, lb_error *err)
{
    LB_AUTO_FREE char *world = base_printf("%s/world", dir);
    int fd = open(world, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fs_fail(err, errno, "create", world);
    (void)close(fd); /* empty */
    return 0;
}

static bool is_done(const char *dir)
{
    LB_AUTO_FREE char *world = base_printf("%s/world", dir);
    return access(world, F_OK) == 0;
}

static void work(const char *dir)
{
    lb_error err;
    if (commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err) < 0 || execute(dir, &err) < 0 ||
        commit_rows(dir, RUN, OUTBOX_OUTCOME, "applied", &err) < 0)
        _exit(1);
}

/* ---- what stands there ---- */

typedef struct facts {
    size_t calls, count, unknown;
    journal_state state;
    char outcomes[2][16];
} facts;

static void note(void *state, const journal_run *run)
{
    facts *f = state;
    ASSERT_TEXT(run->run_id, RUN);
    f->calls++;
    f->count = run->count;
    f->unknown = run->unknown;
    f->state = run->state;
    for (size_t i = 0; i < run->count && i < 2; i++) {
        const journal_change *c = &run->changes[i];
        ASSERT_TEXT(c->audit_id, audit_ids[i]);
        ASSERT_TEXT(c->statement, "DROP INDEX public.old");
        ASSERT_TEXT(c->branch, "main");
        (void)snprintf(f->outcomes[i], sizeof f->outcomes[i], "%s", c->outcome ? c->outcome : "(none)");
    }
}

static journal_life all_dead(void *state, const char *run_id)
{
    (void)state, (void)run_id;
    return JOURNAL_DEAD;
}

typedef struct rows {
    size_t intents, outcomes, applied, unknown, not_reached, temporary, broken;
} rows;

static void count_lines(const char *text, rows *found)
{
    size_t lines = 0, announced = 0;
    for (const char *line = text; *line; lines++) {
        size_t length = strcspn(line, "\n");
        LB_AUTO_FREE char *one = base_printf("%.*s", (int)length, line);
        const char *head = strstr(one, "\"rows\":");
        announced = lines == 0 && head ? (size_t)strtol(head + 7, NULL, 10) : announced;
        found->intents += strstr(one, "\"phase\":\"intent\"") != NULL;
        found->outcomes += strstr(one, "\"phase\":\"outcome\"") != NULL;
        found->applied += strstr(one, "\"outcome\":\"applied\"") != NULL;
        found->unknown += strstr(one, "\"outcome\":\"unknown\"") != NULL;
        found->not_reached += strstr(one, "\"outcome\":\"not_reached\"") != NULL;
        line += length + (line[length] == '\n');
    }
    found->broken += lines != announced + 1;
}

static rows look(const char *dir)
{
    rows found = {0};
    lb_error err;
    LB_AUTO_FREE char *table = base_printf("%s/outbox/audit_log", dir);
    DIR *d = opendir(table);
    for (struct dirent *e; d && (e = readdir(d));) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", table, e->d_name), *text = NULL;
        size_t length = 0;
        const char *dot = strrchr(e->d_name, '.');
        if (e->d_name[0] == '.')
            continue;
        if (strcmp(dot, ".ndjson") != 0)
            found.temporary++;
        else if (fs_read(path, 1 << 20, &text, &length, &err) == 0)
            count_lines(text, &found);
    }
    if (d)
        (void)closedir(d); /* was only read */
    return found;
}

static size_t entries(const char *dir)
{
    size_t count = 0;
    LB_AUTO_FREE char *path = base_printf("%s/journal", dir);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        count += e->d_name[0] != '.';
    if (d)
        (void)closedir(d); /* was only read */
    return count;
}

/* ---- processes that die ---- */

static int recover(const char *dir, facts *ret_facts, lb_error *err)
{
    journal *j = NULL;
    *ret_facts = (facts){0};
    int r = journal_open(dir, &j, err);
    if (r >= 0)
        r = journal_recover(j, all_dead, note, ret_facts, err);
    (void)journal_close(j); /* gives NULL */
    return r;
}

static int forget(const char *dir, lb_error *err)
{
    journal *j = NULL;
    int r = journal_open(dir, &j, err);
    if (r >= 0)
        r = journal_forget(j, RUN, err);
    (void)journal_close(j); /* gives NULL */
    return r;
}

static void recover_only(const char *dir)
{
    facts f;
    lb_error err;
    if (recover(dir, &f, &err) < 0)
        _exit(1);
}

static void forget_only(const char *dir)
{
    lb_error err;
    if (forget(dir, &err) < 0)
        _exit(1);
}

/* What must hold once a recovery has come to its end. */
static void expect_sound(const char *dir, const facts *f)
{
    rows r = look(dir);
    bool done = is_done(dir);
    CU_ASSERT_EQUAL(r.broken, 0);
    CU_ASSERT_EQUAL(r.temporary, 0);
    CU_ASSERT(r.intents == 0 || r.intents == 2);
    CU_ASSERT_EQUAL(r.outcomes, r.intents); /* each change has exactly one */
    CU_ASSERT_EQUAL(r.applied + r.unknown + r.not_reached, r.outcomes);
    if (done)
        CU_ASSERT(r.intents == 2 && r.not_reached == 0); /* nothing that changed the world is missing */
    if (!done)
        CU_ASSERT_EQUAL(r.applied, 0); /* and nothing is claimed that was not done */
    CU_ASSERT_EQUAL(f->calls, r.intents ? 1 : 0);
    CU_ASSERT_EQUAL(f->count, r.intents);
    CU_ASSERT_EQUAL(f->unknown, r.unknown);
    if (r.intents)
        CU_ASSERT_EQUAL(f->state, r.unknown ? JOURNAL_UNKNOWN : r.applied ? JOURNAL_KNOWN : JOURNAL_NOTHING);
}

static void recover_and_expect(const char *dir)
{
    facts first, again;
    lb_error err = {0};
    int r = recover(dir, &first, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    expect_sound(dir, &first);
    rows before = look(dir);
    CU_ASSERT_EQUAL(recover(dir, &again, &err), 0); /* says the same, changes nothing */
    rows after = look(dir);
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof before), 0);
    CU_ASSERT_EQUAL(memcmp(&first, &again, sizeof first), 0);
    CU_ASSERT_EQUAL(forget(dir, &err), 0);
    CU_ASSERT_EQUAL(entries(dir), 0);
}

/* ---- tests ---- */

static int total_steps(void (*what)(const char *dir), const char *dir)
{
    step.count = step.last = 0;
    what(dir);
    return step.count;
}

static int worker_at_each_step(void)
{
    int points = 0;
    for (int last = 1;; last++) {
        bool died = false;
        for (int after = 0; after < 2; after++) {
            SCRATCH dir = scratch_new();
            died = dies_at(work, dir, last, after == 1);
            points += died;
            recover_and_expect(dir);
        }
        if (!died)
            return points;
    }
}

static void worker_is_killed_at_each_step(void)
{
    SCRATCH dir = scratch_new();
    int steps = total_steps(work, dir), points = worker_at_each_step();
    printf("%d points ... ", points);
    CU_ASSERT_EQUAL(points, 2 * steps);
}

static void worker_is_killed_where_links_are_refused(void)
{
    step.no_links = true;
    printf("%d points ... ", worker_at_each_step());
    step.no_links = false;
}

/* A recovery that is killed at each of its steps, after a worker that was killed at each of its own. */
static void recovery_is_killed_at_each_step(void)
{
    int points = 0;
    for (int worker = 1;; worker++) {
        bool worker_died = false;
        for (int last = 1;; last++) {
            SCRATCH dir = scratch_new();
            worker_died = dies_at(work, dir, worker, true);
            bool died = dies_at(recover_only, dir, last, last % 2 == 0);
            points += died;
            recover_and_expect(dir);
            if (!died)
                break;
        }
        if (!worker_died)
            break;
    }
    printf("%d points ... ", points);
    CU_ASSERT(points > 100);
}

/* The caller says that the end of the run is durable: whatever a forgetting left of it goes, and no row is added. */
static journal_life all_ended(void *state, const char *run_id)
{
    (void)state, (void)run_id;
    return JOURNAL_ENDED;
}

static void forgetting_is_killed_at_each_step(void)
{
    lb_error err;
    for (int last = 1;; last++) {
        facts f = {0};
        journal *j = NULL;
        SCRATCH dir = scratch_new();
        work(dir);
        bool died = dies_at(forget_only, dir, last, true);
        rows before = look(dir);
        CU_ASSERT_EQUAL_FATAL(journal_open(dir, &j, &err), 0);
        CU_ASSERT_EQUAL(journal_recover(j, all_ended, note, &f, &err), 0);
        (void)journal_close(j); /* gives NULL */
        rows after = look(dir);
        CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof before), 0);
        CU_ASSERT_EQUAL(f.calls, 0);
        CU_ASSERT_EQUAL(entries(dir), 0);
        if (!died)
            break;
    }
}

/* Even if nobody knew that it had ended: outcomes go last, so that no change looks as if it had none. */
static void a_forgetting_that_was_killed_adds_nothing(void)
{
    for (int last = 1;; last++) {
        facts f;
        lb_error err;
        SCRATCH dir = scratch_new();
        work(dir);
        bool died = dies_at(forget_only, dir, last, true);
        CU_ASSERT_EQUAL(recover(dir, &f, &err), 0);
        rows r = look(dir);
        CU_ASSERT(r.intents == 2 && r.outcomes == 2 && r.unknown == 0);
        if (!died)
            break;
    }
}

/* The delta service has taken the files: the journal knows all the same. */
static void what_the_outbox_lost_is_known(void)
{
    facts f;
    lb_error err;
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *table = base_printf("%s/outbox/audit_log", dir);
    CU_ASSERT_EQUAL(commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL(execute(dir, &err), 0);
    char *taken = base_strdup(table);
    scratch_free(&taken);
    CU_ASSERT_EQUAL(recover(dir, &f, &err), 0);
    CU_ASSERT(f.state == JOURNAL_UNKNOWN && f.unknown == 2);
    ASSERT_TEXT(f.outcomes[0], "unknown");
    rows r = look(dir);
    CU_ASSERT(r.intents == 0 && r.unknown == 2);
}

static journal_life only_other_lives(void *state, const char *run_id)
{
    (void)state;
    return strcmp(run_id, OTHER) == 0 ? JOURNAL_ALIVE : JOURNAL_DEAD;
}

static void who_lives_is_left_alone(void)
{
    facts f = {0};
    lb_error err;
    journal *j = NULL;
    SCRATCH dir = scratch_new();
    CU_ASSERT_EQUAL(commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL(commit_rows(dir, OTHER, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(journal_open(dir, &j, &err), 0);
    CU_ASSERT_EQUAL(journal_recover(j, only_other_lives, note, &f, &err), 0);
    rows r = look(dir);
    CU_ASSERT(f.calls == 1 && r.intents == 4 && r.outcomes == 2);
    CU_ASSERT_EQUAL(journal_forget(j, RUN, &err), 0);
    CU_ASSERT_EQUAL(entries(dir), 1);
    (void)journal_close(j); /* gives NULL */
}

static void one_run_is_recovered_by_itself(void)
{
    facts f = {0};
    lb_error err;
    journal *j = NULL;
    SCRATCH dir = scratch_new();
    CU_ASSERT_EQUAL(commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL(commit_rows(dir, OTHER, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(journal_open(dir, &j, &err), 0);
    CU_ASSERT_EQUAL(journal_recover_run(j, RUN, note, &f, &err), 0);
    CU_ASSERT(f.calls == 1 && f.unknown == 2);
    CU_ASSERT_EQUAL(look(dir).outcomes, 2);
    f = (facts){0};
    CU_ASSERT_EQUAL(journal_recover_run(j, "01ARZ3NDEKTSV4RRFFQ69G5FAX", note, &f, &err), 0);
    CU_ASSERT_EQUAL(f.calls, 0);
    (void)journal_close(j); /* gives NULL */
}

static void scanning_changes_nothing(void)
{
    facts f = {0};
    lb_error err;
    journal *j = NULL;
    SCRATCH dir = scratch_new();
    CU_ASSERT_EQUAL(commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(journal_open(dir, &j, &err), 0);
    CU_ASSERT_EQUAL(journal_scan(j, note, &f, &err), 0);
    CU_ASSERT(f.calls == 1 && f.state == JOURNAL_UNKNOWN);
    ASSERT_TEXT(f.outcomes[0], "(none)");
    CU_ASSERT_EQUAL(look(dir).outcomes, 0);
    (void)journal_close(j); /* gives NULL */
}

static void a_damaged_file_is_an_error(void)
{
    facts f;
    lb_error err;
    SCRATCH dir = scratch_new();
    LB_AUTO_FREE char *path = base_printf("%s/journal/" RUN "-01ARZ3NDEKTSV4RRFFQ69G5FZZ.intent", dir),
                      *journal_dir = base_printf("%s/journal", dir);
    static const char cut[] =
        "{\"lbops_outbox\":1,\"table\":\"audit_log\",\"run_id\":\"x\",\"rows\": 1}\n{\"audit_id\":";
    CU_ASSERT_EQUAL(fs_make_dirs(journal_dir, &err), 0);
    CU_ASSERT_EQUAL(fs_write_durable(path, cut, sizeof cut - 1, 0600, &err), 0);
    CU_ASSERT_EQUAL(recover(dir, &f, &err), LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "is damaged");
}

/* A commit that fails takes its link back: nothing was begun, and nobody is sent to look. */
static void a_failed_commit_leaves_no_link(void)
{
    for (int failing = 1; failing < 20; failing++) {
        lb_error err;
        SCRATCH dir = scratch_new();
        step.fsyncs = 0;
        step.failing_fsync = failing;
        int r = commit_rows(dir, RUN, OUTBOX_INTENT, NULL, &err);
        step.failing_fsync = 0;
        CU_ASSERT_EQUAL(entries(dir), r < 0 ? 0 : 1);
        CU_ASSERT_EQUAL(look(dir).intents, r < 0 ? 0 : 2);
        if (r == 0) {
            CU_ASSERT(failing > 3);
            return;
        }
    }
    CU_FAIL("no commit came to its end");
}

static int fsyncs_of_a_change(const char *dir, bool with_journal)
{
    lb_error err;
    LB_AUTO_FREE char *outbox = base_printf("%s/outbox", dir), *journal_dir = base_printf("%s/journal", dir);
    int before = step.fsyncs;
    for (int phase = 0; phase < 2; phase++) {
        outbox_batch *batch = outbox_batch_new(outbox, RUN, 1 << 20);
        if (with_journal)
            outbox_batch_journal(batch, journal_dir, RUN, phase ? OUTBOX_OUTCOME : OUTBOX_INTENT);
        CU_ASSERT_EQUAL(outbox_add(batch, "audit_log",
                                   LB_ARGS(lb_text("audit_id", "C1"), lb_text("phase", phase ? "outcome" : "intent"),
                                           lb_time("at", clock_now()), lb_text("actor_kind", "person"),
                                           lb_text("tool", "drops"), lb_text("kind", "sql"), lb_text("statement", "X")),
                                   NULL, &err),
                        0);
        CU_ASSERT_EQUAL(outbox_commit(batch, &err), 0);
        (void)outbox_batch_free(batch); /* gives NULL */
    }
    return step.fsyncs - before;
}

static void a_change_costs_one_sync_more(void)
{
    SCRATCH dir = scratch_new();
    (void)fsyncs_of_a_change(dir, true); /* so that the directories are there */
    int without = fsyncs_of_a_change(dir, false), with = fsyncs_of_a_change(dir, true);
    printf("%d and %d ... ", without, with);
    CU_ASSERT_EQUAL(with, without + 1);
}

/* What has a link is complete: a sweep leaves it to the recovery. */
static void sweeping_leaves_what_has_a_link(void)
{
    lb_error err;
    for (int last = 1;; last++) { /* until one dies right after its link */
        SCRATCH dir = scratch_new();
        LB_AUTO_FREE char *outbox = base_printf("%s/outbox", dir);
        CU_ASSERT_FATAL(dies_at(work, dir, last, true));
        if (entries(dir) == 0)
            continue;
        CU_ASSERT_EQUAL(outbox_sweep(outbox, &err), 0);
        CU_ASSERT_EQUAL(look(dir).temporary, 1);
        recover_and_expect(dir);
        return;
    }
}

SUITE(journal, TEST(worker_is_killed_at_each_step), TEST(worker_is_killed_where_links_are_refused),
      TEST(recovery_is_killed_at_each_step), TEST(forgetting_is_killed_at_each_step),
      TEST(a_forgetting_that_was_killed_adds_nothing), TEST(what_the_outbox_lost_is_known),
      TEST(who_lives_is_left_alone), TEST(one_run_is_recovered_by_itself), TEST(scanning_changes_nothing),
      TEST(a_damaged_file_is_an_error), TEST(a_failed_commit_leaves_no_link), TEST(a_change_costs_one_sync_more),
      TEST(sweeping_leaves_what_has_a_link))
