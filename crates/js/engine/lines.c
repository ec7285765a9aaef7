/* Included by internals.c: names and values of headers, and the text of lines in which a message's head goes over the wire. */

enum { SY_HEADER_NAME = 64 };

typedef struct SyName {
    const uint8_t *at;
    uint32_t len;
    JSValueConst given; /* the name itself, where it is in lower case */
    bool same;
    uint8_t lower[SY_HEADER_NAME];
} SyName;

static bool sy_is_text8(JSValueConst value)
{
    return JS_VALUE_GET_TAG(value) == JS_TAG_STRING && !JS_VALUE_GET_STRING(value)->is_wide_char;
}

static bool sy_names_header(uint8_t c)
{
    static const uint32_t allowed[8] = { 0, 0x3ff6cfa, 0xc7fffffe, 0x57ffffff };
    return allowed[c >> 5] >> (c & 31) & 1;
}

static bool sy_header_name8(const uint8_t *at, uint32_t len, SyName *to)
{
    if (!len || len > SY_HEADER_NAME)
        return false;
    to->at = at;
    to->len = len;
    to->same = true;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = at[i];
        if (!sy_names_header(c))
            return false;
        if (c >= 'A' && c <= 'Z') {
            c += 0x20;
            to->same = false;
        }
        to->lower[i] = c;
    }
    if (!to->same)
        to->at = to->lower;
    return true;
}

static bool sy_header_name(JSValueConst name, SyName *to)
{
    if (!sy_is_text8(name))
        return false;
    to->given = name;
    return sy_header_name8(str8(JS_VALUE_GET_STRING(name)), JS_VALUE_GET_STRING(name)->len, to);
}

static JSValue sy_name_value(JSContext *ctx, const SyName *name)
{
    return name->same ? js_dup(name->given) : js_new_string8_len(ctx, (const char *)name->at, name->len);
}

#define SY_EACH(byte) (0x0101010101010101ull * (byte))

/* Not 0 where a byte of the word is 0. */
static inline uint64_t sy_zero_in(uint64_t word) { return (word - SY_EACH(1)) & ~word & SY_EACH(0x80); }

/* Whether a value stays as it is. */
static bool sy_plain_value8(const uint8_t *at, uint32_t len)
{
    uint32_t i = 0;
    if (!len)
        return true;
    if (at[0] == ' ' || at[0] == '\t' || at[len - 1] == ' ' || at[len - 1] == '\t')
        return false;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        if (sy_zero_in(word) | sy_zero_in(word ^ SY_EACH('\r')) | sy_zero_in(word ^ SY_EACH('\n')))
            return false;
    }
    for (; i < len; i++)
        if (!at[i] || at[i] == '\r' || at[i] == '\n')
            return false;
    return true;
}

static bool sy_plain_value(JSValueConst value)
{
    return sy_is_text8(value) && sy_plain_value8(str8(JS_VALUE_GET_STRING(value)), JS_VALUE_GET_STRING(value)->len);
}

/* Where the line from `at` on ends. */
static inline const uint8_t *sy_line_end(const uint8_t *at, const uint8_t *stop)
{
    for (; stop - at >= 8; at += 8) {
        uint64_t word, found;
        memcpy(&word, at, 8);
        found = sy_zero_in(word ^ SY_EACH('\n'));
        if (found)
            return at + (__builtin_ctzll(found) >> 3);
    }
    while (at < stop && *at != '\n')
        at++;
    return at;
}

/* A header of a text. */
typedef struct SyLine {
    const uint8_t *name, *value;
    uint32_t name_len, value_len;
} SyLine;

/* False: there is no other. */
static bool sy_next_line(const uint8_t **at, const uint8_t *stop, SyLine *line)
{
    const uint8_t *p = *at, *end;
    if (p >= stop)
        return false;
    end = sy_line_end(p, stop);
    line->name = p;
    line->name_len = (uint32_t)(end - p);
    p = end < stop ? end + 1 : stop;
    end = sy_line_end(p, stop);
    line->value = p;
    line->value_len = (uint32_t)(end - p);
    *at = end < stop ? end + 1 : stop;
    return true;
}

static inline bool sy_is_name_at(const SyName *name, const uint8_t *at, uint32_t len)
{
    if (len != name->len)
        return false;
    for (uint32_t i = len; i-- > 0;)
        if (at[i] != name->at[i])
            return false;
    return true;
}
