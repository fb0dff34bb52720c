/* launcher: bin/lbops of an archive that carries its own libraries, loader included. It starts that loader with the
 * program, and says in LBOPS_SELF where it is itself, since the program's own file is then the loader's. It is linked
 * statically: where it runs there may be no libc, and no shell. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_ARGS 4096

static int fail(const char *what)
{
    (void)fprintf(stderr, "error: %s: %s\nhint: unpack the archive again, all of it\n", what, strerror(errno));
    return 5;
}

/* PREFIX of PREFIX/bin/lbops. */
static int cut_prefix(char *path)
{
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return -1;
        *slash = '\0';
    }
    return 0;
}

int main(int argc, char **argv)
{
    char self[PATH_MAX], prefix[PATH_MAX], loader[PATH_MAX + 32], libraries[PATH_MAX + 32], program[PATH_MAX + 32];
    char *child[MOST_ARGS + 8];
    int count = 0;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return fail("/proc/self/exe");
    self[length] = '\0';
    memcpy(prefix, self, (size_t)length + 1);
    if (argc > MOST_ARGS || cut_prefix(prefix) < 0)
        return fail("the command line");
    (void)snprintf(loader, sizeof loader, "%s/lib/ld-linux-x86-64.so.2", prefix); /* they fit */
    (void)snprintf(libraries, sizeof libraries, "%s/lib", prefix);
    (void)snprintf(program, sizeof program, "%s/libexec/lbops", prefix);
    if (setenv("LBOPS_SELF", self, 1) != 0)
        return fail("the environment");
    child[count++] = loader;
    child[count++] = (char[]){"--argv0"};
    child[count++] = argc ? argv[0] : program;
    child[count++] = (char[]){"--library-path"};
    child[count++] = libraries;
    child[count++] = program;
    for (int i = 1; i < argc; i++)
        child[count++] = argv[i];
    child[count] = NULL;
    (void)execv(loader, child);
    return fail(loader);
}
