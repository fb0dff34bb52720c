/* self.h: the program's own file, to start children from and to find what lies beside it. [any] */
#ifndef LBOPS_HOST_SELF_H
#define LBOPS_HOST_SELF_H

/* What /proc/self/exe is, except in an archive that carries its own loader: there the loader is what runs, and its
 * launcher says in LBOPS_SELF who it is. Lives as long as the program. */
const char *self_path(void);

#endif
