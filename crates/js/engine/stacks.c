/* Included by internals.c: what an error tells of where it was made. `stack` is text in V8's format, since that is what
   reads it (error trackers, test frameworks); `Error.prepareStackTrace` gets the same frames as values, from which the
   platform makes call sites. Frames of the platform's own modules are left out, and so are the built-in functions that
   they called: on workerd the platform is no JavaScript that could be seen.

   A stack is taken when the error is made, and its first line is written when `stack` is first read: only then is the
   name of a class known that names its errors in its constructor. Until then the error holds the two parts. */

enum { SY_MAX_FRAMES = 128, SY_MAX_SEARCH = 512, SY_MAX_AWAITS = 256 };

/* One frame. Nothing in it is owned: no script runs between taking the frames and writing them. */
typedef struct {
    JSValueConst func, receiver;
    JSFunctionBytecode *code; /* NULL: a built-in function */
    int line, column;         /* of code */
    int index;                /* of a promise that Promise.all waits for; −1: a frame like others */
    bool constructor, async;
} SyFrame;

/* What a person calls a frame. Texts are NULL where there is none. */
typedef struct {
    const char *type, *function, *method, *file;
    bool toplevel;
} SyNames;

static JSObject *sy_object(JSValueConst value)
{
    return JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT ? JS_VALUE_GET_OBJ(value) : NULL;
}

/* A property found on the object or its prototypes as plain data; undefined where script would have to run to tell. */
static JSValueConst sy_plain(JSContext *ctx, JSObject *p, JSAtom name)
{
    for (int depth = 0; p && depth < 32; depth++, p = p->shape->proto) {
        JSProperty *pr;
        JSShapeProperty *prs;
        if (p->class_id == JS_CLASS_PROXY)
            break;
        prs = find_own_property(&pr, p, name);
        if (prs && (prs->flags & JS_PROP_TMASK) == JS_PROP_AUTOINIT) {
            if (JS_AutoInitProperty(ctx, p, name, pr, prs))
                break;
            prs = find_own_property(&pr, p, name);
        }
        if (!prs)
            continue;
        if ((prs->flags & JS_PROP_TMASK) != JS_PROP_NORMAL)
            break;
        return safe_const(pr->u.value);
    }
    return JS_UNDEFINED;
}

static bool sy_is_symbol(JSContext *ctx, JSAtom atom)
{
    return !__JS_AtomIsTaggedInt(atom) && ctx->rt->atom_array[atom]->atom_type != JS_ATOM_TYPE_STRING;
}

/* A text like those that JS_ToCString gives. */
static const char *sy_word(JSContext *ctx, const char *text)
{
    JSValue value = JS_NewString(ctx, text);
    const char *word = JS_ToCString(ctx, value);
    JS_FreeValue(ctx, value);
    return word;
}

static bool sy_begins(JSContext *ctx, JSAtom atom, const char *with)
{
    JSAtomStruct *name;
    size_t len = strlen(with);
    if (atom == JS_ATOM_NULL || __JS_AtomIsTaggedInt(atom))
        return false;
    name = ctx->rt->atom_array[atom];
    return !name->is_wide_char && name->len >= len && memcmp(str8(name), with, len) == 0;
}

/* A platform that makes call sites is one that hides behind them. */
static bool sy_hides(JSContext *ctx)
{
    return JS_IsFunction(ctx, sy_callback(SY_CALL_SITES));
}

static bool sy_of_platform(JSContext *ctx, JSFunctionBytecode *code)
{
    return sy_hides(ctx) && (sy_begins(ctx, code->filename, "platform:") || sy_begins(ctx, code->filename, "node:") ||
                             sy_begins(ctx, code->filename, "cloudflare:"));
}

static JSFunctionBytecode *sy_code(JSValueConst func)
{
    JSObject *p = sy_object(func);
    return p && js_class_has_bytecode(p->class_id) ? p->u.func.function_bytecode : NULL;
}

