/* Included by internals.c: what Headers do most, without a step of the interpreter. The class and all its rules are in
   platform/headers.js; here are its methods for what is plain beyond doubt: an object of the class, a name of few ASCII
   letters, a value that stays as it is. For anything else the method of the class itself is called, as if the script had
   called it, and nothing has been done before.

   A Headers object has three private fields, one behind the other: the text as on the wire, which is current while the
   list is null; the list (name, value, name, value…), an array that no script ever sees; and whether it is immutable. */

enum { SY_HEADERS_GET, SY_HEADERS_HAS, SY_HEADERS_SET, SY_HEADERS_APPEND, SY_HEADERS_DELETE, SY_HEADERS_METHODS };
enum { SY_HEADER_NAME = 64, SY_FEW_HEADERS = 64, SY_HEADERS_TEXT = 1 << 20 };

static JSAtom sy_headers_fields[3];
static JSValue sy_headers_methods[SY_HEADERS_METHODS]; /* of the class, in JavaScript */
static JSAtom sy_pairs_fields[3][2];
static JSValue sy_pairs_methods[3];

typedef struct SyHeaders {
    JSProperty *text, *list, *immutable;
} SyHeaders;

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

/* `count` fields of an object, one behind the other in the order of their definition. NULL: it has none such. */
static JSProperty *sy_fields_of(JSValueConst value, const JSAtom *atoms, int count)
{
    JSObject *p = sy_object(value);
    JSProperty *pr;
    JSShapeProperty *prs;
    if (!p || atoms[0] == JS_ATOM_NULL)
        return NULL;
    prs = find_own_property(&pr, p, atoms[0]);
    if (!prs || prs - get_shape_prop(p->shape) + count > p->shape->prop_count)
        return NULL;
    for (int i = 1; i < count; i++)
        if (prs[i].atom != atoms[i])
            return NULL;
    return pr;
}

static bool sy_headers_of(JSValueConst value, SyHeaders *to)
{
    JSProperty *pr = sy_fields_of(value, sy_headers_fields, 3);
    if (!pr)
        return false;
    to->text = pr;
    to->list = pr + 1;
    to->immutable = pr + 2;
    return true;
}

/* The private names of an object's fields, its last ones, in their order. */
static bool sy_learn_fields(JSContext *ctx, JSValueConst sample, JSAtom *atoms, int count)
{
    JSObject *p = sy_object(sample);
    if (!p || p->shape->prop_count < count) {
        JS_ThrowTypeError(ctx, "not the fields that the engine knows");
        return false;
    }
    for (int i = 0; i < count; i++)
        atoms[i] = JS_DupAtom(ctx, get_shape_prop(p->shape)[p->shape->prop_count - count + i].atom);
    return true;
}

/* ---- names, values, lines ---- */

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

/* ---- the list ---- */

/* The array of an object's list; NULL: it has none that is plain. */
static JSObject *sy_list_of(const SyHeaders *of)
{
    JSObject *p = sy_object(safe_const(of->list->u.value));
    if (!p || p->class_id != JS_CLASS_ARRAY || !p->fast_array || !p->extensible || p->u.array.count % 2)
        return NULL;
    return p;
}

/* Makes the list of a text. -1: an exception is pending; 0: the text is not plain; else there is a list. */
static int sy_make_list(JSContext *ctx, const SyHeaders *of, JSObject **list)
{
    JSString *text;
    const uint8_t *at, *stop;
    SyLine line;
    JSValue *values, array;
    int count = 0, made = 0;
    if (!JS_IsNull(of->list->u.value))
        return (*list = sy_list_of(of)) != NULL;
    if (!sy_is_text8(safe_const(of->text->u.value)))
        return 0;
    text = JS_VALUE_GET_STRING(of->text->u.value);
    stop = str8(text) + text->len;
    for (at = str8(text); sy_next_line(&at, stop, &line);)
        count += 2;
    values = js_malloc(ctx, sizeof(*values) * (count + 1));
    if (!values)
        return -1;
    for (at = str8(text); made < count && sy_next_line(&at, stop, &line);) {
        for (int i = 0; i < 2; i++) {
            JSValue part = js_new_string8_len(ctx, (const char *)(i ? line.value : line.name), i ? line.value_len : line.name_len);
            if (JS_IsException(part)) {
                while (made-- > 0)
                    JS_FreeValue(ctx, values[made]);
                js_free(ctx, values);
                return -1;
            }
            values[made++] = part;
        }
    }
    array = JS_NewArrayFrom(ctx, made, values);
    js_free(ctx, values);
    if (JS_IsException(array))
        return -1;
    of->list->u.value = array;
    *list = JS_VALUE_GET_OBJ(array);
    return 1;
}

