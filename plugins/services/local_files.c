/* Descriptors, locks, documents and trees. */
#include "local.h"

#include "clock.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define DOCUMENT_LIMIT ((size_t)16 * 1024 * 1024)
#define LOOK_NS        2000000L /* between two tries of a lock that somebody holds */

int local_dir_open(const char *path, lb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? fs_fail(err, errno, "open directory", path) : fd;
}

/* flock has no deadline; whoever holds one of these does so for milliseconds, or for as long as a server runs. */
int local_lock(const lb_service_host *host, const char *path, int64_t wait_us, lb_error *err)
{
    int64_t until = host->now() + wait_us;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fs_fail(err, errno, "open", path);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const struct timespec pause = {.tv_nsec = LOOK_NS};
        int failed = errno;
        int r = 0;
        if (failed != EWOULDBLOCK && failed != EINTR)
            r = fs_fail(err, failed, "lock", path);
        else if (host->cancelled())
            r = lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled");
        else if (host->now() >= until)
            r = lb_fail(err, LB_ERR_CONFLICT, "another process works there: try again", "%s is locked", path);
        if (r < 0) {
            (void)close(fd); /* nothing was written */
            return r;
        }
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
    return fd;
}

int local_read_document(const char *path, doc **ret_document, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    int r = fs_read(path, DOCUMENT_LIMIT, &text, &length, err);
    if (r < 0)
        return r;
    doc *d = json_parse(text, length, err);
    if (!d)
        return lb_wrap(err, path);
    *ret_document = d;
    return 0;
}

int local_write_document(const char *path, doc *document, lb_error *err)
{
    const char *text =
        json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    return text ? fs_write_durable(path, text, strlen(text), 0600, err) : lb_out_of_memory(err);
}

char *local_branch_path(const local_cluster *c, const char *project, const char *directory, const char *name)
{
    return base_printf("%s/branches/%s/%s%s%s", c->path, project, directory, name ? "/" : "", name ? name : "");
}

/* ---- trees ---- */

#define DEPTH 32 /* a data directory has five levels */

static void remove_below(int above, const char *name, int depth)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); /* closedir closes it */
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && depth < DEPTH && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        remove_below(fd, entry->d_name, depth + 1);
        (void)unlinkat(fd, entry->d_name, AT_REMOVEDIR); /* what stays is there the next time */
    }
    if (dir)
        (void)closedir(dir); /* was only read */
}

/* From descriptor to descriptor, so that no link leads out of it: what lies there is another user's, who may be busy.
 */
void local_empty_trash(const local_cluster *c)
{
    LB_AUTO_FREE char *trash = base_printf("%s/trash", c->path);
    remove_below(AT_FDCWD, trash, 0);
}

void local_discard(const local_cluster *c, const char *path)
{
    char id[37];
    lb_error ignored;
    local_uuid(id);
    local_way_forget(path);
    LB_AUTO_FREE char *trash = base_printf("%s/trash", c->path), *to = base_printf("%s/%s", trash, id);
    if (fs_make_dirs(trash, &ignored) >= 0 && rename(path, to) == 0)
        local_empty_trash(c);
}
