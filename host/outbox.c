#include "outbox.h"

#include "clock.h"
#include "fs.h"
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What lines have left takes the next ones, as fresh memory costs more than writing into it. */
#define KEPT_BYTES ((size_t)2 * 1024 * 1024)

/* The rows of one table in one batch: the first `written` bytes are in the file and synced, the rest is in `lines`.
 * Lines stay in memory until the commit stands, and spilled ones were synced when they left it: after a failed sync the
 * kernel may drop what it could not write, so a second try must write again, not only sync again. */
typedef struct part {
    const table_def *table;
    buf lines;
    int64_t rows;
    int fd; /* of the temporary file, or -1 */
    off_t written;
    char *directory, *temporary, *final;
    char id[ID_TEXT];
    char *link;   /* in the journal, once it is there */
    bool visible; /* stands under its final name */
    bool shown;   /* did so once: a reader may have taken it, so its id means these rows and no others */
} part;

struct outbox_batch {
    char *dir, *run_id;
    char *journal_dir, *journal_run; /* NULL: none is kept */
    const char *journal_kind;
    size_t limit, held; /* bytes of lines in memory */
    int64_t rows;
    part *parts;
    size_t count, capacity;
    buf row;
};

outbox_batch *outbox_batch_new(const char *dir, const char *run_id, size_t limit)
{
    outbox_batch *batch = base_alloc(sizeof *batch);
    batch->dir = base_strdup(dir);
    batch->run_id = base_strdup(run_id);
    batch->limit = limit;
    batch->row = BUF_INIT(TABLE_ROW_MAX + 1);
    return batch;
}

void outbox_batch_journal(outbox_batch *batch, const char *dir, const char *run_id, const char *kind)
{
    batch->journal_dir = base_strdup(dir);
    batch->journal_run = base_strdup(run_id);
    batch->journal_kind = kind;
}

static void close_file(part *p)
{
    if (p->fd >= 0)
        (void)close(p->fd); /* what counts was synced before */
    p->fd = -1;
    free(p->directory);
    free(p->temporary);
    free(p->final);
    free(p->link);
    p->directory = p->temporary = p->final = p->link = NULL;
}

static void empty(outbox_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        part *p = &batch->parts[i];
        if (p->fd >= 0 && !p->visible)
            (void)unlink(p->temporary); /* if this fails, the sweep does it */
        close_file(p);
        buf_done(&p->lines);
    }
    batch->count = 0;
    batch->held = 0;
    batch->rows = 0;
}

outbox_batch *outbox_batch_free(outbox_batch *batch)
{
    if (!batch)
        return NULL;
    empty(batch);
    buf_done(&batch->row);
    free(batch->parts);
    free(batch->dir);
    free(batch->run_id);
    free(batch->journal_dir);
    free(batch->journal_run);
    free(batch);
    return NULL;
}

int64_t outbox_rows(const outbox_batch *batch)
{
    return batch->rows;
}

/* ---- files ---- */

