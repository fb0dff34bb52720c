/* question.h: a tool's question to the history and its answer, as they travel: worker, supervisor, service, and back.
 *
 * A question: text with $1 ..., most rows, most bytes, and for each argument its declared type, its own, and the value.
 * A piece of an answer: its index; in the first one, the count of columns with their names and types; rows, each begun
 * by a true; a false. An answer's end: pieces, whether it was cut, why what waits in the outbox is not in it (or NULL).
 */
#ifndef LBOPS_HOST_QUESTION_H
#define LBOPS_HOST_QUESTION_H

#include "arena.h"
#include "compose.h"
#include "wire.h"

#include <lbops/delta.h>

#define QUESTION_ROWS  INT64_C(100000) /* of an answer; a tool wants sums, not tables */
#define QUESTION_BYTES (INT64_C(16) << 20)
#define QUESTION_PIECE ((size_t)128 * 1024) /* about; one row may be longer */

void question_put(buf *out, const lb_sql *sql);

/* Texts point into the frame; the arrays are the arena's. */
LB_MUST_CHECK int question_get(wire_reader *r, arena *memory, lb_delta_question *ret_question, lb_error *err);

/* Cuts an answer into pieces. */
typedef struct question_pieces {
    void (*send)(void *state, const buf *piece);
    void *state;
    buf piece;
    uint32_t count; /* that were sent */
} question_pieces;

lb_delta_sink question_sink(question_pieces *pieces);
void question_finish(question_pieces *pieces, bool cut, const char *unflushed,
                     buf *out); /* the last piece, and the end */

/* How far an answer has been taken; zeroed at first. */
typedef struct question_progress {
    uint32_t next, columns;
} question_progress;

/* Puts a piece's columns and rows into a sink. Columns a second time: the answer begins anew. */
LB_MUST_CHECK int question_take(wire_reader *r, question_progress *progress, const lb_sink *sink, lb_error *err);

#endif
