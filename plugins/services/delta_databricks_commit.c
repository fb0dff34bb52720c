/* Outbox files of one table into the table, each exactly once.
 *
 * A file is turned into Parquet here (its lines are checked as for the local history, and a damaged one never leaves),
 * uploaded under the name that its id gives it, and loaded by COPY INTO, which loads a path once and no more. A file's
 * fate follows from that and from the counts:
 *
 *   as many rows as the files hold   they are in the table by this call
 *   none                             they were there before: an earlier answer came too late, or got lost
 *   between                          the older files were there before (files are given in the order of their ids)
 *   anything else                    set aside, with both counts: the table holds what nobody promised
 *
 * What lies in the volume already may have been loaded by a statement that we gave up on; it is loaded by a statement
 * of its own, so that the two kinds do not mix. Where an answer is lost the statement is sent again. */
#include "delta_databricks.h"

#include <delta_databricks_sql.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define FILES_MOST 500 /* in one statement; the platform takes 1000 names */
#define ASKS_MOST  5   /* of one statement whose answers get lost */

typedef struct load {
    bricks *b;
    const bricks_table *table;
    lb_delta_file **files; /* those of this statement */
    size_t count;
    int64_t rows, deadline;
    lb_delta_receipt *receipt;
} load;

/* ---- one writer ---- */

int bricks_lock(bricks *b, lb_error *err)
{
    if (b->lock_fd >= 0)
        return 0;
    int r = delta_make_dir(b->stage_dir, err);
    if (r < 0)
        return r;
    DELTA_AUTO_FREE char *path = delta_printf("%s/lock", b->stage_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return delta_fail_errno(err, errno, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd); /* nothing was written */
        return lb_fail(err, LB_ERR_CONFLICT, "is a daemon running? it commits what waits",
                       "another process of ours writes this history");
    }
    b->lock_fd = fd;
    return 0;
}

/* ---- from outbox to volume ---- */

int bricks_get_engine(bricks *b, lb_error *err)
{
    if (b->engine)
        return 0;
    DELTA_AUTO_FREE char *temp = delta_printf("%s/tmp", b->stage_dir);
    const delta_engine_options options = {.memory_mb = b->settings.memory_mb, .threads = 1, .temp_dir = temp};
    int r = delta_engine_open(b->host, &options, &b->engine, err);
    if (r == 0)
        r = delta_scan_register(b->engine, &b->scan, err);
    if (r < 0)
        b->engine = delta_engine_free(b->engine);
    return r;
}

/* The file as Parquet, its rows counted; or found damaged, which is no failure. */
static int stage(bricks *b, const bricks_table *table, lb_delta_file *file, const char *path, int64_t deadline,
                 lb_error *err)
{
    delta_scan scan = {.table = &table->def, .files = &file, .count = 1};
    duckdb_value values[] = {duckdb_create_varchar(path)};
    b->scan = &scan;
    int r = delta_run(b->engine, delta_databricks_sql_stage, values, 1, deadline, NULL, err);
    b->scan = NULL;
    return atomic_load(&scan.damaged) ? 0 : r;
}

static int send_file(load *l, lb_delta_file *file, lb_error *err)
{
    bricks *b = l->b;
    int64_t bytes = 0;
    DELTA_AUTO_FREE char *path = delta_printf("%s/next.parquet", b->stage_dir);
    int r = stage(b, l->table, file, path, l->deadline, err);
    if (r == 0 && file->fate == LB_DELTA_LEFT && file->rows == 0)
        file->fate = LB_DELTA_COMMITTED; /* there is nothing to do for it */
    if (r == 0 && file->fate == LB_DELTA_LEFT)
        r = bricks_upload(b, l->table->def.name, file->id, path, l->deadline, &bytes, err);
    (void)unlink(path); /* a new one is written over it */
    if (r < 0 || file->fate != LB_DELTA_LEFT)
        return r;
    l->receipt->bytes += bytes;
    l->rows += file->rows;
    return 0;
}

