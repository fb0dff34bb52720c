/* One batch: everything in one transaction of SQLite, the verdicts with it, so that either all of it is remembered or
 * nothing has happened. */
#include "state_sqlite.h"

#include <stdlib.h>

typedef struct batch {
    store *s;
    int64_t counter; /* versions are numbered across the store, so that no key ever shows an old version again */
    int64_t turn, now;
    bool careful; /* savepoints are taken */
} batch;

#define AGAIN 2 /* a transaction has to be undone, and there was no savepoint */

/* What is there under a key. */
typedef struct found {
    bool there, is_lease, is_running, is_own;
    int64_t version;
} found;

/* ---- operations ---- */

static int look(const batch *b, const lb_state_op *op, found *ret_found, lb_error *err)
{
    sqlite3_stmt *statement = store_bind(b->s, STORE_LOOK);
    *ret_found = (found){0};
    store_bind_text(statement, 1, op->space);
    store_bind_text(statement, 2, op->key);
    int r = store_step(b->s, statement, "looking for a document", err);
    if (r > 0) {
        const char *owner = (const char *)sqlite3_column_text(statement, 1);
        const char *boot = (const char *)sqlite3_column_text(statement, 3);
        ret_found->there = true;
        ret_found->version = sqlite3_column_int64(statement, 0);
        ret_found->is_lease = sqlite3_column_type(statement, 2) != SQLITE_NULL;
        ret_found->is_own = owner && op->owner && strcmp(owner, op->owner) == 0;
        ret_found->is_running =
            ret_found->is_lease && boot && strcmp(boot, b->s->boot) == 0 && sqlite3_column_int64(statement, 2) > b->now;
    }
    (void)sqlite3_reset(statement); /* says once more what step said */
    return r < 0 ? r : 0;
}

/* The parameters that INSERT, REPLACE and PUT share. */
static sqlite3_stmt *bind_document(const batch *b, store_statement which, const lb_state_op *op, int64_t version)
{
    sqlite3_stmt *statement = store_bind(b->s, which);
    store_bind_text(statement, 1, op->space);
    store_bind_text(statement, 2, op->key);
    (void)sqlite3_bind_int64(statement, 3, version); /* these cannot fail */
    store_bind_text(statement, 4, op->status);
    store_bind_text(statement, 5, op->owner);
    (void)sqlite3_bind_int64(statement, 6, op->at);
    store_bind_text(statement, 7, state_body(op));
    return statement;
}

/* An operation returns 1: done, 0: its condition does not hold; *version is that of the document then. */
static int write_if(batch *b, store_statement which, const lb_state_op *op, int64_t *version, lb_error *err)
{
    sqlite3_stmt *statement = bind_document(b, which, op, b->counter + 1);
    if (which == STORE_REPLACE)
        (void)sqlite3_bind_int64(statement, 8, op->version); /* cannot fail */
    int r = store_run(b->s, which, "writing a document", err);
    if (r < 0)
        return r;
    if (sqlite3_changes(b->s->db) == 0)
        return 0;
    *version = ++b->counter;
    return 1;
}

/* ends 0: no lease. */
static int put(batch *b, const lb_state_op *op, int64_t version, int64_t ends, lb_error *err)
{
    sqlite3_stmt *statement = bind_document(b, STORE_PUT, op, version);
    (void)(ends ? sqlite3_bind_int64(statement, 8, ends) : sqlite3_bind_null(statement, 8)); /* these cannot fail */
    store_bind_text(statement, 9, ends ? b->s->boot : NULL);
    int r = store_run(b->s, STORE_PUT, "writing a document", err);
    return r < 0 ? r : 1;
}

static int remove_document(batch *b, const lb_state_op *op, lb_error *err)
{
    sqlite3_stmt *statement = store_bind(b->s, STORE_REMOVE);
    store_bind_text(statement, 1, op->space);
    store_bind_text(statement, 2, op->key);
    (void)sqlite3_bind_int64(statement, 3, op->version); /* cannot fail */
    int r = store_run(b->s, STORE_REMOVE, "removing a document", err);
    return r < 0 ? r : op->version == 0 || sqlite3_changes(b->s->db) > 0;
}

