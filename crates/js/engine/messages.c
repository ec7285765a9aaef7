/* Included by internals.c: the words of the errors that programs meet most. They are V8's, because packages match on
   them and people search for them. Where V8 names the expression at fault, it is cut out of the function's source, which
   QuickJS keeps for `toString`; a little is looked at, and what is not plain gets the value's kind instead.

   Formats know %s (text), %a (a property's name), %o (a value, without running script). */

enum { SY_LOOK = 400, SY_LONGEST = 4096 };

static uint32_t sy_length(JSValueConst text)
{
    return JS_VALUE_GET_TAG(text) == JS_TAG_STRING ? JS_VALUE_GET_STRING(text)->len : JS_VALUE_GET_STRING_ROPE(text)->len;
}

static void sy_put_atom(JSContext *ctx, DynBuf *out, JSAtom atom)
{
    const char *text = JS_AtomToCString(ctx, atom);
    bool symbol = sy_is_symbol(ctx, atom) && !(text && *text == '#');
    if (symbol)
        dbuf_putstr(out, "Symbol(");
    dbuf_putstr(out, text ? text : "");
    if (symbol)
        dbuf_putc(out, ')');
    JS_FreeCString(ctx, text);
}

static void sy_put_value(JSContext *ctx, DynBuf *out, JSValueConst value)
{
    JSObject *p = sy_object(value);
    const char *text = NULL;
    if (!p) {
        if (JS_VALUE_GET_TAG(value) == JS_TAG_SYMBOL) {
            JSAtom atom = js_symbol_to_atom(ctx, value);
            sy_put_atom(ctx, out, atom);
            return;
        }
        text = JS_IsUninitialized(value) ? NULL : JS_ToCString(ctx, value);
        dbuf_putstr(out, text ? text : "undefined");
    } else if (p->class_id == JS_CLASS_ARRAY || p->class_id == JS_CLASS_DATE || p->class_id == JS_CLASS_REGEXP) {
        dbuf_putstr(out, p->class_id == JS_CLASS_ARRAY ? "[object Array]" : p->class_id == JS_CLASS_DATE ? "[object Date]" : "[object RegExp]");
    } else if (sy_code(value) && sy_code(value)->source) {
        dbuf_put(out, sy_code(value)->source, min_int(sy_code(value)->source_len, SY_LONGEST));
    } else if (JS_IsFunction(ctx, value)) {
        text = get_func_name(ctx, value);
        dbuf_putstr(out, "function ");
        dbuf_putstr(out, text ? text : "");
        dbuf_putstr(out, "() { [native code] }");
    } else {
        text = p->class_id == JS_CLASS_PROXY ? NULL : sy_type_name(ctx, value);
        dbuf_putstr(out, "#<");
        dbuf_putstr(out, text ? text : "Object");
        dbuf_putc(out, '>');
    }
    JS_FreeCString(ctx, text);
}

/* Throws what was written. As JS_ThrowError does, it leaves the stack of code's own errors to the interpreter, which
   knows the place only then. */
static JSValue sy_throw_text(JSContext *ctx, JSErrorEnum kind, DynBuf *out)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSValue error;
    if (out->size > SY_LONGEST)
        out->size = SY_LONGEST;
    dbuf_putc(out, 0);
    if (dbuf_error(out)) {
        dbuf_free(out);
        return JS_ThrowOutOfMemory(ctx);
    }
    error = JS_MakeError2(ctx, kind, !sf || !JS_GetFunctionBytecode(sf->cur_func), (char *)out->buf);
    dbuf_free(out);
    return JS_Throw(ctx, JS_IsException(error) ? JS_NULL : error);
}

static JSValue sy_throw(JSContext *ctx, JSErrorEnum kind, const char *format, ...)
{
    DynBuf out;
    va_list ap;
    js_dbuf_init(ctx, &out);
    va_start(ap, format);
    for (; *format; format++) {
        if (*format != '%') {
            dbuf_putc(&out, *format);
            continue;
        }
        switch (*++format) {
        case 's':
            dbuf_putstr(&out, va_arg(ap, const char *));
            break;
        case 'a':
            sy_put_atom(ctx, &out, va_arg(ap, JSAtom));
            break;
        case '%':
            dbuf_putc(&out, '%');
            break;
        default:
            sy_put_value(ctx, &out, va_arg(ap, JSValueConst));
        }
    }
    va_end(ap);
    return sy_throw_text(ctx, kind, &out);
}