/* What V8 has no frame for: these call their function and are gone. */
static bool sy_is_passage(JSValueConst func)
{
    JSObject *p = sy_object(func);
    if (!p || p->class_id != JS_CLASS_C_FUNCTION)
        return p && p->class_id == JS_CLASS_BOUND_FUNCTION;
    return p->u.cfunc.c_function.generic == js_function_call ||
           (JSCFunction *)p->u.cfunc.c_function.generic_magic == (JSCFunction *)js_function_apply ||
           p->u.cfunc.c_function.generic == js_reflect_apply || p->u.cfunc.c_function.generic == js_reflect_construct;
}

/* A built-in that another one asks through a symbol: V8 goes there without a frame. */
static bool sy_is_protocol(JSContext *ctx, JSValueConst func)
{
    const char *name = get_func_name(ctx, func);
    bool is = name && !strncmp(name, "[Symbol.", 8);
    JS_FreeCString(ctx, name);
    return is;
}

/* What sets the fields of a class, and calls its static blocks: it is written nowhere. */
static bool sy_is_initializer(JSFunctionBytecode *code)
{
    return code && code->line_num == 0 && !code->source;
}

static bool sy_is_block(JSFunctionBytecode *code)
{
    return code && code->source && *code->source == '{';
}

static void sy_place(JSContext *ctx, SyFrame *frame, const uint8_t *pc)
{
    frame->line = -1;
    if (frame->code && pc)
        frame->line = find_line_num(ctx, frame->code, pc - frame->code->byte_code_buf - 1, &frame->column);
}

static JSValueConst sy_promise_of(JSValueConst resolve)
{
    JSObject *p = sy_object(resolve);
    if (p && p->class_id == JS_CLASS_PROMISE)
        return resolve;
    if (!p || p->class_id != JS_CLASS_PROMISE_RESOLVE_FUNCTION || !p->u.promise_function_data)
        return JS_UNDEFINED;
    return safe_const(p->u.promise_function_data->promise);
}

static SyFrame sy_awaiting(JSContext *ctx, JSAsyncFunctionState *state)
{
    SyFrame frame = { .func = safe_const(state->frame.cur_func), .receiver = safe_const(state->this_val),
                      .code = sy_code(safe_const(state->frame.cur_func)), .index = -1, .async = true };
    sy_place(ctx, &frame, state->frame.cur_pc);
    return frame;
}

/* Who waits for a promise, and for whose promise in turn, as long as each has one alone. */
static uint32_t sy_awaits(JSContext *ctx, JSValueConst promise, SyFrame *frames, uint32_t count, uint32_t limit)
{
    for (int steps = 0; count < limit && steps < SY_MAX_AWAITS; steps++) {
        JSPromiseData *data = JS_GetOpaque(promise, JS_CLASS_PROMISE);
        JSPromiseReactionData *reaction;
        JSObject *handler;
        if (!data || data->promise_state != JS_PROMISE_PENDING || list_empty(&data->promise_reactions[0]) ||
            data->promise_reactions[0].next->next != &data->promise_reactions[0])
            break;
        reaction = list_entry(data->promise_reactions[0].next, JSPromiseReactionData, link);
        handler = sy_object(safe_const(reaction->handler));
        promise = sy_promise_of(safe_const(reaction->resolving_funcs[0]));
        if (!handler)
            continue;
        if (handler->class_id == JS_CLASS_ASYNC_FUNCTION_RESOLVE && handler->u.async_function_data) {
            JSAsyncFunctionData *s = handler->u.async_function_data;
            promise = sy_promise_of(safe_const(s->resolving_funcs[0]));
            if (!s->is_active)
                continue;
            frames[count] = sy_awaiting(ctx, &s->func_state);
            count += frames[count].code && !sy_of_platform(ctx, frames[count].code);
        } else if (handler->class_id == JS_CLASS_PROMISE_RESOLVE_FUNCTION) {
            promise = sy_promise_of(JS_MKPTR(JS_TAG_OBJECT, handler));
        } else if (handler->class_id == JS_CLASS_C_FUNCTION_DATA) {
            JSCFunctionDataRecord *record = handler->u.c_function_data_record;
            /* The element function of Promise.all: already called, index, values, resolve, how many are left. */
            if (!record || record->func != js_promise_all_resolve_element || record->data_len < 4 || record->magic != 0)
                break;
            if (JS_VALUE_GET_TAG(record->data[1]) == JS_TAG_INT) {
                frames[count] = (SyFrame){ .func = JS_UNDEFINED, .receiver = JS_UNDEFINED, .async = true,
                                           .index = JS_VALUE_GET_INT(record->data[1]) };
                count++;
            }
            promise = sy_promise_of(safe_const(record->data[3]));
        }
    }
    return count;
}

