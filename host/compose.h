/* compose.h: the typed composer: catalogue statements and arguments in, SQL for a server version out. It is the only
 * place where SQL text comes to be; identifiers and literals are quoted here and nowhere else. */
#ifndef LBOPS_HOST_COMPOSE_H
#define LBOPS_HOST_COMPOSE_H

#include "arena.h"

/* A statement's text up to one bound value: what another statement takes over when it uses this one as an argument. */
typedef struct compose_piece {
    const char *text;
    int param;           /* index of the bound value that follows; -1 at the end */
    const char *literal; /* that value as an expression; NULL at the end */
} compose_piece;

struct lb_sql {
    const lb_statement *statement;
    const char *text;               /* with $n where values are bound */
    const char *const *params;      /* text form; NULL entries are null */
    const char *const *param_types; /* "int8" */
    const lb_value *values;         /* for a question to history or lakehouse, in place of the two: $1 ... as they */
    const lb_type *types;           /* are, and as they are declared */
    uint32_t param_count;
    const char *display; /* the same with literals in place of $n: for plans, fixes and people; never executed */
    const compose_piece *pieces;
    uint32_t piece_count;
    bool has_definition; /* a server's own SQL is part of it: what it stands in is parsed as a whole */
};

/* Puts the statement together for a server of that major version (0: the newest variant; a question to the history has
 * one text). Values of a question to the history are borrowed from the arguments. Missing, surplus and mistyped
 * arguments, a type name that is none, a version outside the statement's range: LB_ERR_INVALID or LB_ERR_UNSUPPORTED
 * with the statement's name. A fragment that is used inside another statement brings its bound values along. */
LB_MUST_CHECK int compose(const lb_statement *statement, const lb_value *args, int server_major, arena *memory,
                          const lb_sql **ret_sql, lb_error *err);

#endif