/* Whether the name at an even place of a list is that one; -1: it is not seen at a glance. */
static inline int sy_is_listed(const JSObject *list, uint32_t i, const SyName *name)
{
    JSValueConst is = safe_const(list->u.array.u.values[i]);
    if (JS_VALUE_GET_TAG(is) != JS_TAG_STRING)
        return -1;
    if (JS_VALUE_GET_STRING(is)->is_wide_char)
        return 0;
    return sy_is_name_at(name, str8(JS_VALUE_GET_STRING(is)), JS_VALUE_GET_STRING(is)->len);
}

static int sy_push_header(JSContext *ctx, JSObject *list, JSValueConst name, JSValueConst value)
{
    uint32_t count = list->u.array.count;
    if (count + 2 > list->u.array.u1.size && expand_fast_array(ctx, list, count + 2))
        return -1;
    list->u.array.u.values[count] = js_dup(name);
    list->u.array.u.values[count + 1] = js_dup(value);
    list->u.array.count = count + 2;
    list->prop[0].u.value = js_int32(count + 2);
    return 0;
}

/* Takes all headers of that name from `from` on out of the list. What is freed are texts: nothing runs. */
static void sy_remove_headers(JSContext *ctx, JSObject *list, const SyName *name, uint32_t from)
{
    JSValue *values = list->u.array.u.values;
    uint32_t kept = from, count = list->u.array.count;
    for (uint32_t i = from; i < count; i += 2) {
        if (sy_is_listed(list, i, name) == 1) {
            JS_FreeValue(ctx, values[i]);
            JS_FreeValue(ctx, values[i + 1]);
            continue;
        }
        values[kept] = values[i];
        values[kept + 1] = values[i + 1];
        kept += 2;
    }
    list->u.array.count = kept;
    list->prop[0].u.value = js_int32(kept);
}

/* ---- the methods ---- */

/* What get() and has() answer, of a text. */
static JSValue sy_look_in_text(JSContext *ctx, JSString *text, const SyName *name, bool has)
{
    const uint8_t *at = str8(text), *stop = at + text->len;
    SyLine line;
    StringBuffer joined;
    bool found = false, more = false;
    SyLine first;
    while (sy_next_line(&at, stop, &line)) {
        if (!sy_is_name_at(name, line.name, line.name_len))
            continue;
        if (has)
            return JS_TRUE;
        if (!found) {
            found = true;
            first = line;
            continue;
        }
        if (!more) {
            more = true;
            if (string_buffer_init(ctx, &joined, first.value_len + line.value_len + 2))
                return JS_EXCEPTION;
            string_buffer_write8(&joined, first.value, first.value_len);
        }
        string_buffer_write8(&joined, (const uint8_t *)", ", 2);
        string_buffer_write8(&joined, line.value, line.value_len);
    }
    if (more)
        return string_buffer_end(&joined);
    if (found)
        return js_new_string8_len(ctx, (const char *)first.value, first.value_len);
    return has ? JS_FALSE : JS_NULL;
}

/* Two values of one name. */
static JSValue sy_join_values(JSContext *ctx, JSValueConst one, JSValueConst other)
{
    StringBuffer joined;
    if (string_buffer_init(ctx, &joined, 64))
        return JS_EXCEPTION;
    string_buffer_concat_value(&joined, one);
    string_buffer_write8(&joined, (const uint8_t *)", ", 2);
    string_buffer_concat_value(&joined, other);
    return string_buffer_end(&joined);
}

