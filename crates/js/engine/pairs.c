/* Included by internals.c: names and values one behind the other, as Headers are iterated and as a query is read. */

enum { SY_MOST_PAIRS = 1 << 20 }; /* more are the platform's */

static JSAtom sy_pairs_fields[3][2];
static JSValue sy_pairs_methods[3];

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

/* paramsList(text) -> name, value, name, value…; undefined: something in it has to be decoded. */
JSValue sy_params_list(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSString *text;
    const uint8_t *at, *stop;
    JSValue *values, result;
    uint32_t pieces = 0, count = 0;
    if (!sy_is_text8(argv[0]))
        return JS_UNDEFINED;
    text = JS_VALUE_GET_STRING(argv[0]);
    stop = str8(text) + text->len;
    for (at = str8(text); at < stop; at++) {
        if (*at == '%' || *at == '+')
            return JS_UNDEFINED;
        pieces += *at != '&' && (at == str8(text) || at[-1] == '&');
    }
    if (pieces > SY_MOST_PAIRS)
        return JS_UNDEFINED;
    values = js_malloc(ctx, sizeof(*values) * (2 * pieces + 1));
    if (!values)
        return JS_EXCEPTION;
    for (at = str8(text); at < stop; at++) {
        const uint8_t *from = at, *equals = NULL;
        for (; at < stop && *at != '&'; at++)
            if (*at == '=' && !equals)
                equals = at;
        if (at == from)
            continue;
        for (int i = 0; i < 2; i++) {
            const uint8_t *part = i ? (equals ? equals + 1 : at) : from;
            JSValue made = js_new_string8_len(ctx, (const char *)part, (int)((i || !equals ? at : equals) - part));
            if (JS_IsException(made)) {
                while (count-- > 0)
                    JS_FreeValue(ctx, values[count]);
                js_free(ctx, values);
                return made;
            }
            values[count++] = made;
        }
    }
    result = JS_NewArrayFrom(ctx, count, values);
    js_free(ctx, values);
    return result;
}
