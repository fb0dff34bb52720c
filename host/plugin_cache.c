#include "plugin_cache.h"

#include "fs.h"
#include "json.h"
#include "self.h"

#include <fcntl.h>
#include <sys/stat.h>

#define CACHE_FORMAT 1
#define CACHE_BYTES  ((size_t)64 * 1024 * 1024)

struct plugin_cache {
    char *path;                 /* NULL: keeps nothing */
    char host[FILE_ID_TEXT];    /* of the executable */
    struct json_object *before; /* the parsed file, or NULL */
    struct json_object *known;  /* its entries by path; borrowed from before */
    struct json_object *kept;   /* those of them that were found, by path */
    buf learned;                /* new members of "plugins" */
};

bool plugin_cache_file_id(const char *path, char id[FILE_ID_TEXT])
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    (void)snprintf(id, FILE_ID_TEXT, "%llx:%llx:%llx:%llx.%09lx:%llx.%09lx", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino, (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
                   (unsigned long)st.st_mtim.tv_nsec, (unsigned long long)st.st_ctim.tv_sec,
                   (unsigned long)st.st_ctim.tv_nsec); /* at most 107 bytes */
    return true;
}

static const char *text_member(struct json_object *object, const char *name)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
        return NULL;
    return json_object_get_string(value);
}

/* The old file's entries, unless it is broken, another host's, or somebody else could have written it. */
static void read_before(plugin_cache *cache)
{
    lb_error ignored; /* a cache that cannot be used is no failure */
    LB_AUTO_FREE char *text = NULL;
    size_t length;
    struct json_object *format;
    if (fs_check_trusted(cache->path, &ignored) < 0 || fs_read(cache->path, CACHE_BYTES, &text, &length, &ignored) < 0)
        return;
    cache->before = json_parse(text, length, &ignored);
    if (!json_object_is_type(cache->before, json_type_object))
        return;
    const char *host = text_member(cache->before, "host");
    bool ours = host && strcmp(host, cache->host) == 0 && json_object_object_get_ex(cache->before, "format", &format) &&
                json_object_is_type(format, json_type_int) && json_object_get_int(format) == CACHE_FORMAT;
    if (ours && json_object_object_get_ex(cache->before, "plugins", &cache->known) &&
        !json_object_is_type(cache->known, json_type_object))
        cache->known = NULL;
}

plugin_cache *plugin_cache_open(const char *path, const char *program)
{
    plugin_cache *cache = base_alloc(sizeof *cache);
    cache->learned = BUF_INIT(CACHE_BYTES / 2);
    cache->kept = json_object_new_object();
    if (!path || !plugin_cache_file_id(program ? program : self_path(), cache->host))
        return cache;
    cache->path = base_strdup(path);
    read_before(cache);
    return cache;
}

static bool read_refusal(struct json_object *refused, lb_error *ret_refusal)
{
    struct json_object *code;
    const char *message = text_member(refused, "message"), *hint = text_member(refused, "hint");
    if (!message || !hint || !json_object_object_get_ex(refused, "code", &code) ||
        !json_object_is_type(code, json_type_int))
        return false;
    int number = json_object_get_int(code);
    if (number > LB_ERR_INVALID || number < LB_ERR_INTERNAL)
        return false;
    (void)lb_fail(ret_refusal, number, hint, "%s", message); /* the refusal is the answer */
    return true;
}

static bool read_entry(struct json_object *entry, const char *path, const char *id, plugin_spec **ret_spec,
                       lb_error *ret_refusal)
{
    struct json_object *spec, *refused;
    lb_error ignored; /* a broken entry is asked for again */
    const char *known_id = text_member(entry, "id");
    if (!known_id || strcmp(known_id, id) != 0)
        return false;
    if (json_object_object_get_ex(entry, "refused", &refused) && json_object_is_type(refused, json_type_object))
        return read_refusal(refused, ret_refusal);
    if (!json_object_object_get_ex(entry, "spec", &spec))
        return false;
    plugin_spec *found = spec_from_json(spec, &ignored);
    if (found && strcmp(found->path, path) != 0)
        found = spec_free(found);
    *ret_spec = found;
    return found != NULL;
}

