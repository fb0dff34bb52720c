/* Scripts for pgbench and the log that it writes, in a directory that goes with the run. */
#include "rehearsal_replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MOST 4096
#define TRIED_MS  INT64_C(5000)
#define PREFIX    "lbops-replay-"
#define MARGIN_S  INT64_C(60) /* behind the run's end: pgbench is ended by us, and by itself where we were killed */

static int fail(lb_error *err, const char *what, const char *path)
{
    return lb_fail(err, LB_ERR_TOOL, "TMPDIR names the directory for it", "cannot %s %s: %s", what, path,
                   strerror(errno));
}

/* Of this directory of ours, which its lock keeps from those who clean up. */
typedef struct own_dir {
    const char *path;
    int lock;
} own_dir;

/* What cannot be removed stays, in a directory for such things. */
static void remove_dir(const char *dir)
{
    DIR *open = opendir(dir);
    char path[PATH_MOST];
    for (struct dirent *e; open && (e = readdir(open));)
        if (*e->d_name != '.' && snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path)
            (void)unlink(path);
    if (open)
        (void)closedir(open);
    (void)rmdir(dir);
}

static void leave(void *arg)
{
    const own_dir *own = arg;
    remove_dir(own->path);
    if (own->lock >= 0)
        (void)close(own->lock);
}

static int open_dir(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What a process left that was killed holds values of rows. Its lock went with it, whatever has its number now. */
static void sweep(const char *base)
{
    DIR *all = opendir(base);
    char path[PATH_MOST];
    for (struct dirent *e; all && (e = readdir(all));) {
        struct stat is;
        if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0 ||
            snprintf(path, sizeof path, "%s/%s", base, e->d_name) >= (int)sizeof path)
            continue;
        int dir = open_dir(path);
        if (dir >= 0 && fstat(dir, &is) == 0 && is.st_uid == geteuid() && flock(dir, LOCK_EX | LOCK_NB) == 0)
            remove_dir(path);
        if (dir >= 0)
            (void)close(dir);
    }
    if (all)
        (void)closedir(all);
}

/* A signal ends the wait for whoever cleans up, and must not be taken for the lock. */
static bool wait_for_lock(int dir)
{
    int r = 0;
    do
        r = flock(dir, LOCK_EX);
    while (r < 0 && errno == EINTR);
    return r == 0;
}

/* 0: somebody who cleaned up took it before it was locked. Where nothing can be locked, nobody cleans up either. */
static int make(own_dir *own, char *path, lb_error *err)
{
    struct stat there, held;
    if (!mkdtemp(path))
        return fail(err, "make the directory", path);
    *own = (own_dir){.path = path, .lock = open_dir(path)};
    bool is_locked = own->lock >= 0 && wait_for_lock(own->lock);
    if (stat(path, &there) == 0 &&
        (!is_locked || (fstat(own->lock, &held) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev)))
        return 1;
    if (own->lock >= 0)
        (void)close(own->lock);
    return 0;
}

int replay_make_dir(lb_ctx *ctx, const char **ret_dir, lb_error *err)
{
    const char *base = getenv("TMPDIR");
    base = base && *base == '/' ? base : "/tmp";
    const char *pattern = lb_printf(ctx, "%s/" PREFIX "XXXXXX", base);
    char *path = pattern ? lb_alloc(ctx, strlen(pattern) + 1) : NULL;
    own_dir *own = lb_alloc(ctx, sizeof *own);
    int r = 0;
    if (!path || !own)
        return lb_out_of_memory(err);
    sweep(base);
    while (!r) {
        memcpy(path, pattern, strlen(pattern) + 1);
        r = make(own, path, err);
    }
    if (r < 0)
        return r;
    if (lb_defer(ctx, leave, own) < 0) {
        leave(own);
        return lb_out_of_memory(err);
    }
    *ret_dir = path;
    return 0;
}

static void put_script(FILE *out, const replay_statement *s)
{
    (void)fprintf(out, "\\set lbops_pick random(1, %zu)\n", s->variant_count); /* looked at when it is closed */
    for (size_t v = 0; v < s->variant_count; v++)
        (void)fprintf(out, "\\%s :lbops_pick = %zu\n%s\n;\n", v ? "elif" : "if", v + 1, s->variants[v]);
    (void)fputs("\\endif\n", out);
}