/* A refusal that strict code hears of and other code does not. */
static int sy_refuse(JSContext *ctx, int flags, const char *format, JSAtom name, JSValueConst value)
{
    if (!(flags & JS_PROP_THROW) && !((flags & JS_PROP_THROW_STRICT) && is_strict_mode(ctx)))
        return false;
    sy_throw(ctx, JS_TYPE_ERROR, format, name, value);
    return -1;
}

/* --- the expression at fault --- */

static bool sy_is_name(int c) { return c == '_' || c == '$' || c >= 0x80 || (c | 32) - 'a' < 26u || (unsigned)(c - '0') < 10; }
static bool sy_is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* The function's text and the place in it that the running instruction stands for; NULL where that is not known. */
static const char *sy_place_in_source(JSContext *ctx, const char **from, const char **to)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSFunctionBytecode *code = sf ? sy_code(safe_const(sf->cur_func)) : NULL;
    const char *p;
    int line, column, at;
    if (!code || !code->source || !sf->cur_pc || code->sy_lead > (uint32_t)code->source_len)
        return NULL;
    line = find_line_num(ctx, code, sf->cur_pc - code->byte_code_buf - 1, &column);
    *from = code->source;
    *to = code->source + code->source_len;
    p = code->source + code->sy_lead;
    at = code->line_num;
    if (line < at)
        return NULL;
    for (; at < line; at++) {
        p = memchr(p, '\n', *to - p);
        if (!p++)
            return NULL;
    }
    at = line == code->line_num ? code->col_num : 1;
    for (; at < column && p < *to; at++) {
        uint8_t c = *p++;
        at += c >= 0xf0;
        while (p < *to && (*p & 0xc0) == 0x80)
            p++;
    }
    return p < *to ? p : NULL;
}

/* The bracket that belongs to the one at p, looking one way. NULL: too far. */
static const char *sy_other(const char *p, const char *end, int step)
{
    int depth = 0;
    for (int left = SY_LOOK; left > 0 && p != end; left--, p += step) {
        if (strchr("([{", *p))
            depth += step;
        else if (strchr(")]}", *p))
            depth -= step;
        if (depth == 0)
            return p;
    }
    return NULL;
}

static bool sy_put_key(DynBuf *out, const char *from, const char *to)
{
    for (const char *p = from; p < to; p++)
        if (!sy_is_name((uint8_t)*p) && *p != '.')
            return false;
    dbuf_putc(out, '[');
    dbuf_put(out, from, to - from);
    dbuf_putc(out, ']');
    return true;
}

/* What stands from `p` on: names, members, calls. Returns where it ends, NULL if it does not begin like that. */
static const char *sy_forward(DynBuf *out, const char *p, const char *to, bool calls, bool *called)
{
    const char *word = p;
    *called = false;
    while (p < to && (sy_is_name((uint8_t)*p) || (*p == '#' && p == word)))
        p++;
    if (p == word || (unsigned)(*word - '0') < 10)
        return NULL;
    if ((p - word == 3 && !memcmp(word, "new", 3)) || (p - word == 5 && (!memcmp(word, "await", 5) || !memcmp(word, "yield", 5))) ||
        (p - word == 6 && !memcmp(word, "typeof", 6)) || (p - word == 5 && !memcmp(word, "super", 5)))
        return NULL;
    dbuf_put(out, word, p - word);
    for (;;) {
        const char *q = p;
        while (q < to && sy_is_space((uint8_t)*q))
            q++;
        if (q < to && *q == '?' && q + 1 < to && q[1] == '.')
            q++;
        if (q < to && *q == '.' && q + 1 < to && q[1] != '.') {
            q++;
            while (q < to && sy_is_space((uint8_t)*q))
                q++;
            word = q;
            while (q < to && (sy_is_name((uint8_t)*q) || (*q == '#' && q == word)))
                q++;
            if (q == word)
                return p;
            dbuf_putc(out, '.');
            dbuf_put(out, word, q - word);
            *called = false;
        } else if (q < to && *q == '[') {
            const char *close = sy_other(q, to, 1);
            if (!close || !sy_put_key(out, q + 1, close))
                return NULL;
            q = close + 1;
            *called = false;
        } else if (calls && q < to && *q == '(') {
            const char *close = sy_other(q, to, 1);
            if (!close)
                return NULL;
            dbuf_putstr(out, "(...)");
            q = close + 1;
            *called = true;
        } else {
            return p;
        }
        p = q;
    }
}

