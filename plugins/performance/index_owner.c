/* Which tables and columns a statement means by its names. */
#include "index_missing.h"

/* A name without its schema is one of public, or of the only schema that has it. */
const index_table *index_table_named(const index_set *set, const index_relation *relation)
{
    const index_table *found = NULL;
    int count = 0;
    for (size_t i = 0; i < set->table_count; i++) {
        const index_table *t = &set->tables[i];
        if (strcmp(t->r.name, relation->name) != 0 || (relation->schema && strcmp(t->r.schema, relation->schema) != 0))
            continue;
        if (relation->schema || strcmp(t->r.schema, "public") == 0)
            return t;
        found = t;
        count++;
    }
    return count == 1 ? found : NULL;
}

const index_column *index_column_named(const index_table *t, const char *name)
{
    for (size_t i = 0; t && i < t->column_count; i++)
        if (strcmp(t->columns[i].r.name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* The relation that a use speaks of, or -1 where it could be several. */
int index_owner_of(const index_level *level, const index_table *const *tables, const index_use *use)
{
    int owner = -1;
    for (size_t i = 0; i < level->relation_count; i++) {
        if (use->qualifier) {
            if (strcmp(use->qualifier, level->relations[i].alias) == 0)
                return (int)i;
        } else if (!tables[i] || index_column_named(tables[i], use->column)) {
            if (owner >= 0)
                return -1;
            owner = (int)i;
        }
    }
    return owner;
}
