/* ~/.databrickscfg: an INI file. [DEFAULT] is a section like any other; a comment starts a line, or follows a space. */
#include "auth_config.h"
#include "rest_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_FILE ((size_t)1024 * 1024)

static int fail_errno(lb_error *err, const char *path)
{
    int code = errno == ENOENT || errno == ENOTDIR ? LB_ERR_NOT_FOUND : errno == EACCES ? LB_ERR_DENIED : LB_ERR_IO;
    return lb_fail(err, code, "make one with `databricks auth login`, or name the credentials in the manifest",
                   "profile file %.200s: %s", path, strerror(errno));
}

static int check_file(int fd, const char *path, lb_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, path);
    if (!S_ISREG(st.st_mode))
        return lb_fail(err, LB_ERR_INVALID, "name a regular file", "profile file %.200s is not a file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return lb_fail(err, LB_ERR_DENIED, "let the user that runs lbops own it",
                       "profile file %.200s belongs to user %u", path, (unsigned)st.st_uid);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return lb_fail(err, LB_ERR_DENIED, "chmod 0600 it",
                       "profile file %.200s has mode %04o: others have access to what is secret", path,
                       (unsigned)st.st_mode & 07777);
    if ((uint64_t)st.st_size > LONGEST_FILE)
        return lb_fail(err, LB_ERR_LIMIT, "is it the right file?", "profile file %.200s is longer than %zu bytes", path,
                       LONGEST_FILE);
    return 0;
}

static int read_file(const char *path, rest_buf *into, lb_error *err)
{
    char piece[4096];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(err, path);
    int r = check_file(fd, path, err);
    while (r == 0 && !into->failed && ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            rest_buf_put(into, piece, (size_t)n);
    if (r == 0 && n < 0)
        r = fail_errno(err, path);
    (void)close(fd); /* opened for reading: nothing is lost */
    explicit_bzero(piece, sizeof piece);
    rest_buf_put(into, "", 0);
    return r == 0 && into->failed ? lb_out_of_memory(err) : r;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* A # or ; inside a value belongs to it unless a space is before it. */
static void cut_comment(char *value)
{
    for (char *p = value; *p; p++)
        if ((*p == '#' || *p == ';') && (p == value || isspace((unsigned char)p[-1]))) {
            *p = '\0';
            return;
        }
}

static int keep(char **member, const char *value, lb_error *err)
{
    if (!*value)
        return 0;
    rest_wipe(*member); /* the last one counts */
    *member = strdup(value);
    return *member ? 0 : lb_out_of_memory(err);
}

static int take_pair(auth_profile *p, const char *key, const char *value, lb_error *err)
{
    const struct {
        const char *key;
        char **member;
    } members[] = {{"host", &p->host},           {"token", &p->token},
                   {"client_id", &p->client_id}, {"client_secret", &p->client_secret},
                   {"auth_type", &p->auth_type}, {"workspace_id", &p->workspace_id}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (strcmp(key, members[i].key) == 0)
            return keep(members[i].member, value, err);
    if ((strcmp(key, "username") == 0 || strcmp(key, "password") == 0) && *value)
        p->has_password = true;
    return 0; /* others are for other tools */
}

static int take_line(auth_profile *p, char *line, const char *section, bool *inside, bool *found, lb_error *err)
{
    line = trim(line);
    if (!*line || *line == '#' || *line == ';')
        return 0;
    if (*line == '[') {
        char *end = strchr(line, ']');
        if (end)
            *end = '\0';
        *inside = end && strcmp(trim(line + 1), section) == 0;
        *found = *found || *inside;
        return 0;
    }
    char *value = strpbrk(line, "=:");
    if (!*inside || !value)
        return 0;
    *value++ = '\0';
    cut_comment(value);
    return take_pair(p, trim(line), trim(value), err);
}

int auth_profile_read(const char *path, const char *section, auth_profile *ret_profile, lb_error *err)
{
    rest_buf text = {.limit = LONGEST_FILE};
    auth_profile profile = {.host = NULL};
    bool inside = false, found = false;
    int r = read_file(path, &text, err);
    char *rest = text.data;
    for (char *line; r == 0 && (line = strsep(&rest, "\n"));)
        r = take_line(&profile, line, section, &inside, &found, err);
    rest_buf_done(&text);
    if (r == 0 && !found)
        r = lb_fail(err, LB_ERR_NOT_FOUND, "name one that is there, or add it",
                    "%.200s has no %.60s profile configured", path, section);
    if (r < 0) {
        auth_profile_done(&profile);
        return r;
    }
    *ret_profile = profile;
    return 0;
}

void auth_profile_done(auth_profile *p)
{
    char *const secrets[] = {p->host, p->token, p->client_id, p->client_secret, p->auth_type, p->workspace_id};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        rest_wipe(secrets[i]);
    *p = (auth_profile){.host = NULL};
}