/* What ends before `end`, read backwards into pieces. */
static bool sy_backward(DynBuf *out, const char *from, const char *end)
{
    const char *pieces[24], *ends[24];
    int count = 0;
    const char *p = end;
    bool intermediate = false, called = false;
    for (;;) {
        const char *last;
        while (p > from && sy_is_space((uint8_t)p[-1]))
            p--;
        if (p == from || count >= 22 || end - p > SY_LOOK)
            return false;
        last = p;
        if (p[-1] == ')' || p[-1] == ']') {
            const char *open = sy_other(p - 1, from - 1, -1), *before = open;
            if (!open)
                return false;
            while (before > from && sy_is_space((uint8_t)before[-1]))
                before--;
            bool applied = before > from && (sy_is_name((uint8_t)before[-1]) || before[-1] == ')' || before[-1] == ']');
            if (!applied) {
                intermediate = true;
                break;
            }
            called |= p[-1] == ')';
            pieces[count] = p[-1] == ')' ? "(...)" : open;
            ends[count++] = p[-1] == ')' ? NULL : p;
            p = open;
            continue;
        }
        if (!sy_is_name((uint8_t)p[-1])) {
            intermediate = true;
            break;
        }
        while (p > from && sy_is_name((uint8_t)p[-1]))
            p--;
        if (p > from && p[-1] == '#')
            p--;
        if (last - p == 5 && !memcmp(p, "super", 5)) {
            intermediate = true;
            break;
        }
        pieces[count] = p;
        ends[count++] = last;
        const char *before = p;
        while (before > from && sy_is_space((uint8_t)before[-1]))
            before--;
        if (before > from && before[-1] == '.') {
            before--;
            if (before > from && before[-1] == '?')
                before--;
            pieces[count] = ".";
            ends[count++] = NULL;
            p = before;
            continue;
        }
        if (called && before - from >= 3 && !memcmp(before - 3, "new", 3) && (before - from == 3 || !sy_is_name((uint8_t)before[-4])))
            return false;
        break;
    }
    if (intermediate)
        dbuf_putstr(out, "(intermediate value)");
    while (count-- > 0) {
        if (!ends[count])
            dbuf_putstr(out, pieces[count]);
        else if (*pieces[count] != '[')
            dbuf_put(out, pieces[count], ends[count] - pieces[count]);
        else if (!sy_put_key(out, pieces[count] + 1, ends[count] - 1))
            dbuf_putstr(out, "[...]");
    }
    return true;
}

/* What a value is called where no expression can be: `number 5`, `undefined`, `object`. */
static void sy_put_kind(JSContext *ctx, DynBuf *out, JSValueConst value)
{
    bool quoted = JS_IsString(value);
    if (JS_IsUndefined(value)) {
        dbuf_putstr(out, "undefined");
        return;
    }
    dbuf_putstr(out, quoted ? "string \"" : JS_IsNumber(value) ? "number " : JS_IsBool(value) ? "boolean " : JS_IsNull(value) ? "object " :
                     JS_IsFunction(ctx, value) ? "function" : JS_IsSymbol(value) ? "symbol" : JS_IsBigInt(value) ? "bigint " : "object");
    if (quoted || JS_IsNumber(value) || JS_IsBool(value) || JS_IsNull(value) || JS_IsBigInt(value))
        sy_put_value(ctx, out, value);
    if (quoted)
        dbuf_putc(out, '"');
}

/* `obj.method is not a function`. In a built-in function it is one of its arguments that is none. */
static JSValue sy_throw_not_callable(JSContext *ctx, JSValueConst value, const char *what)
{
    const char *from, *to, *p = sy_place_in_source(ctx, &from, &to);
    bool found = false, called;
    DynBuf out;
    js_dbuf_init(ctx, &out);
    if (p && to - p > 4 && !memcmp(p, "new", 3) && sy_is_space((uint8_t)p[3])) {
        for (p += 4; p < to && sy_is_space((uint8_t)*p);)
            p++;
        found = sy_forward(&out, p, to, false, &called) != NULL;
    } else if (p && *what != 'c') {
        while (p < to && sy_is_name((uint8_t)*p))
            p++;
        found = (*p == '(' || *p == '`' || sy_is_space((uint8_t)*p) || *p == '?') && sy_backward(&out, from, p);
    }
    if (!found) {
        const char *name = *what == 'c' && JS_IsFunction(ctx, value) ? get_func_name(ctx, value) : NULL;
        out.size = 0;
        if (name && *name)
            dbuf_putstr(&out, name);
        else if (*what == 'c' && !JS_IsString(value))
            sy_put_value(ctx, &out, value);
        else
            sy_put_kind(ctx, &out, value);
        JS_FreeCString(ctx, name);
    }
    dbuf_putstr(&out, *what == 'c' ? " is not a constructor" : " is not a function");
    return sy_throw_text(ctx, JS_TYPE_ERROR, &out);
}

