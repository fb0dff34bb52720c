/* lbops/approval.h: the interface of an approval service: a channel to the people who decide.
 *
 * The host's own state says what is pending, what was decided and what was executed; the service only carries. So
 * everything here bears repetition: the host publishes what is pending once more after each open, and takes a decision
 * that it knows already in silence. Several hosts may share one channel; then a decision reaches each of them.
 *
 * An approval gets one decision for each revision. Who wants a second person publishes a second approval.
 *
 * One process opens the service and calls it from one thread. Every call may block until its deadline, on the clock of
 * lb_service_host.now. [service] */
#ifndef LBOPS_APPROVAL_H
#define LBOPS_APPROVAL_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a person decided. */
typedef struct lb_decision {
    uint32_t size;
    const char *id;   /* of the approval */
    int64_t revision; /* the one that was decided on: the host drops what is about an older one */
    bool approved;    /* false: denied */
    const char *by;   /* who, never empty */
    const char *because;
    int64_t at; /* when, in microseconds since 1970 */
} lb_decision;

typedef struct lb_approval {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.approval] */

    int (*open)(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* Shows people a pending approval: a JSON document, with a member "tool" among others. Ids are 1 to 128 letters,
     * digits, '.', '_' and '-', and begin with no dot. The same or an older revision changes nothing; a newer one takes
     * the former one's place and is pending anew, whatever was decided on that. Revisions begin at 1. */
    int (*publish)(void *state, const char *id, int64_t revision, const char *document, int64_t deadline,
                   lb_error *err);

    /* Tells people what became of it: "executed", "denied", "expired" ... From then on it is not pending and no
     * decision about it is brought. One that is not known, or settled already, is fine. */
    int (*settle)(void *state, const char *id, const char *outcome, int64_t deadline, lb_error *err);

    /* Hands over the decisions that are new, one by one; waits for one until the deadline. Returns how many it was: 0
     * when none came. At least once: what `take` refused (a negative return, which ends the call) comes again, and what
     * is not settled comes again after the service was opened anew. */
    int (*collect)(void *state, int64_t deadline, int (*take)(void *arg, const lb_decision *decision, lb_error *err),
                   void *arg, lb_error *err);

    /* A descriptor that becomes readable when a decision may have come, for hosts that wait for several things; -1:
     * there is none now. Ask for it, and collect once, after every other call and before waiting on it. NULL: never
     * one. */
    int (*descriptor)(void *state);
} lb_approval;

#define LB_APPROVAL(plugin, text, ...)                                                                                 \
    static const lb_approval plugin##_ops = {.size = sizeof(lb_approval), __VA_ARGS__};                                \
    LB_PLUGIN(plugin, LB_KIND_APPROVAL, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
