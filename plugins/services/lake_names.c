/* Names and paths of the control plane. Tools and manifests give them, and they become parts of URLs: what could mean
 * anything else there is refused. */
#include "lake.h"

#include <ctype.h>
#include <stdlib.h>

static bool is_id(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    return length >= 1 && length < LAKE_NAME && text[0] >= 'a' && text[0] <= 'z' && text[length - 1] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

int lake_check_target(const lb_target *target, lb_error *err)
{
    const char *hint = "ids are 1 to 63 of a-z, 0-9 and -, with a letter first";
    if (!target->project || !target->branch)
        return lb_fail(err, LB_ERR_INVALID, "name project and branch", "a session needs a branch to be on");
    if (!is_id(target->project))
        return lb_fail(err, LB_ERR_INVALID, hint, "%.80s is no project id", target->project);
    if (!is_id(target->branch))
        return lb_fail(err, LB_ERR_INVALID, hint, "%.80s is no branch id", target->branch);
    return 0;
}

size_t lake_words(const char *path)
{
    size_t count = *path ? 1 : 0;
    for (; *path; path++)
        count += *path == '/' && path[1];
    return count;
}

const char *lake_last_word(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_plain_path(const char *path)
{
    size_t length = strlen(path);
    bool plain = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/") == length;
    return plain && length && length < 600 && path[0] != '/' && path[length - 1] != '/' && !strstr(path, "//") &&
           !strstr(path, "..") && !strstr(path, "/./");
}

static bool is_plain_query(const char *query)
{
    for (const char *p = query; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("#?\"<>\\", *p))
            return false;
    return true;
}

int lake_check_path(const lb_request *request, lb_error *err)
{
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
    bool known = false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        known = known || strcmp(request->method, methods[i]) == 0;
    if (!known)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "GET, POST, PATCH or DELETE", "%.20s is no method of the control plane",
                       request->method);
    if (!is_plain_path(request->path) || (request->query && !is_plain_query(request->query)))
        return lb_fail(err, LB_ERR_INVALID, "projects/shop/branches, without a slash before it; escape what is special",
                       "%s %.200s: no path of the control plane", request->method, request->path);
    if (strncmp(request->path, "credentials", 11) == 0)
        return lb_fail(err, LB_ERR_DENIED, "tools reach a branch by their statements",
                       "%s credentials: they are the transport's own", request->method);
    return 0;
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            *to++ = (char)(hex_digit(from[1]) * 16 + hex_digit(from[2]));
            from += 2;
        } else {
            *to++ = *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
}

char *lake_query(const char *query, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = query; p && *p; p += strcspn(p, "&"), p += *p == '&') {
        if (strncmp(p, name, length) != 0 || p[length] != '=')
            continue;
        char *value = strndup(p + length + 1, strcspn(p + length + 1, "&"));
        if (value)
            decode(value);
        return value;
    }
    return NULL;
}
