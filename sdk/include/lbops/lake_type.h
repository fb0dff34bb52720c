/* lbops/lake_type.h: what a type of the server is in the lakehouse. One rule for who writes tables there and who reads
 * the server beside them. */
#ifndef LBOPS_LAKE_TYPE_H
#define LBOPS_LAKE_TYPE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LB_LAKE_TYPE_BYTES 32

static inline bool lb_lake_is_array(const char *type)
{
    size_t length = strlen(type);
    return length > 2 && strcmp(type + length - 2, "[]") == 0;
}

/* type: as format_type prints it. Text is what nothing else can hold; arrays are text, as JSON. */
static inline const char *lb_lake_type(const char *type, char buffer[LB_LAKE_TYPE_BYTES])
{
    static const char *const names[][2] = {{"smallint", "smallint"}, {"integer", "int"}, {"bigint", "bigint"},
                                           {"oid", "bigint"},        {"real", "float"},  {"double precision", "double"},
                                           {"boolean", "boolean"},   {"date", "date"},   {"bytea", "binary"}};
    if (lb_lake_is_array(type))
        return "string";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], type) == 0)
            return names[i][1];
    if (strncmp(type, "timestamp", 9) == 0)
        return "timestamp";
    if (strncmp(type, "numeric(", 8) != 0)
        return "string";
    char *end = NULL; /* format_type prints both figures */
    long precision = strtol(type + 8, &end, 10);
    long scale = *end == ',' ? strtol(end + 1, NULL, 10) : 0;
    if (precision <= 0 || precision > 38 || scale < 0 || scale > precision)
        return "string";
    (void)snprintf(buffer, LB_LAKE_TYPE_BYTES, "decimal(%d,%d)", (int)precision & 63, (int)scale & 63); /* two digits */
    return buffer;
}

#endif
