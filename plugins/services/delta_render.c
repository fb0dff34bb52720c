/* Statements that have room for parts: names, lists and other statements. */
#include "delta_base.h"

#include <delta_sql.h>
#include <string.h>

static const char *find_slot(const delta_slot *slots, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(slots[i].name) == length && memcmp(slots[i].name, name, length) == 0)
            return slots[i].text;
    return NULL;
}

char *delta_render(const char *sql, const delta_slot *slots, size_t count)
{
    delta_text out = {0};
    for (const char *p = sql; *p;) {
        size_t plain = strcspn(p, "{");
        delta_text_put(&out, p, plain);
        p += plain;
        if (!*p)
            break;
        size_t length = strcspn(p + 1, "}");
        const char *text = find_slot(slots, count, p + 1, length);
        if (!text)
            abort(); /* our own statement names a slot that its caller does not fill */
        delta_text_puts(&out, text);
        p += length + 2;
    }
    return out.data;
}

const char *delta_rolled(const char *table)
{
    static const struct {
        const char *table, *sql;
    } roll_ups[] = {{"pg_stat_history", delta_sql_rolled_pg_stat_history}};
    for (size_t i = 0; i < DELTA_COUNT(roll_ups); i++)
        if (strcmp(roll_ups[i].table, table) == 0)
            return roll_ups[i].sql;
    return NULL;
}
