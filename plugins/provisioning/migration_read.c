/* Reading a directory of migrations. Flyway looks into sub-folders, and so does this where files are named as Flyway
 * names them; other tools do not, and there a folder that holds SQL is told of and left alone. */
#include "migration.h"

#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define MOST_FILES      10000
#define MOST_FILE_BYTES ((size_t)1 << 20)
#define MOST_DEPTH      16

typedef struct reading {
    const char *directory;
    migration_files files;
    arena *memory;
    size_t seen;
    bool takes_folders;
} reading;

typedef struct folder {
    const char *below; /* "" or "2024/", from the directory */
    unsigned depth;
    struct dirent **entries;
    int count;
} folder;

typedef enum entry_kind { ENTRY_OTHER, ENTRY_FILE, ENTRY_FOLDER, ENTRY_FOLDER_LINK } entry_kind;

static bool is_sql(const char *name)
{
    size_t length = strlen(name);
    return length >= 4 && strcasecmp(name + length - 4, ".sql") == 0;
}

/* A link to a file is read as ever, one to a folder is not followed: it may lead anywhere, and back to itself. What
 * went meanwhile is left to whoever opens it. */
static entry_kind kind_of(const char *path)
{
    struct stat own, target;
    if (lstat(path, &own) == 0 && S_ISDIR(own.st_mode))
        return ENTRY_FOLDER;
    if (stat(path, &target) == 0 && S_ISDIR(target.st_mode))
        return ENTRY_FOLDER_LINK;
    return is_sql(path) ? ENTRY_FILE : ENTRY_OTHER;
}

static int read_file(reading *r, const folder *in, const char *path, const char *name, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    if (r->seen++ >= MOST_FILES)
        return lb_fail(err, LB_ERR_LIMIT, "fold old ones into a baseline", "%s holds more than %d migrations",
                       r->directory, MOST_FILES);
    if (in->depth && !migration_is_flyway(name))
        return migration_leave(&r->files, name, "in sub-folders only Flyway's names are read", r->memory, err);
    int done = fs_read(path, MOST_FILE_BYTES, &text, &length, err);
    if (done >= 0 && strlen(text) != length)
        done = lb_fail(err, LB_ERR_INVALID, "save it as UTF-8", "%s holds a zero byte", path);
    return done < 0 ? done : migration_take(&r->files, name, text, r->memory, err);
}

/* Files come before folders: at the top, they say which layout this is. */
static int read_files(reading *r, const folder *in, lb_error *err)
{
    bool has_sql = false;
    int done = 0;
    for (int i = 0; done >= 0 && i < in->count; i++) {
        const char *entry = in->entries[i]->d_name;
        LB_AUTO_FREE char *path = base_printf("%s/%s%s", r->directory, in->below, entry);
        LB_AUTO_FREE char *name = base_printf("%s%s", in->below, entry);
        if (!path || !name)
            return lb_out_of_memory(err);
        if (kind_of(path) != ENTRY_FILE)
            continue;
        has_sql = true;
        if (!in->depth || r->takes_folders)
            done = read_file(r, in, path, name, err);
    }
    if (done < 0 || !has_sql || !in->depth || r->takes_folders)
        return done;
    const char *name = arena_strndup(r->memory, in->below, strlen(in->below) - 1);
    return name ? migration_leave(&r->files, name,
                                  "a folder with SQL: only files named as Flyway's are read from folders", r->memory,
                                  err)
                : lb_out_of_memory(err);
}

/* 001_a.sql and nothing of Flyway's beside it: another tool's, which looks at one folder. */
static bool takes_folders(const migration_files *files)
{
    bool has_other = false;
    for (size_t i = 0; i < files->count; i++) {
        if (migration_is_flyway(files->items[i].name))
            return true;
        has_other = true;
    }
    return !has_other;
}

static int read_folder(reading *r, const char *below, unsigned depth, lb_error *err);

static int read_folders(reading *r, const folder *in, lb_error *err)
{
    int done = 0;
    for (int i = 0; done >= 0 && i < in->count; i++) {
        const char *entry = in->entries[i]->d_name;
        LB_AUTO_FREE char *path = base_printf("%s/%s%s", r->directory, in->below, entry);
        LB_AUTO_FREE char *below = base_printf("%s%s/", in->below, entry);
        LB_AUTO_FREE char *name = base_printf("%s%s", in->below, entry);
        if (!path || !below || !name)
            return lb_out_of_memory(err);
        entry_kind kind = kind_of(path);
        if (kind == ENTRY_FOLDER_LINK)
            done = migration_leave(&r->files, name, "a link to a folder, which is not followed", r->memory, err);
        else if (kind == ENTRY_FOLDER)
            done = read_folder(r, below, in->depth + 1, err);
    }
    return done;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* whatever the locale */
}

static int read_folder(reading *r, const char *below, unsigned depth, lb_error *err)
{
    folder in = {.below = below, .depth = depth};
    LB_AUTO_FREE char *path = base_printf("%s/%s", r->directory, below);
    if (!path)
        return lb_out_of_memory(err);
    if (depth > MOST_DEPTH)
        return lb_fail(err, LB_ERR_LIMIT, "put them into fewer folders", "%.300s lies more than %d folders deep", path,
                       MOST_DEPTH);
    in.count = scandir(path, &in.entries, is_shown, by_name);
    if (in.count < 0)
        return lb_fail(err, errno == ENOENT ? LB_ERR_NOT_FOUND : LB_ERR_IO,
                       depth ? "make it readable, or take it away"
                             : "give --dir; a relative path starts where the manifest lies",
                       "cannot read %s: %s", depth ? path : r->directory, strerror(errno));
    int done = read_files(r, &in, err);
    if (!depth)
        r->takes_folders = takes_folders(&r->files);
    if (done >= 0)
        done = read_folders(r, &in, err);
    for (int i = 0; i < in.count; i++)
        free(in.entries[i]);
    free((void *)in.entries);
    return done;
}

int migration_read_unheld(const char *directory, arena *memory, migration_files *ret_files, lb_error *err)
{
    reading r = {.directory = directory, .memory = memory};
    int done = read_folder(&r, "", 0, err);
    if (done >= 0)
        done = migration_sort(&r.files, err);
    if (done >= 0)
        *ret_files = r.files;
    return done;
}

int migration_read(const char *directory, arena *memory, migration_files *ret_files, lb_error *err)
{
    int r = migration_read_unheld(directory, memory, ret_files, err);
    return r < 0 ? r : migration_sum_hold(ret_files, directory, err);
}
