#include "registry.h"

#include "fs.h"
#include "load.h"
#include "nearest.h"
#include "plugin_cache.h"
#include "plugin_lock.h"
#include "prober.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

struct registry {
    plugin_spec **specs; /* sorted by name */
    size_t count, capacity;
    registry_refusal *refusals;
    size_t refusal_count, refusal_capacity;
};

/* Who carries a name already: the first file of that name, loaded or refused. */
typedef struct carrier {
    char *name, *path;
} carrier;

/* What one load needs on its way. */
typedef struct loader {
    registry *r;
    plugin_cache *cache;
    plugin_lock *lock; /* or NULL */
    prober *prober;
    carrier *carriers;
    size_t carrier_count, carrier_capacity;
} loader;

registry *registry_free(registry *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->count; i++)
        spec_free(r->specs[i]);
    for (size_t i = 0; i < r->refusal_count; i++)
        free(r->refusals[i].path);
    free(r->specs);
    free(r->refusals);
    free(r);
    return NULL;
}

/* ---- one file ---- */

static void add_refusal(registry *r, const char *path, const lb_error *error)
{
    BASE_PUSH(r->refusals, r->refusal_count, r->refusal_capacity);
    r->refusals[r->refusal_count++] = (registry_refusal){base_strdup(path), *error};
}

static void add_spec(registry *r, plugin_spec *spec)
{
    BASE_PUSH(r->specs, r->count, r->capacity); /* NOLINT(bugprone-sizeof-expression): the elements are pointers */
    r->specs[r->count++] = spec;
}

