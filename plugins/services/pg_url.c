/* What others may use to reach a session's server. A password is only among what is lent to a program of ours. */
#include "pg_internal.h"

#include <stdlib.h>
#include <unistd.h>

char *pg_url_part(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *part = malloc(3 * strlen(text) + 1), *p = part;
    for (; part && *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (strchr(plain, *text)) {
            *p++ = *text;
            continue;
        }
        *p++ = '%';
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 15];
    }
    if (part)
        *p = '\0';
    return part;
}

const char *pg_session_host(const pg_session *s)
{
    const char *host = PQhost(s->conn);
    return host ? host : "";
}

/* How the server is to be verified, where that is not what libpq does by itself. */
static void put_security(const pg_session *s, FILE *out, char mark)
{
    static const char *const names[] = {"sslmode", "sslrootcert"};
    PQconninfoOption *options = PQconninfo(s->conn);
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            bool differs = strcmp(o->keyword, names[i]) == 0 && o->val && *o->val &&
                           (!o->compiled || strcmp(o->val, o->compiled) != 0);
            char *part = differs ? pg_url_part(o->val) : NULL;
            if (part) {
                (void)fprintf(out, "%c%s=%s", mark, names[i], part); /* into memory */
                mark = '&';
            }
            free(part);
        }
    PQconninfoFree(options);
}

char *pg_session_url(const pg_session *s, const char *database)
{
    char *text = NULL, *user = pg_url_part(PQuser(s->conn)), *name = pg_url_part(database);
    char *host = pg_url_part(pg_session_host(s));
    size_t length = 0;
    FILE *out = user && name && host ? open_memstream(&text, &length) : NULL;
    if (out) {
        bool is_socket = pg_session_host(s)[0] == '/', is_ipv6 = strchr(pg_session_host(s), ':') != NULL;
        if (is_socket)
            (void)fprintf(out, "postgresql://%s@/%s?host=%s&port=%s", user, name, host, PQport(s->conn)); /* as above */
        else
            (void)fprintf(out, is_ipv6 ? "postgresql://%s@[%s]:%s/%s" : "postgresql://%s@%s:%s/%s", user,
                          is_ipv6 ? pg_session_host(s) : host, PQport(s->conn), name);
        put_security(s, out, is_socket ? '&' : '?');
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    free(user);
    free(name);
    free(host);
    return text;
}

/* ---- lending ---- */

/* A path through our own descriptors means something else in another process. */
static int put_host(const char *value, int (*put)(void *arg, const char *name, const char *value), void *arg)
{
    static const char self[] = "/proc/self/";
    char path[128];
    bool is_ours = strncmp(value, self, sizeof self - 1) == 0;
    if (is_ours)
        (void)snprintf(path, sizeof path, "/proc/%ld/%.80s", (long)getpid(), value + sizeof self - 1); /* a number */
    return put(arg, "PGHOST", is_ours ? path : value);
}

int pg_session_lend(const pg_session *s, int (*put)(void *arg, const char *name, const char *value), void *arg,
                    lb_error *err)
{
    PQconninfoOption *options = PQconninfo(s->conn);
    int r = options ? 0 : lb_out_of_memory(err);
    for (const PQconninfoOption *o = options; r >= 0 && o && o->keyword; o++) {
        if (!o->envvar || !o->val || !*o->val || strcmp(o->keyword, "application_name") == 0)
            continue;
        r = strcmp(o->keyword, "host") == 0 ? put_host(o->val, put, arg) : put(arg, o->envvar, o->val);
        if (r < 0)
            (void)lb_out_of_memory(err); /* the only way to fail: the code is the same */
    }
    PQconninfoFree(options);
    return r;
}
