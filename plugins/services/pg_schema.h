/* pg_schema.h: a schema of a Postgres database that belongs to one of our services: found whole, or made when it never
 * was, or refused. Keeps one session, and connects again when it is lost. */
#ifndef LBOPS_SERVICES_PG_SCHEMA_H
#define LBOPS_SERVICES_PG_SCHEMA_H

#include "pg_session.h"

/* What a service keeps there. One table is `store`, with a row that has `application` and `layout`. */
typedef struct pg_schema_kind {
    const char *name;        /* for application_name: "state" */
    const char *application; /* what `store` says */
    int layout;
    const char *tables; /* as an array's text: "{store,document}" */
    int64_t table_count;
    const char *make;   /* one statement that makes everything */
    const char *listen; /* run on each new session, or NULL */
} pg_schema_kind;

typedef struct pg_schema_wish {
    const char *dsn, *password, *schema;
    int64_t connect_timeout_s;
    bool create;
} pg_schema_wish;

typedef struct pg_schema {
    const pg_schema_kind *kind;
    const lb_service_host *host;
    char *dsn, *password, *name;
    pg_options options;
    pg_session *session; /* NULL: connect first */
    bool may_create;     /* until it was seen once */
    bool final;          /* set by work that cannot be tried again */
    int64_t sessions;    /* how many there were */
} pg_schema;

/* pg_schema_close belongs to it even after a failure. */
LB_MUST_CHECK int pg_schema_open(pg_schema *s, const pg_schema_kind *kind, const lb_service_host *host,
                                 const pg_schema_wish *wish, int64_t deadline, lb_error *err);
void pg_schema_close(pg_schema *s);

/* Does the work in a session, and once more with a growing pause when the connection is lost, the server is on its way
 * up or down, or sessions were in each other's way; until the deadline. What the work does has to bear repetition. */
typedef int pg_schema_work(void *arg, int64_t deadline, lb_error *err);
LB_MUST_CHECK int pg_schema_try(pg_schema *s, pg_schema_work *work, void *arg, int64_t deadline, lb_error *err);

/* One row of texts, the first that a statement gives. */
#define PG_ROW_CELLS 5

typedef struct pg_row {
    char *cells[PG_ROW_CELLS];
    int64_t rows;
} pg_row;

#define PG_ROW_NONE ((pg_row){{NULL}, 0})
void pg_row_done(pg_row *row);
bool pg_is_true(const char *cell);
int64_t pg_to_number(const char *cell); /* NULL: 0 */

/* A number as the text of a parameter. */
#define PG_NUMBER_TEXT 24
const char *pg_number_text(char into[PG_NUMBER_TEXT], int64_t number);

/* A statement of ours; name, text and parameters are what counts of it. */
LB_MUST_CHECK int pg_schema_run(const pg_schema *s, const lb_command *statement, pg_row *into, int64_t deadline,
                                lb_error *err);

/* Not begun when there is no time left, or the host wants to stop. */
LB_MUST_CHECK int pg_schema_check_time(const pg_schema *s, int64_t deadline, lb_error *err);

#endif