/* The same of a list; JS_UNINITIALIZED: it is not plain. */
static JSValue sy_look_in_list(JSContext *ctx, JSObject *list, const SyName *name, bool has)
{
    JSValue value = JS_NULL;
    for (uint32_t i = 0; i < list->u.array.count; i += 2) {
        int is = sy_is_listed(list, i, name);
        if (is < 0) {
            JS_FreeValue(ctx, value);
            return JS_UNINITIALIZED;
        }
        if (!is)
            continue;
        if (has)
            return JS_TRUE;
        if (JS_IsNull(value)) {
            value = js_dup(list->u.array.u.values[i + 1]);
        } else {
            JSValue both = sy_join_values(ctx, safe_const(value), safe_const(list->u.array.u.values[i + 1]));
            JS_FreeValue(ctx, value);
            if (JS_IsException(both))
                return both;
            value = both;
        }
    }
    return has ? JS_FALSE : value;
}

/* The class's own method, called as by the caller. */
static JSValue sy_headers_slowly(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int method)
{
    JSRuntime *rt = ctx->rt;
    JSStackFrame *own = rt->current_stack_frame;
    rt->current_stack_frame = own->prev_frame;
    JSValue result = JS_Call(ctx, safe_const(sy_headers_methods[method]), self, argc, argv);
    rt->current_stack_frame = own;
    return result;
}

static JSValue sy_headers_method(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int method)
{
    SyHeaders of;
    SyName name;
    JSObject *list;
    JSValue result, key, value;
    bool sets = method == SY_HEADERS_SET || method == SY_HEADERS_APPEND;
    int there;
    if (argc < (sets ? 2 : 1) || !sy_headers_of(self, &of) || !sy_header_name(argv[0], &name))
        goto slowly;
    if (method == SY_HEADERS_GET || method == SY_HEADERS_HAS) {
        if (JS_IsNull(of.list->u.value)) {
            if (!sy_is_text8(safe_const(of.text->u.value)))
                goto slowly;
            return sy_look_in_text(ctx, JS_VALUE_GET_STRING(of.text->u.value), &name, method == SY_HEADERS_HAS);
        }
        list = sy_list_of(&of);
        result = list ? sy_look_in_list(ctx, list, &name, method == SY_HEADERS_HAS) : JS_UNINITIALIZED;
        if (JS_IsUninitialized(result))
            goto slowly;
        return result;
    }
    if (JS_VALUE_GET_TAG(of.immutable->u.value) != JS_TAG_BOOL || JS_VALUE_GET_BOOL(of.immutable->u.value))
        goto slowly;
    if (sets && JS_VALUE_GET_TAG(argv[1]) != JS_TAG_INT && !sy_plain_value(argv[1]))
        goto slowly;
    there = sy_make_list(ctx, &of, &list);
    if (there < 0)
        return JS_EXCEPTION;
    if (!there)
        goto slowly;
    for (uint32_t i = 0; i < list->u.array.count; i += 2)
        if (sy_is_listed(list, i, &name) < 0)
            goto slowly;
    if (method == SY_HEADERS_DELETE) {
        sy_remove_headers(ctx, list, &name, 0);
        return JS_UNDEFINED;
    }
    value = JS_VALUE_GET_TAG(argv[1]) == JS_TAG_INT ? JS_ToString(ctx, argv[1]) : js_dup(argv[1]);
    if (JS_IsException(value))
        return value;
    if (method == SY_HEADERS_SET)
        for (uint32_t i = 0; i < list->u.array.count; i += 2)
            if (sy_is_listed(list, i, &name) == 1) {
                JSValue before = list->u.array.u.values[i + 1];
                list->u.array.u.values[i + 1] = value;
                JS_FreeValue(ctx, before);
                sy_remove_headers(ctx, list, &name, i + 2);
                return JS_UNDEFINED;
            }
    key = sy_name_value(ctx, &name);
    result = JS_IsException(key) || sy_push_header(ctx, list, safe_const(key), safe_const(value)) ? JS_EXCEPTION : JS_UNDEFINED;
    JS_FreeValue(ctx, key);
    JS_FreeValue(ctx, value);
    return result;
slowly:
    return sy_headers_slowly(ctx, self, argc, argv, method);
}