/* The frames of the present call, the newest first. `above`: those of this function and of what it called are left out. */
static uint32_t sy_frames(JSContext *ctx, JSValueConst above, bool skip, SyFrame *frames, uint32_t limit)
{
    JSRuntime *rt = ctx->rt;
    JSStackFrame *sf = rt->current_stack_frame;
    uint32_t count = 0;
    if (skip && sf)
        sf = sf->prev_frame;
    if (JS_IsFunction(ctx, above)) {
        while (sf && !js_same_value(ctx, sf->cur_func, above))
            sf = sf->prev_frame;
        if (!sf)
            return 0;
        sf = sf->prev_frame;
    }
    for (; sf && count < limit; sf = sf->prev_frame) {
        SyFrame *frame = &frames[count];
        JSFunctionBytecode *code = sy_code(safe_const(sf->cur_func));
        if (code ? sy_of_platform(ctx, code) : sy_is_passage(safe_const(sf->cur_func)))
            continue;
        if (!code && sy_is_protocol(ctx, safe_const(sf->cur_func)))
            continue;
        if (sy_is_initializer(code) && count > 0 && sy_is_block(frame[-1].code))
            continue;
        if (!code && sy_hides(ctx)) {
            JSStackFrame *caller = sf->prev_frame;
            while (caller && !sy_code(safe_const(caller->cur_func)))
                caller = caller->prev_frame;
            if (!caller || sy_of_platform(ctx, sy_code(safe_const(caller->cur_func))))
                continue;
        }
        *frame = (SyFrame){ .func = safe_const(sf->cur_func), .receiver = sf->sy_this, .code = code, .index = -1,
                            .constructor = sf->is_constructor };
        sy_place(ctx, frame, sf->cur_pc);
        count++;
        if (code && code->backtrace_barrier)
            return count;
    }
    /* What the job at the bottom goes on with: an async function that had waited, or the callback of a `then`. */
    if (rt->sy_job && rt->sy_job->job_func == promise_reaction_job) {
        JSValueConst *args = (JSValueConst *)rt->sy_job->argv;
        JSObject *handler = sy_object(args[2]);
        JSValueConst promise = sy_promise_of(args[0]);
        if (handler && handler->class_id == JS_CLASS_ASYNC_FUNCTION_RESOLVE && handler->u.async_function_data)
            promise = sy_promise_of(safe_const(handler->u.async_function_data->resolving_funcs[0]));
        count = sy_awaits(ctx, promise, frames, count, limit);
    }
    return count;
}

/* The name of an object's class: of its constructor where that is plain to see. A function is its own. */
static const char *sy_type_name(JSContext *ctx, JSValueConst value)
{
    JSObject *p = sy_object(value);
    JSValueConst found;
    const char *name;
    if (!p) {
        return JS_IsString(value) ? sy_word(ctx, "String") : JS_IsNumber(value) ? sy_word(ctx, "Number") : NULL;
    }
    if (p->class_id == JS_CLASS_PROXY)
        return NULL;
    if (JS_IsFunction(ctx, value)) {
        name = get_func_name(ctx, value);
        if (name && *name)
            return name;
        JS_FreeCString(ctx, name);
        return sy_word(ctx, "Function");
    }
    if (p->class_id == JS_CLASS_GENERATOR && p->u.generator_data && p->u.generator_data->state != JS_GENERATOR_STATE_COMPLETED)
        return get_func_name(ctx, safe_const(p->u.generator_data->func_state.frame.cur_func));
    found = sy_plain(ctx, p, JS_ATOM_Symbol_toStringTag);
    if (JS_IsString(found) && (name = JS_ToCString(ctx, found)) && *name)
        return name;
    found = sy_plain(ctx, p, JS_ATOM_constructor);
    if (JS_IsFunction(ctx, found)) {
        name = get_func_name(ctx, found);
        if (name && *name)
            return name;
        JS_FreeCString(ctx, name);
    }
    return sy_word(ctx, "Object");
}

