/* parsed.h: what a parser made of a text: a JSON document, or the tree of SQL as the server's own parser prints it.
 * Nothing here fails: what is not there, or is of another kind, is NULL, "" or 0. */
#ifndef LBOPS_PARSED_H
#define LBOPS_PARSED_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json_object parsed;

parsed *parsed_sql(const char *text); /* NULL: it does not parse, or out of memory */
void parsed_free(parsed *whole);      /* NULL is fine */

parsed *parsed_member(parsed *from, const char *name);
size_t parsed_length(parsed *list);
parsed *parsed_item(parsed *list, size_t at);
const char *parsed_text(parsed *from, const char *name); /* lives as long as the whole */
int64_t parsed_number(parsed *from, const char *name);
bool parsed_is(parsed *from, const char *name); /* there, and true */

/* Where a node of SQL stands in the text, in bytes. */
int64_t parsed_place(parsed *node);
/* The first node of that kind at or below, that `fits` where it is given. */
parsed *parsed_find(parsed *at, const char *kind, bool (*fits)(parsed *found, void *arg), void *arg);

#endif