/* headersClass(sample, prototype): its methods are these from here on. */
JSValue sy_headers_class(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    static const char *const names[SY_HEADERS_METHODS] = { "get", "has", "set", "append", "delete" };
    if (!sy_learn_fields(ctx, argv[0], sy_headers_fields, 3))
        return JS_EXCEPTION;
    for (int i = 0; i < SY_HEADERS_METHODS; i++) {
        JSValue native, slow = JS_GetPropertyStr(ctx, argv[1], names[i]);
        if (JS_IsException(slow))
            return slow;
        sy_headers_methods[i] = slow;
        native = JS_NewCFunctionMagic(ctx, sy_headers_method, names[i], 0, JS_CFUNC_generic_magic, i);
        if (JS_IsException(native) ||
            JS_DefinePropertyValueStr(ctx, argv[1], names[i], native, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0)
            return JS_EXCEPTION;
    }
    return JS_UNDEFINED;
}

/* ---- texts ---- */

/* The text of a list, which becomes the result. */
static JSValue sy_list_text(JSContext *ctx, JSObject *list)
{
    StringBuffer text;
    uint32_t count = list->u.array.count;
    uint64_t size = count;
    for (uint32_t i = 0; i < count; i++)
        if (JS_VALUE_GET_TAG(list->u.array.u.values[i]) == JS_TAG_STRING)
            size += JS_VALUE_GET_STRING(list->u.array.u.values[i])->len;
    if (string_buffer_init(ctx, &text, size < SY_HEADERS_TEXT ? (int)size : SY_HEADERS_TEXT))
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            string_buffer_putc8(&text, '\n');
        string_buffer_concat_value(&text, safe_const(list->u.array.u.values[i]));
    }
    return string_buffer_end(&text);
}

/* headersText(headers) -> text for the wire; undefined: it is no Headers, or not a plain one. */
JSValue sy_headers_text(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    SyHeaders of;
    JSObject *list;
    if (!sy_headers_of(argv[0], &of))
        return JS_UNDEFINED;
    if (JS_IsNull(of.list->u.value))
        return js_dup(of.text->u.value);
    list = sy_list_of(&of);
    return list ? sy_list_text(ctx, list) : JS_UNDEFINED;
}

/* Whether an object is one of the language's plain ones, so that nothing that it inherits is of interest. */
static bool sy_is_literal(JSContext *ctx, JSObject *p)
{
    return (!p->shape->proto || p->shape->proto == JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT])) && sy_is_plain(ctx, p);
}

/* headersInit(init) -> the text of Headers made of it; undefined: the constructor has to look at it. */
JSValue sy_headers_init(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSObject *p = sy_object(argv[0]);
    JSString *text;
    JSShapeProperty *prs;
    SyName name;
    uint64_t size = 0;
    uint8_t *to;
    SyHeaders of;
    if (!p)
        return JS_UNDEFINED;
    if (sy_headers_of(argv[0], &of))
        return sy_headers_text(ctx, self, 1, argv);
    if (!sy_is_literal(ctx, p))
        return JS_UNDEFINED;
    prs = get_shape_prop(p->shape);
    for (int i = 0; i < p->shape->prop_count; i++) {
        JSValueConst value = safe_const(p->prop[i].u.value);
        JSString *key;
        if (prs[i].atom == JS_ATOM_NULL || !(prs[i].flags & JS_PROP_ENUMERABLE))
            continue;
        key = ctx->rt->atom_array[prs[i].atom];
        if (key->is_wide_char || !sy_header_name8(str8(key), key->len, &name) || !sy_plain_value(value))
            return JS_UNDEFINED;
        size += key->len + JS_VALUE_GET_STRING(value)->len + 2;
    }
    if (!size)
        return js_empty_string(ctx->rt);
    if (size > SY_HEADERS_TEXT)
        return JS_UNDEFINED;
    text = js_alloc_string(ctx, (int)size - 1, 0);
    if (!text)
        return JS_EXCEPTION;
    to = str8(text);
    for (int i = 0; i < p->shape->prop_count; i++) {
        JSString *key, *value;
        if (prs[i].atom == JS_ATOM_NULL || !(prs[i].flags & JS_PROP_ENUMERABLE))
            continue;
        key = ctx->rt->atom_array[prs[i].atom];
        value = JS_VALUE_GET_STRING(p->prop[i].u.value);
        sy_header_name8(str8(key), key->len, &name);
        if (to != str8(text))
            *to++ = '\n';
        memcpy(to, name.at, name.len);
        to += name.len;
        *to++ = '\n';
        memcpy(to, str8(value), value->len);
        to += value->len;
    }
    *to = 0;
    return JS_MKPTR(JS_TAG_STRING, text);
}

