/* index_writes.h: how much is written into the indexes of a table, by what looks at its counters have noted. */
#ifndef INDEX_WRITES_H
#define INDEX_WRITES_H

#include "index_work.h"

typedef struct index_write_rate {
    double per_day; /* -1: not known */
    double days;    /* that it is of */
    bool is_history;
    bool is_least; /* the counter began anew in these days: what it had counted right before, nobody has noted */
} index_write_rate;

/* Of the last two weeks where the history knows at least a day of them; else of all that the server has counted. */
index_write_rate index_writes_per_day(const index_work *work, const index_table *table);

/* "server", "history", or "history, at least". */
const char *index_writes_counted_by(const index_write_rate *rate);

/* noted: what looks have seen of the table's counter, which says `written` now; or NULL. */
index_write_rate index_rate_of(const index_written_row *noted, int64_t written, const index_window *window);

/* Rows that each index of the table took: a hot update touches none, nor does a delete. */
int64_t index_rows_written(const index_table *table);

/* Notes the counters of tables with indexes, once a day and as far as they have moved. */
LB_MUST_CHECK int index_note_writes(lb_ctx *ctx, const index_history *history, const index_set *set, int64_t at,
                                    lb_error *err);
LB_MUST_CHECK int index_read_writes(lb_ctx *ctx, const char *database, index_history *history, lb_error *err);

/* For an impact and its evidence. */
#define INDEX_WRITES_IMPACT(w)                                                                                         \
    (w).per_day >= 0 ? lb_f64("index_writes_per_day", (w).per_day) : lb_null("index_writes_per_day")
#define INDEX_WRITES_EVIDENCE(w)                                                                                       \
    lb_f64("writes_window_days", (w).days), lb_text("writes_counted_by", index_writes_counted_by(&(w)))

#endif