/* Leaves those in the list that have rows to be loaded. */
static int send_files(load *l, lb_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        int r = send_file(l, l->files[i], err);
        if (r < 0)
            return r;
        if (l->files[i]->fate == LB_DELTA_LEFT)
            l->files[kept++] = l->files[i];
    }
    l->count = kept;
    return 0;
}

/* ---- from volume to table ---- */

static char *copy_text(const bricks_copy *c)
{
    DELTA_TEXT files = {0};
    DELTA_TEXT folder = {0};
    for (size_t i = 0; i < c->count; i++) {
        delta_text_puts(&files, i ? ", " : "");
        bricks_literal(&files, c->files[i]);
    }
    bricks_literal(&folder, c->folder);
    const delta_slot slots[] = {{"table", c->table}, {"folder", folder.data}, {"files", files.data}};
    return delta_render(delta_databricks_sql_copy, slots, DELTA_COUNT(slots));
}

int bricks_copy_into(bricks *b, const bricks_copy *c, int64_t *ret_rows, int *ret_asked, lb_error *err)
{
    DELTA_AUTO_FREE char *sql = copy_text(c);
    const bricks_statement statement = {.text = sql, .what = c->what, .deadline = c->deadline};
    for (int asked = 1;; asked++) {
        REST_JSON_AUTO *answer = NULL;
        bool doubt = false;
        int r = bricks_run(b, &statement, &answer, &doubt, err);
        *ret_asked = asked;
        if (r == 0) {
            *ret_rows = bricks_count_of(answer, "num_inserted_rows", -1);
            return *ret_rows >= 0 ? 0 : lb_fail(err, LB_ERR_UNREACHABLE, NULL, "%s: the answer has no counts", c->what);
        }
        bool is_final = r == LB_ERR_TIMEOUT || r == LB_ERR_CANCELLED;
        if (!doubt || is_final || asked == ASKS_MOST)
            return bricks_name_grant(b, err, "READ VOLUME ON VOLUME `%s`.`%s`.`%s` and SELECT, MODIFY ON TABLE %s",
                                     b->catalog, b->schema, b->volume, c->table);
        delta_say(b->host, LB_LOG_INFO, "%s: the answer was lost; it is asked for again", c->what);
    }
}

static int copy(load *l, int64_t *ret_rows, int *ret_asked, lb_error *err)
{
    DELTA_AUTO_FREE char *table = bricks_full_name(l->b, l->table->def.name),
                         *folder = bricks_folder(l->b, l->table->def.name),
                         *what = delta_printf("COPY INTO %s", l->table->def.name);
    char **files = delta_alloc((l->count + 1) * sizeof *files);
    for (size_t i = 0; i < l->count; i++)
        files[i] = delta_printf("%s.parquet", l->files[i]->id);
    const bricks_copy wanted = {table, folder, what, (const char *const *)files, l->count, l->deadline};
    int r = bricks_copy_into(l->b, &wanted, ret_rows, ret_asked, err);
    for (size_t i = 0; i < l->count; i++)
        free(files[i]);
    free(files);
    return r;
}

/* How many files at the end of the list hold exactly so many rows; count + 1: no number of them does. */
static size_t newest_with(const load *l, int64_t rows)
{
    size_t n = 0;
    for (; n < l->count && rows > 0; n++)
        rows -= l->files[l->count - 1 - n]->rows;
    return rows == 0 ? n : l->count + 1;
}

static void set_fates(load *l, int64_t loaded, int asked)
{
    bool by_us = loaded == 0 && asked > 1; /* an attempt of this call did it, and its answer was lost */
    size_t newest = by_us ? l->count : newest_with(l, loaded);
    for (size_t i = 0; i < l->count; i++) {
        lb_delta_file *file = l->files[i];
        if (newest > l->count) {
            file->fate = LB_DELTA_DAMAGED;
            (void)snprintf(file->reason, sizeof file->reason,
                           "the warehouse loaded %lld rows of %zu file(s) that hold %lld: look for its run_id in the "
                           "table",
                           (long long)loaded, l->count, (long long)l->rows); /* short */
            continue;
        }
        bool is_new = i + newest >= l->count;
        file->fate = is_new ? LB_DELTA_COMMITTED : LB_DELTA_REPEATED;
        l->receipt->files += is_new;
        l->receipt->rows += is_new ? file->rows : 0;
    }
    if (newest > l->count)
        delta_say(l->b->host, LB_LOG_ERROR, "COPY INTO %s loaded %lld rows, and the files hold %lld",
                  l->table->def.name, (long long)loaded, (long long)l->rows);
}

