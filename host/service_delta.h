/* service_delta.h: what supervisor, or a command, and delta service say to each other.
 *
 * Settings: outbox_dir, outbox_mb (more than that may not wait), passive ("1": nothing happens unless it is asked for).
 *
 * FLUSH: no fields. Answer: files, rows, damaged, damage (text or NULL), waiting files.
 * QUERY: the question, most rows, most bytes. Answer: count of columns, then name and type of each; rows, each begun by
 * a true and ended by the last cell, after them a false; cut.
 * ASK: a tool's question (question.h). The answer comes in pieces; its end as there. What waits in the outbox of tables
 * that the question names is committed first.
 * LAKE_ASK: as ASK, for tables of the lakehouse; nothing is committed first. LAKE_TABLE: catalog, schema, name; the
 * answer as ASK's: name, type, version, committed_at. LAKE_APPEND: catalog, schema, name, key, path, checksum, rows,
 * longest row, count of columns, name and type of each; the answer as ASK's: rows, bytes, checksum, version, repeated.
 * LAKE_VIEW: catalog, schema, name, text; the answer as ASK's: changed. LAKE_MERGE: catalog, schema, name, the MERGE as
 * a question; the answer as ASK's: rows.
 * LAKE_READ: as QUERY, for tables of the lakehouse.
 * MAINTAIN: table (NULL: all). Answer: a JSON object with what was done.
 * News, of each turn that did something: a JSON object: committed files, rows, bytes; damaged files and the first
 * reason; thinned files and rows; what waits; error with code, message, hint. */
#ifndef LBOPS_HOST_SERVICE_DELTA_H
#define LBOPS_HOST_SERVICE_DELTA_H

#include "delta_driver.h"
#include "wire.h"

typedef enum delta_verb {
    DELTA_FLUSH = 1,
    DELTA_QUERY = 2,
    DELTA_MAINTAIN = 3,
    DELTA_ASK = 4,
    DELTA_LAKE_ASK = 5,
    DELTA_LAKE_TABLE = 6,
    DELTA_LAKE_APPEND = 7,
    DELTA_LAKE_VIEW = 8,
    DELTA_LAKE_MERGE = 9,
    DELTA_LAKE_READ = 10
} delta_verb;

#define LAKE_COLUMNS       1600                /* of a table; Postgres has no more */
#define DELTA_ANSWER_BYTES ((int64_t)40 << 20) /* cells of one answer: a frame holds 64 MB */

#endif
