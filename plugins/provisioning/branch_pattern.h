/* branch_pattern.h: the layouts of projects, as data. */
#ifndef LBOPS_BRANCH_PATTERN_H
#define LBOPS_BRANCH_PATTERN_H

#include <lbops/lbops.h>

#define BRANCH_PATTERNS                                                                                                \
    "simple_dev_prod|multi_env_pipeline|per_developer|cicd_ephemeral|multi_tenant_project|multi_tenant_schema"

typedef struct branch_pattern {
    const char *name, *project, *branches, *schemas, *doc;
} branch_pattern;

typedef struct branch_words {
    const char *domain, *env;
    lb_texts tenants, developers;
} branch_words;

size_t branch_pattern_count(void);
const branch_pattern *branch_pattern_at(size_t index);
const branch_pattern *branch_pattern_find(const char *name);
/* Does the pattern have that {word}? */
bool branch_pattern_has(const branch_pattern *pattern, const char *word);

/* Each text that a template such as "production|dev-{developer}" stands for, in order. `each` ends it with a negative
 * return. A list that is empty stands for nothing. */
LB_MUST_CHECK int branch_pattern_each(const char *template, const branch_words *words,
                                      int (*each)(void *state, const char *text, lb_error *err), void *state,
                                      lb_error *err);

#endif