/* The one name under which the receiver has the function. */
static const char *sy_method_name(JSContext *ctx, SyFrame *frame)
{
    JSObject *func = sy_object(frame->func), *p = sy_object(frame->receiver);
    const char *name = get_func_name(ctx, frame->func);
    JSAtom found = JS_ATOM_NULL;
    int left = SY_MAX_SEARCH;
    if (name && *name) {
        JSAtom atom = JS_NewAtom(ctx, name);
        JSObject *own = sy_object(sy_plain(ctx, p, atom));
        JS_FreeAtom(ctx, atom);
        if (own == func)
            return name;
    }
    JS_FreeCString(ctx, name);
    for (int depth = 0; p && depth < 16 && p->class_id != JS_CLASS_PROXY; depth++, p = p->shape->proto) {
        JSShapeProperty *prs = get_shape_prop(p->shape);
        for (int i = 0; i < p->shape->prop_count; i++, prs++) {
            if (left-- == 0)
                return NULL;
            if (prs->atom == JS_ATOM_NULL || (prs->flags & JS_PROP_TMASK) != JS_PROP_NORMAL ||
                sy_object(safe_const(p->prop[i].u.value)) != func)
                continue;
            if (found != JS_ATOM_NULL && found != prs->atom)
                return NULL;
            found = prs->atom;
        }
    }
    return found == JS_ATOM_NULL || sy_is_symbol(ctx, found) ? NULL : JS_AtomToCString(ctx, found);
}

static bool sy_is_toplevel(JSContext *ctx, JSValueConst receiver)
{
    return JS_IsUndefined(receiver) || JS_IsNull(receiver) || JS_IsUninitialized(receiver) ||
           js_same_value(ctx, receiver, safe_const(ctx->global_obj));
}

static SyNames sy_names(JSContext *ctx, SyFrame *frame)
{
    SyNames names = { .toplevel = sy_is_toplevel(ctx, frame->receiver) };
    names.function = get_func_name(ctx, frame->func);
    /* Module code and initialisers are functions of QuickJS's with names like <eval>. */
    if (names.function && (!*names.function || *names.function == '<')) {
        JS_FreeCString(ctx, names.function);
        names.function = NULL;
    }
    if (frame->code && frame->code->filename != JS_ATOM_NULL)
        names.file = JS_AtomToCString(ctx, frame->code->filename);
    if (sy_is_block(frame->code) || sy_is_initializer(frame->code)) {
        bool fixed = JS_IsConstructor(ctx, frame->receiver); /* the class itself */
        names.function = sy_word(ctx, fixed ? "<static_initializer>" : "<instance_members_initializer>");
        names.toplevel = true;
        return names;
    }
    if (!names.toplevel && !frame->constructor && JS_VALUE_GET_TAG(frame->func) == JS_TAG_OBJECT) {
        names.type = sy_type_name(ctx, frame->receiver);
        if (sy_object(frame->receiver))
            names.method = sy_method_name(ctx, frame);
    }
    return names;
}

static void sy_free_names(JSContext *ctx, SyNames *names)
{
    JS_FreeCString(ctx, names->type);
    JS_FreeCString(ctx, names->function);
    JS_FreeCString(ctx, names->method);
    JS_FreeCString(ctx, names->file);
}

static void sy_put_place(DynBuf *out, SyFrame *frame, const char *file)
{
    if (!frame->code) {
        dbuf_putstr(out, "<anonymous>");
        return;
    }
    dbuf_putstr(out, file ? file : "<anonymous>");
    if (frame->line >= 0)
        dbuf_printf(out, ":%d:%d", frame->line, frame->column);
}

static bool sy_ends(const char *text, const char *with)
{
    size_t len = strlen(text), end = strlen(with);
    return len >= end && strcmp(text + len - end, with) == 0 && (len == end || text[len - end - 1] == '.' || text[len - end - 1] == ' ');
}

