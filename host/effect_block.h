/* effect_block.h: what stands inside of a PL/pgSQL block: the pieces of SQL that run when it does. */
#ifndef LBOPS_HOST_EFFECT_BLOCK_H
#define LBOPS_HOST_EFFECT_BLOCK_H

#include "base.h"

typedef enum block_piece_kind {
    BLOCK_STATEMENT,  /* SQL as it stands */
    BLOCK_EXPRESSION, /* an expression, as a SELECT */
    BLOCK_DYNAMIC, /* a text that is put together when it runs: sql is the expression that makes it, without SELECT */
    BLOCK_COMMITS  /* COMMIT or ROLLBACK: the transaction around it ends; sql is empty */
} block_piece_kind;

typedef struct block_piece {
    block_piece_kind kind;
    const char *sql; /* during the call only */
    uint32_t line;   /* in the block's text, from 1; 0 where the parser does not say */
    bool in_loop;
    bool is_guarded; /* under an IF, or in a block that catches errors */
} block_piece;

/* Calls visit for each piece, in the order of the text. definition is a whole DO or CREATE FUNCTION statement, of a
 * text that effect_check_text takes. False when the block cannot be read: nothing was visited then, and nobody knows.
 */
bool block_walk(const char *definition, void (*visit)(void *state, const block_piece *piece), void *state);

#endif
