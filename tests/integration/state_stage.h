/* state_stage.h: a state store under test, short words for what is done to it, and the cases that every store has to
 * pass whatever it is made of (state_cases.c, state_content.c). */
#ifndef LBOPS_TESTS_STATE_STAGE_H
#define LBOPS_TESTS_STATE_STAGE_H

#include "unit/suite.h"

#include "buf.h"
#include "clock.h"

#include <lbops/state.h>

typedef struct state_stage {
    const lb_state *ops;
    int (*open)(void **ret_state, lb_error *err); /* once more the same store */
    void *state;                                  /* one that is open */
} state_stage;

extern state_stage stage;
extern const lb_service_host stage_host;
extern bool stage_cancelled;
extern lb_error stage_error;

typedef struct state_case {
    const char *title;
    void (*fn)(void);
} state_case;

/* The second half of the common ones (state_content.c). */
extern const state_case state_content_cases[];
extern const size_t state_content_count;

/* All cases as CUnit tests of one suite. Returns the number of failures; `more` are a store's own. */
unsigned stage_run(const char *name, const state_case *more, size_t count);
unsigned stage_run_only(const char *name, const state_case *list, size_t count); /* without the common ones */

/* Arguments of a service, with defaults; then set by name. The caller frees. */
void *stage_args(const lb_param *params, size_t size);
void stage_set_text(const lb_param *params, void *args, const char *name, const char *text);
void stage_set_i64(const lb_param *params, void *args, const char *name, int64_t number);
void stage_set_bool(const lb_param *params, void *args, const char *name, bool flag);

int64_t stage_soon(int64_t seconds);

/* One batch of the stage's own client; the verdicts lie in stage_verdicts. */
extern lb_state_verdict stage_verdicts[4096];
int stage_apply(const lb_state_txn *txns, size_t count);
int stage_apply_with(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count);

/* One transaction; its verdict. A call that fails gives failed = -100. */
lb_state_verdict stage_txn(const lb_state_op *ops, size_t count);
lb_state_verdict stage_one(lb_state_op op);

#define TXN(...)                                                                                                       \
    stage_txn((const lb_state_op[]){__VA_ARGS__}, sizeof((const lb_state_op[]){__VA_ARGS__}) / sizeof(lb_state_op))
#define APPLIED -1

#define INSERT(in, name, ...)  ((lb_state_op){.verb = LB_STATE_INSERT, .space = (in), .key = (name), __VA_ARGS__})
#define REPLACE(in, name, ...) ((lb_state_op){.verb = LB_STATE_REPLACE, .space = (in), .key = (name), __VA_ARGS__})
#define PUT(in, name, ...)     ((lb_state_op){.verb = LB_STATE_PUT, .space = (in), .key = (name), __VA_ARGS__})
#define REMOVE(in, name, v)    ((lb_state_op){.verb = LB_STATE_REMOVE, .space = (in), .key = (name), .version = (v)})
#define EXPECT(in, name, v)    ((lb_state_op){.verb = LB_STATE_EXPECT, .space = (in), .key = (name), .version = (v)})
#define ACQUIRE(in, name, who, ttl)                                                                                    \
    ((lb_state_op){.verb = LB_STATE_ACQUIRE, .space = (in), .key = (name), .owner = (who), .ttl_us = (ttl)})
#define HOLD(in, name, who)    ((lb_state_op){.verb = LB_STATE_HOLD, .space = (in), .key = (name), .owner = (who)})
#define RELEASE(in, name, who) ((lb_state_op){.verb = LB_STATE_RELEASE, .space = (in), .key = (name), .owner = (who)})

/* A list as text, a line each: "key status owner at body"; null is ~. In a buffer that the next call reuses. */
const char *stage_list(const lb_state_query *query);
int64_t stage_count(const char *space);
int64_t stage_version(const char *space, const char *key); /* 0: absent */

/* A space that no other case uses; kept until the program ends. */
const char *stage_space(void);

#endif
