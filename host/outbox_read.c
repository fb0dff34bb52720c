#include "outbox_read.h"

#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define VISIBLE ".ndjson"

/* ---- what waits ---- */

/* "ID" of "ID.ndjson"; false for any other name. */
static bool id_of(const char *name, char id[ID_TEXT])
{
    size_t length = strlen(name);
    if (length != ID_TEXT - 1 + sizeof VISIBLE - 1 || strcmp(name + ID_TEXT - 1, VISIBLE) != 0)
        return false;
    memcpy(id, name, ID_TEXT - 1);
    id[ID_TEXT - 1] = '\0';
    return true;
}

/* The count in a header, which stands in the first block. */
static int64_t promised_rows(int directory, const char *name)
{
    static const char mark[] = ",\"rows\":";
    char head[1024];
    LB_AUTO_FD int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? pread(fd, head, sizeof head - 1, 0) : -1;
    if (n <= 0)
        return 0;
    head[n] = '\0';
    head[strcspn(head, "\n")] = '\0';
    const char *at = strstr(head, mark);
    int64_t rows = at ? strtoll(at + sizeof mark - 1, NULL, 10) : 0;
    return rows > 0 ? rows : 0;
}

static void note_oldest(outbox_listing *listing, const char *name)
{
    char id[ID_TEXT];
    if (strlen(name) < ID_TEXT - 1)
        return;
    memcpy(id, name, ID_TEXT - 1);
    id[ID_TEXT - 1] = '\0';
    if (!listing->oldest[0] || strcmp(id, listing->oldest) < 0)
        memcpy(listing->oldest, id, sizeof id);
}

static void add_file(outbox_listing *listing, outbox_table *table, int directory, const char *name)
{
    struct stat st;
    outbox_file file = {.rows = 0};
    if (strstr(name, ".tmp")) {
        note_oldest(listing, name);
        return;
    }
    if (!id_of(name, file.id) || fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
        listing->strangers++;
        return;
    }
    note_oldest(listing, name);
    file.bytes = st.st_size;
    file.rows = promised_rows(directory, name);
    BASE_PUSH(table->files, table->count, table->capacity);
    table->files[table->count++] = file;
    table->bytes += file.bytes;
    table->rows += file.rows;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const outbox_file *)a)->id, ((const outbox_file *)b)->id);
}

static int list_table(const char *dir, outbox_listing *listing, outbox_table *table, lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%s/%s", dir, table->table->name);
    DIR *d = opendir(path);
    if (!d)
        return errno == ENOENT ? 0 : fs_fail(err, errno, "look through", path);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            add_file(listing, table, dirfd(d), e->d_name);
    (void)closedir(d); /* read only */
    if (table->count)
        qsort(table->files, table->count, sizeof *table->files, by_id);
    listing->files += (int64_t)table->count;
    listing->bytes += table->bytes;
    listing->rows += table->rows;
    return 0;
}

int outbox_list(const char *dir, outbox_listing *ret_listing, lb_error *err)
{
    outbox_listing listing = {.count = table_count()};
    int r = 0;
    listing.tables = base_alloc(listing.count * sizeof *listing.tables);
    for (size_t i = 0; r == 0 && i < listing.count; i++) {
        listing.tables[i].table = table_at(i);
        r = list_table(dir, &listing, &listing.tables[i], err);
    }
    if (r < 0)
        outbox_listing_done(&listing);
    else
        *ret_listing = listing;
    return r;
}

void outbox_listing_done(outbox_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->tables[i].files);
    free(listing->tables);
    *listing = (outbox_listing){0};
}

/* ---- how files leave ---- */

char *outbox_path(const char *dir, const char *table, const char *id)
{
    return base_printf("%s/%s/%s" VISIBLE, dir, table, id);
}

int outbox_remove(const char *dir, const char *table, const char *id, lb_error *err)
{
    LB_AUTO_FREE char *path = outbox_path(dir, table, id);
    return unlink(path) == 0 || errno == ENOENT ? 0 : fs_fail(err, errno, "remove", path);
}

/* The reason is there before the file is, so that no file lies there unexplained. */
int outbox_set_aside(const char *dir, const char *table, const char *id, const char *reason, lb_error *err)
{
    LB_AUTO_FREE char *folder = base_printf("%s/" OUTBOX_DAMAGED, dir);
    LB_AUTO_FREE char *from = outbox_path(dir, table, id);
    LB_AUTO_FREE char *to = base_printf("%s/%s.%s" VISIBLE, folder, table, id);
    LB_AUTO_FREE char *note = base_printf("%s/%s.%s.reason", folder, table, id);
    LB_AUTO_FREE char *text = base_printf("%s\n", reason);
    int r = fs_make_dirs(folder, err);
    if (r == 0)
        r = fs_write_durable(note, text, strlen(text), 0600, err);
    if (r == 0 && rename(from, to) != 0)
        r = fs_fail(err, errno, "set aside", from);
    return r < 0 ? r : fs_sync_dir(folder, err);
}

/* ---- thinning ---- */

static const char *const thinnable[] = {"pg_stat_history", "lakebase_metrics", "sync_validation_history"};

bool outbox_may_thin(const char *table)
{
    for (size_t i = 0; i < LB_COUNT(thinnable); i++)
        if (strcmp(thinnable[i], table) == 0)
            return true;
    return false;
}

static const outbox_table *find_table(const outbox_listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strcmp(listing->tables[i].table->name, name) == 0)
            return &listing->tables[i];
    return NULL;
}

int outbox_thin(const char *dir, const outbox_listing *listing, int64_t limit, outbox_thinned *ret_thinned,
                lb_error *err)
{
    outbox_thinned thinned = {0};
    int r = 0;
    for (size_t t = 0; r == 0 && t < LB_COUNT(thinnable); t++) {
        const outbox_table *table = find_table(listing, thinnable[t]);
        for (size_t i = 0; r == 0 && table && i < table->count && listing->bytes - thinned.bytes > limit; i++) {
            r = outbox_remove(dir, thinnable[t], table->files[i].id, err);
            if (r < 0)
                break;
            thinned.files++;
            thinned.rows += table->files[i].rows;
            thinned.bytes += table->files[i].bytes;
        }
    }
    *ret_thinned = thinned;
    return r;
}