/* `x is not iterable`, for loops, spreads and patterns. */
static JSValue sy_throw_not_iterable(JSContext *ctx, JSValueConst value)
{
    const char *from, *to, *p = sy_place_in_source(ctx, &from, &to);
    bool called = false, found = false;
    DynBuf out;
    js_dbuf_init(ctx, &out);
    if (p && *p == '[') { /* a pattern: what it is taken from follows */
        p = sy_other(p, to, 1);
        for (p = p ? p + 1 : to; p < to && sy_is_space((uint8_t)*p);)
            p++;
        p = p < to && *p == '=' ? p + 1 : NULL;
        while (p && p < to && sy_is_space((uint8_t)*p))
            p++;
    }
    if (p && p < to)
        found = sy_forward(&out, p, to, true, &called) != NULL;
    if (!found) {
        out.size = 0;
        sy_put_kind(ctx, &out, value);
        dbuf_putstr(&out, " is not iterable (cannot read property Symbol(Symbol.iterator))");
    } else {
        if (called && out.size > 5)
            out.size -= 5;
        dbuf_putstr(&out, called ? " is not a function or its return value is not iterable" : " is not iterable");
    }
    return sy_throw_text(ctx, JS_TYPE_ERROR, &out);
}

/* A value that no pattern of an object can be taken from. */
static JSValue sy_throw_no_object(JSContext *ctx, JSValueConst value)
{
    const char *from, *to, *p = sy_place_in_source(ctx, &from, &to), *word, *close;
    const char *kind = JS_IsNull(value) ? "null" : "undefined";
    bool called;
    DynBuf out;
    if (!p || *p != '{')
        return JS_ThrowTypeError(ctx, "Cannot convert undefined or null to object");
    close = sy_other(p, to, 1);
    for (word = p + 1; word < to && sy_is_space((uint8_t)*word);)
        word++;
    for (from = p; from > sy_code(safe_const(ctx->rt->current_stack_frame->cur_func))->source && sy_is_space((uint8_t)from[-1]);)
        from--;
    bool nested = from > sy_code(safe_const(ctx->rt->current_stack_frame->cur_func))->source && from[-1] == ':';
    for (p = word; p < to && sy_is_name((uint8_t)*p);)
        p++;
    js_dbuf_init(ctx, &out);
    if (nested && p > word) {
        dbuf_printf(&out, "Cannot read properties of %s (reading '", kind);
        dbuf_put(&out, word, p - word);
        dbuf_putstr(&out, "')");
        return sy_throw_text(ctx, JS_TYPE_ERROR, &out);
    }
    dbuf_putstr(&out, "Cannot destructure ");
    if (p > word) {
        dbuf_putstr(&out, "property '");
        dbuf_put(&out, word, p - word);
        dbuf_putstr(&out, "' of ");
    }
    size_t so_far = out.size;
    dbuf_putc(&out, '\'');
    for (p = close ? close + 1 : to; p < to && sy_is_space((uint8_t)*p);)
        p++;
    if (p < to && *p == '=')
        for (p++; p < to && sy_is_space((uint8_t)*p);)
            p++;
    else
        p = to;
    if (p >= to || !sy_forward(&out, p, to, true, &called)) {
        out.size = so_far + 1;
        dbuf_putstr(&out, p < to ? "(intermediate value)" : kind);
    }
    dbuf_printf(&out, "' as it is %s.", kind);
    return sy_throw_text(ctx, JS_TYPE_ERROR, &out);
}

/* --- built-in functions speak in their own name --- */

static const char *sy_active_name(JSContext *ctx)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    return sf && !sy_code(safe_const(sf->cur_func)) ? get_func_name(ctx, safe_const(sf->cur_func)) : NULL;
}

