/* effect_rules.h: the inside of the classifier. A rule says what one kind of statement does; effect.c walks the
 * parser's tree and asks the rules, effect_data.c, effect_ddl.c and effect_table.c hold them. */
#ifndef LBOPS_HOST_EFFECT_RULES_H
#define LBOPS_HOST_EFFECT_RULES_H

#include "effect.h"
#include "effect_tree.h"

/* The verdict as it grows. The strongest effect counts; of equals the first one gives the reason. */
typedef struct judge {
    effect_verdict verdict;
    const char *source; /* of the statement that is judged, as far as its block of code can be seen through; or NULL */
    size_t source_length;
    bool ends_sessions, disrupts_otherwise;
    int failure; /* LB_ERR_... where the text cannot be a change at all */
    lb_error *err;
} judge;

LB_PRINTF(3, 4) void judge_add(judge *j, effect e, const char *fmt, ...);
LB_PRINTF(2, 3) void judge_add_ended(judge *j, const char *fmt, ...); /* disruptive, by ending sessions only */

enum {
    RULE_ALONE = 1,   /* must not run inside a transaction block */
    RULE_INSIDE = 2,  /* what stands inside runs as well: queries, expressions */
    RULE_REPLACES = 4 /* disruptive where it says OR REPLACE */
};

/* One kind of statement. special, where there is one, judges alone and says whether to look inside. */
typedef struct rule {
    const char *node;
    const char *verb;     /* "creates sequence" */
    const char *about[2]; /* members that name the object; the first that is there */
    bool (*special)(judge *j, tree statement);
    effect effect;
    unsigned flags;
} rule;

/* Each ends with node = NULL. */
extern const rule effect_data_rules[], effect_ddl_rules[];

/* Names for people: "public.orders", "a.b and 2 more". Cut when long, without control characters. */
typedef struct label {
    char text[112];
} label;

label label_of(tree value);       /* a name, a list of names, or a node that has one */
label label_of_range(tree value); /* an unwrapped RangeVar */
label label_of_first(tree list);  /* each item is an object */
label label_of_kind(tree object_type);

/* True for what stands in a list of DefElem and is not set to off. */
bool option_is_on(tree options, const char *name);
tree option_get(tree options, const char *name);

/* A table of the system catalogue, where no row is anybody's to change. */
bool is_catalogue(tree range);

bool alter_table_rule(judge *j, tree statement); /* effect_table.c */
bool do_rule(judge *j, tree statement);          /* effect_do.c */

/* effect.c: a text that runs as a part of the statement in hand. What does not parse cannot be seen through. */
void judge_text(judge *j, const char *sql);

/* Functions, by their full name as a list of strings. */
void judge_function(judge *j, tree name);
bool function_is_stable(tree name); /* known, harmless, and the same for each row of a statement */
bool function_is_builtin(const char *name, bool *ret_volatile); /* effect_names.c: harmless ones of the server itself */

/* False for text whose tree may be too deep to be written or walked. */
bool effect_chain_is_short(const char *sql);

#endif
