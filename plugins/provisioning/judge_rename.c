/* A table that goes to another name takes along what the file has said of it. */
#include "judge_internal.h"

/* How a text names its table. */
typedef enum naming {
    NAMES_NONE,
    NAMES_TABLE,  /* "app.orders", "app.orders (kind, day)" */
    NAMES_PART,   /* "app.orders.total" */
    NAMES_BEHIND, /* "constraint app.orders.total" */
} naming;

/* Who was there when, and the types, have ways of their own. */
static const struct {
    fact_kind kind;
    naming name, extra;
} kinds[] = {
    {FACT_DROPPED, NAMES_BEHIND, NAMES_NONE},    {FACT_NOT_VALID, NAMES_PART, NAMES_NONE},
    {FACT_VALIDATED, NAMES_PART, NAMES_NONE},    {FACT_NOT_NULL, NAMES_PART, NAMES_PART},
    {FACT_CHECKED, NAMES_PART, NAMES_PART},      {FACT_ALTERED, NAMES_TABLE, NAMES_NONE},
    {FACT_SECURED, NAMES_TABLE, NAMES_NONE},     {FACT_POLICY, NAMES_TABLE, NAMES_NONE},
    {FACT_INDEX, NAMES_NONE, NAMES_TABLE},       {FACT_SORTED, NAMES_NONE, NAMES_TABLE},
    {FACT_SPARE, NAMES_NONE, NAMES_TABLE},       {FACT_KEEPS, NAMES_NONE, NAMES_BEHIND},
    {FACT_KEY, NAMES_TABLE, NAMES_NONE},         {FACT_PRIMARY, NAMES_TABLE, NAMES_TABLE},
    {FACT_KEY_DROPPED, NAMES_TABLE, NAMES_PART}, {FACT_REFERS, NAMES_TABLE, NAMES_TABLE},
    {FACT_WANTS_INDEX, NAMES_TABLE, NAMES_NONE}, {FACT_COLUMN, NAMES_PART, NAMES_NONE},
    {FACT_SOLID, NAMES_PART, NAMES_NONE},        {FACT_READS, NAMES_TABLE, NAMES_TABLE},
    {FACT_SHOWS, NAMES_TABLE, NAMES_NONE},       {FACT_INVOKER, NAMES_TABLE, NAMES_NONE},
    {FACT_PARTITIONED, NAMES_TABLE, NAMES_NONE}, {FACT_PARTED_BY, NAMES_TABLE, NAMES_TABLE},
    {FACT_PARTITION, NAMES_TABLE, NAMES_TABLE},  {FACT_DETACHED, NAMES_TABLE, NAMES_NONE},
};

/* What is no part of a table has its kind before it as well: a table, an index. */
static const char *behind_kind(const char *text)
{
    static const char *const parts[] = {"constraint ", "policy ", "trigger ", "rule "};
    for (size_t i = 0; i < LB_COUNT(parts); i++)
        if (strncmp(text, parts[i], strlen(parts[i])) == 0)
            return text + strlen(parts[i]);
    return NULL;
}

static const char *moved(judging *j, naming how, const char *text, const char *from, const char *to)
{
    const char *table = how == NAMES_BEHIND && text ? behind_kind(text) : text;
    if (how == NAMES_NONE || !table)
        return text;
    const char *end = how == NAMES_TABLE ? strstr(table, " (") : strrchr(table, '.');
    size_t length = end ? (size_t)(end - table) : strlen(table);
    if (length != strlen(from) || strncmp(table, from, length) != 0)
        return text;
    return judging_printf(j, "%.*s%s%s", (int)(table - text), text, to, table + length);
}

void judge_move_facts(judging *j, const char *from, const char *to)
{
    if (j->in_body)
        return;
    for (size_t i = 0; i < j->fact_count; i++) {
        fact *f = &j->facts[i];
        for (size_t k = 0; k < LB_COUNT(kinds); k++)
            if (kinds[k].kind == f->kind) {
                f->name = moved(j, kinds[k].name, f->name, from, to);
                f->extra = moved(j, kinds[k].extra, f->extra, from, to);
            }
    }
}
