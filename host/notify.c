#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

void notify_manager(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[512];
    va_list args;
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(address.sun_path, path, strlen(path));
    if (*path == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    LB_AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd >= 0 && length > 0 && (size_t)length < sizeof text) /* a manager that does not listen misses nothing vital */
        (void)sendto(fd, text, (size_t)length, MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
}

double notify_watchdog_s(void)
{
    const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!text || (pid && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    double seconds = strtod(text, NULL) / 1e6;
    return seconds > 0 ? seconds / 2 : 0;
}
