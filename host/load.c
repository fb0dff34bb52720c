#include "load.h"

#include "cron.h"
#include "fs.h"
#include "params.h"
#include "spec.h"
#include "tables.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <lbops/transport.h>
#include <limits.h>
#include <link.h>
#include <stdalign.h>
#include <sys/stat.h>

#define SYMBOL "lb_plugin_v1"

/* What a descriptor and a tool had in version 1.0; they only grow. */
#define PLUGIN_BYTES    (offsetof(lb_plugin, ops) + sizeof(const void *))
#define HEAD_BYTES      offsetof(lb_plugin, name)
#define TOOL_BYTES      (offsetof(lb_tool, run) + sizeof(((lb_tool *)0)->run))
#define TRANSPORT_BYTES (offsetof(lb_transport, control) + sizeof(((lb_transport *)0)->control))

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#define OWN_MACHINE EM_NONE /* the dynamic linker judges */
#endif

#define REBUILD "build the plugin again with the installed header"

LB_PRINTF(5, 6) static int refuse(lb_error *err, int code, const char *hint, const char *name, const char *fmt, ...)
{
    char what[360];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args); /* a long one may be cut */
    va_end(args);
    return lb_fail(err, code, hint, "plugin %.64s %s", name, what);
}

char *load_name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base);
    if (length > 3 && strcmp(base + length - 3, ".so") == 0)
        length -= 3;
    return base_printf("%.*s", (int)length, base);
}

/* ---- the file ---- */

int load_check_file(const char *path, lb_error *err)
{
    LB_AUTO_FREE char *name = load_name_of(path);
    struct stat st;
    if (fs_check_trusted(path, err) < 0)
        return err->code;
    if (stat(path, &st) != 0)
        return fs_fail(err, errno, "look at", path);
    if (!S_ISREG(st.st_mode))
        return refuse(err, LB_ERR_INVALID, "keep only plugins under names that end with .so", name, "is %s, not a file",
                      S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
    LB_AUTO_FREE char *real = realpath(path, NULL);
    if (!real)
        return fs_fail(err, errno, "resolve", path);
    return strcmp(real, path) == 0 ? 0 : fs_check_trusted(real, err);
}

static int check_elf(const char *path, const char *name, lb_error *err)
{
    Elf64_Ehdr header;
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fs_fail(err, errno, "open", path);
    ssize_t n = read(fd, &header, sizeof header);
    if (n < 0)
        return fs_fail(err, errno, "read", path);
    if (n == 0)
        return refuse(err, LB_ERR_INVALID, "build or copy it again", name, "is an empty file");
    if (n < (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(err, LB_ERR_INVALID, "keep only plugins under names that end with .so", name,
                      "is not a shared object");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || (OWN_MACHINE && header.e_machine != OWN_MACHINE))
        return refuse(err, LB_ERR_UNSUPPORTED, "build it on a machine of this kind", name,
                      "is made for another processor");
    if (header.e_type != ET_DYN)
        return refuse(err, LB_ERR_INVALID, "link it with -shared, or use lb_add_plugin", name,
                      "is not a shared object");
    return 0;
}

/* ---- dlopen ---- */

/* The dynamic linker's message in words for people. It is "FILE: what", with what in a few fixed forms. */
static int explain_dlopen(const char *name, const char *message, lb_error *err)
{
    static const char undefined[] = "undefined symbol: ", missing[] = ": cannot open shared object file";
    const char *at = strstr(message, undefined);
    if (at) {
        at += strlen(undefined);
        return refuse(err, LB_ERR_NOT_FOUND, "link what provides it; -Wl,-z,defs finds this when the plugin is built",
                      name, "uses '%.*s', which nothing provides", (int)strcspn(at, " ,"), at);
    }
    at = strstr(message, missing);
    if (at)
        return refuse(err, LB_ERR_NOT_FOUND, "install that library, or link it statically", name,
                      "needs the library %.*s, which is not installed", (int)(at - message), message);
    if (strstr(message, "position-independent executable"))
        return refuse(err, LB_ERR_INVALID, "link it with -shared, or use lb_add_plugin", name,
                      "is a program, not a shared object");
    return refuse(err, LB_ERR_IO, "build it on this system", name, "cannot be loaded: %.250s", message);
}

/* dlsym also searches the libraries that a plugin brings along, so the symbol's own object and size are looked at. */
static int check_symbol(void *handle, const void *symbol, const char *name, lb_error *err)
{
    Dl_info info;
    struct link_map *map;
    union {
        const ElfW(Sym) * symbol;
        void *raw;
    } entry = {NULL};
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !dladdr1(symbol, &info, &entry.raw, RTLD_DL_SYMENT))
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a %s that cannot be located", SYMBOL);
    if (info.dli_fbase != (void *)map->l_addr)
        return refuse(err, LB_ERR_INVALID, "declare the plugin with LB_TOOL or LB_PLUGIN", name,
                      "has no %s of its own, only that of a library it uses", SYMBOL);
    bool is_data = entry.symbol && ELF64_ST_TYPE(entry.symbol->st_info) == STT_OBJECT && info.dli_saddr == symbol;
    if (is_data && entry.symbol->st_size >= HEAD_BYTES)
        return 0;
    return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a %s that is %s", SYMBOL,
                  is_data ? "too short to be a descriptor" : "not a descriptor");
}

