/* Outbox files of one table into one commit. */
#include "delta_local.h"

#include <delta_local_sql.h>
#include <sys/stat.h>

#define SMALL_BYTES INT64_C(8388608)

/* What is known of a file before it is opened. */
static void judge(const delta_table *table, lb_delta_file *file)
{
    file->fate = LB_DELTA_LEFT;
    file->rows = 0;
    file->reason[0] = '\0';
    if (!delta_id_is_sound(file->id)) {
        file->fate = LB_DELTA_DAMAGED;
        (void)snprintf(file->reason, sizeof file->reason, "its name is none that the outbox gives"); /* short */
    } else if (delta_ledger_has(&table->ledger, file->id)) {
        file->fate = LB_DELTA_REPEATED;
    } else if (delta_ledger_forgot(&table->ledger, file->id)) {
        file->fate = LB_DELTA_DAMAGED;
        (void)snprintf(file->reason, sizeof file->reason,
                       "it is older than the record of committed files goes back, so its rows may be in the history "
                       "already: look for its run_id there"); /* short */
    }
}

/* The same name twice in one call would be counted twice. */
static void refuse_twins(lb_delta_file *const *files, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (files[i]->fate == LB_DELTA_LEFT && strcmp(files[i]->id, files[i - 1]->id) == 0)
            files[i]->fate = LB_DELTA_REPEATED;
}

static size_t count_left(lb_delta_file *const *files, uint32_t count)
{
    size_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        left += files[i]->fate == LB_DELTA_LEFT;
    return left;
}

static bool are_few(lb_delta_file *const *files, uint32_t count)
{
    int64_t bytes = 0;
    struct stat st;
    for (uint32_t i = 0; i < count && bytes < SMALL_BYTES; i++)
        bytes += files[i]->fate == LB_DELTA_LEFT && stat(files[i]->path, &st) == 0 ? st.st_size : 0;
    return bytes < SMALL_BYTES;
}

/* Few rows are done sooner by one thread than by several that must be woken. */
static int choose_threads(delta_table *table, bool few, lb_error *err)
{
    delta_engine *engine = delta_get_engine(table->owner, err);
    return engine ? delta_engine_threads(engine, few ? 1 : table->owner->settings.threads, err) : err->code;
}

/* One pass over the files. The quick way is for rows of one date. */
static int write_pass(delta_table *table, delta_scan *scan, int64_t deadline, delta_data_files *adds, lb_error *err)
{
    const char *sql = table->def.partition_time ? delta_local_sql_commit_partitioned : delta_local_sql_commit_whole;
    table->owner->scan = scan;
    int r = scan->one_date ? delta_write_one(table, deadline, adds, err)
                           : delta_write_data(table, sql, NULL, 0, NULL, deadline, adds, err);
    table->owner->scan = NULL;
    return r;
}

/* Writes the rows of all files that are sound. A file that turns out damaged costs the pass, which is then done again
 * without it; so does a second date among few rows. */
static int write_rows(delta_table *table, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                      delta_data_files *adds, lb_error *err)
{
    bool few = are_few(files, count), one_date = few;
    if (choose_threads(table, few, err) < 0)
        return err->code;
    while (count_left(files, count)) {
        delta_scan scan = {.table = &table->def, .files = files, .count = count, .one_date = one_date};
        int r = write_pass(table, &scan, deadline, adds, err);
        one_date = one_date && !scan.mixed;
        if (!atomic_load(&scan.damaged) && !scan.mixed)
            return r;
        if (r == 0)
            delta_drop_data(table, adds); /* the damage came to light after the last row */
    }
    return 0;
}

static int64_t rows_of(const delta_data_files *files, int64_t *ret_bytes)
{
    int64_t rows = 0, bytes = 0;
    for (size_t i = 0; i < files->count; i++) {
        rows += files->items[i].rows;
        bytes += files->items[i].size;
    }
    *ret_bytes = bytes;
    return rows;
}

/* The ledger's line, the commit, the ledger's count: delta_ledger.h says why in this order. */
static int commit_rows(delta_table *table, delta_change *change, lb_delta_file *const *files, uint32_t count,
                       lb_error *err)
{
    const char **ids = delta_alloc((count + 1) * sizeof *ids);
    size_t taken = 0;
    for (uint32_t i = 0; i < count; i++)
        if (files[i]->fate == LB_DELTA_LEFT)
            ids[taken++] = files[i]->id;
    change->sequence = delta_snapshot_application(&table->snapshot, table->ledger.application) + 1;
    change->outbox_ids = ids;
    change->outbox_count = taken;
    int r = delta_ledger_intend(&table->ledger, change->sequence, ids, taken, err);
    if (r == 0)
        r = delta_commit_change(table, change, err);
    if (r == 0)
        delta_ledger_count(&table->ledger, change->sequence, ids, taken);
    free(ids);
    return r;
}

static int commit_files(delta_table *table, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                        lb_delta_receipt *receipt, lb_error *err)
{
    delta_change change = {.operation = "WRITE", .data_change = true, .sequence = -1};
    int r = write_rows(table, files, count, deadline, &change.adds, err);
    size_t left = count_left(files, count);
    if (r < 0 || !left)
        return r;
    receipt->rows = change.rows = rows_of(&change.adds, &receipt->bytes);
    r = commit_rows(table, &change, files, count, err);
    delta_settle_data(table, &change, r);
    if (r < 0) {
        receipt->rows = receipt->bytes = 0;
        return r;
    }
    for (uint32_t i = 0; i < count; i++)
        if (files[i]->fate == LB_DELTA_LEFT)
            files[i]->fate = LB_DELTA_COMMITTED;
    receipt->files = (int64_t)left;
    return 0;
}

int delta_local_commit(void *state, const char *name, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                       lb_delta_receipt *ret_receipt, lb_error *err)
{
    delta_local *local = state;
    int64_t written = 0;
    lb_delta_receipt receipt = {.size = sizeof receipt, .version = -1};
    delta_table *table = delta_find_table(local, name);
    if (!table)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no history table %s", name);
    int r = delta_table_open(table, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count; i++)
        judge(table, files[i]);
    refuse_twins(files, count);
    r = commit_files(table, files, count, deadline, &receipt, err);
    receipt.version = table->snapshot.version;
    *ret_receipt = receipt;
    if (r < 0) {
        delta_table_forget(table);
        return r;
    }
    lb_error late;
    if (delta_checkpoint(table, local->settings.checkpoint_commits, &written, &late) < 0)
        delta_say(local->host, LB_LOG_WARN, "no checkpoint of %s: %s", name, late.message); /* the commit stands */
    return 0;
}
