/* Tables of the local history as this process holds them: lock, log, ledger. */
#include "delta_local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

delta_table *delta_find_table(const delta_local *local, const char *name)
{
    for (size_t i = 0; i < local->table_count; i++)
        if (strcmp(local->tables[i].def.name, name) == 0)
            return &local->tables[i];
    return NULL;
}

delta_engine *delta_get_engine(void *arg, lb_error *err)
{
    delta_local *local = arg;
    if (local->engine)
        return local->engine;
    const delta_engine_options options = {
        .memory_mb = local->settings.memory_mb, .threads = local->settings.threads, .temp_dir = local->temp_dir};
    delta_engine *engine = NULL;
    if (delta_engine_open(local->host, &options, &engine, err) < 0)
        return NULL;
    if (delta_scan_register(engine, &local->scan, err) < 0)
        return delta_engine_free(engine);
    local->engine = engine;
    return engine;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *position)
{
    (void)st, (void)type, (void)position; /* nftw's signature */
    return remove(path);
}

/* What processes spilled that are not there any more. */
static void sweep_spills(const delta_local *local)
{
    DIR *d = opendir(local->root);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        long pid = strncmp(e->d_name, DELTA_TEMP, sizeof DELTA_TEMP - 1) == 0
                       ? strtol(e->d_name + sizeof DELTA_TEMP - 1, NULL, 10)
                       : 0;
        if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        DELTA_AUTO_FREE char *path = delta_printf("%s/%s", local->root, e->d_name);
        (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* the next process tries again */
    }
    (void)closedir(d); /* read only */
}

/* The lock dies with the process, however that ends. Its file says who holds it. */
static int take_lock(delta_local *local, lb_error *err)
{
    if (local->lock_fd >= 0)
        return 0;
    int r = delta_make_dir(local->root, err);
    if (r < 0)
        return r;
    DELTA_AUTO_FREE char *path = delta_printf("%s/lock", local->root);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return delta_fail_errno(err, errno, "open", path);
    char holder[24] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int problem = errno;
        ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
        (void)close(fd); /* nothing was written */
        if (problem != EWOULDBLOCK)
            return delta_fail_errno(err, problem, "lock", path);
        holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
        return lb_fail(err, LB_ERR_CONFLICT, "let that process do it, or stop it first",
                       "the history %s is being written by process %s", local->root, *holder ? holder : "?");
    }
    int n = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)n, 0) < 0) {
        /* The name in it is for people; the lock holds without. */
    }
    local->lock_fd = fd;
    sweep_spills(local);
    return 0;
}

/* What a process left that died while it wrote data or a ledger. */
static void sweep_stages(const delta_table *table)
{
    DELTA_AUTO_FREE char *own = delta_printf("%s/_lbops", table->directory);
    DIR *d = opendir(own);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        if (strncmp(e->d_name, "stage-", 6) != 0)
            continue;
        DELTA_AUTO_FREE char *path = delta_printf("%s/%s", own, e->d_name);
        (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* the next process tries again */
    }
    (void)closedir(d); /* read only */
}

static int load_table(delta_table *table, const delta_log *log, lb_error *err)
{
    DELTA_AUTO_FREE char *own_log = delta_printf("%s/_delta_log", table->directory);
    int r = delta_make_dir(own_log, err);
    if (r == 0)
        r = delta_sync(own_log, err); /* a commit that is seen must also be durable before files are removed for it */
    if (r == 0)
        r = delta_log_read(log, &table->snapshot, err);
    if (r == 0)
        r = delta_ledger_open(&table->ledger, table->directory, &table->snapshot, err);
    if (r < 0)
        return r;
    sweep_stages(table);
    table->writable = true;
    return 0;
}

int delta_table_open(delta_table *table, lb_error *err)
{
    delta_local *local = table->owner;
    const delta_log log = {.directory = table->directory, .engine = delta_get_engine, .arg = local};
    int r = take_lock(local, err);
    if (r == 0)
        r = table->writable ? delta_log_read(&log, &table->snapshot, err) : load_table(table, &log, err);
    if (r == 0)
        r = delta_check_protocol(&table->snapshot, table->def.name, err);
    if (r < 0)
        delta_table_forget(table);
    return r;
}

void delta_table_forget(delta_table *table)
{
    delta_snapshot_done(&table->snapshot);
    delta_ledger_close(&table->ledger);
    duckdb_destroy_prepare(&table->write_one);
    table->writable = false;
}
