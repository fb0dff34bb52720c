#include "jobs.h"

#include "nearest.h"

#include <jobs_text.h> /* jobs/ of the source, one file after the other */

#define MOST_SHIPPED 32

struct jobs {
    manifest *shipped;
    const manifest *own;
    const manifest_job *list[MOST_SHIPPED + MANIFEST_MOST_JOBS];
    size_t count, shipped_count;
};

static const manifest_job *own_job(const manifest *m, const char *name)
{
    for (size_t i = 0; i < m->job_count; i++)
        if (strcmp(m->jobs[i].name, name) == 0)
            return &m->jobs[i];
    return NULL;
}

/* Ours are read as everybody's are. A mistake in them is one of the program, and its tests find it. */
static manifest *read_shipped(void)
{
    manifest_problems problems = {0};
    LB_AUTO_FREE char *text = base_printf("[workspace]\nname = \"shipped\"\n%s", jobs_text);
    manifest *m = manifest_parse_partly(text, strlen(text), "jobs", &problems);
    manifest_problems_done(&problems);
    return m;
}

jobs *jobs_new(const manifest *m)
{
    jobs *j = base_alloc(sizeof *j);
    j->own = m;
    j->shipped = read_shipped();
    for (size_t i = 0; j->shipped && i < j->shipped->job_count && i < MOST_SHIPPED; i++)
        if (!own_job(m, j->shipped->jobs[i].name))
            j->list[j->count++] = &j->shipped->jobs[i];
    j->shipped_count = j->count;
    for (size_t i = 0; i < m->job_count && i < MANIFEST_MOST_JOBS; i++)
        j->list[j->count++] = &m->jobs[i];
    return j;
}

jobs *jobs_free(jobs *j)
{
    if (j)
        (void)manifest_free(j->shipped); /* gives NULL */
    free(j);
    return NULL;
}

size_t jobs_count(const jobs *j)
{
    return j->count;
}

const manifest_job *jobs_at(const jobs *j, size_t index)
{
    return index < j->count ? j->list[index] : NULL;
}

bool jobs_is_shipped(const jobs *j, size_t index)
{
    return index < j->shipped_count;
}

int jobs_find(const jobs *j, const char *name, const manifest_job **ret_job, lb_error *err)
{
    const char *names[LB_COUNT(j->list)];
    char hint[128];
    for (size_t i = 0; i < j->count; i++) {
        names[i] = j->list[i]->name;
        if (strcmp(names[i], name) != 0)
            continue;
        *ret_job = j->list[i];
        return 0;
    }
    const char *nearest = nearest_name(name, names, j->count);
    (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest ? nearest : ""); /* names are short */
    return lb_fail(err, LB_ERR_INVALID, nearest ? hint : "lbops jobs lists them", "there is no job %.80s", name);
}
