/* Secrets: references in the manifest, values only here and only when they are asked for. */
#include "fs.h"
#include "manifest_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LONGEST_SECRET ((size_t)65536)

/* What may be read as a secret: a file of ours that nobody else can read or write. A link to it is fine, as mounted
 * secrets are links; a pipe must not hold the reader up. */
static int open_secret(const char *path, int *ret_fd, lb_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fs_fail(err, errno, "open secret", path);
    struct stat st;
    int r = 0;
    if (fstat(fd, &st) != 0)
        r = fs_fail(err, errno, "look at secret", path);
    else if (!S_ISREG(st.st_mode))
        r = lb_fail(err, LB_ERR_INVALID, "name a regular file", "secret %s is not a file", path);
    else if (st.st_uid != geteuid())
        r = lb_fail(err, LB_ERR_DENIED, "let the user that runs lbops own it", "secret %s belongs to user %u", path,
                    (unsigned)st.st_uid);
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        r = lb_fail(err, LB_ERR_DENIED, "chmod 0600 it", "secret %s has mode %04o: others have access", path,
                    (unsigned)st.st_mode & 07777);
    else if (st.st_size == 0)
        r = lb_fail(err, LB_ERR_INVALID, "write the secret into it", "secret %s is empty", path);
    else if ((uint64_t)st.st_size > LONGEST_SECRET)
        r = lb_fail(err, LB_ERR_LIMIT, "is it the right file?", "secret %s is longer than %zu bytes", path,
                    LONGEST_SECRET);
    if (r < 0) {
        (void)close(fd); /* opened for reading: nothing is lost */
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int fail_variable(const char *name, const char *what, lb_error *err)
{
    return lb_fail(err, LB_ERR_NOT_FOUND, "export it before lbops starts", "environment variable %s is %s", name, what);
}

int secret_probe(const manifest_secret *secret, lb_error *err)
{
    if (secret->file) {
        LB_AUTO_FD int fd = -1;
        return open_secret(secret->file, &fd, err);
    }
    const char *value = getenv(secret->env);
    return value && *value ? 0 : fail_variable(secret->env, value ? "empty" : "not set", err);
}

static int read_secret(const char *path, char **ret_value, lb_error *err)
{
    LB_AUTO_FD int fd = -1;
    int r = open_secret(path, &fd, err);
    if (r < 0)
        return r;
    char *value = base_alloc(LONGEST_SECRET + 1);
    size_t length = 0;
    for (;;) {
        ssize_t n = read(fd, value + length, LONGEST_SECRET - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = fs_fail(err, errno, "read secret", path);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    if (length && value[length - 1] == '\n') /* the one that an editor or echo puts there */
        length--;
    if (length && value[length - 1] == '\r')
        length--;
    if (r == 0 && memchr(value, '\0', length))
        r = lb_fail(err, LB_ERR_INVALID, "secrets are text", "secret %s holds a NUL byte", path);
    if (r == 0 && !length)
        r = lb_fail(err, LB_ERR_INVALID, "write the secret into it", "secret %s is empty", path);
    explicit_bzero(value + length, LONGEST_SECRET + 1 - length);
    if (r < 0) {
        explicit_bzero(value, length);
        free(value);
        return r;
    }
    *ret_value = value;
    return 0;
}

int manifest_secret_value(const manifest *m, const char *name, char **ret_value, lb_error *err)
{
    for (size_t i = 0; i < m->secret_count; i++) {
        const manifest_secret *secret = &m->secrets[i];
        if (strcmp(secret->name, name) != 0)
            continue;
        if (secret->file)
            return read_secret(secret->file, ret_value, err);
        int r = secret_probe(secret, err);
        if (r == 0)
            *ret_value = base_strdup(getenv(secret->env));
        return r;
    }
    return lb_fail(err, LB_ERR_NOT_FOUND, "name it under [secrets]", "there is no secret %s", name);
}

void manifest_secret_free(char *value)
{
    if (!value)
        return;
    explicit_bzero(value, strlen(value));
    free(value);
}

const param_arg *manifest_args(const manifest *m, const manifest_params *params, arena *memory, size_t *ret_count,
                               lb_error *err)
{
    param_arg *args = arena_alloc(memory, (params->count + 1) * sizeof *args);
    for (size_t i = 0; args && i < params->count; i++) {
        const manifest_param *p = &params->items[i];
        char *secret = NULL;
        if (p->secret && manifest_secret_value(m, p->secret, &secret, err) < 0)
            return NULL;
        args[i] = (param_arg){.name = p->name, .text = secret ? arena_strdup(memory, secret) : p->text};
        manifest_secret_free(secret);
    }
    if (!args)
        (void)lb_out_of_memory(err); /* the NULL says it */
    *ret_count = params->count;
    return args;
}