/* A frame as V8 writes it, without `at`. */
static void sy_put_frame(DynBuf *out, SyFrame *frame, SyNames *names)
{
    const char *function = names->function;
    if (frame->async)
        dbuf_putstr(out, "async ");
    if (frame->index >= 0) {
        dbuf_printf(out, "Promise.all (index %d)", frame->index);
        return;
    }
    if (frame->constructor) {
        dbuf_putstr(out, "new ");
        dbuf_putstr(out, function ? function : "<anonymous>");
    } else if (names->type && function) {
        bool bare = *function == '#' || !strncmp(function, "get ", 4) || !strncmp(function, "set ", 4);
        if (!bare && strncmp(function, names->type, strlen(names->type))) {
            dbuf_putstr(out, names->type);
            dbuf_putc(out, '.');
        }
        dbuf_putstr(out, function);
        if (!bare && names->method && !sy_ends(function, names->method)) {
            dbuf_putstr(out, " [as ");
            dbuf_putstr(out, names->method);
            dbuf_putc(out, ']');
        }
    } else if (names->type) {
        dbuf_putstr(out, names->type);
        dbuf_putc(out, '.');
        dbuf_putstr(out, names->method ? names->method : "<anonymous>");
    } else if (function) {
        dbuf_putstr(out, function);
    } else {
        sy_put_place(out, frame, names->file);
        return;
    }
    dbuf_putstr(out, " (");
    sy_put_place(out, frame, names->file);
    dbuf_putc(out, ')');
}

static JSValue sy_text_of(JSContext *ctx, DynBuf *out)
{
    JSValue text = dbuf_error(out) ? JS_UNDEFINED : JS_NewStringLen(ctx, (char *)out->buf, out->size);
    if (JS_IsException(text)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        text = JS_UNDEFINED;
    }
    dbuf_free(out);
    return text;
}

/* Everything behind the first line, with a line break before each frame. */
static JSValue sy_frames_text(JSContext *ctx, SyFrame *frames, uint32_t count, const char *file, int line, int column)
{
    DynBuf out;
    js_dbuf_init(ctx, &out);
    if (file) {
        dbuf_printf(&out, "\n    at ");
        dbuf_putstr(&out, file);
        if (line >= 0)
            dbuf_printf(&out, ":%d:%d", line, column);
    }
    for (uint32_t i = 0; i < count; i++) {
        SyNames names = sy_names(ctx, &frames[i]);
        dbuf_putstr(&out, "\n    at ");
        sy_put_frame(&out, &frames[i], &names);
        sy_free_names(ctx, &names);
    }
    return sy_text_of(ctx, &out);
}

static JSValue sy_maybe(JSContext *ctx, const char *text)
{
    return text ? JS_NewString(ctx, text) : JS_NULL;
}

/* Where a function begins, as far as its first token tells. */
static int sy_first_column(JSFunctionBytecode *code)
{
    return code->sy_lead < (uint32_t)code->col_num ? code->col_num - (int)code->sy_lead : code->col_num;
}

/* The frames as arrays, from which the platform makes call sites (CALL_SITES). */
static JSValue sy_frames_values(JSContext *ctx, SyFrame *frames, uint32_t count)
{
    JSValue all = JS_NewArray(ctx);
    for (uint32_t i = 0; !JS_IsException(all) && i < count; i++) {
        SyFrame *frame = &frames[i];
        SyNames names = sy_names(ctx, frame);
        DynBuf out;
        js_dbuf_init(ctx, &out);
        sy_put_frame(&out, frame, &names);
        JSValue parts[] = {
            sy_text_of(ctx, &out), sy_maybe(ctx, names.type), sy_maybe(ctx, names.function), sy_maybe(ctx, names.method),
            sy_maybe(ctx, names.file), frame->code && frame->line >= 0 ? JS_NewInt32(ctx, frame->line) : JS_NULL,
            frame->code && frame->line >= 0 ? JS_NewInt32(ctx, frame->column) : JS_NULL, js_bool(names.toplevel && !frame->constructor),
            js_bool(frame->constructor), js_bool(frame->async), frame->index >= 0 ? JS_NewInt32(ctx, frame->index) : JS_NULL,
            frame->code ? JS_NewInt32(ctx, frame->code->line_num) : JS_NULL,
            frame->code ? JS_NewInt32(ctx, sy_first_column(frame->code)) : JS_NULL,
        };
        sy_free_names(ctx, &names);
        JSValue one = JS_NewArrayFrom(ctx, countof(parts), parts);
        if (JS_IsException(one) || JS_DefinePropertyValueUint32(ctx, all, i, one, JS_PROP_C_W_E) < 0) {
            JS_FreeValue(ctx, all);
            all = JS_EXCEPTION;
        }
    }
    return all;
}