/* What is loaded need not lie there. What cannot be removed now the upkeep removes. */
static void clear_volume(const load *l)
{
    lb_error late;
    for (size_t i = 0; i < l->count; i++)
        if (bricks_remove(l->b, l->table->def.name, l->files[i]->id, l->deadline, &late) < 0) {
            delta_say(l->b->host, LB_LOG_WARN, "what is loaded still lies in the volume: %s", late.message);
            return;
        }
}

static int load_slice(load *l, lb_error *err)
{
    int64_t loaded = 0;
    int asked = 0, r = send_files(l, err);
    if (r < 0 || l->count == 0)
        return r;
    r = copy(l, &loaded, &asked, err);
    if (r < 0)
        return r;
    set_fates(l, loaded, asked);
    clear_volume(l);
    return 0;
}

/* ---- the call ---- */

static void judge(lb_delta_file *const *files, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        lb_delta_file *file = files[i];
        file->fate = LB_DELTA_LEFT;
        file->rows = 0;
        file->reason[0] = '\0';
        if (!delta_id_is_sound(file->id)) {
            file->fate = LB_DELTA_DAMAGED;
            (void)snprintf(file->reason, sizeof file->reason, "its name is none that the outbox gives"); /* short */
        } else if (i && strcmp(file->id, files[i - 1]->id) == 0) {
            file->fate = LB_DELTA_REPEATED;
        }
    }
}

typedef struct marking {
    lb_delta_file *const *files;
    uint32_t count;
    bool *seen;
} marking;

static int mark_seen(void *arg, const char *id, lb_error *err)
{
    const marking *m = arg;
    (void)err; /* cannot fail */
    for (uint32_t i = 0; i < m->count; i++)
        m->seen[i] |= strcmp(m->files[i]->id, id) == 0;
    return 0;
}

/* The files that lie in the volume already, or those that do not, in statements that are not too long. */
static int load_kind(load *l, lb_delta_file *const *files, uint32_t count, const bool *seen, bool kind, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < count;) {
        l->count = 0;
        l->rows = 0;
        for (; i < count && l->count < FILES_MOST; i++)
            if (files[i]->fate == LB_DELTA_LEFT && seen[i] == kind)
                l->files[l->count++] = files[i];
        r = load_slice(l, err);
    }
    return r;
}

static int load_all(load *l, lb_delta_file *const *files, uint32_t count, lb_error *err)
{
    DELTA_AUTO_FREE bool *seen = delta_alloc(count * sizeof *seen);
    marking m = {files, count, seen};
    int r = bricks_list(l->b, l->table->def.name, l->deadline, mark_seen, &m, err);
    if (r == 0)
        r = load_kind(l, files, count, seen, true, err);
    if (r == 0)
        r = load_kind(l, files, count, seen, false, err);
    return r;
}

int bricks_commit(void *state, const char *name, lb_delta_file *const *files, uint32_t count, int64_t deadline,
                  lb_delta_receipt *ret_receipt, lb_error *err)
{
    bricks *b = state;
    lb_delta_receipt receipt = {.size = sizeof receipt, .version = -1};
    bricks_table *table = bricks_find_table(b, name);
    *ret_receipt = receipt;
    if (!table)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no history table %s", name);
    judge(files, count);
    int r = bricks_lock(b, err);
    if (r == 0)
        r = bricks_get_engine(b, err);
    if (r == 0)
        r = bricks_prepare(b, table, deadline, err);
    if (r == 0) {
        load l = {.b = b, .table = table, .deadline = deadline, .receipt = &receipt};
        DELTA_AUTO_FREE lb_delta_file **list = delta_alloc(count * sizeof(void *));
        l.files = list;
        r = load_all(&l, files, count, err);
    }
    if (r < 0)
        bricks_forget_ground(b, table);
    *ret_receipt = receipt;
    return r;
}
