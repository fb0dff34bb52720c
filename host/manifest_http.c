/* [http.NAME]: the web services that tools may call. */
#include "manifest_internal.h"

#include <ctype.h>

const char *manifest_site_kind_name(int kind)
{
    return kind == MANIFEST_SITE_GITHUB ? "github" : "json";
}

void reader_site(manifest_reader *reader, const toml_node *node)
{
    char what[128];
    (void)snprintf(what, sizeof what, "[http.%.80s]", node->key); /* cut, not lost */
    if (!reader_is_named(reader, "web service", node) || !reader_is_table(reader, what, node))
        return;
    manifest_site *site = reader_append(reader, &schema_site, node, &reader->m->sites, &reader->m->site_count);
    if (!site)
        return;
    site->name = base_strdup(node->key);
    reader_fields(reader, &schema_site, what, node, site);
}

static bool is_this_machine(const char *authority)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(authority, names[i], length) == 0 && (!authority[length] || strchr(":/", authority[length])))
            return true;
    }
    return false;
}

/* What is wrong with it; NULL: nothing. A query or a user in it would be in every call, and in every log. */
static const char *url_fault(const manifest_site *site, const char **ret_hint)
{
    const char *url = site->url;
    bool is_https = strncmp(url, "https://", 8) == 0, is_http = strncmp(url, "http://", 7) == 0;
    const char *authority = url + (is_https ? 8 : 7);
    *ret_hint = "such as https://api.github.com";
    if ((!is_https && !is_http) || !isalnum((unsigned char)authority[*authority == '[']))
        return "is no web address";
    for (const char *p = authority; *p; p++)
        if (*p <= ' ' || *p >= 0x7F || strchr("?#@\\", *p))
            return "holds what no base address has: a query, a user, or characters to be escaped";
    if (is_https)
        return NULL;
    *ret_hint = "give it as https://; only a test on this machine does without";
    if (!is_this_machine(authority))
        return "would show the token and what is said to the network";
    *ret_hint = "add allow_plain = true, if that is meant";
    return site->allow_plain ? NULL : "is called without TLS";
}

void manifest_verify_sites(manifest_reader *reader)
{
    for (size_t i = 0; i < reader->m->site_count; i++) {
        const manifest_site *site = &reader->m->sites[i];
        const char *hint = NULL, *fault = site->url ? url_fault(site, &hint) : NULL;
        char what[128];
        (void)snprintf(what, sizeof what, "[http.%.80s] token", site->name); /* fits */
        if (fault)
            reader_report(reader, site->place, false, LB_ERR_INVALID, hint, "[http.%s] its url %s", site->name, fault);
        if (site->token)
            reader_need_secret(reader, site->place, what, site->token);
    }
}
