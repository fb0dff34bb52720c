/* The way to a server's socket for programs that take a path: the system's limit is some hundred bytes, and a clone or
 * a state directory that lies deep is beyond it. Our own sessions go by a descriptor and need none of this. */
#include "local.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_PATH 107 /* what the system takes, its end included */
#define PATH_BYTES  512

/* FNV-1a: a name that is short and the same in each process. */
static uint64_t short_of(const char *path)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * UINT64_C(1099511628211);
    return hash;
}

/* /tmp is everybody's: a directory that somebody else could have put there, or could enter, is none for us. */
static bool make_ours(const char *directory)
{
    struct stat st;
    (void)mkdir(directory, 0700); /* mostly it is there */
    return lstat(directory, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
}

static bool leads_to(const char *link, const char *path)
{
    char found[4096];
    ssize_t length = readlink(link, found, sizeof found);
    return length > 0 && (size_t)length == strlen(path) && memcmp(found, path, (size_t)length) == 0;
}

bool local_way_is_long(const char *path)
{
    return strlen(path) + strlen("/.s.PGSQL." LOCAL_PORT) >= SOCKET_PATH;
}

static void name_link(char link[PATH_BYTES], const char *path)
{
    (void)snprintf(link, PATH_BYTES, "/tmp/lbops-%u/%016" PRIx64, (unsigned)geteuid(), short_of(path)); /* fits */
}

static void forget(const char *path)
{
    char link[PATH_BYTES];
    name_link(link, path);
    if (local_way_is_long(path) && leads_to(link, path))
        (void)unlink(link); /* else whoever makes the next one */
}

void local_way_forget(const char *path)
{
    LB_AUTO_FREE char *server = base_printf("%s/server", path);
    forget(path);
    forget(server);
}

/* What a host that died has left, or one whose state directory somebody removed. */
static void forget_lost(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    struct stat st;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 && errno == ENOENT)
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* else the next time */
    if (dir)
        (void)closedir(dir); /* was only read */
}

char *local_way(const char *path)
{
    char directory[PATH_BYTES], link[PATH_BYTES], made[PATH_BYTES];
    (void)snprintf(directory, sizeof directory, "/tmp/lbops-%u", (unsigned)geteuid());
    name_link(link, path);
    (void)snprintf(made, sizeof made, "/tmp/lbops-%u/.%d", (unsigned)geteuid(), (int)getpid());
    if (!local_way_is_long(path) || !make_ours(directory))
        return base_printf("%s", path);
    if (leads_to(link, path))
        return base_printf("%s", link);
    forget_lost(directory);
    (void)unlink(made); /* of an earlier process with our number */
    if (symlink(path, made) == 0 && rename(made, link) == 0)
        return base_printf("%s", link);
    (void)unlink(made); /* then the long one, which says by itself that it is too long */
    return base_printf("%s", path);
}
