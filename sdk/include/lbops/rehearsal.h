/* lbops/rehearsal.h: what plugins and their host agree on about troubles that are made on purpose. */
#ifndef LBOPS_REHEARSAL_H
#define LBOPS_REHEARSAL_H

/* How the names of branches begin on which incidents are rehearsed: no alert about one of them is told to people. */
#define LB_REHEARSAL_BRANCH "perf-incident-"

#endif
