/* effect_script.h: a text of several statements, cut up by the server's own parser, with the place of each. */
#ifndef LBOPS_HOST_EFFECT_SCRIPT_H
#define LBOPS_HOST_EFFECT_SCRIPT_H

#include "arena.h"
#include "effect.h"
#include "effect_tree.h"

#define SCRIPT_STATEMENTS 5000

/* Where a statement stands: bytes, without the blanks and comments before it. */
typedef struct script_range {
    size_t offset, length;
} script_range;

/* Counted from 1, columns in characters. */
typedef struct script_place {
    uint32_t line, column;
} script_place;

typedef struct script_statement {
    tree node; /* the statement's node: {"CreateStmt":{...}} */
    const char *text;
    script_range range;
    script_place place;
} script_statement;

typedef struct script {
    const char *text;
    const script_statement *items;
    size_t count;
} script;

/* Text that does not parse: LB_ERR_INVALID; the message says where, and so does ret_place. text outlives the script,
 * which is of that memory. */
LB_MUST_CHECK int script_parse(const char *text, arena *memory, script *ret_script, script_place *ret_place,
                               lb_error *err);

script_place script_place_of(const char *text, size_t offset);
script_range script_range_of(tree raw_statement, size_t text_length);

/* One statement of a parsed text; source is where it stands in it, which a block of code is read from. */
LB_MUST_CHECK int effect_of_statement(tree statement, const char *source, size_t source_length,
                                      effect_verdict *ret_verdict, lb_error *err);

/* Can the text be parsed safely: its size, its encoding, how deep it is nested. */
LB_MUST_CHECK int effect_check_text(const char *sql, lb_error *err);

#endif