static int acquire(batch *b, const lb_state_op *op, int64_t *version, lb_error *err)
{
    found f;
    int r = look(b, op, &f, err);
    if (r < 0)
        return r;
    if (f.there && (!f.is_lease || (f.is_running && !f.is_own)))
        return 0;
    *version = f.there && f.is_own ? f.version : ++b->counter;
    return put(b, op, *version, b->now + op->ttl_us, err);
}

static int release(batch *b, const lb_state_op *op, lb_error *err)
{
    sqlite3_stmt *statement = store_bind(b->s, STORE_RELEASE);
    store_bind_text(statement, 1, op->space);
    store_bind_text(statement, 2, op->key);
    store_bind_text(statement, 3, op->owner);
    int r = store_run(b->s, STORE_RELEASE, "releasing a lease", err);
    return r < 0 ? r : 1;
}

static int operate(batch *b, const lb_state_op *op, int64_t *version, lb_error *err)
{
    found f;
    int r;
    *version = 0;
    switch (op->verb) {
    case LB_STATE_INSERT:
        return write_if(b, STORE_INSERT, op, version, err);
    case LB_STATE_REPLACE:
        return write_if(b, STORE_REPLACE, op, version, err);
    case LB_STATE_PUT:
        *version = ++b->counter;
        return put(b, op, *version, 0, err);
    case LB_STATE_REMOVE:
        return remove_document(b, op, err);
    case LB_STATE_ACQUIRE:
        return acquire(b, op, version, err);
    case LB_STATE_RELEASE:
        return release(b, op, err);
    case LB_STATE_EXPECT:
    case LB_STATE_HOLD:
        r = look(b, op, &f, err);
        *version = f.version;
        return r < 0 ? r : op->verb == LB_STATE_EXPECT ? f.version == op->version : f.is_running && f.is_own;
    }
    return lb_fail(err, LB_ERR_INTERNAL, NULL, "verb %d passed the checks", (int)op->verb);
}

/* ---- transactions ---- */

/* The verdict on a failed one says what is there once it has been undone. */
static int refuse(batch *b, const lb_state_txn *txn, size_t failed, bool marked, lb_state_verdict *verdict,
                  lb_error *err)
{
    found f;
    if (marked && store_run(b->s, STORE_UNDO, "undoing a transaction", err) < 0)
        return err->code;
    int r = look(b, &txn->ops[failed], &f, err);
    if (r == 0)
        *verdict = (lb_state_verdict){.failed = (int32_t)failed, .version = f.version};
    return r;
}

/* Returns 0 with a verdict, or AGAIN. */
static int apply_one(batch *b, const lb_state_txn *txn, lb_state_verdict *verdict, lb_error *err)
{
    bool needs_undo = state_needs_undo(txn), marked = needs_undo && b->careful;
    int64_t version = 0;
    int r = 1;
    size_t i = 0;
    if (marked && store_run(b->s, STORE_MARK, "beginning a transaction", err) < 0)
        return err->code;
    while (i < txn->count && (r = operate(b, &txn->ops[i], &version, err)) > 0)
        i++;
    if (r == 0 && needs_undo && !marked)
        return AGAIN;
    if (r > 0)
        *verdict = (lb_state_verdict){.failed = -1, .version = version};
    else if (r == 0)
        r = refuse(b, txn, i, marked, verdict, err);
    if (r < 0)
        return r;
    return marked ? store_run(b->s, STORE_KEEP, "ending a transaction", err) : 0;
}

/* ---- the batch ---- */

/* 1: it was applied before, and the verdicts are those of then. */
static int recall(const batch *b, const char *client, int64_t number, lb_state_verdict *verdicts, size_t count,
                  lb_error *err)
{
    sqlite3_stmt *statement = store_bind(b->s, STORE_RECALL);
    store_bind_text(statement, 1, client);
    int r = store_step(b->s, statement, "looking for the last batch", err);
    if (r > 0 && sqlite3_column_int64(statement, 0) >= number) {
        const void *kept = sqlite3_column_blob(statement, 1);
        r = state_answer_again(client, number, sqlite3_column_int64(statement, 0), kept,
                               (size_t)sqlite3_column_bytes(statement, 1), verdicts, count, err);
        r = r < 0 ? r : 1;
    } else if (r > 0) {
        r = 0;
    }
    (void)sqlite3_reset(statement); /* it was only read */
    return r;
}

