#include "lake_intent.h"

#include "rest_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST ((size_t)1024 * 1024)

static int fail_errno(lb_error *err, const char *verb, const char *name)
{
    return lb_fail(err, LB_ERR_IO, "is the workspace's state_dir a folder that can be written?", "cannot %s %.200s: %s",
                   verb, name, strerror(errno));
}

/* ---- the folder ---- */

/* All of its parents, too. */
static int make_folder(const char *path, lb_error *err)
{
    char *whole = rest_printf("%s/resets", path);
    if (!whole)
        return lb_out_of_memory(err);
    int r = 0;
    for (char *slash = strchr(whole + 1, '/'); r == 0; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(whole, 0700) != 0 && errno != EEXIST)
            r = fail_errno(err, "make", whole);
        if (!slash)
            break;
        *slash = '/';
    }
    int fd = r == 0 ? open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (r == 0 && fd < 0)
        r = fail_errno(err, "open", whole);
    free(whole);
    return r < 0 ? r : fd;
}

static int open_folder(const char *state_dir)
{
    char *whole = rest_printf("%s/resets", state_dir);
    int fd = whole ? open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(whole);
    return fd;
}

/* Ids have no dots, so that no two branches share a name. */
static void file_name(char into[140], const char *project, const char *branch, const char *kind)
{
    (void)snprintf(into, 140, "%.63s.%.63s%s", project, branch, kind); /* fits */
}

/* ---- one intent ---- */

static int take_lock(lake_intent *i, const char *project, const char *branch, lb_error *err)
{
    char name[140];
    file_name(name, project, branch, ".lock");
    i->lock = openat(i->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (i->lock < 0)
        return fail_errno(err, "open", name);
    if (flock(i->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? lb_fail(err, LB_ERR_CONFLICT, "wait for its end",
                                          "another reset of %s/%s is under way", project, branch)
                                : fail_errno(err, "lock", name);
}

static int read_all(int fd, rest_buf *into)
{
    char piece[4096];
    ssize_t n = 0;
    while (!into->failed && ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            rest_buf_put(into, piece, (size_t)n);
    return n < 0 || into->failed ? -1 : 0;
}

static int read_intent(lake_intent *i, lb_error *err)
{
    rest_buf text = {.limit = LONGEST};
    int fd = openat(i->dir, i->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail_errno(err, "open", i->name);
    int r = read_all(fd, &text) == 0 ? 0 : fail_errno(err, "read", i->name);
    (void)close(fd); /* opened for reading: nothing is lost */
    if (r == 0 && !(i->document = rest_json_parse(text.data ? text.data : "", text.length, i->name, err)))
        r = err->code;
    rest_buf_done(&text);
    return r;
}

int lake_intent_open(const char *state_dir, const char *project, const char *branch, lake_intent *ret_intent,
                     lb_error *err)
{
    lake_intent i = {.dir = make_folder(state_dir, err), .lock = -1};
    if (i.dir < 0)
        return err->code;
    file_name(i.name, project, branch, ".json");
    int r = take_lock(&i, project, branch, err);
    if (r == 0)
        r = read_intent(&i, err);
    if (r < 0) {
        lake_intent_close(&i);
        return r;
    }
    *ret_intent = i;
    return 0;
}

static int write_all(int fd, const char *text)
{
    for (size_t length = strlen(text), done = 0; done < length;) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd);
}

int lake_intent_save(lake_intent *i, struct json_object *document, lb_error *err)
{
    char name[150];
    (void)json_object_put(i->document); /* the old one */
    i->document = document;
    const char *text = document ? json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN) : NULL;
    if (!text)
        return lb_out_of_memory(err);
    (void)snprintf(name, sizeof name, "%s.new", i->name); /* fits */
    int fd = openat(i->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_errno(err, "write", name);
    int written = write_all(fd, text);
    if (close(fd) != 0 || written != 0 || renameat(i->dir, name, i->dir, i->name) != 0 || fsync(i->dir) != 0)
        return fail_errno(err, "write", i->name);
    return 0;
}

int lake_intent_remove(lake_intent *i, lb_error *err)
{
    if (unlinkat(i->dir, i->name, 0) != 0 && errno != ENOENT)
        return fail_errno(err, "remove", i->name);
    return fsync(i->dir) == 0 ? 0 : fail_errno(err, "sync", i->name);
}

void lake_intent_close(lake_intent *i)
{
    (void)json_object_put(i->document); /* NULL is fine */
    if (i->lock >= 0)
        (void)close(i->lock); /* which lets go of it */
    if (i->dir >= 0)
        (void)close(i->dir); /* opened for reading */
    *i = (lake_intent){.dir = -1, .lock = -1};
}

/* ---- all of them ---- */

bool lake_intent_exists(const char *state_dir, const char *project, const char *branch)
{
    char name[140];
    int dir = open_folder(state_dir);
    if (dir < 0)
        return false;
    file_name(name, project, branch, ".json");
    bool exists = faccessat(dir, name, F_OK, 0) == 0;
    (void)close(dir); /* opened for reading */
    return exists;
}

static bool is_worked_at(int dir, const char *stem, size_t length)
{
    char name[280];
    (void)snprintf(name, sizeof name, "%.*s.lock", (int)length, stem); /* fits */
    int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (fd >= 0)
        (void)close(fd); /* lets go of it, too */
    return held;
}

void lake_intent_each(const char *state_dir, void (*each)(void *arg, const char *name), void *arg)
{
    int fd = open_folder(state_dir);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            (void)close(fd); /* opened for reading */
        return;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        size_t length = strlen(e->d_name);
        const char *dot = strchr(e->d_name, '.');
        if (length < 8 || !dot || strcmp(e->d_name + length - 5, ".json") != 0 ||
            is_worked_at(fd, e->d_name, length - 5))
            continue;
        char name[280];
        (void)snprintf(name, sizeof name, "%.*s/%.*s", (int)(dot - e->d_name), e->d_name, /* fits */
                       (int)(length - 5 - (size_t)(dot - e->d_name) - 1), dot + 1);
        each(arg, name);
    }
    (void)closedir(dir); /* opened for reading */
}