/* `format` takes the name of the running built-in function. */
static JSValue sy_throw_active(JSContext *ctx, JSErrorEnum kind, const char *format, JSValueConst value)
{
    const char *name = sy_active_name(ctx);
    const char *bare = name && (!strncmp(name, "get ", 4) || !strncmp(name, "set ", 4)) ? name + 4 : name;
    sy_throw(ctx, kind, format, bare ? bare : "", value);
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* The running built-in function as a member of `owner`, behind what kind of accessor it is. */
static const char *sy_running(JSContext *ctx, char label[160], const char *owner, const char *between)
{
    const char *name = sy_active_name(ctx);
    int kind = name && (!strncmp(name, "get ", 4) || !strncmp(name, "set ", 4)) ? 4 : 0;
    snprintf(label, 160, "%.*s%s%s%s", kind, name ? name : "", owner ? owner : "", between, name ? name + kind : "");
    JS_FreeCString(ctx, name);
    return label;
}

static JSValue sy_throw_receiver(JSContext *ctx, JSValueConst value, JSClassID class_id)
{
    const char *type = JS_AtomToCString(ctx, ctx->rt->class_array[class_id].class_name);
    char label[160];
    sy_throw(ctx, JS_TYPE_ERROR, "Method %s called on incompatible receiver %o", sy_running(ctx, label, type, ".prototype."), value);
    JS_FreeCString(ctx, type);
    return JS_EXCEPTION;
}

static void sy_throw_disposed(JSContext *ctx, JSClassID class_id)
{
    char label[160];
    sy_running(ctx, label, class_id == JS_CLASS_DISPOSABLE_STACK ? "DisposableStack" : "AsyncDisposableStack", ".prototype.");
    sy_throw(ctx, JS_REFERENCE_ERROR, "Cannot call %s on an already-disposed DisposableStack", label);
}

/* A number that is no index, in the words of whom it was given to. */
static void sy_throw_index(JSContext *ctx, JSValueConst value)
{
    const char *name = sy_active_name(ctx);
    size_t len = name ? strlen(name) : 0;
    if (len > 6 && !strcmp(name + len - 6, "Buffer"))
        sy_throw(ctx, JS_RANGE_ERROR, !strcmp(name, "SharedArrayBuffer") ? "Array buffer allocation failed" : "Invalid array buffer length");
    else if (len > 5 && !strcmp(name + len - 5, "Array"))
        sy_throw(ctx, JS_RANGE_ERROR, "Invalid typed array length: %o", value);
    else if (len > 3 && (!strncmp(name, "get", 3) || !strncmp(name, "set", 3)))
        sy_throw(ctx, JS_RANGE_ERROR, "Offset is outside the bounds of the DataView");
    else
        sy_throw(ctx, JS_RANGE_ERROR, "Invalid index: %o", value);
    JS_FreeCString(ctx, name);
}

static void sy_throw_new(JSContext *ctx, JSValueConst func)
{
    const char *name = get_func_name(ctx, func);
    bool promise = name && !strcmp(name, "Promise");
    sy_throw(ctx, JS_TYPE_ERROR, promise ? "%s constructor cannot be invoked without 'new'" : "Constructor %s requires 'new'", name ? name : "");
    JS_FreeCString(ctx, name);
}

static void sy_throw_class_call(JSContext *ctx, JSValueConst func)
{
    const char *name = get_func_name(ctx, func);
    sy_throw(ctx, JS_TYPE_ERROR, "Class constructor %s cannot be invoked without 'new'", name ? name : "");
    JS_FreeCString(ctx, name);
}

/* A method or a getter of the platform's, called on what is none of its class. */
static bool sy_throw_illegal(JSContext *ctx)
{
    if (!sy_platform_runs(ctx))
        return false;
    sy_throw(ctx, JS_TYPE_ERROR, "Illegal invocation: function called with incorrect `this` reference. See "
             "https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.");
    return true;
}

static void sy_throw_member(JSContext *ctx, bool writes, JSAtom name)
{
    if (!sy_throw_illegal(ctx))
        sy_throw(ctx, JS_TYPE_ERROR, writes ? "Cannot write private member %a to an object whose class did not declare it" :
                 "Cannot read private member %a from an object whose class did not declare it", name);
}

/* A private method is the class's of which its function's home is the prototype. */
static void sy_throw_brand(JSContext *ctx, JSValueConst func)
{
    if (sy_throw_illegal(ctx))
        return;
    JSObject *home = sy_code(func) ? sy_object(func)->u.func.home_object : NULL;
    bool is_static = home && JS_IsFunction(ctx, JS_MKPTR(JS_TAG_OBJECT, home));
    const char *name = home ? sy_type_name(ctx, JS_MKPTR(JS_TAG_OBJECT, home)) : NULL;
    sy_throw(ctx, JS_TYPE_ERROR, is_static ? "Receiver must be class %s" : "Receiver must be an instance of class %s", name ? name : "anonymous");
    JS_FreeCString(ctx, name);
}

static int sy_read_only(JSContext *ctx, int flags, JSAtom name, JSValueConst value)
{
    JSObject *p = sy_object(value);
    return sy_refuse(ctx, flags, !p ? "Cannot assign to read only property '%a' of string '%o'" :
                     JS_IsFunction(ctx, value) ? "Cannot assign to read only property '%a' of function '%o'" :
                     "Cannot assign to read only property '%a' of object '%o'", name, value);
}

/* Something set on a primitive: a string's own, or nothing that could be kept. */
static int sy_refuse_primitive(JSContext *ctx, int flags, JSAtom name, JSValueConst value)
{
    uint32_t index;
    if (JS_IsString(value) && (name == JS_ATOM_length || (JS_AtomIsArrayIndex(ctx, &index, name) && index < sy_length(value))))
        return sy_read_only(ctx, flags, name, value);
    return sy_refuse(ctx, flags, JS_IsString(value) ? "Cannot create property '%a' on string '%o'" :
                     JS_IsNumber(value) ? "Cannot create property '%a' on number '%o'" :
                     JS_IsBool(value) ? "Cannot create property '%a' on boolean '%o'" :
                     JS_IsSymbol(value) ? "Cannot create property '%a' on symbol '%o'" : "Cannot create property '%a' on bigint '%o'", name, value);
}

/* `out`: the buffer may also have become too short. */
static JSValue sy_throw_detached(JSContext *ctx, bool out)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSObject *p;
    char label[160];
    if (!sf || sy_code(safe_const(sf->cur_func)))
        return JS_ThrowTypeError(ctx, "ArrayBuffer is detached");
    p = sy_object(sf->sy_this);
    if (JS_IsConstructor(ctx, safe_const(sf->cur_func))) {
        sy_running(ctx, label, "", "");
        snprintf(label, sizeof(label), strcmp(label, "DataView") ? "Construct" : "DataView constructor");
    } else if (p && is_typed_array(p->class_id)) {
        const char *name = sy_running(ctx, label, "", "");
        bool own = strstr(name, "Base64") || strstr(name, "Hex");
        sy_running(ctx, label, own ? "Uint8Array" : "%TypedArray%", ".prototype.");
        out = true;
    } else if (p && p->class_id == JS_CLASS_DATAVIEW) {
        sy_running(ctx, label, "DataView", ".prototype.");
        out = true;
    } else if (p && p->class_id == JS_CLASS_OBJECT) {
        sy_running(ctx, label, "Atomics", ".");
        out = true;
    } else {
        sy_running(ctx, label, p && p->class_id == JS_CLASS_ARRAY_BUFFER ? "ArrayBuffer.prototype." : "", "");
    }
    return sy_throw(ctx, JS_TYPE_ERROR, out ? "Cannot perform %s on a detached or out-of-bounds ArrayBuffer" :
                    "Cannot perform %s on a detached ArrayBuffer", label);
}

