/* What leaves the disk: files that no snapshot within the grace needs, commits that a checkpoint covers, names in the
 * ledger that nobody will ask for. And maintain, which calls it all. */
#include "delta_local.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* One walk over a folder. */
typedef struct sweep {
    delta_table *table;
    lb_delta_upkeep *upkeep;
    int64_t before_ms; /* older than this */
} sweep;

static int64_t modified_ms(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static const delta_tombstone *find_tombstone(const delta_snapshot *s, const char *path)
{
    for (size_t i = 0; i < s->tombstone_count; i++)
        if (strcmp(s->tombstones[i].path, path) == 0)
            return &s->tombstones[i];
    return NULL;
}

/* A file that was removed counts from its removal; one that no commit knows, from its own age. */
static void sweep_file(const sweep *w, const char *path)
{
    const delta_snapshot *s = &w->table->snapshot;
    struct stat st;
    DELTA_AUTO_FREE char *full = delta_printf("%s/%s", w->table->directory, path);
    if (delta_snapshot_find(s, path) || lstat(full, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    const delta_tombstone *tombstone = find_tombstone(s, path);
    if ((tombstone ? tombstone->deleted_ms : modified_ms(&st)) > w->before_ms || unlink(full) != 0)
        return;
    w->upkeep->vacuumed_files++;
    w->upkeep->vacuumed_bytes += st.st_size;
}

static void sweep_folder(const sweep *w, const char *folder)
{
    DELTA_AUTO_FREE char *full = delta_printf("%s/%s", w->table->directory, folder);
    DIR *d = opendir(full);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '_' || e->d_name[0] == '.')
            continue; /* the log, the ledger, and what other writers keep out of sight */
        DELTA_AUTO_FREE char *path = *folder ? delta_printf("%s/%s", folder, e->d_name) : delta_strdup(e->d_name);
        if (!*folder && strncmp(e->d_name, DELTA_PARTITION "=", sizeof DELTA_PARTITION) == 0)
            sweep_folder(w, path);
        else
            sweep_file(w, path);
    }
    (void)closedir(d); /* read only */
    if (*folder)
        (void)rmdir(full); /* an expired day; refused while anything is in it */
}

/* Commits and checkpoints before the newest checkpoint, and half-written files whose writer is gone. */
static void sweep_log(const sweep *w)
{
    const delta_snapshot *s = &w->table->snapshot;
    DELTA_AUTO_FREE char *log = delta_printf("%s/_delta_log", w->table->directory);
    DIR *d = opendir(log);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        char *end = NULL;
        DELTA_AUTO_FREE char *path = delta_printf("%s/%s", log, e->d_name);
        bool temporary = e->d_name[0] == '.' && strstr(e->d_name, ".tmp");
        int64_t version = strtoll(e->d_name, &end, 10);
        bool covered = end == e->d_name + 20 && version < s->checkpoint;
        if ((temporary || covered) && lstat(path, &st) == 0 && modified_ms(&st) < w->before_ms && unlink(path) == 0)
            w->upkeep->log_files++;
    }
    (void)closedir(d); /* read only */
}

int delta_vacuum(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err)
{
    const delta_settings *settings = &table->owner->settings;
    char floor[DELTA_ID_TEXT];
    const sweep data = {table, upkeep, care->now / 1000 - settings->vacuum_grace_hours * 3600000};
    const sweep log = {table, upkeep, care->now / 1000 - settings->log_days * 86400000};
    sweep_folder(&data, "");
    sweep_log(&log);
    delta_id_at(care->now - settings->ledger_days * DELTA_DAY, floor);
    if (care->oldest_waiting && strcmp(care->oldest_waiting, floor) < 0)
        (void)snprintf(floor, sizeof floor, "%s", care->oldest_waiting); /* an id */
    return delta_ledger_prune(&table->ledger, floor, err);
}

/* ---- all of it ---- */

static int maintain_table(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err)
{
    int r = delta_table_open(table, err);
    if (r < 0)
        return r;
    upkeep->tables++;
    if (table->snapshot.version < 0) { /* made empty, so that every reader finds all tables */
        delta_change change = {.operation = "CREATE TABLE", .sequence = -1};
        return delta_commit_change(table, &change, err);
    }
    r = delta_expire(table, care, upkeep, err);
    if (r == 0)
        r = delta_roll_up(table, care, upkeep, err);
    if (r == 0)
        r = delta_compact(table, care, upkeep, err);
    if (r == 0)
        r = delta_checkpoint(table, table->owner->settings.checkpoint_commits, &upkeep->checkpoints, err);
    return r < 0 ? r : delta_vacuum(table, care, upkeep, err);
}

int delta_local_maintain(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err)
{
    delta_local *local = state;
    const char *name = care->table;
    lb_delta_upkeep upkeep = {.size = sizeof upkeep};
    int result = 0;
    lb_error first;
    if (name && !delta_find_table(local, name))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no history table %s", name);
    for (size_t i = 0; i < local->table_count; i++) {
        delta_table *table = &local->tables[i];
        if (name && strcmp(table->def.name, name) != 0)
            continue;
        int r = maintain_table(table, care, &upkeep, &first);
        if (r == 0)
            continue;
        delta_table_forget(table);
        if (result == 0) { /* one bad table keeps nobody else waiting */
            *err = first;
            result = lb_wrap(err, table->def.name);
        }
    }
    *ret_upkeep = upkeep;
    return result;
}