int load_open(const char *path, const lb_plugin **ret_plugin, lb_error *err)
{
    LB_AUTO_FREE char *name = load_name_of(path);
    LB_AUTO_FREE char *located = base_printf("%s%s", strchr(path, '/') ? "" : "./", path); /* never a library search */
    if (load_check_file(located, err) < 0 || check_elf(located, name, err) < 0)
        return err->code;
    void *handle = dlopen(located, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return explain_dlopen(name, dlerror(), err);
    const void *symbol = dlsym(handle, SYMBOL);
    if (!symbol)
        return refuse(err, LB_ERR_INVALID, "declare the plugin with LB_TOOL or LB_PLUGIN; is it a plugin at all?", name,
                      "has no symbol %s", SYMBOL);
    if (check_symbol(handle, symbol, name, err) < 0)
        return err->code;
    *ret_plugin = symbol;
    return 0;
}

int load_plugin(const char *path, const lb_plugin **ret_plugin, lb_error *err)
{
    const lb_plugin *plugin = NULL;
    LB_AUTO_FREE char *name = load_name_of(path);
    int r = load_open(path, &plugin, err);
    if (!plugin)
        return r;
    r = load_check(plugin, name, err);
    if (r == 0)
        *ret_plugin = plugin;
    return r;
}

/* ---- the descriptor ---- */

static int check_head(const lb_plugin *plugin, const char *name, lb_error *err)
{
    if ((uintptr_t)plugin % alignof(lb_plugin))
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a descriptor that is not aligned");
    if (plugin->magic != LB_ABI_MAGIC)
        return refuse(err, LB_ERR_INVALID, "declare the plugin with LB_TOOL or LB_PLUGIN", name,
                      "has a descriptor with magic 0x%08x instead of 0x%08x", (unsigned)plugin->magic,
                      (unsigned)LB_ABI_MAGIC);
    if (plugin->abi_major != LB_ABI_MAJOR)
        return refuse(err, LB_ERR_UNSUPPORTED,
                      plugin->abi_major > LB_ABI_MAJOR ? "update lbops, or build the plugin with this version's header"
                                                       : REBUILD,
                      name, "speaks ABI %u.%u; this host speaks %d", (unsigned)plugin->abi_major,
                      (unsigned)plugin->abi_minor, LB_ABI_MAJOR);
    if (plugin->size < PLUGIN_BYTES)
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a short descriptor (%u bytes of %zu)",
                      (unsigned)plugin->size, PLUGIN_BYTES);
    if (plugin->kind < LB_KIND_TOOL || plugin->kind > LB_KIND_HTTP)
        return refuse(err, LB_ERR_UNSUPPORTED, "update lbops, if the plugin is newer", name,
                      "is of kind %u, which this host does not know", (unsigned)plugin->kind);
    return 0;
}

