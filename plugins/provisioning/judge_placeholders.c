/* ${name}: what Flyway replaces before a server sees it, in quotes and bodies too. What stands in a comment between
 * statements reaches no object, and is left alone. */
#include "judge_internal.h"

#include "lbops/sqltext.h"

/* "${flyway:user}": its length; 0: none stands there. A body that is a literal of an array, $${1,2}$$, has no name. */
static size_t placeholder_at(const char *p)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    size_t length = strncmp(p, "${", 2) == 0 ? strspn(p + 2, name) : 0;
    return length && p[2 + length] == '}' ? length + 3 : 0;
}

void judge_placeholders(judging *j, const char *text)
{
    const char *p = text;
    while (*p) {
        const char *behind = lb_sql_skip_comment(p);
        if (behind != p) {
            p = behind ? behind : p + strlen(p);
            continue;
        }
        const char *end = lb_sql_skip(p);
        end = end ? end : p + strlen(p);
        while (p < end) {
            size_t length = placeholder_at(p);
            if (length) {
                j->place = script_place_of(text, (size_t)(p - text));
                judging_hazard(j, JUDGE_PLACEHOLDER, judging_printf(j, "%.*s", (int)length, p), NULL);
            }
            p += length ? length : 1;
        }
    }
}
