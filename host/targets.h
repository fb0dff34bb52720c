/* targets.h: which branches there are, as the control plane says: what the patterns of the manifest stand for. */
#ifndef LBOPS_HOST_TARGETS_H
#define LBOPS_HOST_TARGETS_H

#include "manifest.h"

#include <lbops/lbops.h>

#define TARGETS_TOOL "lbops_targets"

/* A tool that comes with the host: lists projects and branches. Its result has "targets", a list of project, branch and
 * class. A protected or default branch counts as production, every other one as shared; throwaway is for the manifest
 * to say, since only who made a branch knows what may become of it. [worker] */
extern const lb_plugin targets_plugin;

/* Must the control plane be asked before a run with these names (NULL: not given) can start? It must where a pattern is
 * all that fits, for the names that are missing or for the class that the manifest does not say. */
bool targets_are_needed(const manifest *m, const char *project, const char *branch);

/* Every branch that the manifest looks after: those it names, and those of a listing (NULL: none) that its patterns
 * fit; each once. */
void targets_each(const manifest *m, const char *document, void (*each)(void *state, const lb_target *target),
                  void *state);
/* Others of the project are listed, and not this one. A project that is not listed at all may be hidden from us. */
bool targets_lack(const char *document, const char *project, const char *branch);
bool targets_have_patterns(const manifest *m);
/* Does the manifest let runs wake this branch's compute? The last entry that fits counts. */
bool targets_may_wake(const manifest *m, const lb_target *target);

/* What the manifest says of a branch, which may not be there yet. */
lb_branch_class targets_class_of(const manifest *m, const char *project, const char *branch, lb_branch_class otherwise);

typedef struct targets_choice {
    char *project, *branch; /* the caller frees */
    lb_branch_class branch_class;
} targets_choice;

/* The one branch of a listing (the tool's run document) that the names and the manifest's targets leave. None:
 * LB_ERR_NOT_FOUND; several: LB_ERR_INVALID, with the first of them in the hint. */
LB_MUST_CHECK int targets_choose(const manifest *m, const char *document, const char *project, const char *branch,
                                 targets_choice *ret_choice, lb_error *err);

#endif