static int write_at(const part *p, const char *data, size_t length, off_t offset, lb_error *err)
{
    while (length) {
        ssize_t n = pwrite(p->fd, data, length, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fs_fail(err, errno, "write", p->temporary);
        data += n;
        length -= (size_t)n;
        offset += n;
    }
    return 0;
}

/* The header has the same length whatever the number of rows, as that is known last. */
static int write_header(const outbox_batch *batch, const part *p, off_t *ret_length, lb_error *err)
{
    BUF_AUTO header = BUF_INIT(65536);
    buf_puts(&header, "{\"lbops_outbox\":1");
    json_member_string(&header, "table", p->table->name);
    json_member_string(&header, "run_id", batch->run_id);
    buf_printf(&header, ",\"rows\":%20lld}\n", (long long)p->rows);
    if (header.overflow)
        return lb_fail(err, LB_ERR_INVALID, NULL, "the run id of an outbox batch is too long");
    int r = write_at(p, header.data, header.length, 0, err);
    if (r == 0)
        *ret_length = (off_t)header.length;
    return r;
}

static int open_file(const outbox_batch *batch, part *p, lb_error *err)
{
    if (p->fd >= 0)
        return 0;
    id_new(p->id);
    p->directory = base_printf("%s/%s", batch->dir, p->table->name);
    p->temporary = base_printf("%s/%s.%ld" OUTBOX_UNFINISHED, p->directory, p->id, (long)getpid());
    p->final = base_printf("%s/%s" OUTBOX_VISIBLE, p->directory, p->id);
    int r = fs_make_dirs(p->directory, err);
    if (r == 0) {
        p->fd = open(p->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (p->fd < 0)
            r = fs_fail(err, errno, "create", p->temporary);
    }
    if (r < 0)
        close_file(p);
    return r;
}

/* Header and lines; *ret_end is where the file ends now. */
static int write_part(const outbox_batch *batch, part *p, off_t *ret_end, lb_error *err)
{
    off_t start = 0;
    int r = open_file(batch, p, err);
    if (r == 0)
        r = write_header(batch, p, &start, err);
    if (r < 0)
        return r;
    if (p->written > start)
        start = p->written;
    r = write_at(p, buf_text(&p->lines), p->lines.length, start, err);
    if (r < 0)
        return r;
    off_t end = start + (off_t)p->lines.length;
    if (ftruncate(p->fd, end) != 0) /* an earlier try may have reached further */
        return fs_fail(err, errno, "cut", p->temporary);
    if (fsync(p->fd) != 0)
        return fs_fail(err, errno, "sync", p->temporary);
    *ret_end = end;
    return 0;
}

/* Moves the lines of all tables from memory to their temporary files. */
static int spill(outbox_batch *batch, lb_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        part *p = &batch->parts[i];
        if (!p->lines.length || p->visible)
            continue;
        off_t end = 0;
        int r = write_part(batch, p, &end, err);
        if (r < 0)
            return lb_wrap(err, "outbox");
        p->written = end;
        batch->held -= p->lines.length;
        buf_clear(&p->lines);
        buf_trim(&p->lines, KEPT_BYTES);
    }
    return 0;
}

/* ---- adding ---- */

static part *part_of(outbox_batch *batch, const table_def *table)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->parts[i].table == table && !batch->parts[i].visible && !batch->parts[i].shown)
            return &batch->parts[i];
    BASE_PUSH(batch->parts, batch->count, batch->capacity);
    part *p = &batch->parts[batch->count++];
    *p = (part){.table = table, .lines = BUF_INIT(SIZE_MAX / 4), .fd = -1};
    return p;
}

int outbox_add_for(outbox_batch *batch, const char *table, const lb_value *values, const lb_target *target,
                   const char *run_id, lb_error *err)
{
    const table_def *def = table_find(table);
    if (!def) {
        const char *nearest = table_nearest(table);
        char hint[128];
        (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest ? nearest : ""); /* our own names are short */
        return lb_fail(err, LB_ERR_NOT_FOUND, nearest ? hint : "see the list of history tables in the docs",
                       "no history table %s", table);
    }
    buf_clear(&batch->row);
    int r = table_encode(def, values, target, run_id, &batch->row, err);
    if (r < 0)
        return r;
    buf_putc(&batch->row, '\n');
    if (batch->held && batch->held + batch->row.length > batch->limit && (r = spill(batch, err)) < 0)
        return r;
    part *p = part_of(batch, def);
    buf_put(&p->lines, batch->row.data, batch->row.length);
    if (p->lines.overflow) {
        buf_cut(&p->lines, p->lines.length);
        return lb_out_of_memory(err);
    }
    batch->held += batch->row.length;
    batch->rows++;
    p->rows++;
    return 0;
}