/* Methods of arrays say so when it is their receiver. */
static JSValue sy_throw_to_object(JSContext *ctx)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    const char *name = sf && (JS_IsUndefined(sf->sy_this) || JS_IsNull(sf->sy_this)) ? sy_active_name(ctx) : NULL;
    JSAtom atom = name ? JS_NewAtom(ctx, name) : JS_ATOM_NULL;
    bool of_array = name && sy_object(sy_plain(ctx, JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]), atom)) == sy_object(safe_const(sf->cur_func));
    JS_FreeAtom(ctx, atom);
    JS_FreeCString(ctx, name);
    if (of_array)
        return sy_throw_active(ctx, JS_TYPE_ERROR, "Array.prototype.%s called on null or undefined", JS_UNDEFINED);
    return JS_ThrowTypeError(ctx, "Cannot convert undefined or null to object");
}

/* --- JSON --- */

/* UTF-16 units in a piece of UTF-8. */
static int sy_units(const uint8_t *from, const uint8_t *to)
{
    int count = 0;
    for (; from < to; from++)
        count += ((*from & 0xc0) != 0x80) + (*from >= 0xf0);
    return count;
}

static bool sy_after_comma(JSParseState *s)
{
    const uint8_t *p = s->token.ptr;
    while (p > s->buf_start && sy_is_space(p[-1]))
        p--;
    return p > s->buf_start && p[-1] == ',';
}

