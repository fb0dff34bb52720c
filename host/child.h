/* child.h: a child process that runs our own program in another role: a socket to it, its stderr, its end.
 * [supervisor] */
#ifndef LBOPS_HOST_CHILD_H
#define LBOPS_HOST_CHILD_H

#include "base.h"

#include <ev.h>

#define CHILD_FD 3 /* the child's end of the socket */
#ifdef LBOPS_SANITIZED
#define CHILD_TAIL 32768 /* what a sanitizer found is long */
#else
#define CHILD_TAIL 2048
#endif

typedef struct child {
    pid_t pid; /* 0: not running */
    int fd, stderr_fd;
    char tail[CHILD_TAIL]; /* the last that it wrote to stderr */
    size_t tail_length;
} child;

#define CHILD_INIT ((child){.fd = -1, .stderr_fd = -1})

/* libev's default loop, which must not reap our children: each is waited for by its number, to know how it ended. */
struct ev_loop *child_loop(void);

/* Starts `program role` ("--worker") in a session of its own, with a clean environment, CHILD_FD as one end of a stream
 * socket and stderr as a pipe; both of ours are non-blocking. program NULL: ourselves. */
LB_MUST_CHECK int child_start(child *c, const char *program, const char *role, lb_error *err);

/* Kills it and its process group, waits for it and closes what leads to it. ret_status may be NULL. */
void child_kill(child *c, int *ret_status);

/* Some of what stands in its stderr; false at its end. */
bool child_read_stderr(child *c);
/* The end of that as one line of text. */
const char *child_last_words(child *c);

/* "it was ended by SIGSEGV", for a status of waitpid. */
const char *child_death(int status, char text[64]);

/* The socket of a process that is ending closes a moment before the process is gone; one that lives on has closed it
 * itself. */
bool child_has_ended(pid_t pid);

/* Waits for one that was told to end and has nothing left to do: most_ms at most. Under sanitizers it gets the time
 * that a leak checker takes, and what that has found is told here and ends this process as well: nobody else would hear
 * of it. */
void child_await(child *c, int most_ms);

/* Children that somebody in this process waits for: whatever else is a child of ours has escaped from a tool and may be
 * ended. Whoever starts one does so between the first two, so that nobody sees it before it is known; pid 0: it did not
 * start. Any thread may call these. */
void child_note_begin(void);
void child_note_end(pid_t pid);
void child_forget(pid_t pid);
bool child_is_known(pid_t pid);

/* Calls back for each child of this process. */
void child_each(void (*visit)(void *arg, pid_t pid), void *arg);

#endif
