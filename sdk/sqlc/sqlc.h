/* sqlc.h: the compiler of the SQL catalogue. A file becomes a sql_statement (parse.c, text.c), is judged with the
 * server's own parser (sample.c, check.c, columns.c, history.c), and is written as a header (emit.c) or as a line of
 * JSON (list.c). Problems are collected, so that a person sees all of them at once. sql/README.md describes the files.
 */
#ifndef LBOPS_SQLC_H
#define LBOPS_SQLC_H

#include "arena.h"
#include "buf.h"

#define SQLC_NAME_MAX 63
#define SQLC_FILE_MAX ((size_t)256 * 1024)
#define SQLC_TEXT_MAX ((size_t)1024 * 1024)
#define SQLC_FIRST_PG 10
#define SQLC_LAST_PG  99

typedef struct source {
    const char *path;
    const char *text; /* NUL-terminated, lines end with \n only */
    size_t length;
} source;

/* How a type of the catalogue is written in C and on the server. */
typedef struct type_info {
    const char *name; /* "integer" */
    lb_type type;
    const char *constant;      /* "LB_I64" */
    const char *pgtype;        /* "int8"; NULL for composed ones */
    const char *const *others; /* what `as` may name instead; NULL-terminated */
    const char *literal;       /* a constant of the type, to try statements with */
    const char *c_type;        /* of a scalar */
    const char *c_list;        /* of a list among arguments */
    const char *maker;         /* lb_i64 */
    const char *member;        /* of lb_value's union */
} type_info;

typedef struct sql_param {
    const char *name;
    const type_info *info;
    bool list, nullable;
    const char *pgtype; /* of an element; NULL for composed ones */
    const char *like;   /* what may stand there, when the file says so; NULL else */
    size_t offset;      /* of its line in the file */
    unsigned uses;
} sql_param;

typedef struct sql_column {
    const char *name;
    const type_info *info;
    bool list, nullable;
    size_t offset;
} sql_column;

/* Text up to a parameter. */
typedef struct sql_piece {
    size_t begin, end;   /* in the file */
    int param;           /* -1: the end of the statement */
    size_t param_offset; /* of its colon */
} sql_piece;

typedef struct sql_variant {
    unsigned from, to;
    size_t offset; /* of the line that opens it */
    size_t begin, end;
    sql_piece *pieces;
    size_t piece_count;
    bool bindable;
    const char *sample; /* the text that the parser took, with $n or constants for values */
} sql_variant;

typedef struct sql_statement {
    source file;
    const char *family, *name;
    const char *full_name;  /* "example/drop_index" */
    const char *c_name;     /* "example_drop_index" */
    lb_statement_kind kind; /* 0: the file does not say */
    const char *summary;
    const char *example; /* of a fragment: a statement around :fragment */
    size_t example_offset;
    unsigned from, to; /* 0: not said; to may be SQLC_LAST_PG for no upper end */
    size_t server_offset;
    sql_param *params;
    size_t param_count;
    sql_column *columns;
    size_t column_count;
    sql_variant *variants;
    size_t variant_count;
} sql_statement;

typedef struct sqlc {
    arena memory;
    const char *root;
    struct problem *problems;
    size_t problem_count, problem_capacity;
} sqlc;

/* report.c: memory that ends the program when there is none, and problems. */
void *sqlc_alloc(sqlc *c, size_t bytes);
char *sqlc_strndup(sqlc *c, const char *text, size_t length);
LB_PRINTF(2, 3) char *sqlc_printf(sqlc *c, const char *fmt, ...);
LB_PRINTF(5, 6) void sqlc_problem(sqlc *c, const source *file, size_t offset, const char *hint, const char *fmt, ...);
void sqlc_print_problems(sqlc *c);
void sqlc_done(sqlc *c);

/* types.c */
const type_info *type_find(const char *name);
const char *type_nearest(const char *name);
bool type_is_composed(const type_info *info);
bool type_is_textual(const type_info *info); /* a const char * in C */
bool type_takes_pgtype(const type_info *info, const char *pgtype);
const char *type_nearest_pgtype(const type_info *info, const char *pgtype);
bool name_is_good(const char *name);     /* [a-z][a-z0-9_]* without __, not too long */
bool name_is_reserved(const char *name); /* C would not take it as a member */

/* parse.c: reads root/name.sql. NULL when the file cannot be read or its name is no good; the problem is reported. */
sql_statement *sqlc_parse(sqlc *c, const char *name);
const char *kind_name(lb_statement_kind kind);
/* That a tool reads. */
static inline bool kind_has_rows(lb_statement_kind kind)
{
    return kind == LB_STATEMENT_READ || kind == LB_STATEMENT_HISTORY || kind == LB_STATEMENT_LAKE;
}
/* Asked of no server. */
static inline bool kind_asks(lb_statement_kind kind)
{
    return kind == LB_STATEMENT_HISTORY || kind == LB_STATEMENT_LAKE;
}
char *server_text(sqlc *c, unsigned from, unsigned to); /* "15-18" */

/* text.c: cuts a variant at its parameters, and writes a piece without comments. `first` and `last` trim. */
void text_cut(sqlc *c, sql_statement *s, sql_variant *v);
void text_plain(buf *b, const source *file, const sql_piece *piece, bool first, bool last);

/* sample.c: a text that the server's parser can judge. */
/* Finds constants and words for the parameters so that the variant parses, reports why it does not, and sets bindable
 * and sample. The caller puts the tree; NULL: nothing to judge, as with a fragment without an example. */
struct json_object *sample_find(sqlc *c, const sql_statement *s, sql_variant *v);
const char *tree_kind(struct json_object *tree); /* "SelectStmt", of the first statement; NULL: there is none */

/* check.c, columns.c: the rules. */
void sqlc_check(sqlc *c, sql_statement *s);
void columns_check(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *statement);
struct json_object *tree_member(struct json_object *node, const char *name);
/* history.c: what a question to the history, or to the lakehouse, may use: what DuckDB and Databricks read alike, as
 * far as the text tells.
 */
void history_check(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *statement);

/* emit.c, list.c */
void emit_header(sqlc *c, const sql_statement *s, buf *out);
void list_statement(const sql_statement *s, buf *out);

#endif
