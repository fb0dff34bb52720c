/* effect_objects.h: which objects a statement names, found in the parser's tree: what has to stay as it was between the
 * day somebody decides on a change and the moment it is executed. */
#ifndef LBOPS_HOST_EFFECT_OBJECTS_H
#define LBOPS_HOST_EFFECT_OBJECTS_H

#include "arena.h"

/* kind: relation function schema schema_contents type role extension database setting publication. An index counts as a
 * relation; a constraint, trigger, policy, rule or column as part of its table. What RESET ALL touches is the setting
 * "all". schema "": found by the search path. */
typedef struct effect_object {
    const char *kind, *schema, *name;
} effect_object;

typedef struct effect_objects {
    effect_object *items;
    size_t count, capacity;
} effect_objects;

/* Adds those of one text (one or several statements), each once. The server's own functions, types and, by their
 * schema, catalogues are left out. */
LB_MUST_CHECK int effect_objects_of_sql(const char *sql, arena *memory, effect_objects *objects, lb_error *err);

#endif
