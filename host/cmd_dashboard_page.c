/* The frame of a page: one file that needs nothing else, light and dark, for a desk and for a phone. */
#include "cmd_dashboard.h"

#include "fs.h"

#include <dashboard_css.h>

#include <errno.h>
#include <fcntl.h>

/* Nothing is loaded and nothing runs: what a database says can be text only. */
#define POLICY "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

void dash_page_begin(buf *out, const char *title, const char *place, const char *as_of, const char *tone,
                     const char *verdict)
{
    buf_puts(out,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"" POLICY "\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
             "<link rel=\"icon\" href=\"data:,\">\n<title>");
    dash_text(out, title);
    if (place) {
        buf_puts(out, ": ");
        dash_text(out, place);
    }
    buf_puts(out, "</title>\n<style>\n");
    buf_puts(out, dashboard_css);
    buf_puts(out, "</style>\n</head>\n<body>\n<header class=\"top\"><div><h1>");
    dash_text(out, title);
    buf_puts(out, "</h1><p>");
    dash_text(out, place);
    if (as_of) {
        buf_puts(out, place ? " \xc2\xb7 as of " : "as of ");
        dash_value(out, "time", as_of);
        buf_puts(out, " UTC");
    }
    buf_printf(out, "</p></div></header>\n<main>\n<div class=\"verdict %s\" role=\"status\">%s</div>\n", tone, verdict);
}

void dash_page_links(buf *out, const dash_section *sections, size_t count)
{
    buf_puts(out, "<nav aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < count; i++) {
        buf_puts(out, "<li><a href=\"#");
        dash_text(out, sections[i].id);
        buf_puts(out, "\">");
        dash_text(out, sections[i].title);
        buf_puts(out, "</a></li>");
    }
    buf_puts(out, "</ul></nav>\n");
}

void dash_page_end(buf *out, const char *foot)
{
    buf_printf(out, "</main>\n<footer><p>%s</p></footer>\n</body>\n</html>\n", foot);
}

/* Whole or not at all: a reader that reloads never sees half a page. */
int dash_page_write(const char *path, const buf *page, lb_error *err)
{
    if (page->overflow)
        return lb_fail(err, LB_ERR_IO, "ask for fewer days", "the page would be larger than %zu MB",
                       DASH_PAGE_MOST >> 20);
    if (strcmp(path, "-") == 0) {
        (void)fwrite(page->data, 1, page->length, stdout); /* main checks stdout at its end */
        return 0;
    }
    return fs_write_durable(path, page->data, page->length, 0644, err);
}
