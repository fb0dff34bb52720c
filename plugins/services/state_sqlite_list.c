/* Lists. SQLite plans a statement before it knows the values, so there is one for each index that can lead. */
#include "state_sqlite.h"

static store_statement choose(const lb_state_query *query)
{
    if (query->key)
        return STORE_LIST_KEY;
    if (query->status)
        return query->newest_first ? STORE_LIST_STATUS_NEWEST : STORE_LIST_STATUS_OLDEST;
    if (query->owner)
        return query->newest_first ? STORE_LIST_OWNER_NEWEST : STORE_LIST_OWNER_OLDEST;
    if (query->key_prefix)
        return query->newest_first ? STORE_LIST_PREFIX_NEWEST : STORE_LIST_PREFIX_OLDEST;
    return query->newest_first ? STORE_LIST_AT_NEWEST : STORE_LIST_AT_OLDEST;
}

static int64_t last_at(const lb_state_query *query)
{
    if (query->at_to == 0)
        return INT64_MAX;
    return query->at_to == INT64_MIN ? INT64_MIN : query->at_to - 1;
}

/* What a statement does not have is not bound: numbers are given out in one order for all of them. */
static void bind(sqlite3_stmt *statement, const lb_state_query *query, const char *prefix_end)
{
    store_bind_text(statement, 1, query->space);
    store_bind_text(statement, 2, query->key);
    store_bind_text(statement, 3, query->key_prefix);
    store_bind_text(statement, 4, query->key_prefix ? prefix_end : NULL);
    store_bind_text(statement, 5, query->status);
    store_bind_text(statement, 6, query->owner);
    (void)sqlite3_bind_int64(statement, 7, query->at_from ? query->at_from : INT64_MIN); /* these cannot fail */
    (void)sqlite3_bind_int64(statement, 8, last_at(query));
    (void)sqlite3_bind_int64(statement, 9, query->limit ? (int64_t)query->limit : -1);
}

/* A lease that has ended, or is of another boot, has nothing left; 0 would say that it is none. */
static int64_t time_left(const store *s, sqlite3_stmt *statement, int64_t now)
{
    const char *boot = (const char *)sqlite3_column_text(statement, 6);
    if (sqlite3_column_type(statement, 5) == SQLITE_NULL)
        return 0;
    int64_t left = sqlite3_column_int64(statement, 5) - now;
    return boot && strcmp(boot, s->boot) == 0 && left != 0 ? left : -1;
}

static int hand_over(const store *s, sqlite3_stmt *statement, const lb_state_query *query, int64_t now,
                     int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err)
{
    const lb_state_doc doc = {
        .space = query->space,
        .key = (const char *)sqlite3_column_text(statement, 0),
        .version = sqlite3_column_int64(statement, 1),
        .status = (const char *)sqlite3_column_text(statement, 2),
        .owner = (const char *)sqlite3_column_text(statement, 3),
        .at = sqlite3_column_int64(statement, 4),
        .left_us = time_left(s, statement, now),
        .body = (const char *)sqlite3_column_text(statement, 7),
    };
    if (!doc.key || !doc.body)
        return lb_fail(err, LB_ERR_NO_MEMORY, "give the service more memory", "listing %.80s: out of memory",
                       query->space);
    return take(arg, &doc, err);
}

int store_list(store *s, const lb_state_query *query, int (*take)(void *arg, const lb_state_doc *doc, lb_error *err),
               void *arg, lb_error *err)
{
    char prefix_end[STATE_NAME_BYTES + 2];
    sqlite3_stmt *statement = store_bind(s, choose(query));
    int64_t now = store_boot_clock();
    int r;
    /* No byte of UTF-8 is 255: this sorts behind every key with that prefix. */
    (void)snprintf(prefix_end, sizeof prefix_end, "%s\xff", query->key_prefix ? query->key_prefix : ""); /* fits */
    bind(statement, query, prefix_end);
    while ((r = store_step(s, statement, "listing documents", err)) > 0 &&
           (r = hand_over(s, statement, query, now, take, arg, err)) >= 0)
        ;
    (void)sqlite3_reset(statement); /* it was only read */
    return r < 0 ? r : 0;
}
