/* worker.h: the child that runs tools: `lbops --worker`, started by the pool with a socket on descriptor 3. [worker] */
#ifndef LBOPS_HOST_WORKER_H
#define LBOPS_HOST_WORKER_H

#include "child.h"

#define WORKER_FD CHILD_FD

/* Never returns to its caller's work: the result is the exit code. */
int worker_main(void);

#endif
