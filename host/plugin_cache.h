/* plugin_cache.h: descriptions and refusals by file identity, in one file, so that a start without new plugins starts
 * no probe. It may vanish at any time: what is broken in it, or cannot be written, counts as not there. */
#ifndef LBOPS_HOST_PLUGIN_CACHE_H
#define LBOPS_HOST_PLUGIN_CACHE_H

#include "spec.h"

#define FILE_ID_TEXT 160

typedef struct plugin_cache plugin_cache;

/* What tells one state of a file from every other: device, inode, size, times of change. False: errno. */
bool plugin_cache_file_id(const char *path, char id[FILE_ID_TEXT]);

/* path NULL: a cache that keeps nothing. program: the host's executable, whose change makes everything new. */
plugin_cache *plugin_cache_open(const char *path, const char *program);

/* What is known about that state of the file: true with *ret_spec, or with *ret_spec NULL and the refusal. What is
 * found is kept, what nobody asks for is forgotten. */
bool plugin_cache_find(plugin_cache *cache, const char *path, const char *id, plugin_spec **ret_spec,
                       lb_error *ret_refusal);

/* What has been learned about a file that was not known; spec NULL: the refusal. Refusals that the surroundings may
 * have caused are not kept. */
void plugin_cache_add(plugin_cache *cache, const char *path, const char *id, const plugin_spec *spec,
                      const lb_error *refusal);

/* Writes what is kept, if that differs from what was read, and frees. */
plugin_cache *plugin_cache_close(plugin_cache *cache);

#endif