static int sy_json_more(JSParseState *s)
{
    const uint8_t *p, *line = s->buf_start, *at = s->token.ptr;
    int lines = 1;
    for (p = s->buf_start; p < at; p++)
        if (*p == '\n' || (*p == '\r' && p[1] != '\n')) {
            line = p + 1;
            lines++;
        }
    return js_parse_error(s, "Unexpected non-whitespace character after JSON at position %d (line %d column %d)",
                          sy_units(s->buf_start, at), lines, sy_units(line, at) + 1);
}

/* A token that cannot stand where it does: V8 shows ten characters on each side of the one it stumbled over. */
static int sy_json_unexpected(JSParseState *s, const uint8_t *at)
{
    static const char *const special[] = { "undefined", "NaN", "Infinity", "[object Object]" };
    static const char *const words[] = { "true", "false", "null" };
    size_t length = s->buf_end - s->buf_start;
    const uint8_t *from = s->buf_start, *to = s->buf_end, *after;
    int before, behind;
    if (*at == '"')
        return json_parse_error(s, at, "Unexpected string");
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return json_parse_error(s, at, "Unexpected number");
    for (size_t i = 0; i < countof(special); i++)
        if (length == strlen(special[i]) && !memcmp(s->buf_start, special[i], length))
            return js_parse_error(s, "\"%s\" is not valid JSON", special[i]);
    for (size_t i = 0; i < countof(words); i++)
        if (*at == *words[i])
            for (const char *w = words[i]; at < to && *w && *at == (uint8_t)*w; w++)
                at++;
    if (at >= to)
        return js_parse_error(s, "Unexpected end of JSON input");
    before = sy_units(from, at);
    behind = sy_units(at, to);
    for (after = at + 1; after < to && (*after & 0xc0) == 0x80;)
        after++;
    if (before + behind < 21) {
        from = s->buf_start;
        before = behind = 0;
    } else {
        if (before >= 10)
            for (from = at; sy_units(from, at) < 10;)
                from--;
        while (from < at && (*from & 0xc0) == 0x80)
            from++;
        if (behind > 10)
            for (to = at; sy_units(at, to) < 10;)
                to++;
        while (to < s->buf_end && (*to & 0xc0) == 0x80)
            to++;
    }
    return js_parse_error(s, "Unexpected token '%.*s', %s\"%.*s\"%s is not valid JSON", (int)(after - at), at, before >= 10 ? "..." : "",
                          (int)(to - from), from, behind > 10 ? "..." : "");
}


/* The name by which `holder` has `value` as plain data. */
static bool sy_put_property(JSContext *ctx, DynBuf *out, JSValueConst holder, JSValueConst value)
{
    JSObject *p = sy_object(holder), *wanted = sy_object(value);
    if (!p || p->class_id == JS_CLASS_PROXY)
        return false;
    if (p->class_id == JS_CLASS_ARRAY && p->fast_array) {
        for (uint32_t i = 0; i < p->u.array.count && i < SY_LONGEST; i++)
            if (sy_object(safe_const(p->u.array.u.values[i])) == wanted) {
                dbuf_printf(out, "index %u", i);
                return true;
            }
        return false;
    }
    JSShapeProperty *prs = get_shape_prop(p->shape);
    for (int i = 0; i < p->shape->prop_count && i < SY_LONGEST; i++, prs++)
        if (prs->atom != JS_ATOM_NULL && (prs->flags & JS_PROP_TMASK) == JS_PROP_NORMAL &&
            sy_object(safe_const(p->prop[i].u.value)) == wanted) {
            dbuf_putstr(out, "property '");
            sy_put_atom(ctx, out, prs->atom);
            dbuf_putc(out, '\'');
            return true;
        }
    return false;
}

