/* service_delta.h: what supervisor, or a command, and delta service say to each other.
 *
 * Settings: outbox_dir, outbox_mb (more than that may not wait), passive ("1": nothing happens unless it is asked for).
 *
 * FLUSH: no fields. Answer: files, rows, damaged, damage (text or NULL), waiting files.
 * QUERY: the question, most rows, most bytes. Answer: count of columns, then name and type of each; rows, each begun by
 * a true and ended by the last cell, after them a false; cut.
 * ASK: a tool's question (question.h). The answer comes in pieces; its end as there. What waits in the outbox of tables
 * that the question names is committed first.
 * MAINTAIN: table (NULL: all). Answer: a JSON object with what was done.
 * News, of each turn that did something: a JSON object: committed files, rows, bytes; damaged files and the first
 * reason; thinned files and rows; what waits; error with code, message, hint. */
#ifndef LBOPS_HOST_SERVICE_DELTA_H
#define LBOPS_HOST_SERVICE_DELTA_H

#include "delta_driver.h"
#include "wire.h"

typedef enum delta_verb { DELTA_FLUSH = 1, DELTA_QUERY = 2, DELTA_MAINTAIN = 3, DELTA_ASK = 4 } delta_verb;

#define DELTA_ANSWER_BYTES ((int64_t)40 << 20) /* cells of one answer: a frame holds 64 MB */

#endif
