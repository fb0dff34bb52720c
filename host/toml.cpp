// The only C++ of the host: parses with toml++ and copies the outcome into one block of plain C structs.

#include "toml.h"

#ifndef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#endif
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES TOML_DEEPEST
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

namespace
{

// Room for the tree: counted in a first walk, handed out in a second.
struct Room {
    size_t nodes = 0, bytes = 0;
};

// TOML allows a NUL in a key, C does not.
struct KeyFault {
    toml::source_position at;
};

struct Block {
    toml_node *nodes;
    char *bytes;
};

// Where a scan of the raw text is. The parser builds tables from dotted keys without a limit of its own, and takes them
// down again by recursion, so a key with a million dots would overflow the stack: it is found before the parser sees
// it.
class DepthScan
{
  public:
    explicit DepthScan(std::string_view text) : text_(text)
    {
    }

    // True when some key has too many parts; line() then says where.
    bool finds_too_deep()
    {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '"' || c == '\'')
                skip_string(c);
            else if (c == '#')
                skip_comment();
            else if (takes(c))
                return true;
        }
        return false;
    }

    int line() const
    {
        return line_;
    }

  private:
    bool takes(char c)
    {
        at_++;
        if (c == '.')
            return ++dots_ >= TOML_DEEPEST;
        if (c == '\n')
            line_++;
        if (c == '\n' || c == '=' || c == ',' || c == '{' || c == '[')
            dots_ = 0;
        return false;
    }

    void skip_comment()
    {
        while (at_ < text_.size() && text_[at_] != '\n')
            at_++;
    }

    void skip_string(char quote)
    {
        bool is_long = text_.substr(at_, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''");
        at_ += is_long ? 3 : 1;
        for (; at_ < text_.size(); at_++) {
            char c = text_[at_];
            if (c == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n')
                at_++;
            else if (c == '\n' && !is_long)
                return; // malformed; the parser stops there too
            else if (c == '\n')
                line_++;
            else if (c == quote && ends_string(quote, is_long))
                return;
        }
    }

    // A long string ends with three quotes, before which one or two more may belong to its text.
    bool ends_string(char quote, bool is_long)
    {
        size_t run = 0;
        while (run < 5 && at_ + run < text_.size() && text_[at_ + run] == quote)
            run++;
        if (is_long && run < 3)
            return false;
        at_ += is_long ? run : 1;
        return true;
    }

    std::string_view text_;
    size_t at_ = 0;
    unsigned dots_ = 0;
    int line_ = 1;
};

std::string date_text(const toml::date &date)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%04u-%02u-%02u", unsigned{date.year}, unsigned{date.month}, unsigned{date.day});
    return text;
}

std::string time_text(const toml::time &time)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%02u:%02u:%02u.%06u", unsigned{time.hour}, unsigned{time.minute},
                   unsigned{time.second}, unsigned{time.nanosecond} / 1000);
    return time.nanosecond ? text : std::string(text, 8);
}

std::string moment_text(const toml::date_time &moment)
{
    std::string text = date_text(moment.date) + "T" + time_text(moment.time);
    if (!moment.offset)
        return text;
    int minutes = moment.offset->minutes;
    if (minutes == 0)
        return text + "Z";
    char zone[32];
    (void)snprintf(zone, sizeof zone, "%c%02d:%02d", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                   std::abs(minutes) % 60);
    return text + zone;
}

// The text of a node that has one.
std::string text_of(const toml::node &node)
{
    if (const auto *string = node.as_string())
        return string->get();
    if (const auto *date = node.as_date())
        return date_text(date->get());
    if (const auto *time = node.as_time())
        return time_text(time->get());
    return moment_text(node.as_date_time()->get());
}

bool has_text(const toml::node &node)
{
    return node.is_string() || node.is_date() || node.is_time() || node.is_date_time();
}

void measure(const toml::node &node, Room &room)
{
    room.nodes++;
    if (has_text(node))
        room.bytes += text_of(node).size() + 1;
    if (const auto *table = node.as_table()) {
        for (const auto &[key, child] : *table) {
            if (key.str().find('\0') != std::string_view::npos)
                throw KeyFault{key.source().begin};
            room.bytes += key.str().size() + 1;
            measure(child, room);
        }
    } else if (const auto *array = node.as_array()) {
        for (const auto &child : *array)
            measure(child, room);
    }
}

const char *keep(Block &block, std::string_view text)
{
    char *start = block.bytes;
    memcpy(start, text.data(), text.size());
    start[text.size()] = '\0';
    block.bytes += text.size() + 1;
    return start;
}

void fill(const toml::node &from, toml_node &into, Block &block);

bool stands_before(const toml_node &a, const toml_node &b)
{
    return a.key_line != b.key_line ? a.key_line < b.key_line : a.key_column < b.key_column;
}

