/* jobs.h: named jobs: some tools, run once, one after the other. Seven come with the program; a manifest has its own,
 * and one of the same name takes the place of ours. [supervisor] */
#ifndef LBOPS_HOST_JOBS_H
#define LBOPS_HOST_JOBS_H

#include "manifest.h"

typedef struct jobs jobs;

jobs *jobs_new(const manifest *m); /* which outlives it */
jobs *jobs_free(jobs *j);          /* NULL is fine */

size_t jobs_count(const jobs *j);
const manifest_job *jobs_at(const jobs *j, size_t index); /* ours first */
bool jobs_is_shipped(const jobs *j, size_t index);

LB_MUST_CHECK int jobs_find(const jobs *j, const char *name, const manifest_job **ret_job, lb_error *err);

#endif
