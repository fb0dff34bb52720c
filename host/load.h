/* load.h: opening a plugin file and judging its descriptor. Runs foreign code (constructors), so only the probe and the
 * workers may call it. [probe, worker] */
#ifndef LBOPS_HOST_LOAD_H
#define LBOPS_HOST_LOAD_H

#include "base.h"

/* dlopen (RTLD_NOW | RTLD_LOCAL), then symbol, magic, major, size, kind, name against the file's name, ops and their
 * size, run, parameters: nothing is read before the check that guards it. A refusal is one sentence with the reason. */
LB_MUST_CHECK int load_plugin(const char *path, const lb_plugin **ret_plugin, lb_error *err);

/* The first half: checks of the file itself (trusted, regular, made for this machine), dlopen, the symbol. Codes other
 * than LB_ERR_INVALID and LB_ERR_UNSUPPORTED come from the surroundings (a missing library, permissions) and may pass.
 * The object stays mapped for good: unloading code that may have left threads or handlers behind is no option. */
LB_MUST_CHECK int load_open(const char *path, const lb_plugin **ret_plugin, lb_error *err);

/* What can be said about the file without running anything of it: a regular file that others cannot write. */
LB_MUST_CHECK int load_check_file(const char *path, lb_error *err);

/* "bloat_report" for "/x/bloat_report.so": what the plugin in that file must be called. The caller frees. */
char *load_name_of(const char *path);

/* The same checks on a descriptor that is in memory already (static plugins in tests). name: what the file's name says.
 */
LB_MUST_CHECK int load_check(const lb_plugin *plugin, const char *name, lb_error *err);

#endif