void fill_table(const toml::table &table, toml_node &into, Block &block)
{
    into.kind = TOML_TABLE;
    into.v.list.count = table.size();
    toml_node *items = block.nodes, *item = items;
    block.nodes += table.size();
    into.v.list.items = items;
    for (const auto &[key, child] : table) {
        fill(child, *item, block);
        item->key = keep(block, key.str());
        item->key_line = static_cast<int>(key.source().begin.line);
        item->key_column = static_cast<int>(key.source().begin.column);
        item++;
    }
    std::stable_sort(items, item, stands_before);
}

void fill_array(const toml::array &array, toml_node &into, Block &block)
{
    into.kind = TOML_ARRAY;
    into.v.list.count = array.size();
    toml_node *item = block.nodes;
    block.nodes += array.size();
    into.v.list.items = item;
    for (const auto &child : array)
        fill(child, *item++, block);
}

void fill_scalar(const toml::node &from, toml_node &into, Block &block)
{
    if (const auto *integer = from.as_integer()) {
        into.kind = TOML_INTEGER;
        into.v.i64 = integer->get();
    } else if (const auto *number = from.as_floating_point()) {
        into.kind = TOML_FLOAT;
        into.v.f64 = number->get();
    } else if (const auto *flag = from.as_boolean()) {
        into.kind = TOML_BOOLEAN;
        into.v.flag = flag->get();
    } else {
        std::string text = text_of(from);
        into.kind = from.is_string() ? TOML_STRING : TOML_TIME;
        into.v.text.data = keep(block, text);
        into.v.text.length = text.size();
    }
}

void fill(const toml::node &from, toml_node &into, Block &block)
{
    into.line = into.key_line = static_cast<int>(from.source().begin.line);
    into.column = into.key_column = static_cast<int>(from.source().begin.column);
    if (const auto *table = from.as_table())
        fill_table(*table, into, block);
    else if (const auto *array = from.as_array())
        fill_array(*array, into, block);
    else
        fill_scalar(from, into, block);
}

toml_node *copy_tree(const toml::table &table)
{
    Room room;
    measure(table, room);
    void *memory = calloc(1, room.nodes * sizeof(toml_node) + room.bytes);
    if (!memory)
        throw std::bad_alloc();
    auto *nodes = static_cast<toml_node *>(memory);
    Block block = {nodes + 1, reinterpret_cast<char *>(nodes + room.nodes)};
    fill(table, nodes[0], block);
    return nodes;
}

int refuse(toml_fault *fault, const toml::parse_error &problem)
{
    std::string text(problem.description());
    if (text.size() > 1 && isupper(static_cast<unsigned char>(text[0])) && islower(static_cast<unsigned char>(text[1])))
        text[0] = static_cast<char>(tolower(static_cast<unsigned char>(text[0])));
    fault->line = static_cast<int>(problem.source().begin.line);
    fault->column = static_cast<int>(problem.source().begin.column);
    return lb_fail(&fault->error, LB_ERR_INVALID, "see toml.io for the syntax; strings need quotes", "%s",
                   text.c_str());
}

} // namespace

extern "C" int toml_parse(const char *text, size_t length, toml_node **ret_root, toml_fault *ret_fault)
{
    memset(ret_fault, 0, sizeof *ret_fault);
    if (length > TOML_LONGEST)
        return lb_fail(&ret_fault->error, LB_ERR_LIMIT, "is it the right file?", "longer than %zu bytes", TOML_LONGEST);
    DepthScan scan(std::string_view(text, length));
    if (scan.finds_too_deep()) {
        ret_fault->line = scan.line();
        ret_fault->column = 1;
        return lb_fail(&ret_fault->error, LB_ERR_LIMIT, "shorten the key", "a key of more than %d parts", TOML_DEEPEST);
    }
    try {
        *ret_root = copy_tree(toml::parse(std::string_view(text, length)));
        return 0;
    } catch (const toml::parse_error &problem) {
        return refuse(ret_fault, problem);
    } catch (const KeyFault &problem) {
        ret_fault->line = static_cast<int>(problem.at.line);
        ret_fault->column = static_cast<int>(problem.at.column);
        return lb_fail(&ret_fault->error, LB_ERR_INVALID, "take it out", "a key holds a NUL character");
    } catch (const std::bad_alloc &) {
        return lb_fail(&ret_fault->error, LB_ERR_NO_MEMORY, NULL, "out of memory");
    } catch (...) {
        return lb_fail(&ret_fault->error, LB_ERR_INTERNAL, NULL, "the TOML parser failed without a reason");
    }
}

extern "C" void toml_free(toml_node *root)
{
    free(root);
}

extern "C" const char *toml_kind_name(toml_kind kind)
{
    static const char *const names[] = {"nothing",    "a table",   "a list",        "a string",
                                        "an integer", "a decimal", "true or false", "a date or time"};
    return names[kind >= TOML_TABLE && kind <= TOML_TIME ? kind : 0];
}
