/* Included by internals.c: what Headers do most, without a step of the interpreter. The class and all its rules are in
   platform/headers.js; here are its methods for what is plain beyond doubt: an object of the class, a name of few ASCII
   letters, a value that stays as it is. For anything else the method of the class itself is called, as if the script had
   called it, and nothing has been done before.

   A Headers object has three private fields, one behind the other: the text as on the wire, which is current while the
   list is null; the list (name, value, name, value…), an array that no script ever sees; and whether it is immutable. */

enum { SY_HEADERS_GET, SY_HEADERS_HAS, SY_HEADERS_SET, SY_HEADERS_APPEND, SY_HEADERS_DELETE, SY_HEADERS_METHODS };
enum { SY_FEW_HEADERS = 64, SY_MOST_HEADERS = 1 << 20, SY_HEADERS_TEXT = 1 << 20 };

static JSAtom sy_headers_fields[3];
static JSValue sy_headers_methods[SY_HEADERS_METHODS]; /* of the class, in JavaScript */

typedef struct SyHeaders {
    JSProperty *text, *list, *immutable;
} SyHeaders;

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
    if (count > SY_MOST_HEADERS)
        return 0;
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