typedef void (*put_fn)(FILE *out, const replay_statement *s);

static int write_script(const char *path, const replay_statement *s, put_fn put, lb_error *err)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return fail(err, "write", path);
    put(out, s);
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    return is_whole ? 0 : fail(err, "write", path);
}

/* A trial does not wait for others: the time for one statement is limited. */
static void put_trial(FILE *out, const replay_statement *s)
{
    (void)fprintf(out, "SET statement_timeout = %lld;\n", (long long)TRIED_MS);
    for (size_t v = 0; v < s->variant_count; v++)
        (void)fprintf(out, "%s\n;\n", s->variants[v]);
}

static const char *script_path(lb_ctx *ctx, const replay *all, size_t at)
{
    return lb_printf(ctx, "%s/%zu.sql", all->dir, at + 1);
}

int replay_write_scripts(lb_ctx *ctx, const replay *all, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < all->count; i++) {
        const char *path = script_path(ctx, all, i);
        if (!path)
            return lb_out_of_memory(err);
        r = all->statements[i].why_not ? 0 : write_script(path, &all->statements[i], put_script, err);
    }
    return r;
}

int replay_write_trial(lb_ctx *ctx, const replay *all, size_t at, const char **ret_path, lb_error *err)
{
    const replay_statement *s = &all->statements[at];
    *ret_path = NULL;
    if (s->why_not || !s->writes)
        return 0;
    *ret_path = lb_printf(ctx, "%s/trial-%zu.sql", all->dir, at + 1);
    return *ret_path ? write_script(*ret_path, s, put_trial, err) : lb_out_of_memory(err);
}

/* pgbench takes whole numbers; what is asked least comes, too. */
static int64_t weight_of(const replay *all, const replay_statement *s)
{
    int64_t weight = all->all_calls ? (int64_t)(10000.0 * (double)s->calls / (double)all->all_calls) : 1;
    return weight > 0 ? weight : 1;
}

const char *const *replay_command(lb_ctx *ctx, const replay_wish *wish, const replay *all, const char *script)
{
    const char **argv = lb_alloc(ctx, (2 * all->count + 20) * sizeof *argv);
    const char *clients = lb_printf(ctx, "%lld", (long long)wish->clients);
    const char *rate = lb_printf(ctx, "%lld", (long long)wish->rate);
    int64_t ends_in = lb_time_left(ctx) / 1000000 + MARGIN_S;
    const char *seconds = lb_printf(ctx, "%lld", (long long)ends_in);
    const char *log = lb_printf(ctx, "--log-prefix=%s/log", all->dir);
    if (!argv || !clients || !rate || !seconds || !log)
        return NULL;
    const char *const first[] = {"pgbench", "-n", "-c", clients, "-j", "1", "-T", seconds, "-l", log};
    size_t n = sizeof first / sizeof first[0];
    memcpy(argv, first, sizeof first);
    if (wish->rate) {
        argv[n++] = "-R";
        argv[n++] = rate;
    }
    if (script) {
        argv[n++] = "-f";
        argv[n++] = script;
    }
    for (size_t i = 0; !script && i < all->count; i++) {
        if (all->statements[i].why_not)
            continue;
        argv[n++] = "-f";
        argv[n] = lb_printf(ctx, "%s@%lld", script_path(ctx, all, i), (long long)weight_of(all, &all->statements[i]));
        if (!argv[n++])
            return NULL;
    }
    return argv;
}

static int read_file(const char *path, replay_times *times, lb_error *err)
{
    FILE *in = fopen(path, "re");
    char line[256];
    if (!in)
        return fail(err, "read", path);
    while (fgets(line, sizeof line, in))
        replay_take_line(times, line);
    bool is_whole = !ferror(in);
    (void)fclose(in); /* it was only read */
    return is_whole ? 0 : fail(err, "read", path);
}

int replay_read_log(const char *dir, replay_times *times, lb_error *err)
{
    DIR *open = opendir(dir);
    char path[PATH_MOST];
    int r = 0;
    if (!open)
        return fail(err, "read", dir);
    for (struct dirent *e; r >= 0 && (e = readdir(open));)
        if (strncmp(e->d_name, "log.", 4) == 0 &&
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path)
            r = read_file(path, times, err);
    (void)closedir(open);
    return r;
}
