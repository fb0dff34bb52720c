#include "self.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[PATH_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool is_loader(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strncmp(slash ? slash + 1 : program, "ld-", 3) == 0;
}

static void find(void)
{
    const char *said = getenv("LBOPS_SELF");
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    if (is_loader(path) && said && *said == '/' && strlen(said) < sizeof path)
        memcpy(path, said, strlen(said) + 1);
    if (!path[0])
        memcpy(path, "/proc/self/exe", sizeof "/proc/self/exe");
}

const char *self_path(void)
{
    (void)pthread_once(&once, find); /* it cannot fail */
    return path;
}
