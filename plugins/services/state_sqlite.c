/* state_sqlite: the state of one host in one SQLite database of its state directory.
 *
 * A batch is one commit in WAL mode with a sync, so what was acknowledged survives power loss. Leases end by the
 * machine's boot-time clock, which nobody can set; those of an earlier boot have ended. Beside state.db lie state.db.id
 * (the marker: a store is here) and state.db.copy (of the last day). */
#include "state_sqlite.h"

#include <stdlib.h>

struct settings {
    const char *file;
    int64_t check_ms, copy_hours;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, file, LB_TEXT, "state.db", "the database: a name in the state directory, or a path"),
    LB_PARAM(struct settings, check_ms, LB_I64, "2000", "longest time to look for damage when it is opened; 0: none",
             .min = "0", .max = "3600000"),
    LB_PARAM(struct settings, copy_hours, LB_I64, "24", "age at which the copy beside it is made anew; 0: no copies",
             .min = "0", .max = "8760"),
    LB_PARAMS_END,
};

LB_PRINTF(1, 2) static char *format(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

static bool name_files(store *s, const char *state_dir, const char *file)
{
    s->path = *file == '/' ? strdup(file) : format("%s/%s", state_dir, file);
    if (!s->path)
        return false;
    const char *slash = strrchr(s->path, '/');
    s->directory = slash == s->path ? strdup("/") : format("%.*s", (int)(slash - s->path), s->path);
    s->wal_path = format("%s-wal", s->path);
    s->marker_path = format("%s.id", s->path);
    s->copy_path = format("%s.copy", s->path);
    return s->directory && s->wal_path && s->marker_path && s->copy_path;
}

static void close_store(void *state)
{
    store *s = state;
    store_copy_end(s, STORE_SECOND);
    for (int i = 0; i < STORE_STATEMENTS; i++)
        (void)sqlite3_finalize(s->statements[i]); /* says what its last step said */
    (void)sqlite3_close_v2(s->db);                /* NULL is fine; everything of it is finalized */
    free(s->directory);
    free(s->path);
    free(s->wal_path);
    free(s->marker_path);
    free(s->copy_path);
    free(s);
}

static int open_store(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    const char *file = settings->file && *settings->file ? settings->file : "state.db";
    store *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    s->host = host;
    s->deadline = deadline;
    s->copy_every = settings->copy_hours * 3600 * STORE_SECOND;
    int r = name_files(s, state_dir, file) ? store_open(s, settings->check_ms * 1000, err) : lb_out_of_memory(err);
    if (r < 0)
        close_store(s);
    else
        *ret_state = s;
    return r;
}

static int apply(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                 lb_state_verdict *ret_verdicts, int64_t deadline, lb_error *err)
{
    store *s = state;
    if (store_begin_call(s, deadline, err) < 0 || state_check_batch(client, number, txns, count, err) < 0)
        return err->code;
    int r = store_apply(s, client, number, txns, count, ret_verdicts, err);
    if (r == 0)
        store_copy_when_due(s);
    return r;
}

static int list(void *state, const lb_state_query *query, int64_t deadline,
                int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err)
{
    store *s = state;
    if (store_begin_call(s, deadline, err) < 0 || state_check_query(query, err) < 0)
        return err->code;
    return store_list(s, query, take, arg, err);
}

static int prune(void *state, const char *space, const char *status, int64_t before, int64_t most, int64_t deadline,
                 int64_t *ret_removed, lb_error *err)
{
    store *s = state;
    if (store_begin_call(s, deadline, err) < 0 || state_check_prune(space, status, most, err) < 0)
        return err->code;
    sqlite3_stmt *statement = store_bind(s, STORE_PRUNE);
    store_bind_text(statement, 1, space);
    store_bind_text(statement, 2, status);
    (void)sqlite3_bind_int64(statement, 3, before); /* these cannot fail */
    (void)sqlite3_bind_int64(statement, 4, most);
    (void)sqlite3_bind_int64(statement, 5, store_boot_clock());
    store_bind_text(statement, 6, s->boot);
    int r = store_run(s, STORE_PRUNE, "pruning documents", err);
    if (r == 0)
        *ret_removed = sqlite3_changes64(s->db);
    return r;
}

LB_STATE(state_sqlite, "the state of one host, in an SQLite database of its state directory", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .shared = false, .open = open_store,
         .close = close_store, .apply = apply, .list = list, .prune = prune);
