#include "host_id.h"

#include "fs.h"

/* The kernel's start time of a process, in ticks since boot: with it a pid names one process for ever. 0: no such one.
 */
static unsigned long long started_at(long pid)
{
    char path[64];
    lb_error ignored;
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    unsigned long long ticks = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (fs_read(path, 4096, &text, &length, &ignored) < 0)
        return 0;
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at)
        ticks = strtoull(at + 1, NULL, 10);
    const char *state = strrchr(text, ')');
    return state && state[1] == ' ' && state[2] == 'Z' ? 0 : ticks; /* a zombie acts no more */
}

static void place(char *text, size_t size)
{
    char name[64] = "", ns[64] = "";
    lb_error ignored;
    LB_AUTO_FREE char *boot = NULL;
    size_t length = 0;
    (void)gethostname(name, sizeof name - 1); /* an empty name does as well */
    for (char *c = name; *c; c++)
        if (*c == '.' || (unsigned char)*c < '!' || (unsigned char)*c > '~')
            *c = '-';
    ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns - 1);
    ns[n > 0 ? n : 0] = '\0';
    const char *number = strchr(ns, '[');
    if (fs_read("/proc/sys/kernel/random/boot_id", 64, &boot, &length, &ignored) < 0)
        boot = base_strdup("unknown0");
    (void)snprintf(text, size, "%s.%.8s.%lu", name, boot, number ? strtoul(number + 1, NULL, 10) : 0UL);
}

void host_id_own(char id[HOST_ID_TEXT])
{
    char here[HOST_ID_TEXT - 48];
    place(here, sizeof here);
    (void)snprintf(id, HOST_ID_TEXT, "%s.%ld.%llu", here, (long)getpid(), started_at(getpid()));
}

host_life host_id_life(const char *id)
{
    char here[HOST_ID_TEXT - 48];
    char *end;
    place(here, sizeof here);
    size_t length = strlen(here);
    if (strncmp(id, here, length) != 0 || id[length] != '.')
        return HOST_ELSEWHERE;
    long pid = strtol(id + length + 1, &end, 10);
    if (*end != '.' || pid <= 0)
        return HOST_ELSEWHERE;
    unsigned long long started = started_at(pid);
    return started && started == strtoull(end + 1, NULL, 10) ? HOST_ALIVE : HOST_DEAD;
}
