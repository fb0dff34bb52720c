#include "plugin_lock.h"

#include "fs.h"
#include "params.h"
#include "sha256.h"

#define LOCK_BYTES ((size_t)1024 * 1024)
#define PREFIX     "sha256:"

typedef struct lock_line {
    char name[PARAM_NAME_MAX + 1];
    char digest[SHA256_TEXT];
} lock_line;

struct plugin_lock {
    char *path;
    lock_line *lines;
    size_t count, capacity;
};

plugin_lock *plugin_lock_free(plugin_lock *lock)
{
    if (!lock)
        return NULL;
    free(lock->path);
    free(lock->lines);
    free(lock);
    return NULL;
}

static const lock_line *find_line(const plugin_lock *lock, const char *name)
{
    for (size_t i = 0; i < lock->count; i++)
        if (strcmp(lock->lines[i].name, name) == 0)
            return &lock->lines[i];
    return NULL;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\r");
}

/* Copies what `set` spans into a field of `bytes`, NUL included; NULL when it is empty or too long. Returns what
 * follows. */
static const char *take_word(const char *p, const char *set, char *field, size_t bytes)
{
    size_t length = strspn(p, set);
    if (!length || length >= bytes)
        return NULL;
    memcpy(field, p, length);
    field[length] = '\0';
    return p + length;
}

static bool parse_line(const char *p, lock_line *ret_line)
{
    p = take_word(p, "abcdefghijklmnopqrstuvwxyz0123456789_", ret_line->name, sizeof ret_line->name);
    if (!p || !params_is_name(ret_line->name))
        return false;
    p = skip_blanks(p);
    if (*p != '=')
        return false;
    p = skip_blanks(p + 1);
    if (strncmp(p, "\"" PREFIX, strlen("\"" PREFIX)) != 0)
        return false;
    p = take_word(p + strlen("\"" PREFIX), "0123456789abcdef", ret_line->digest, sizeof ret_line->digest);
    if (!p || *p != '"' || strlen(ret_line->digest) != SHA256_TEXT - 1)
        return false;
    p = skip_blanks(p + 1);
    return *p == '\0' || *p == '#';
}

static int add_line(plugin_lock *lock, const char *text, unsigned number, lb_error *err)
{
    lock_line line;
    text = skip_blanks(text);
    if (*text == '\0' || *text == '#')
        return 0;
    if (!parse_line(text, &line))
        return lb_fail(err, LB_ERR_INVALID, "write NAME = \"sha256:...\" with 64 lower-case hexadecimal digits",
                       "lock file %.200s, line %u: not a plugin and its hash", lock->path, number);
    if (find_line(lock, line.name))
        return lb_fail(err, LB_ERR_INVALID, "keep one of the lines", "lock file %.200s, line %u: %s is there twice",
                       lock->path, number, line.name);
    BASE_PUSH(lock->lines, lock->count, lock->capacity);
    lock->lines[lock->count++] = line;
    return 0;
}

int plugin_lock_read(const char *path, plugin_lock **ret_lock, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length;
    if (fs_check_trusted(path, err) < 0 || fs_read(path, LOCK_BYTES, &text, &length, err) < 0)
        return lb_wrap(err, "plugin lock file");
    plugin_lock *lock = base_alloc(sizeof *lock);
    lock->path = base_strdup(path);
    int r = strlen(text) == length
                ? 0
                : lb_fail(err, LB_ERR_INVALID, "is it the right file?", "lock file %s holds a NUL", path);
    char *next = text;
    for (unsigned number = 1; r == 0 && next; number++) {
        char *line = next, *end = strchr(line, '\n');
        next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        r = add_line(lock, line, number, err);
    }
    if (r < 0) {
        plugin_lock_free(lock);
        return r;
    }
    *ret_lock = lock;
    return 0;
}

int plugin_lock_check(const plugin_lock *lock, const char *name, const char *path, lb_error *err)
{
    char digest[SHA256_TEXT], hint[sizeof err->hint];
    if (sha256_file(path, digest, err) < 0)
        return err->code;
    const lock_line *line = find_line(lock, name);
    if (line && strcmp(line->digest, digest) == 0)
        return 0;
    (void)snprintf(hint, sizeof hint, "if you trust it, put this into the lock file: %.64s = \"" PREFIX "%s\"", name,
                   digest);
    return lb_fail(err, LB_ERR_DENIED, hint,
                   line ? "plugin %.64s differs from the hash in the lock file %.200s"
                        : "plugin %.64s is not in the lock file %.200s",
                   name, lock->path);
}
