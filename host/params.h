/* params.h: typed parameter rows at work: parse, check, default and store into the plugin's own struct, and describe.
 *
 * Arguments travel as pairs of name and text; a list is the text of a JSON array. The same rows give validation,
 * --help, the manifest's checks and a JSON schema. */
#ifndef LBOPS_HOST_PARAMS_H
#define LBOPS_HOST_PARAMS_H

#include "arena.h"
#include "buf.h"

typedef struct param_arg {
    const char *name, *text;
} param_arg;

/* Rows of a plugin, whatever the size of its lb_param was when it was built. */
typedef struct param_rows {
    const lb_param *rows; /* NULL: none */
    size_t stride;        /* param_size of the plugin; 0 stands for sizeof(lb_param) */
} param_rows;

#define PARAMS_MAX        64   /* rows of one table */
#define PARAM_NAME_MAX    63   /* bytes of any name */
#define PARAM_DOC_MAX     2000 /* bytes of a doc, a default, the choices */
#define PARAM_CHOICES_MAX 32

size_t params_count(param_rows rows); /* PARAMS_MAX + 1 stands for a table without an end */
lb_param params_at(param_rows rows,
                   size_t index);           /* a copy in our layout; later fields zero where the row is shorter */
const char *params_type_name(lb_type type); /* "integer", "list of text" */
bool params_type_parse(const char *name, lb_type *ret_type);

/* Is `text` a good value for this row (type, choices, bounds)? The message names the parameter. */
LB_MUST_CHECK int params_check_value(const lb_param *row, const char *text, lb_error *err);

/* Checks names and values and that all required ones are there, without binding. An unknown name: LB_ERR_INVALID,
 * message "NAME has no parameter --wrong", hint "did you mean --strong?" or the list of names. */
LB_MUST_CHECK int params_check(const char *tool, param_rows rows, const param_arg *args, size_t count, lb_error *err);

/* The same, and what is required may be missing. */
LB_MUST_CHECK int params_check_given(const char *tool, param_rows rows, const param_arg *args, size_t count,
                                     lb_error *err);

/* params_check, then fills the struct (`bytes` long, zeroed by this call) from args and defaults; texts and lists are
 * copied into the arena. */
LB_MUST_CHECK int params_bind(const char *tool, param_rows rows, const param_arg *args, size_t count, void *into,
                              size_t bytes, arena *memory, lb_error *err);

/* Values of a call in arguments' text form, in the arena. */
LB_MUST_CHECK int params_from_values(const lb_value *values, arena *memory, param_arg **ret_args, size_t *ret_count,
                                     lb_error *err);

/* Is the table itself sound? Names (a-z0-9_, unique, not the host's own: project branch plan json dsn help record ...),
 * types, widths, offsets inside args_size and not overlapping, defaults and bounds that parse, a number with neither
 * default nor `required`. */
LB_MUST_CHECK int params_check_rows(param_rows rows, size_t args_size, bool is_service, lb_error *err);
bool params_is_reserved(const char *name);
bool params_is_name(const char *name); /* [a-z][a-z0-9_]*, at most PARAM_NAME_MAX: parameters, plugins, tables */
bool params_is_line(const char *text, size_t limit); /* UTF-8 without control characters, at most limit bytes */

void params_json(buf *b, param_rows rows);   /* [{"name","type","default","required","choices","min","max","doc"}] */
void params_schema(buf *b, param_rows rows); /* a JSON schema (draft 2020-12) of the arguments object */
void params_help(buf *b, param_rows rows);   /* aligned lines for --help */

#endif