bool plugin_cache_find(plugin_cache *cache, const char *path, const char *id, plugin_spec **ret_spec,
                       lb_error *ret_refusal)
{
    struct json_object *entry;
    *ret_spec = NULL;
    if (!cache->known || !json_object_object_get_ex(cache->known, path, &entry) ||
        !json_object_is_type(entry, json_type_object) || !read_entry(entry, path, id, ret_spec, ret_refusal))
        return false;
    (void)json_object_object_add(cache->kept, path, json_object_get(entry)); /* what is lost is asked for again */
    return true;
}

/* Does the refusal follow from the file's own content? Missing libraries, permissions and slowness may pass. */
static bool is_lasting(const lb_error *refusal)
{
    return refusal->code == LB_ERR_INVALID || refusal->code == LB_ERR_UNSUPPORTED || refusal->code == LB_ERR_TOOL ||
           refusal->code == LB_ERR_LIMIT;
}

void plugin_cache_add(plugin_cache *cache, const char *path, const char *id, const plugin_spec *spec,
                      const lb_error *refusal)
{
    if (!cache->path || (!spec && !is_lasting(refusal)))
        return;
    buf *b = &cache->learned;
    if (b->length)
        buf_putc(b, ',');
    json_string(b, path);
    buf_puts(b, ":{");
    json_member_string(b, "id", id);
    if (spec) {
        json_key(b, "spec");
        spec_write_again(b, spec);
    } else {
        json_key(b, "refused");
        buf_putc(b, '{');
        json_member_i64(b, "code", refusal->code);
        json_member_string(b, "message", refusal->message);
        json_member_string(b, "hint", refusal->hint);
        buf_putc(b, '}');
    }
    buf_putc(b, '}');
}

/* Renamed into place, and not synced: a cache that a power cut empties is broken, and a broken one is rebuilt. */
static void write_file(const char *path, const buf *text)
{
    LB_AUTO_FREE char *directory = base_strdup(path);
    LB_AUTO_FREE char *temporary = base_printf("%s.%ld.tmp", path, (long)getpid());
    lb_error ignored; /* an unwritable cache is no failure */
    char *slash = strrchr(directory, '/');
    if (slash && slash != directory) {
        *slash = '\0';
        if (fs_make_dirs(directory, &ignored) < 0)
            return;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    size_t written = 0;
    while (written < text->length) {
        ssize_t n = write(fd, text->data + written, text->length - written);
        if (n <= 0)
            break; /* half a file is thrown away below */
        written += (size_t)n;
    }
    if (close(fd) != 0 || written < text->length || rename(temporary, path) != 0)
        (void)unlink(temporary); /* the old cache stands */
}

static bool is_changed(const plugin_cache *cache)
{
    int before = cache->known ? json_object_object_length(cache->known) : -1;
    return cache->learned.length || json_object_object_length(cache->kept) != before;
}

/* The members of "plugins": what was kept, then what is new. */
static void put_plugins(buf *b, const plugin_cache *cache)
{
    const char *kept = json_object_to_json_string_ext(cache->kept, JSON_C_TO_STRING_PLAIN);
    size_t length = kept ? strlen(kept) : 0;
    buf_putc(b, '{');
    if (length > 2)
        buf_put(b, kept + 1, length - 2); /* without the braces */
    if (length > 2 && cache->learned.length)
        buf_putc(b, ',');
    buf_puts(b, buf_text(&cache->learned));
    buf_putc(b, '}');
}

plugin_cache *plugin_cache_close(plugin_cache *cache)
{
    if (cache->path && is_changed(cache)) {
        BUF_AUTO text = BUF_INIT(CACHE_BYTES);
        buf_putc(&text, '{');
        json_member_i64(&text, "format", CACHE_FORMAT);
        json_member_string(&text, "host", cache->host);
        json_key(&text, "plugins");
        put_plugins(&text, cache);
        buf_puts(&text, "}\n");
        if (!text.overflow && !cache->learned.overflow)
            write_file(cache->path, &text);
    }
    (void)json_object_put(cache->kept);   /* says only whether it was the last reference */
    (void)json_object_put(cache->before); /* as above */
    buf_done(&cache->learned);
    free(cache->path);
    free(cache);
    return NULL;
}
