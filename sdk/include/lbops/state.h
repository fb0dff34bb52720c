/* lbops/state.h: the interface of a state service: what the platform must remember to act exactly once.
 *
 * A store of small documents in named spaces (runs, approvals, leases, cursors ...). The host decides what they mean;
 * the store gives order and atomicity. All changes come in batches of transactions: a batch is one durable commit, a
 * transaction in it is atomic by itself, and a condition that fails undoes its own transaction only. A batch that is
 * sent again (the answer was lost) is recognised by client and number and answered as before.
 *
 * Versions are numbered across the store and rise, so a key that is removed and made again never shows an old one. A
 * lease is a document too: REPLACE and PUT make a plain one of it, RELEASE removes it, and ACQUIRE fails on a plain
 * one.
 *
 * One process opens a state service and calls it from one thread; others may have the same store open at the same time.
 * Every call may block until its deadline, on the clock of lb_service_host.now. [service] */
#ifndef LBOPS_STATE_H
#define LBOPS_STATE_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lb_state_verb {
    LB_STATE_INSERT = 1,  /* a new document; fails when the key is there */
    LB_STATE_REPLACE = 2, /* fails unless the document is there with .version (0: any) */
    LB_STATE_PUT = 3,     /* insert or replace, whatever is there */
    LB_STATE_REMOVE = 4,  /* fails unless the document is there with .version; with 0, absent is fine too */
    LB_STATE_EXPECT = 5,  /* changes nothing; fails unless the version is .version (0: absent) */
    LB_STATE_ACQUIRE = 6, /* takes or renews the lease `key` for .owner for .ttl_us; fails while another owner holds it.
                           * A renewal by the same owner keeps the version; a new owner raises it. */
    LB_STATE_HOLD = 7,    /* changes nothing; fails unless .owner holds the lease now */
    LB_STATE_RELEASE = 8  /* gives the lease up; not holding it is fine */
} lb_state_verb;

/* What the verb does not use is zero. Texts are UTF-8; spaces and keys at most 512 bytes, bodies at most 16 MB. */
typedef struct lb_state_op {
    lb_state_verb verb;
    const char *space, *key;
    int64_t version;
    const char *status; /* indexed within its space, or NULL */
    const char *owner;  /* indexed within its space, or NULL */
    int64_t at;         /* microseconds since 1970, indexed within its space: what lists are ordered by */
    int64_t ttl_us;     /* of a lease, on the store's own clock, which setting a host's clock does not move */
    const char *body;   /* a JSON document; NULL: {} */
} lb_state_op;

typedef struct lb_state_txn {
    const lb_state_op *ops;
    size_t count;
} lb_state_txn;

/* What became of one transaction. */
typedef struct lb_state_verdict {
    int32_t failed; /* the first operation whose condition did not hold; -1: applied */
    int64_t
        version; /* applied: of the document of the last operation (0: none). Failed: the version that is there, or 0 */
} lb_state_verdict;

typedef struct lb_state_doc {
    const char *space, *key;
    int64_t version;
    const char *status, *owner;
    int64_t at;
    int64_t left_us; /* of a lease: time until it ends, negative: ended; 0 for what is no lease */
    const char *body;
} lb_state_doc;

typedef struct lb_state_query {
    uint32_t size;
    const char *space;      /* required */
    const char *key;        /* exactly this one, or NULL */
    const char *key_prefix; /* or NULL */
    const char *status;     /* or NULL */
    const char *owner;      /* or NULL */
    int64_t at_from, at_to; /* at_from <= at < at_to; 0: open */
    bool newest_first;      /* by at, then key; newest first turns both around */
    uint32_t limit;         /* 0: all */
} lb_state_query;

typedef struct lb_state {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.state] */
    bool shared;            /* several hosts may use one store: the host takes leases and sends heartbeats */

    /* Opens the store and makes what is missing of it. state_dir is the host's directory for files. A store that is
     * damaged, or of a newer layout, is refused with the way out; it is never replaced by an empty one. */
    int (*open)(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* One batch. ret_verdicts has room for count. On a negative return nothing of it may be assumed: send it again.
     * Numbers of a client rise; only the last batch of a client is remembered, and a number below it is
     * LB_ERR_CONFLICT. LB_ERR_UNREACHABLE, LB_ERR_TIMEOUT, LB_ERR_LIMIT (full), LB_ERR_IO. */
    int (*apply)(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                 lb_state_verdict *ret_verdicts, int64_t deadline, lb_error *err);

    /* Documents of a space, handed over one by one; a negative return of `take` ends the list and is passed up. */
    int (*list)(void *state, const lb_state_query *query, int64_t deadline,
                int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err);

    /* Removes documents of a space with this status (NULL: any) and at < before, at most `most` of them, the oldest
     * first. A lease that runs stays. */
    int (*prune)(void *state, const char *space, const char *status, int64_t before, int64_t most, int64_t deadline,
                 int64_t *ret_removed, lb_error *err);
} lb_state;

#define LB_STATE(plugin, text, ...)                                                                                    \
    static const lb_state plugin##_ops = {.size = sizeof(lb_state), __VA_ARGS__};                                      \
    LB_PLUGIN(plugin, LB_KIND_STATE, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