static int check_identity(const lb_plugin *plugin, const char *name, lb_error *err)
{
    if (!plugin->name)
        return refuse(err, LB_ERR_INVALID, "give it the name of its file", name, "has no name in its descriptor");
    if (!params_is_name(name))
        return refuse(err, LB_ERR_INVALID, "rename the file: lower-case letters, digits and _ after a letter", name,
                      "has a file name that no plugin can have");
    if (!params_is_name(plugin->name))
        return refuse(err, LB_ERR_INVALID, "use lower-case letters, digits and _ after a letter, at most 63", name,
                      "has a name in its descriptor that no plugin can have");
    if (strcmp(plugin->name, name) != 0)
        return refuse(err, LB_ERR_INVALID, "name the file after the plugin", name,
                      "calls itself %s: the file's name differs", plugin->name);
    if (!plugin->version || !params_is_line(plugin->version, SPEC_LINE_MAX))
        return refuse(err, LB_ERR_INVALID, "give a short text", name, "has no version, or not one line of UTF-8");
    if (!plugin->summary || !plugin->summary[0] || !params_is_line(plugin->summary, SPEC_LINE_MAX))
        return refuse(err, LB_ERR_INVALID, "say in one line what it does", name,
                      "has no summary, or not one line of UTF-8");
    if (!plugin->ops)
        return refuse(err, LB_ERR_INVALID, "point .ops at its lb_tool or service table", name, "has no operations");
    return 0;
}

static int check_list(const char *name, const char *what, const char *const *list, bool (*is_good)(const char *),
                      lb_error *err)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (i >= SPEC_NAMES_MAX)
            return refuse(err, LB_ERR_INVALID, "end the list with NULL, as LB_NAMES does", name,
                          "has a list .%s that does not end within %d names", what, SPEC_NAMES_MAX);
        if (!is_good(list[i]))
            return refuse(err, LB_ERR_INVALID, "use lower-case letters, digits and _", name,
                          "names something in .%s that no name can be", what);
    }
    return 0;
}

/* A record for a table that history does not have could only ever be refused. */
static int check_tables(const char *name, const char *const *writes, lb_error *err)
{
    char hint[100];
    for (; writes && *writes; writes++) {
        if (table_find(*writes))
            continue;
        const char *nearest = table_nearest(*writes);
        (void)snprintf(hint, sizeof hint, nearest ? "did you mean %s?" : "the history tables stand in host/tables.def",
                       nearest);
        return refuse(err, LB_ERR_INVALID, hint, name, "writes %.63s, which is no history table", *writes);
    }
    return 0;
}

/* The row and args sizes come from the plugin's own struct, whose tail has been checked to be there. */
static int check_params(const char *name, const lb_param *params, uint32_t param_size, uint32_t args_size,
                        bool is_service, lb_error *err)
{
    if (!params)
        return 0;
    if (!param_size)
        return refuse(err, LB_ERR_INVALID, "set them with LB_TOOL_ARGS", name, "has parameters without .param_size");
    if ((uintptr_t)params % alignof(lb_param))
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has parameter rows that are not aligned");
    lb_error detail;
    if (params_check_rows((param_rows){params, param_size}, args_size, is_service, &detail) == 0)
        return 0;
    return refuse(err, detail.code, detail.hint, name, "is unsound: %.300s", detail.message);
}

