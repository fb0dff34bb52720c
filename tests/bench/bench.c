#include "bench.h"

#include <sys/utsname.h>

static void machine(char *text, size_t bytes)
{
    struct utsname name;
    char line[256], model[128] = "unknown processor";
    FILE *cpu = fopen("/proc/cpuinfo", "r");
    while (cpu && fgets(line, sizeof line, cpu))
        if (sscanf(line, "model name : %127[^\n]", model) == 1)
            break;
    if (cpu)
        (void)fclose(cpu); /* was only read */
    if (uname(&name) != 0)
        (void)snprintf(name.release, sizeof name.release, "unknown");
    (void)snprintf(text, bytes, "%ld x %s, Linux %s", sysconf(_SC_NPROCESSORS_ONLN), model, name.release);
}

void bench_print(const char *bench, const bench_figure *figures, size_t count)
{
    char where[256];
    BUF_AUTO out = BUF_INIT(1024 * 1024);
    machine(where, sizeof where);
    buf_putc(&out, '{');
    json_member_string(&out, "bench", bench);
    json_member_string(&out, "machine", where);
    json_key(&out, "figures");
    buf_putc(&out, '[');
    for (size_t i = 0; i < count; i++) {
        const bench_figure *f = &figures[i];
        json_comma(&out);
        buf_putc(&out, '{');
        json_member_string(&out, "name", f->name);
        json_key(&out, "value");
        buf_printf(&out, "%.2f", f->value);
        json_member_string(&out, "unit", f->unit);
        json_key(&out, "target");
        buf_printf(&out, "%g", f->target);
        json_member_bool(&out, "ok", f->more ? f->value >= f->target : f->value <= f->target);
        json_member_string(&out, "against", f->against[0] ? f->against : NULL);
        buf_putc(&out, '}');
    }
    buf_puts(&out, "]}");
    (void)puts(buf_text(&out));
}

int bench_compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percentile(double *sorted, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);
    return sorted[at < count ? at : count - 1];
}