/* headersTyped(text, type) -> the text, with that content-type where it has none; undefined: it is not plain. */
JSValue sy_headers_typed(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    static const char key[] = "content-type\n";
    JSString *text, *type, *both;
    const uint8_t *at, *stop;
    uint8_t *to;
    SyLine line;
    if (!sy_is_text8(argv[0]) || !sy_is_text8(argv[1]))
        return JS_UNDEFINED;
    text = JS_VALUE_GET_STRING(argv[0]);
    type = JS_VALUE_GET_STRING(argv[1]);
    stop = str8(text) + text->len;
    for (at = str8(text); sy_next_line(&at, stop, &line);)
        if (line.name_len == sizeof key - 2 && !memcmp(line.name, key, sizeof key - 2))
            return js_dup(argv[0]);
    if ((uint64_t)text->len + type->len + sizeof key > SY_HEADERS_TEXT)
        return JS_UNDEFINED;
    both = js_alloc_string(ctx, text->len + (text->len > 0) + sizeof key - 1 + type->len, 0);
    if (!both)
        return JS_EXCEPTION;
    to = str8(both);
    memcpy(to, str8(text), text->len);
    to += text->len;
    if (text->len)
        *to++ = '\n';
    memcpy(to, key, sizeof key - 1);
    to += sizeof key - 1;
    memcpy(to, str8(type), type->len);
    to[type->len] = 0;
    return JS_MKPTR(JS_TAG_STRING, both);
}

/* ---- iteration ---- */

/* headersEntries(headers, cookiesJoined) -> name, value, name, value… sorted, the values of a name joined; undefined: it is
   not plain, or too many. */
JSValue sy_headers_entries(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    static const SyName cookie = { .at = (const uint8_t *)"set-cookie", .len = 10 };
    bool joined = JS_ToBool(ctx, argv[1]);
    SyHeaders of;
    JSObject *list;
    JSValue *out, *values, result;
    int there, count = 0;
    if (!sy_headers_of(argv[0], &of))
        return JS_UNDEFINED;
    there = sy_make_list(ctx, &of, &list);
    if (there < 0)
        return JS_EXCEPTION;
    if (!there || list->u.array.count > 2 * SY_FEW_HEADERS)
        return JS_UNDEFINED;
    values = list->u.array.u.values;
    for (uint32_t i = 0; i < list->u.array.count; i++)
        if (JS_VALUE_GET_TAG(values[i]) != JS_TAG_STRING && (i % 2 == 0 || JS_VALUE_GET_TAG(values[i]) != JS_TAG_STRING_ROPE))
            return JS_UNDEFINED;
    out = js_malloc(ctx, sizeof(*out) * (list->u.array.count + 1));
    if (!out)
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < list->u.array.count; i += 2) {
        JSString *name = JS_VALUE_GET_STRING(values[i]);
        int at = count, order = 1;
        while (at > 0 && (order = js_string_compare(JS_VALUE_GET_STRING(out[at - 2]), name)) > 0)
            at -= 2;
        if (at > 0 && order == 0 && (joined || sy_is_listed(list, i, &cookie) != 1)) {
            JSValue both = sy_join_values(ctx, safe_const(out[at - 1]), safe_const(values[i + 1]));
            if (JS_IsException(both)) {
                while (count-- > 0)
                    JS_FreeValue(ctx, out[count]);
                js_free(ctx, out);
                return both;
            }
            JS_FreeValue(ctx, out[at - 1]);
            out[at - 1] = both;
            continue;
        }
        memmove(out + at + 2, out + at, sizeof(*out) * (count - at));
        out[at] = js_dup(values[i]);
        out[at + 1] = js_dup(values[i + 1]);
        count += 2;
    }
    result = JS_NewArrayFrom(ctx, count, out);
    js_free(ctx, out);
    return result;
}