/* A setting: a plain property of Error itself. */
static JSValueConst sy_setting(JSContext *ctx, const char *name)
{
    JSAtom atom = JS_NewAtom(ctx, name);
    JSObject *p = sy_object(safe_const(ctx->error_ctor));
    JSProperty *pr;
    JSShapeProperty *prs = p && atom != JS_ATOM_NULL ? find_own_property(&pr, p, atom) : NULL;
    JS_FreeAtom(ctx, atom);
    return prs && (prs->flags & JS_PROP_TMASK) == JS_PROP_NORMAL ? safe_const(pr->u.value) : JS_UNDEFINED;
}

/* Error.stackTraceLimit. −1: it is no number, and stacks are not wanted at all. */
static int sy_limit(JSContext *ctx)
{
    double d;
    JSValueConst limit = sy_setting(ctx, "stackTraceLimit");
    if (!JS_IsNumber(limit))
        return -1;
    JS_ToFloat64(ctx, &d, limit);
    return d > SY_MAX_FRAMES ? SY_MAX_FRAMES : d > 0 ? (int)d : 0;
}

/* What Error.prepareStackTrace makes of the frames; an exception is its own. */
static JSValue sy_prepared(JSContext *ctx, JSValueConst error, SyFrame *frames, uint32_t count)
{
    JSValue raw = sy_frames_values(ctx, frames, count), sites, prepare, made;
    if (JS_IsException(raw))
        return raw;
    sites = JS_Call(ctx, sy_callback(SY_CALL_SITES), JS_UNDEFINED, 1, (JSValueConst *)&raw);
    JS_FreeValue(ctx, raw);
    if (JS_IsException(sites))
        return sites;
    prepare = js_dup(sy_setting(ctx, "prepareStackTrace"));
    made = JS_Call(ctx, prepare, ctx->error_ctor, 2, (JSValueConst[]){ error, safe_const(sites) });
    JS_FreeValue(ctx, prepare);
    JS_FreeValue(ctx, sites);
    return made;
}

/* The first line: `name: message`, as Error.prototype.toString makes it; getters run. */
static JSValue sy_head(JSContext *ctx, JSValueConst error, JSValueConst message)
{
    JSValue name = JS_GetProperty(ctx, error, JS_ATOM_name), text;
    name = JS_IsUndefined(name) ? JS_AtomToString(ctx, JS_ATOM_Error) : JS_IsException(name) ? name : JS_ToStringFree(ctx, name);
    if (JS_IsException(name))
        return name;
    if (JS_IsUninitialized(message)) {
        text = JS_GetProperty(ctx, error, JS_ATOM_message);
        text = JS_IsUndefined(text) ? js_empty_string(ctx->rt) : JS_IsException(text) ? text : JS_ToStringFree(ctx, text);
    } else {
        text = JS_IsUndefined(message) ? js_empty_string(ctx->rt) : js_dup(message);
    }
    if (JS_IsException(text)) {
        JS_FreeValue(ctx, name);
        return text;
    }
    if (!JS_IsEmptyString(name) && !JS_IsEmptyString(text))
        name = JS_ConcatString3(ctx, "", name, ": ");
    return JS_ConcatString(ctx, name, text);
}

/* The two parts of a stack nobody has read yet lie in an array that begins with this: no script can have the symbol. */
static JSValue sy_unread(JSContext *ctx)
{
    return JS_AtomToValue(ctx, JS_ATOM_Private_brand);
}

