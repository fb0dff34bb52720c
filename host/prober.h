/* prober.h: the supervisor's end of the probe. One child describes file after file; when a plugin takes it down, the
 * next file gets a new one. Nothing that the child writes is believed before it is checked. [supervisor] */
#ifndef LBOPS_HOST_PROBER_H
#define LBOPS_HOST_PROBER_H

#include "spec.h"

/* The child's way to say that a plugin closed or replaced a descriptor of its host. */
#define PROBE_EXIT_FILES 113

typedef struct prober prober;

/* program NULL: this executable. No child is started before the first question. */
prober *prober_new(const char *program, int timeout_ms);
prober *prober_free(prober *p); /* ends the child and whatever it left in its process group */

/* Describes the file: 0 and *ret_spec, or 0 and *ret_spec NULL with the reason in *ret_refusal. A negative return means
 * that there is no probe to be had at all. */
LB_MUST_CHECK int prober_ask(prober *p, const char *path, plugin_spec **ret_spec, lb_error *ret_refusal, lb_error *err);

#endif
