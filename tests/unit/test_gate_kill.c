/* A worker that is killed at each step of a run that changes something: what the world shows, the audit log tells. */
#include "door_rig.h"
#include "steps.h"

#include <dirent.h>

/* ---- one run: a file is written, through the door, by a tool and by a tool that it calls ---- */

#define WORLD "world.txt"

static rig g; /* of the child; the parent looks at the directory only */

static void open_in(const char *dir)
{
    rig_open(&g);
    scratch_free(&g.dir);
    g.dir = base_strdup(dir);
    g.setup.outbox_dir = rig_path(&g, "state/outbox");
    g.setup.journal_dir = rig_path(&g, "state/journal");
    g.setup.work_dir = g.dir;
}

static void write_world(const char *dir)
{
    open_in(dir);
    rig_run(&g, "proposes", "main", LB_BRANCH_THROWAWAY, GATE_PERSON, ARGS("files", "[\"" WORLD "\"]"));
    if (g.done.status != RUN_OK)
        _exit(1);
}

/* ---- what is known afterwards ---- */

typedef struct facts {
    size_t calls, count, unknown;
    char outcome[16], statement[256], run_id[ID_TEXT];
} facts;

static void note(void *state, const journal_run *run)
{
    facts *f = state;
    f->calls++;
    f->count += run->count;
    f->unknown += run->unknown;
    if (!run->count)
        return;
    (void)snprintf(f->outcome, sizeof f->outcome, "%s", run->changes[0].outcome);
    (void)snprintf(f->statement, sizeof f->statement, "%s", run->changes[0].statement);
    (void)snprintf(f->run_id, sizeof f->run_id, "%s", run->changes[0].run_id);
    ASSERT_TEXT(f->run_id, run->run_id);
}

static journal_life all_dead(void *state, const char *run_id)
{
    (void)state, (void)run_id;
    return JOURNAL_DEAD;
}

static facts recover_in(const char *dir)
{
    facts f = {0};
    lb_error err;
    journal *j = NULL;
    LB_AUTO_FREE char *state = base_printf("%s/state", dir);
    CU_ASSERT_EQUAL_FATAL(journal_open(state, &j, &err), 0);
    CU_ASSERT_EQUAL(journal_recover(j, all_dead, note, &f, &err), 0);
    (void)journal_close(j); /* gives NULL */
    return f;
}

static void a_worker_is_killed_at_each_step(void)
{
    int points = 0, with_world = 0, unknown = 0, known = 0, none = 0;
    for (int last = 1;; last++) {
        SCRATCH dir = scratch_new();
        LB_AUTO_FREE char *world = base_printf("%s/" WORLD, dir);
        bool died = dies_at(write_world, dir, last, last % 2 == 0);
        bool shows = access(world, F_OK) == 0;
        facts f = recover_in(dir);
        points += died;
        with_world += shows;
        unknown += f.unknown > 0;
        none += f.count == 0;
        known += f.count && !f.unknown;
        if (shows) { /* nothing that changed the world is missing */
            CU_ASSERT_EQUAL(f.count, 1);
            CU_ASSERT(strcmp(f.outcome, "applied") == 0 || strcmp(f.outcome, "unknown") == 0);
            ASSERT_CONTAINS(f.statement, WORLD);
        } else { /* and nothing is claimed that was not done */
            CU_ASSERT(f.count == 0 || strcmp(f.outcome, "applied") != 0);
        }
        if (!died) {
            ASSERT_TEXT(f.outcome, "applied");
            break;
        }
    }
    printf("%d points, the file was there in %d; outcomes: %d none, %d unknown, %d known ... ", points, with_world,
           none, unknown, known);
    CU_ASSERT(points > 30 && with_world > 5 && unknown > 2 && known > 2 && none > 5);
}

SUITE(gate_kill, TEST(a_worker_is_killed_at_each_step))
