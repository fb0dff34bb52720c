/* What can be known of a change, whoever was killed when.
 *
 * A group of changes is written down like this, by the worker (I: its intents, O: its outcomes, X: the execution):
 *
 *   I1 write and sync outbox/audit_log/<id>.<pid>.tmp        O1 the same for the outcomes
 *   I2 link it as journal/<run>-<id>.intent                  O2 link it as journal/<run>-<id>.outcome
 *   I3 rename it to outbox/audit_log/<id>.ndjson             O3 rename it
 *   I4 sync journal, audit_log, outbox                       O4 sync journal, audit_log
 *   X  tell the supervisor, execute                          then the worker says that the run has ended,
 *                                                            E1 the supervisor makes the end durable
 *                                                            E2 journal_forget: intents first, then outcomes
 *
 * Whoever is killed after one of these steps leaves
 *   I1  a temporary file without a link: complete or not, X was never reached. Swept: nothing was acknowledged.
 *   I2  a temporary file with a link: complete, and X was not reached, since that needs I4. The outcome not_reached is
 *       written for it, then it is renamed. In this order: once it shows it looks like I3.
 *   I3, I4, X  intents without outcomes. Nobody knows how far X came: the outcome unknown is written, with the
 *       statement to look at. (Between I3 and X this is more careful than it need be. It is a moment.)
 *   O1  as X: a temporary file without a link is swept, and what it may say is not believed.
 *   O2, O3, O4  outcomes that count: they are complete. What is not renamed yet is.
 *   E1  all there, and the end of the run is durable: forgotten.
 *   E2  the same. Outcomes without intents are a forgetting that was not finished; intents without outcomes cannot come
 *       of it unless the power failed between two syncs of the directory, and then the caller says JOURNAL_ENDED.
 * A failed commit takes its links away after it has hidden its files again, so that a kill in between leaves I2 and not
 * I3. A power cut is a kill at any point after which an unsynced directory may or may not have its entries: a link is
 * synced before X is reached (I4), so that no change is begun that the journal does not know. If a rename (O3) survives
 * and its link (O2) does not, O4 was not reached and the run's end is not durable; the change then has the outcome that
 * it had and, besides, "unknown", which asks somebody to look. That is the only case in which a change can have two.
 *
 * Recovery itself (R) may be killed as well:
 *   R1 writes missing outcomes through O1 to O4. Before O2 nothing has happened; after it they are outcomes that count.
 *   R2 renames what has a link and is temporary still. Each rename by itself.
 *   R3 tells the caller, who makes the run's end durable and has it forgotten: E1, E2.
 * Where hard links are refused a link is a copy, synced and renamed into place; all of the above holds for it, as it
 * also exists only when it is complete. */
#include "journal.h"

#include "journal_read.h"
#include "outbox.h"

#include <dirent.h>
#include <errno.h>

#define AUDIT "audit_log"

struct journal {
    char *dir, *outbox;
};

int journal_open(const char *state_dir, journal **ret_journal, lb_error *err)
{
    journal *j = base_alloc(sizeof *j);
    j->dir = base_printf("%s/journal", state_dir);
    j->outbox = base_printf("%s/outbox", state_dir);
    int r = fs_make_dirs(j->dir, err);
    if (r < 0) {
        (void)journal_close(j); /* gives NULL */
        return lb_wrap(err, "journal");
    }
    *ret_journal = j;
    return 0;
}

journal *journal_close(journal *j)
{
    if (!j)
        return NULL;
    free(j->dir);
    free(j->outbox);
    free(j);
    return NULL;
}

/* ---- what is known ---- */

static void tell(const journal_book *book, journal_each each, void *state)
{
    size_t begun = 0, unknown = 0;
    journal_change *changes = base_alloc((book->count + 1) * sizeof *changes);
    for (size_t i = 0; i < book->count; i++) {
        changes[i] = book->rows[i].change;
        const char *outcome = changes[i].outcome;
        begun += !outcome || strcmp(outcome, "not_reached") != 0;
        unknown += !outcome || strcmp(outcome, "unknown") == 0;
    }
    const journal_run run = {
        .run_id = book->run_id,
        .changes = changes,
        .count = book->count,
        .unknown = unknown,
        .state = unknown ? JOURNAL_UNKNOWN
                 : begun ? JOURNAL_KNOWN
                         : JOURNAL_NOTHING,
    };
    each(state, &run);
    free(changes);
}

/* ---- recovery ---- */