int outbox_add(outbox_batch *batch, const char *table, const lb_value *values, const lb_target *target, lb_error *err)
{
    return outbox_add_for(batch, table, values, target, batch->run_id, err);
}

/* ---- committing ---- */

static int write_parts(outbox_batch *batch, lb_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        off_t end;
        part *p = &batch->parts[i];
        int r = p->visible || !p->rows ? 0 : write_part(batch, p, &end, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A file of its own, for file systems that refuse hard links. It counts when it has its name. */
static int copy_file(const char *from, const char *to, lb_error *err)
{
    char *text = NULL;
    size_t length = 0;
    int r = fs_read(from, SIZE_MAX / 4, &text, &length, err);
    if (r >= 0)
        r = fs_write_durable(to, text, length, 0600, err);
    free(text);
    return r;
}

static bool refuses_links(int error_number)
{
    return error_number == EPERM || error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == EMLINK ||
           error_number == EXDEV;
}

static int link_part(const outbox_batch *batch, part *p, lb_error *err)
{
    char *name = base_printf("%s/%s-%s.%s", batch->journal_dir, batch->journal_run, p->id, batch->journal_kind);
    int r = 0, failed = link(p->temporary, name) == 0 ? 0 : errno;
    if (failed) /* the first of all */
        r = fs_make_dirs(batch->journal_dir, err);
    if (failed == ENOENT)
        failed = r < 0 || link(p->temporary, name) == 0 ? 0 : errno;
    if (failed && r == 0)
        r = refuses_links(failed) ? copy_file(p->temporary, name, err) : fs_fail(err, failed, "link", name);
    if (r < 0)
        free(name);
    else
        p->link = name;
    return r < 0 ? lb_wrap(err, "journal") : 0;
}

static int link_parts(outbox_batch *batch, lb_error *err)
{
    for (size_t i = 0; batch->journal_dir && i < batch->count; i++) {
        part *p = &batch->parts[i];
        int r = p->link || p->visible || !p->rows ? 0 : link_part(batch, p, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int show_parts(outbox_batch *batch, lb_error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        part *p = &batch->parts[i];
        if (p->visible || !p->rows)
            continue;
        if (rename(p->temporary, p->final) != 0)
            return fs_fail(err, errno, "rename into", p->final);
        p->visible = p->shown = true;
    }
    return 0;
}

/* The names, and those of the table directories, which another process may have made and not synced yet. An outcome
 * follows an intent in the same table, which has done the latter. */
static int sync_directories(const outbox_batch *batch, lb_error *err)
{
    bool is_outcome = batch->journal_dir && strcmp(batch->journal_kind, OUTBOX_OUTCOME) == 0;
    int r = batch->journal_dir ? fs_sync_dir(batch->journal_dir, err) : 0;
    for (size_t i = 0; i < batch->count && r == 0; i++)
        r = batch->parts[i].rows ? fs_sync_dir(batch->parts[i].directory, err) : 0;
    return r < 0 || is_outcome ? r : fs_sync_dir(batch->dir, err);
}

/* A file that cannot be hidden again (the disk became read-only, or its reader was faster) stays written. */
static void hide_parts(outbox_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        part *p = &batch->parts[i];
        if (p->visible && rename(p->final, p->temporary) == 0)
            p->visible = false;
        if (p->visible || !p->link)
            continue;
        (void)unlink(p->link); /* a link that stays says more than was written: the outcome is looked for, not lost */
        free(p->link);
        p->link = NULL;
    }
}

int outbox_commit(outbox_batch *batch, lb_error *err)
{
    if (!batch->rows)
        return 0;
    int r = write_parts(batch, err);
    if (r == 0)
        r = link_parts(batch, err);
    if (r == 0)
        r = show_parts(batch, err);
    if (r == 0)
        r = sync_directories(batch, err);
    if (r < 0) {
        hide_parts(batch);
        return lb_wrap(err, "outbox");
    }
    empty(batch);
    return 0;
}
