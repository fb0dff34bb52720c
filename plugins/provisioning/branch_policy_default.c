/* The policy that is built in. */
#include "branch_policy.h"

typedef struct row {
    const char *id, *kind, *patterns, *parents, *ttl, *longest;
    branch_protection protection;
    const char *reset_from, *doc;
} row;

#define KIND(id, kind, patterns, parents, ttl, longest, protection, reset_from, doc)                                   \
    {id, kind, patterns, parents, ttl, longest, BRANCH_##protection, reset_from, doc},
static const row rows[] = {
#include "branch_policy.def"
};
#undef KIND

_Static_assert(sizeof rows / sizeof rows[0] <= BRANCH_KINDS, "raise BRANCH_KINDS");

static void put(char *into, size_t size, const char *text)
{
    (void)snprintf(into, size, "%s", text); /* the unit test holds each row to its room */
}

void branch_policy_default(branch_policy *ret_policy)
{
    *ret_policy = (branch_policy){.source = "built in",
                                  .count = sizeof rows / sizeof rows[0],
                                  .most_unarchived = 10,
                                  .most_branches = 500,
                                  .most_protected = 1,
                                  .warning = 0.8,
                                  .critical = 0.9};
    for (size_t i = 0; i < ret_policy->count; i++) {
        branch_kind *kind = &ret_policy->kinds[i];
        put(kind->id, sizeof kind->id, rows[i].id);
        put(kind->kind, sizeof kind->kind, rows[i].kind);
        put(kind->patterns, sizeof kind->patterns, rows[i].patterns);
        put(kind->parents, sizeof kind->parents, rows[i].parents);
        put(kind->reset_from, sizeof kind->reset_from, rows[i].reset_from);
        put(kind->doc, sizeof kind->doc, rows[i].doc);
        kind->ttl_s = branch_ttl_parse(rows[i].ttl);
        kind->longest_s = branch_ttl_parse(rows[i].longest);
        kind->protection = rows[i].protection;
    }
}