static void sy_put_class(JSContext *ctx, DynBuf *out, JSValueConst value)
{
    const char *name = sy_object(value) && sy_object(value)->class_id != JS_CLASS_PROXY ? sy_type_name(ctx, value) : NULL;
    dbuf_printf(out, "object with constructor '");
    dbuf_putstr(out, name ? name : "Object");
    dbuf_putc(out, '\'');
    JS_FreeCString(ctx, name);
}

/* `stack`: what is being written, the outermost first; `value` is in it. */
static void sy_throw_circle(JSContext *ctx, JSValueConst stack, JSValueConst value)
{
    JSObject *held = sy_object(stack);
    uint32_t count = held && held->fast_array ? held->u.array.count : 0, first = 0;
    JSValueConst *values = count ? (JSValueConst *)held->u.array.u.values : NULL;
    DynBuf out;
    js_dbuf_init(ctx, &out);
    dbuf_putstr(&out, "Converting circular structure to JSON\n    --> starting at ");
    while (first < count && sy_object(values[first]) != sy_object(value))
        first++;
    sy_put_class(ctx, &out, value);
    for (uint32_t i = first; i < count; i++) {
        bool last = i + 1 == count;
        if (i > first + 1 && i + 2 < count) {
            if (i == first + 2)
                dbuf_putstr(&out, "\n    |     ...");
            continue;
        }
        dbuf_putstr(&out, last ? "\n    --- " : "\n    |     ");
        if (!sy_put_property(ctx, &out, values[i], last ? value : values[i + 1]))
            dbuf_putstr(&out, "property");
        dbuf_putstr(&out, last ? " closes the circle" : " -> ");
        if (!last)
            sy_put_class(ctx, &out, values[i + 1]);
    }
    sy_throw_text(ctx, JS_TYPE_ERROR, &out);
}

/* --- regular expressions --- */

static const char *sy_regexp_words(const char *said, const char *pattern, size_t len)
{
    static const char *const words[][2] = {
        { "invalid group name", "Invalid capture group name" }, { "duplicate group name", "Duplicate capture group name" },
        { "nothing to repeat", "Nothing to repeat" }, { "invalid class range", "Range out of order in character class" },
        { "invalid group", "Invalid group" }, { "invalid repetition count", "numbers out of order in {} quantifier" },
        { "unknown unicode", "Invalid property name" }, { "expecting '{' after \\p", "Invalid property name" },
        { "invalid modifiers", "Invalid group" }, { "duplicate modifier", "Invalid group" },
        { "group name not defined", "Invalid named capture referenced" }, { "expecting group name", "Invalid named reference" },
        { "invalid escape sequence", "Invalid escape" }, { "invalid decimal escape", "Invalid decimal escape" },
        { "back reference out of range", "Invalid escape" }, { "malformed unicode char", "Invalid Unicode escape" },
        { "invalid character in class", "Invalid character in character class" }, { "invalid class set operation", "Invalid set operation in character class" },
        { "invalid operation", "Invalid set operation in character class" }, { "negated character class", "Negated character class may contain strings" },
        { "too many captures", "Too many captures" }, { "stack overflow", "Regular expression too large" },
        { "expecting ')'", "Unterminated group" }, { "expecting ']'", "Unterminated character class" }, { "extraneous", "Unmatched ')'" },
    };
    if (!strncmp(said, "unexpected end", 14) || !strncmp(said, "invalid escape", 14))
        if (len && pattern[len - 1] == '\\')
            return "\\ at end of pattern";
    if (!strncmp(said, "unexpected end", 14))
        return "Unterminated character class";
    if (!strncmp(said, "syntax error", 12))
        return "Lone quantifier brackets";
    for (size_t i = 0; i < countof(words); i++)
        if (!strncmp(said, words[i][0], strlen(words[i][0])))
            return words[i][1];
    return said;
}

static void sy_throw_regexp(JSContext *ctx, JSValueConst pattern, JSValueConst flags, const char *said)
{
    size_t len = 0;
    const char *text = JS_ToCStringLen(ctx, &len, pattern), *of = JS_IsString(flags) ? JS_ToCString(ctx, flags) : NULL;
    sy_throw(ctx, JS_SYNTAX_ERROR, "Invalid regular expression: /%s/%s: %s", text ? text : "", of ? of : "",
             sy_regexp_words(said, text ? text : "", text ? len : 0));
    JS_FreeCString(ctx, text);
    JS_FreeCString(ctx, of);
}