static const carrier *find_carrier(const loader *l, const char *name)
{
    for (size_t i = 0; i < l->carrier_count; i++)
        if (strcmp(l->carriers[i].name, name) == 0)
            return &l->carriers[i];
    return NULL;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* What can be judged without running anything of the file. */
static int check_before(const loader *l, const char *name, const char *path, lb_error *refusal)
{
    if (!params_is_line(path, SIZE_MAX - 1))
        return lb_fail(refusal, LB_ERR_INVALID, "rename it", "the path of plugin %.64s is not one line of UTF-8", name);
    if (!params_is_name(name))
        return lb_fail(refusal, LB_ERR_INVALID, "rename the file: lower-case letters, digits and _ after a letter",
                       "plugin %.64s has a file name that no plugin can have", name);
    if (load_check_file(path, refusal) < 0)
        return refusal->code;
    return l->lock ? plugin_lock_check(l->lock, name, path, refusal) : 0;
}

/* By the cache, or else by the probe. Negative only without a probe; *ret_spec NULL: the refusal. */
static int describe(loader *l, const char *path, plugin_spec **ret_spec, lb_error *refusal, lb_error *err)
{
    char id[FILE_ID_TEXT];
    *ret_spec = NULL;
    if (!plugin_cache_file_id(path, id)) {
        (void)fs_fail(refusal, errno, "look at", path); /* the refusal is the answer */
        return 0;
    }
    if (plugin_cache_find(l->cache, path, id, ret_spec, refusal))
        return 0;
    if (prober_ask(l->prober, path, ret_spec, refusal, err) < 0)
        return err->code;
    plugin_cache_add(l->cache, path, id, *ret_spec, refusal);
    return 0;
}

static int load_file(loader *l, const char *path, lb_error *err)
{
    lb_error refusal;
    plugin_spec *spec = NULL;
    LB_AUTO_FREE char *name = load_name_of(path);
    const carrier *first = find_carrier(l, name);
    if (first) {
        if (is_same_file(first->path, path))
            return 0; /* a directory that is named twice, or a link */
        (void)lb_fail(&refusal, LB_ERR_CONFLICT, "remove or rename one of the two",
                      "plugin %.64s is carried by an earlier file already: %.300s", name,
                      first->path); /* listed below */
        add_refusal(l->r, path, &refusal);
        return 0;
    }
    BASE_PUSH(l->carriers, l->carrier_count, l->carrier_capacity);
    l->carriers[l->carrier_count++] = (carrier){base_strdup(name), base_strdup(path)};
    if (check_before(l, name, path, &refusal) == 0 && describe(l, path, &spec, &refusal, err) < 0)
        return err->code;
    if (spec)
        add_spec(l->r, spec);
    else
        add_refusal(l->r, path, &refusal);
    return 0;
}

/* ---- directories ---- */

static int is_plugin_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* strcmp's order, whatever the locale says: who comes first must be the same everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *absolute(const char *path)
{
    if (*path == '/')
        return base_strdup(path);
    LB_AUTO_FREE char *here = getcwd(NULL, 0);
    return base_printf("%s/%s", here ? here : "", path);
}

static int load_directory(loader *l, const char *directory, lb_error *err)
{
    LB_AUTO_FREE char *base = absolute(directory);
    struct dirent **entries = NULL;
    int count = scandir(base, &entries, is_plugin_file, by_name), r = 0;
    if (count < 0)
        return fs_fail(err, errno, "read the plugin directory", base);
    for (int i = 0; i < count; i++) {
        LB_AUTO_FREE char *path = base_printf("%s/%s", base, entries[i]->d_name);
        if (r == 0)
            r = load_file(l, path, err);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int by_spec_name(const void *a, const void *b)
{
    const plugin_spec *const *one = a, *const *other = b;
    return strcmp((*one)->name, (*other)->name);
}

static void loader_done(loader *l)
{
    for (size_t i = 0; i < l->carrier_count; i++) {
        free(l->carriers[i].name);
        free(l->carriers[i].path);
    }
    free(l->carriers);
    prober_free(l->prober);
    plugin_lock_free(l->lock);
}

int registry_load(const registry_options *options, registry **ret_registry, lb_error *err)
{
    loader l = {0};
    if (options->lock_path && plugin_lock_read(options->lock_path, &l.lock, err) < 0)
        return err->code;
    l.r = base_alloc(sizeof *l.r);
    l.cache = plugin_cache_open(options->cache_path, options->program);
    l.prober = prober_new(options->program, options->timeout_ms);
    int r = 0;
    for (size_t i = 0; r == 0 && i < options->directory_count; i++)
        r = load_directory(&l, options->directories[i], err);
    plugin_cache_close(l.cache); /* also after a failure: what was learned stands */
    loader_done(&l);
    if (r < 0) {
        registry_free(l.r);
        return r;
    }
    if (l.r->count)
        qsort(l.r->specs, l.r->count, sizeof(plugin_spec *), by_spec_name);
    *ret_registry = l.r;
    return 0;
}

plugin_spec *registry_probe_file(const registry_options *options, const char *path, lb_error *err)
{
    LB_AUTO_FREE char *full = absolute(path);
    LB_AUTO_FREE char *name = load_name_of(full);
    const loader without_lock = {0};
    plugin_spec *spec = NULL;
    if (check_before(&without_lock, name, full, err) < 0)
        return NULL;
    lb_error refusal;
    prober *p = prober_new(options->program, options->timeout_ms);
    if (prober_ask(p, full, &spec, &refusal, err) == 0 && !spec)
        *err = refusal;
    prober_free(p);
    return spec;
}

/* ---- asking ---- */

const plugin_spec *registry_find(const registry *r, lb_kind kind, const char *name)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, r->specs[middle]->name);
        if (order == 0)
            return r->specs[middle]->kind == kind ? r->specs[middle] : NULL;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t registry_count(const registry *r)
{
    return r->count;
}

const plugin_spec *registry_at(const registry *r, size_t index)
{
    return r->specs[index];
}

size_t registry_refusal_count(const registry *r)
{
    return r->refusal_count;
}

const registry_refusal *registry_refusal_at(const registry *r, size_t index)
{
    return &r->refusals[index];
}

const char *registry_nearest(const registry *r, lb_kind kind, const char *name)
{
    const char **names = base_alloc((r->count + 1) * sizeof *names);
    for (size_t i = 0; i < r->count; i++)
        names[i] = r->specs[i]->kind == kind ? r->specs[i]->name : NULL;
    const char *near = nearest_name(name, names, r->count);
    free(names);
    return near;
}