static int add_outcome(const journal *j, outbox_batch *batch, const journal_row *row, lb_error *err)
{
    const journal_change *c = &row->change;
    int unfinished = outbox_is_unfinished(j->outbox, AUDIT, row->file_id, err);
    if (unfinished < 0)
        return unfinished;
    const lb_target target = {.project = c->project, .branch = c->branch};
    return outbox_add_for(
        batch, AUDIT,
        LB_ARGS(
            lb_text("audit_id", c->audit_id), lb_text("phase", "outcome"), lb_time("at", clock_now()),
            lb_text("actor_kind", row->actor_kind), lb_text("actor", c->actor), lb_text("tool", c->tool),
            lb_text("reason", row->reason), lb_text("group_title", c->group_title),
            lb_text("approval_id", c->approval_id), lb_text("kind", c->kind), lb_text("effect", row->effect),
            lb_text("branch_class", row->branch_class), lb_text("decision", row->decision),
            lb_text("statement", c->statement), lb_text("outcome", unfinished ? "not_reached" : "unknown"),
            lb_text("error_code", "internal"),
            lb_text("error_message",
                    unfinished
                        ? "the host or its worker was ended before the change was begun"
                        : "the host or its worker was ended before the outcome was known: look at what the statement "
                          "names before it is made again"),
            lb_text("undo", row->undo)),
        &target, c->run_id, err);
}

/* R1. The book is read again afterwards, so that what is told is what stands there. */
static int write_missing(const journal *j, const journal_book *book, lb_error *err)
{
    int r = 0;
    size_t missing = 0;
    outbox_batch *batch = outbox_batch_new(j->outbox, book->run_id, (size_t)16 * 1024 * 1024);
    outbox_batch_journal(batch, j->dir, book->run_id, OUTBOX_OUTCOME);
    for (size_t i = 0; i < book->count && r >= 0; i++) {
        if (book->rows[i].change.outcome)
            continue;
        missing++;
        r = add_outcome(j, batch, &book->rows[i], err);
    }
    if (r >= 0 && missing)
        r = outbox_commit(batch, err);
    (void)outbox_batch_free(batch); /* gives NULL */
    return r;
}

/* R2. */
static int finish_files(const journal *j, const journal_book *book, lb_error *err)
{
    for (size_t i = 0; i < book->file_count; i++) {
        int r = outbox_finish(j->outbox, AUDIT, book->files[i].id, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int recover_run(const journal *j, const char *run_id, journal_each each, void *state, lb_error *err)
{
    journal_book *book = NULL, *mended = NULL;
    int r = journal_read(j->dir, run_id, &book, err);
    if (r >= 0)
        r = write_missing(j, book, err);
    if (r >= 0)
        r = journal_read(j->dir, run_id, &mended, err);
    if (r >= 0)
        r = finish_files(j, mended, err);
    if (r >= 0 && mended->count)
        tell(mended, each, state);
    (void)journal_book_free(book); /* both give NULL */
    (void)journal_book_free(mended);
    return r < 0 ? lb_wrap(err, "journal") : 0;
}

int journal_recover_run(journal *j, const char *run_id, journal_each each, void *state, lb_error *err)
{
    return recover_run(j, run_id, each, state, err);
}

int journal_recover(journal *j, journal_life (*life)(void *state, const char *run_id), journal_each each, void *state,
                    lb_error *err)
{
    char **runs = NULL;
    int r = journal_list(j->dir, &runs, err);
    for (char **run = runs; r >= 0 && run && *run; run++) {
        journal_life alive = life(state, *run);
        if (alive == JOURNAL_DEAD)
            r = recover_run(j, *run, each, state, err);
        else if (alive == JOURNAL_ENDED)
            r = journal_forget(j, *run, err);
    }
    journal_list_free(runs);
    if (r >= 0)
        r = outbox_sweep_directory(j->dir, err); /* copies that were not finished */
    if (r >= 0)
        r = outbox_sweep(j->outbox, err);
    return r < 0 ? r : 0;
}

int journal_scan(journal *j, journal_each each, void *state, lb_error *err)
{
    char **runs = NULL;
    int r = journal_list(j->dir, &runs, err);
    for (char **run = runs; r >= 0 && run && *run; run++) {
        journal_book *book = NULL;
        r = journal_read(j->dir, *run, &book, err);
        if (r >= 0)
            tell(book, each, state);
        (void)journal_book_free(book); /* gives NULL */
    }
    journal_list_free(runs);
    return r < 0 ? lb_wrap(err, "journal") : 0;
}

/* ---- forgetting ---- */

static int unlink_kind(const journal *j, const char *run_id, const char *kind, lb_error *err)
{
    int r = 0;
    size_t length = strlen(run_id);
    DIR *d = opendir(j->dir);
    if (!d)
        return errno == ENOENT ? 0 : fs_fail(err, errno, "open directory", j->dir);
    for (struct dirent *e; r == 0 && (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        if (strncmp(e->d_name, run_id, length) != 0 || e->d_name[length] != '-' || !dot || strcmp(dot + 1, kind) != 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) != 0 && errno != ENOENT)
            r = fs_fail(err, errno, "remove from the journal", e->d_name);
    }
    (void)closedir(d); /* was only read */
    return r;
}

int journal_forget(journal *j, const char *run_id, lb_error *err)
{
    int r = unlink_kind(j, run_id, OUTBOX_INTENT, err);
    return r < 0 ? r : unlink_kind(j, run_id, OUTBOX_OUTCOME, err);
}