static JSValueConst *sy_unread_parts(JSContext *ctx, JSObject *p)
{
    JSObject *held = sy_object(safe_const(p->u.object_data));
    JSValueConst *parts;
    if (!held || held->class_id != JS_CLASS_ARRAY || !held->fast_array || held->u.array.count != 3)
        return NULL;
    parts = (JSValueConst *)held->u.array.u.values;
    return JS_VALUE_GET_TAG(parts[0]) == JS_TAG_SYMBOL && JS_VALUE_GET_PTR(parts[0]) == (void *)ctx->rt->atom_array[JS_ATOM_Private_brand]
               ? parts : NULL;
}

static JSValue sy_get_stack(JSContext *ctx, JSValueConst this_val)
{
    JSObject *p = sy_object(this_val);
    JSValueConst *parts;
    if (!p || p->class_id != JS_CLASS_ERROR)
        return JS_UNDEFINED;
    parts = sy_unread_parts(ctx, p);
    if (parts) {
        JSValue frames = js_dup(parts[2]), message = js_dup(parts[1]), text = JS_UNDEFINED;
        /* While its own getters run, the stack is its frames alone. */
        set_value(ctx, &p->u.object_data, js_dup(frames));
        text = sy_head(ctx, this_val, safe_const(message));
        JS_FreeValue(ctx, message);
        if (JS_IsException(text)) {
            JS_FreeValue(ctx, JS_GetException(ctx));
            text = JS_NewString(ctx, "<error>");
        }
        text = JS_IsException(text) ? text : JS_ConcatString(ctx, text, frames);
        if (JS_IsException(text))
            return text;
        set_value(ctx, &p->u.object_data, text);
    }
    return JS_IsNull(p->u.object_data) ? JS_UNDEFINED : js_dup(p->u.object_data);
}

static JSValue sy_set_stack(JSContext *ctx, JSValueConst this_val, JSValueConst value)
{
    JSObject *p = sy_object(this_val);
    if (p && p->class_id == JS_CLASS_ERROR)
        set_value(ctx, &p->u.object_data, js_dup(value));
    else if (p && JS_DefinePropertyValue(ctx, this_val, JS_ATOM_stack, js_dup(value), JS_PROP_C_W_E | JS_PROP_THROW) < 0)
        return JS_EXCEPTION;
    return JS_UNDEFINED;
}

/* Each error has `stack` as a property of its own, before all others. */
static void sy_own_stack(JSContext *ctx, JSValueConst error)
{
    if (JS_IsException(error))
        return;
    if (!JS_IsObject(ctx->sy_stack[0])) {
        ctx->sy_stack[0] = JS_NewCFunction2(ctx, (JSCFunction *)sy_get_stack, "stack", 0, JS_CFUNC_getter, 0);
        ctx->sy_stack[1] = JS_NewCFunction2(ctx, (JSCFunction *)sy_set_stack, "stack", 1, JS_CFUNC_setter, 0);
    }
    JS_DefineProperty(ctx, error, JS_ATOM_stack, JS_UNDEFINED, safe_const(ctx->sy_stack[0]), safe_const(ctx->sy_stack[1]),
                      JS_PROP_CONFIGURABLE | JS_PROP_HAS_GET | JS_PROP_HAS_SET | JS_PROP_HAS_CONFIGURABLE | JS_PROP_HAS_ENUMERABLE);
}

/* A DOMException's name and message are its own, and its stack is a plain property. */
static JSValue sy_dom_head(JSContext *ctx, JSObject *p)
{
    JSDOMExceptionData *data = p->u.opaque;
    JSValue head = data && JS_IsString(data->name) ? js_dup(data->name) : JS_AtomToString(ctx, JS_ATOM_Error);
    if (!data || !JS_IsString(data->message) || JS_IsEmptyString(data->message))
        return head;
    return JS_ConcatString(ctx, JS_ConcatString3(ctx, "", head, ": "), js_dup(data->message));
}

/* Takes the stack of an error that has none yet. `file`: where a text could not be parsed. Leaves no exception behind,
   and one that is pending alone. */