static int check_schedule(const char *name, const char *schedule, lb_error *err)
{
    cron parsed;
    lb_error detail;
    if (!schedule)
        return 0;
    if (!params_is_line(schedule, SPEC_LINE_MAX))
        return refuse(err, LB_ERR_INVALID, "give five fields, or NULL", name,
                      "has a schedule that is not one line of text");
    if (cron_parse(schedule, &parsed, &detail) < 0)
        return refuse(err, LB_ERR_INVALID, *detail.hint ? detail.hint : "give minute, hour, day, month and weekday",
                      name, "has a bad schedule '%.80s': %.200s", schedule, detail.message);
    return 0;
}

static int check_tool(const lb_tool *tool, const char *name, lb_error *err)
{
    if (tool->size < TOOL_BYTES)
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a short tool table (%u bytes of %zu)",
                      (unsigned)tool->size, TOOL_BYTES);
    if (!tool->run)
        return refuse(err, LB_ERR_INVALID, "set .run", name, "has no run function");
    if (tool->risk < LB_RISK_LOW || tool->risk > LB_RISK_HIGH)
        return refuse(err, LB_ERR_INVALID, "set .risk to LB_RISK_LOW, LB_RISK_MEDIUM or LB_RISK_HIGH", name,
                      "states no risk (%u)", (unsigned)tool->risk);
    if (tool->agent && !params_is_name(tool->agent))
        return refuse(err, LB_ERR_INVALID, "use lower-case letters, digits and _", name,
                      "hints at an agent that no name can be");
    if (check_schedule(name, tool->schedule, err) < 0 ||
        check_params(name, tool->params, tool->param_size, tool->args_size, false, err) < 0 ||
        check_list(name, "writes", tool->writes, params_is_name, err) < 0 ||
        check_tables(name, tool->writes, err) < 0 || check_list(name, "emits", tool->emits, spec_is_event, err) < 0 ||
        check_list(name, "calls", tool->calls, params_is_name, err) < 0)
        return err->code;
    return LB_HAS(tool, lb_tool, needs) ? check_list(name, "needs", tool->needs, spec_is_need, err) : 0;
}

static int check_transport(const lb_transport *transport, const char *name, lb_error *err)
{
    if (transport->size < TRANSPORT_BYTES)
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a short transport table (%u bytes of %zu)",
                      (unsigned)transport->size, TRANSPORT_BYTES);
    const struct {
        const char *name;
        bool there;
    } functions[] = {
        {"open", transport->open},       {"close", transport->close},
        {"connect", transport->connect}, {"disconnect", transport->disconnect},
        {"reuse", transport->reuse},     {"server_version", transport->server_version},
        {"execute", transport->execute}, {"control", transport->control},
    };
    for (size_t i = 0; i < LB_COUNT(functions); i++)
        if (!functions[i].there)
            return refuse(err, LB_ERR_INVALID, "set every required function of the table", name, "has no %s function",
                          functions[i].name);
    return check_params(name, transport->params, transport->param_size, transport->args_size, true, err);
}

/* The functions of the other services are judged by those who use them: what an older host does not know it does not
 * need. */
static int check_service(const lb_service *service, const char *name, lb_error *err)
{
    if (service->size < sizeof *service)
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has a short service table (%u bytes)",
                      (unsigned)service->size);
    return check_params(name, service->params, service->param_size, service->args_size, true, err);
}

int load_check(const lb_plugin *plugin, const char *name, lb_error *err)
{
    if (check_head(plugin, name, err) < 0 || check_identity(plugin, name, err) < 0)
        return err->code;
    if ((uintptr_t)plugin->ops % alignof(void *))
        return refuse(err, LB_ERR_INVALID, REBUILD, name, "has operations that are not aligned");
    if (plugin->kind == LB_KIND_TOOL)
        return check_tool(plugin->ops, name, err);
    if (plugin->kind == LB_KIND_TRANSPORT)
        return check_transport(plugin->ops, name, err);
    return check_service(plugin->ops, name, err);
}