/* `{ done, value }`, in workerd's order. */
static JSValue sy_iterator_result(JSContext *ctx, JSValue value, bool done)
{
    JSValue result = JS_NewObject(ctx);
    if (JS_IsException(result) || sy_define(ctx, safe_const(result), JS_ATOM_done, js_bool(done)) < 0) {
        JS_FreeValue(ctx, value);
        JS_FreeValue(ctx, result);
        return JS_EXCEPTION;
    }
    if (sy_define(ctx, safe_const(result), JS_ATOM_value, value) < 0) {
        JS_FreeValue(ctx, result);
        return JS_EXCEPTION;
    }
    return result;
}

/* The next of name, value, name, value…: what `what` says of it, 0 both, 1 the name, 2 the value. The fields are the list,
   null at its end, and the place. Anything else is not of the class, whose own method says so. */
static JSValue sy_pairs_next(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int *done, int what)
{
    JSProperty *fields = sy_fields_of(self, sy_pairs_fields[what], 2);
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    JSObject *called = frame ? sy_object(safe_const(frame->cur_func)) : NULL;
    bool directly = called && called->class_id == JS_CLASS_C_FUNCTION && called->u.cfunc.c_function.iterator_next == sy_pairs_next;
    JSObject *list;
    JSValue value = JS_UNDEFINED;
    uint32_t at;
    *done = 2;
    if (!fields) {
        if (directly)
            ctx->rt->current_stack_frame = frame->prev_frame;
        value = JS_Call(ctx, safe_const(sy_pairs_methods[what]), self, argc, argv);
        ctx->rt->current_stack_frame = frame;
        return value;
    }
    *done = false;
    list = sy_object(safe_const(fields[0].u.value));
    at = JS_VALUE_GET_TAG(fields[1].u.value) == JS_TAG_INT ? (uint32_t)JS_VALUE_GET_INT(fields[1].u.value) : UINT32_MAX - 1;
    if (!list || list->class_id != JS_CLASS_ARRAY || !list->fast_array || at + 1 >= list->u.array.count) {
        JSValue before = fields[0].u.value;
        fields[0].u.value = JS_NULL;
        JS_FreeValue(ctx, before);
        *done = true;
    } else {
        fields[1].u.value = js_int32(at + 2);
        if (what) {
            value = js_dup(list->u.array.u.values[at + what - 1]);
        } else {
            JSValue both[2] = { js_dup(list->u.array.u.values[at]), js_dup(list->u.array.u.values[at + 1]) };
            value = JS_NewArrayFrom(ctx, 2, both);
            if (JS_IsException(value))
                return value;
        }
    }
    if (directly) {
        value = sy_iterator_result(ctx, value, *done);
        *done = 2;
    }
    return value;
}

/* pairsIterator(sample, prototype, what): its `next`. */
JSValue sy_pairs_iterator(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    int32_t what;
    JSCFunctionType function = { .iterator_next = sy_pairs_next };
    JSValue next;
    if (JS_ToInt32(ctx, &what, argv[2]))
        return JS_EXCEPTION;
    if (what < 0 || what > 2)
        return JS_ThrowRangeError(ctx, "no such iterator");
    if (!sy_learn_fields(ctx, argv[0], sy_pairs_fields[what], 2))
        return JS_EXCEPTION;
    next = JS_GetPropertyStr(ctx, argv[1], "next");
    if (JS_IsException(next))
        return next;
    sy_pairs_methods[what] = next;
    next = JS_NewCFunction2(ctx, function.generic, "next", 0, JS_CFUNC_iterator_next, what);
    if (JS_IsException(next) || JS_DefinePropertyValueStr(ctx, argv[1], "next", next, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0)
        return JS_EXCEPTION;
    return JS_UNDEFINED;
}
