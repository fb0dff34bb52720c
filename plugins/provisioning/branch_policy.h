/* branch_policy.h: which branches there may be, as one table of rules.
 *
 * The policy fails closed: a name that no rule knows is refused, a file that cannot be read or understood is an error.
 * Each refusal begins with the id of its rule, which people quote and manifests name, so that ids never change their
 * meaning. Nothing here asks anybody: names, times and numbers go in, a verdict comes out. */
#ifndef LBOPS_BRANCH_POLICY_H
#define LBOPS_BRANCH_POLICY_H

#include <lbops/lbops.h>

#define BRANCH_KINDS   32
#define BRANCH_NAME    64               /* 63 bytes at most, on the platform too */
#define BRANCH_LONGEST INT64_C(2592000) /* seconds: the platform lets a branch live 30 days */

/* The rules beside those of the kinds (BR-001 and on, in branch_policy.def). */
#define BR_UNKNOWN_NAME   "BR-020" /* no rule knows the name */
#define BR_BAD_NAME       "BR-021" /* nothing that the platform would take */
#define BR_BAD_FORM       "BR-022" /* begins like a kind, and goes on otherwise */
#define BR_OTHER_KIND     "BR-023" /* the name says another kind than was asked for */
#define BR_EXISTS         "BR-024" /* is not this tool's to make: it comes with the project */
#define BR_TTL_TOO_LONG   "BR-030" /* lives longer than its kind may */
#define BR_TTL_ON_STAYING "BR-031" /* a kind that stays gets no expiry */
#define BR_TTL_MISSING    "BR-032" /* a kind that goes needs one */
#define BR_PARENT_EXPIRES "BR-033" /* nothing can be made from a branch that expires */
#define BR_TTL_ON_PARENT  "BR-034" /* a branch with children, a default or a protected one cannot expire */
#define BR_WRONG_PARENT   "BR-035" /* its kind is not made from that branch */
#define BR_BAD_TTL        "BR-036" /* no time to live */
#define BR_NO_PARENT      "BR-037" /* what it is to be made from is not there, or was deleted softly */
#define BR_TTL_OVER_CAP   "BR-038" /* the workspace refuses a life that its kind may have */
#define BR_NOT_AN_AGENTS  "BR-039" /* agents make, reset and protect branches of their own kind alone */
#define BR_TOO_MANY       "BR-040" /* unarchived branches; those that were deleted softly count */
#define BR_TOO_MANY_ALL   "BR-041" /* branches in all */
#define BR_ONE_PROTECTED  "BR-042" /* the platform protects one branch of a project */
#define BR_PROTECTED      "BR-050" /* protected by this policy */
#define BR_GUARDED        "BR-051" /* protected by the platform, the default branch or a root */
#define BR_HAS_CHILDREN   "BR-052" /* neither reset nor deleted */
#define BR_HAS_PEOPLE     "BR-053" /* somebody is connected: a person decides */
#define BR_WRONG_RESET    "BR-054" /* its kind is not reset, or from another branch */
#define BR_IS_OVER        "BR-055" /* deleted softly or over its time: it holds its name until it is purged */
#define BR_BAD_PROJECT    "BR-060" /* not {domain}-{env} */

typedef enum branch_protection { BRANCH_NONE = 0, BRANCH_POLICY, BRANCH_PLATFORM } branch_protection;

typedef struct branch_kind {
    char id[8], kind[24], patterns[160], parents[160], reset_from[64], doc[160];
    int64_t ttl_s, longest_s; /* 0: it stays */
    branch_protection protection;
} branch_kind;

typedef struct branch_policy {
    char source[200]; /* the file, or "built in" */
    branch_kind kinds[BRANCH_KINDS];
    size_t count;
    int64_t most_unarchived, most_branches, most_protected;
    double warning, critical; /* of most_unarchived, when to say something */
} branch_policy;

/* branch_policy_default.c, branch_policy_read.c. `path` NULL: the one that is built in. A file replaces all of it. */
void branch_policy_default(branch_policy *ret_policy);
LB_MUST_CHECK int branch_policy_parse(const char *text, size_t length, branch_policy *ret_policy, lb_error *err);
LB_MUST_CHECK int branch_policy_load(const char *path, branch_policy *ret_policy, lb_error *err);
/* Of a run: NULL after a failure. */
const branch_policy *branch_policy_of_run(lb_ctx *ctx, const char *path, lb_error *err);

/* "90s", "15m", "4h", "7d", "3600"; "never" is 0. Negative where it is none of these. */
int64_t branch_ttl_parse(const char *text);
/* The largest unit that needs no fraction: "4h". */
void branch_ttl_format(int64_t seconds, char ret_text[24]);

/* The kind that the name says, or NULL with the rule and the way out in err. */
const branch_kind *branch_kind_of_name(const branch_policy *policy, const char *name, lb_error *err);
const branch_kind *branch_kind_find(const branch_policy *policy, const char *kind);

/* What is asked for by name. */
typedef struct branch_wish {
    const char *name;
    const char *kind;   /* NULL: what the name says */
    const char *parent; /* NULL: the kind's first; branch_make takes the first that is there */
    const char *ttl;    /* NULL: the kind's */
} branch_wish;

typedef struct branch_verdict {
    const branch_kind *kind;
    char parent[BRANCH_NAME];
    int64_t ttl_s; /* 0: it stays */
} branch_verdict;

LB_MUST_CHECK int branch_policy_judge(const branch_policy *policy, const branch_wish *wish, branch_verdict *ret_verdict,
                                      lb_error *err);
/* May who says to be that (human, agent, ci) make or change a branch of this name? */
LB_MUST_CHECK int branch_policy_judge_creator(const branch_policy *policy, const char *name, const char *creator_type,
                                              lb_error *err);
/* Is `word` one of "a|b|c"? */
bool branch_policy_lists(const char *list, const char *word);

/* May branches of this kind be reset from that one? */
LB_MUST_CHECK int branch_policy_judge_reset(const branch_kind *kind, const char *name, const char *source,
                                            lb_error *err);
LB_MUST_CHECK int branch_policy_judge_count(const branch_policy *policy, size_t unarchived, size_t all, size_t more,
                                            lb_error *err);
/* {domain}-{env}, env one of dev, staging, prod, production, test, qa, local. */
LB_MUST_CHECK int branch_policy_judge_project(const char *name, lb_error *err);

/* Begins the message with the rule. Returns code. */
LB_PRINTF(5, 6)
int branch_refuse(lb_error *err, int code, const char *rule, const char *hint, const char *fmt, ...);

#endif