static int read_counters(batch *b, lb_error *err)
{
    sqlite3_stmt *statement = store_bind(b->s, STORE_COUNTERS);
    int r = store_step(b->s, statement, "reading the store's counters", err);
    b->counter = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
    b->turn = r > 0 ? sqlite3_column_int64(statement, 1) + 1 : 0;
    (void)sqlite3_reset(statement); /* it was only read */
    return r == 0 ? store_fail_damaged(b->s, "its counters are gone", err) : r < 0 ? r : 0;
}

static int remember(batch *b, const char *client, int64_t number, const lb_state_verdict *verdicts, size_t count,
                    lb_error *err)
{
    unsigned char *bytes = malloc(count * STATE_VERDICT_BYTES + 1);
    sqlite3_stmt *statement = store_bind(b->s, STORE_REMEMBER);
    if (!bytes)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        state_put_verdict(bytes + i * STATE_VERDICT_BYTES, &verdicts[i]);
    store_bind_text(statement, 1, client);
    (void)sqlite3_bind_int64(statement, 2, number); /* these cannot fail */
    (void)sqlite3_bind_int64(statement, 3, b->turn);
    (void)sqlite3_bind_blob64(statement, 4, bytes, count * STATE_VERDICT_BYTES, SQLITE_STATIC);
    int r = store_run(b->s, STORE_REMEMBER, "remembering the batch", err);
    free(bytes);
    if (r < 0)
        return r;
    statement = store_bind(b->s, STORE_COUNT);
    (void)sqlite3_bind_int64(statement, 1, b->counter); /* these neither */
    (void)sqlite3_bind_int64(statement, 2, b->turn);
    return store_run(b->s, STORE_COUNT, "counting the batch", err);
}

/* Returns 0, or AGAIN with nothing committed. */
static int apply_all(store *s, bool careful, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                     lb_state_verdict *verdicts, lb_error *err)
{
    batch b = {.s = s, .careful = careful};
    int r = recall(&b, client, number, verdicts, count, err);
    if (r != 0)
        return r < 0 ? r : store_run(s, STORE_COMMIT, "ending a batch", err); /* nothing was written */
    r = read_counters(&b, err);
    b.now = store_boot_clock();
    for (size_t i = 0; i < count && r == 0; i++)
        r = apply_one(&b, &txns[i], &verdicts[i], err);
    if (r == 0)
        r = remember(&b, client, number, verdicts, count, err);
    return r == 0 ? store_run(s, STORE_COMMIT, "committing a batch", err) : r;
}

static int attempt(store *s, bool careful, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                   lb_state_verdict *verdicts, lb_error *err)
{
    int r = store_run(s, STORE_BEGIN, "beginning a batch", err);
    if (r < 0)
        return r;
    r = apply_all(s, careful, client, number, txns, count, verdicts, err);
    if (r != 0)
        store_roll_back(s);
    return r;
}

/* A savepoint for each transaction costs copies of all pages that it touches, a third of the whole time. Few batches
 * need one, so a batch is tried without them, and once more with them when a transaction has to be undone. */
int store_apply(store *s, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                lb_state_verdict *ret_verdicts, lb_error *err)
{
    lb_state_verdict *verdicts = calloc(count + 1, sizeof *verdicts);
    if (!verdicts)
        return lb_out_of_memory(err);
    int r = attempt(s, false, client, number, txns, count, verdicts, err);
    if (r == AGAIN)
        r = attempt(s, true, client, number, txns, count, verdicts, err);
    if (r == 0 && count)
        memcpy(ret_verdicts, verdicts, count * sizeof *verdicts);
    free(verdicts);
    return r;
}