static void sy_take_stack(JSContext *ctx, JSValueConst error, const char *file, int line, int column, int flags)
{
    JSRuntime *rt = ctx->rt;
    JSObject *p = sy_object(error);
    JSValue pending, stack;
    SyFrame frames[SY_MAX_FRAMES];
    uint32_t count = 0;
    int limit;
    if (rt->in_build_stack_trace || !p)
        return;
    if (p->class_id == JS_CLASS_ERROR ? !JS_IsUndefined(p->u.object_data) || !find_own_property1(p, JS_ATOM_stack) : !can_add_backtrace(error))
        return;
    rt->in_build_stack_trace = true;
    pending = rt->current_exception;
    rt->current_exception = JS_UNINITIALIZED;
    /* JSON.parse and its like parse what has no place. */
    if (file && !strcmp(file, "<input>"))
        file = NULL;
    limit = sy_limit(ctx);
    if (limit >= 0 && !(file && (flags & JS_BACKTRACE_FLAG_SINGLE_LEVEL)))
        count = sy_frames(ctx, JS_UNDEFINED, flags & JS_BACKTRACE_FLAG_SKIP_FIRST_LEVEL, frames, limit);
    if (limit < 0) {
        stack = JS_NULL;
    } else if (JS_IsFunction(ctx, sy_setting(ctx, "prepareStackTrace")) && sy_hides(ctx)) {
        JSValue kept = js_dup(error);
        stack = sy_prepared(ctx, error, frames, count);
        JS_FreeValue(ctx, kept);
    } else {
        stack = sy_frames_text(ctx, frames, count, limit ? file : NULL, line, column);
        if (p->class_id == JS_CLASS_ERROR) {
            JSValueConst message = sy_plain(ctx, p, JS_ATOM_message);
            JSValue parts[] = { sy_unread(ctx), JS_IsString(message) ? js_dup(message) : JS_UNDEFINED, stack };
            stack = JS_NewArrayFrom(ctx, 3, parts);
        } else {
            stack = JS_ConcatString(ctx, sy_dom_head(ctx, p), stack);
        }
    }
    if (JS_IsException(stack)) {
        JS_FreeValue(ctx, rt->current_exception);
        stack = JS_NULL;
    }
    rt->current_exception = pending;
    rt->in_build_stack_trace = false;
    if (p->class_id == JS_CLASS_ERROR && JS_IsUndefined(p->u.object_data))
        p->u.object_data = stack;
    else if (p->class_id == JS_CLASS_ERROR)
        JS_FreeValue(ctx, stack);
    else
        JS_DefinePropertyValue(ctx, error, JS_ATOM_stack, stack, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

/* Error.captureStackTrace. */
static JSValue sy_capture(JSContext *ctx, JSValueConst target, JSValueConst above)
{
    JSRuntime *rt = ctx->rt;
    SyFrame frames[SY_MAX_FRAMES];
    uint32_t count;
    JSValue stack;
    int limit = sy_limit(ctx);
    if (limit < 0)
        return JS_UNDEFINED;
    count = sy_frames(ctx, above, true, frames, limit);
    if (!rt->in_build_stack_trace && JS_IsFunction(ctx, sy_setting(ctx, "prepareStackTrace")) && sy_hides(ctx)) {
        rt->in_build_stack_trace = true;
        stack = sy_prepared(ctx, target, frames, count);
        rt->in_build_stack_trace = false;
    } else {
        JSValue text = sy_frames_text(ctx, frames, count, NULL, 0, 0), head = sy_head(ctx, target, JS_UNINITIALIZED);
        if (JS_IsException(head)) {
            JS_FreeValue(ctx, JS_GetException(ctx));
            head = JS_NewString(ctx, "<error>");
        }
        stack = JS_ConcatString(ctx, head, text);
    }
    if (JS_IsException(stack))
        return stack;
    if (JS_DefinePropertyValue(ctx, target, JS_ATOM_stack, stack, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE | JS_PROP_THROW) < 0)
        return JS_EXCEPTION;
    return JS_UNDEFINED;
}
