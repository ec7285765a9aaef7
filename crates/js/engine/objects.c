/* Included by internals.c: objects of the platform's classes, made at once. A class whose constructor only gives its fields
   their values has an object registered while the base is made; from then on make() makes others with the same layout
   (prototype, private names), and the values of the fields in the order of their definition. Each of them is as if the
   constructor had made it. The fields that make() is not given are as in the object that was registered.

   The constructors that scripts call most have a way of their own (SY_QUICK): what they do for the usual arguments, where
   nothing of a script's can notice it, is done here; for all others they are called. */

enum { SY_TEMPLATES = 32, SY_TEMPLATE_FIELDS = 16 };

static struct {
    JSShape *shape;
    int first; /* of the fields: what comes before says that the class has private methods */
    JSValue usual[SY_TEMPLATE_FIELDS];
} sy_templates[SY_TEMPLATES];
static int sy_template_count;

/* template(object) -> its number. */
JSValue sy_template(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSObject *p = sy_object(argv[0]);
    JSProperty *brand;
    if (!p || p->class_id != JS_CLASS_OBJECT || p->is_exotic || !p->shape->is_hashed || !p->shape->prop_count ||
        p->shape->prop_count > SY_TEMPLATE_FIELDS || p->shape->deleted_prop_count || sy_template_count == SY_TEMPLATES)
        return JS_ThrowTypeError(ctx, "not a template");
    for (int i = 0; i < p->shape->prop_count; i++)
        if (get_shape_prop(p->shape)[i].flags & JS_PROP_TMASK)
            return JS_ThrowTypeError(ctx, "not a template");
    sy_templates[sy_template_count].first = p->shape->proto && find_own_property(&brand, p->shape->proto, JS_ATOM_Private_brand) &&
        js_symbol_to_atom(ctx, safe_const(brand->u.value)) == get_shape_prop(p->shape)->atom;
    sy_templates[sy_template_count].shape = js_dup_shape(p->shape);
    for (int i = 0; i < p->shape->prop_count; i++)
        sy_templates[sy_template_count].usual[i] = js_dup(p->prop[i].u.value);
    return js_int32(sy_template_count++);
}

/* When the base is frozen: the layout that the constructor's own objects will have, so that they are known again. */
static void sy_settle_templates(JSRuntime *rt)
{
    for (int i = 0; i < sy_template_count; i++) {
        JSShape *sh = sy_templates[i].shape, *at = find_hashed_shape_proto(rt, sh->proto);
        for (int j = 0; at && j < sh->prop_count; j++)
            at = sy_next_shape(at, get_shape_prop(sh)[j].atom, get_shape_prop(sh)[j].flags);
        if (at)
            sy_templates[i].shape = js_dup_shape(at);
    }
}

static JSShape *sy_template_of(JSValueConst number)
{
    if (JS_VALUE_GET_TAG(number) != JS_TAG_INT || (uint32_t)JS_VALUE_GET_INT(number) >= (uint32_t)sy_template_count)
        return NULL;
    return sy_templates[JS_VALUE_GET_INT(number)].shape;
}

/* One of that template, with those values first. */
static JSValue sy_make_of(JSContext *ctx, int number, int count, JSValueConst *values)
{
    JSShape *sh = sy_templates[number].shape;
    int first = sy_templates[number].first, i;
    JSValue made = JS_NewObjectFromShape(ctx, js_dup_shape(sh), JS_CLASS_OBJECT, NULL);
    JSProperty *pr;
    if (JS_IsException(made))
        return made;
    pr = JS_VALUE_GET_OBJ(made)->prop;
    if (first)
        pr->u.value = JS_UNDEFINED;
    if (count > sh->prop_count - first)
        count = sh->prop_count - first;
    for (i = 0; i < count; i++)
        pr[first + i].u.value = js_dup(values[i]);
    for (i += first; i < sh->prop_count; i++)
        pr[i].u.value = js_dup(sy_templates[number].usual[i]);
    return made;
}

/* make(number, value, value…). */
JSValue sy_make(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    if (argc < 1 || !sy_template_of(argv[0]))
        return JS_ThrowTypeError(ctx, "not a template");
    return sy_make_of(ctx, JS_VALUE_GET_INT(argv[0]), argc - 1, argv + 1);
}

/* isOf(number, value): whether it has the fields of that class, with others or not. */
JSValue sy_is_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSShape *sh = argc > 1 ? sy_template_of(argv[0]) : NULL;
    JSObject *p = sh ? sy_object(argv[1]) : NULL;
    return js_bool(p && (p->shape == sh || find_own_property1(p, get_shape_prop(sh)->atom)));
}

/* isPlain(number, value): whether it is of that very class and has no property of its own. */
JSValue sy_is_plain_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSShape *sh = argc > 1 ? sy_template_of(argv[0]) : NULL;
    JSObject *p = sh ? sy_object(argv[1]) : NULL;
    return js_bool(p && p->shape == sh);
}

/* ---- constructors ---- */

enum { SY_QUICK_RESPONSE = 1, SY_QUICK_URL, SY_QUICK_KINDS };
enum { SY_RESPONSE_FIELDS = 6, SY_URL_FIELDS = 4 };

static struct {
    int number;
    JSValue head; /* of a response whose body is a text */
} sy_quick[SY_QUICK_KINDS];

/* quick(kind, class, template, head): from here on its constructor has a way of its own. */
JSValue sy_make_quick(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSFunctionBytecode *b = sy_code(argv[1]);
    JSShape *sh = sy_template_of(argv[2]);
    int32_t kind;
    if (JS_ToInt32(ctx, &kind, argv[0]))
        return JS_EXCEPTION;
    if (!b || !sh || kind < 1 || kind >= SY_QUICK_KINDS ||
        sh->prop_count - sy_templates[JS_VALUE_GET_INT(argv[2])].first != (kind == SY_QUICK_URL ? SY_URL_FIELDS : SY_RESPONSE_FIELDS))
        return JS_ThrowTypeError(ctx, "not a class that the engine knows");
    sy_quick[kind].number = JS_VALUE_GET_INT(argv[2]);
    sy_quick[kind].head = js_dup(argv[3]);
    b->sy_quick = kind;
    return JS_UNDEFINED;
}

/* The request that the present context is of, or undefined. */
static JSValueConst sy_owner(JSContext *ctx)
{
    JSValueConst slot = safe_const(ctx->rt->sy_context);
    JSObject *p = sy_object(slot);
    if (p && p->class_id == JS_CLASS_ARRAY && p->fast_array && p->u.array.count > 0)
        return safe_const(p->u.array.u.values[0]);
    return slot;
}

/* new Response(text), new Response(null). */
static JSValue sy_quick_response(JSContext *ctx, int argc, JSValueConst *argv)
{
    JSValueConst body = argc > 0 ? argv[0] : JS_UNDEFINED, owner;
    if (argc > 1 && !JS_IsUndefined(argv[1]) && !JS_IsNull(argv[1]))
        return JS_UNINITIALIZED;
    if (JS_IsUndefined(body) || JS_IsNull(body))
        return sy_make_of(ctx, sy_quick[SY_QUICK_RESPONSE].number, 0, NULL);
    owner = sy_owner(ctx);
    if (!tag_is_string(JS_VALUE_GET_TAG(body)) || JS_IsUndefined(owner))
        return JS_UNINITIALIZED;
    JSValueConst fields[] = { js_int32(200), JS_NULL, safe_const(sy_quick[SY_QUICK_RESPONSE].head), body, owner };
    return sy_make_of(ctx, sy_quick[SY_QUICK_RESPONSE].number, countof(fields), fields);
}

/* new URL(text), of a plain one. */
static JSValue sy_quick_url(JSContext *ctx, int argc, JSValueConst *argv)
{
    JSString *url;
    int32_t marks;
    if (argc < 1 || (argc > 1 && !JS_IsUndefined(argv[1])) || !sy_is_text8(argv[0]))
        return JS_UNINITIALIZED;
    url = JS_VALUE_GET_STRING(argv[0]);
    marks = sy_plain_url(str8(url), url->len);
    if (marks < 0)
        return JS_UNINITIALIZED;
    JSValueConst fields[] = { JS_NULL, JS_NULL, argv[0], js_int32(marks) };
    return sy_make_of(ctx, sy_quick[SY_QUICK_URL].number, countof(fields), fields);
}

/* JS_UNINITIALIZED: the constructor itself has to be called. */
static JSValue sy_construct(JSContext *ctx, int kind, int argc, JSValueConst *argv)
{
    return kind == SY_QUICK_RESPONSE ? sy_quick_response(ctx, argc, argv) : sy_quick_url(ctx, argc, argv);
}

/* ---- getters ---- */

/* What a getter gives where the object is of the class and there is nothing to do: a field; the Headers of a message,
   made of its text at the first look; a part of a URL. Else the class's own is called. */
enum { SY_GET_FIELD, SY_GET_REQUEST_HEADERS, SY_GET_RESPONSE_HEADERS, SY_GET_URL };
enum { SY_GETTERS = 48 };
enum { SY_HREF, SY_PROTOCOL, SY_USERNAME, SY_PASSWORD, SY_HOST, SY_HOSTNAME, SY_PORT, SY_PATHNAME, SY_SEARCH, SY_HASH, SY_ORIGIN, SY_PARTS };
enum { SY_URL_PORT = 1 << 24 };

static struct {
    JSValue slow;
    JSAtom atom, other; /* the field; that which says whether Headers are immutable */
    int kind, part;
} sy_getters[SY_GETTERS];
static int sy_getter_count;
static int sy_headers_template = -1;

/* A part of a plain URL, whose marks are as sy_plain_url() has it. */
static JSValue sy_url_piece(JSContext *ctx, JSString *href, uint32_t marks, int part)
{
    uint32_t host_end = marks & 1023, path_end = marks >> 10 & 8191, from, to;
    bool secure = href->len > 4 && str8(href)[4] == 's';
    from = secure ? 8 : 7;
    to = host_end;
    if (host_end < from || path_end < host_end || path_end > href->len)
        return JS_UNINITIALIZED;
    switch (part) {
    case SY_PROTOCOL:
        from = 0;
        to = secure ? 6 : 5;
        break;
    case SY_HOST:
        break;
    case SY_HOSTNAME:
    case SY_PORT:
        if (marks & SY_URL_PORT) {
            uint32_t colon = to;
            while (colon > from && str8(href)[colon] != ':')
                colon--;
            if (part == SY_HOSTNAME)
                to = colon;
            else
                from = colon + 1;
        } else if (part == SY_PORT) {
            from = to;
        }
        break;
    case SY_PATHNAME:
        from = host_end;
        to = path_end;
        break;
    case SY_SEARCH:
        from = path_end;
        to = href->len;
        break;
    case SY_ORIGIN:
        from = 0;
        break;
    default: /* it has no user, password or fragment */
        from = to = 0;
    }
    return js_sub_string(ctx, href, (int)from, (int)to);
}

/* JS_UNINITIALIZED: the class's own getter has to look. `pr` is the first field of four. */
static JSValue sy_url_part(JSContext *ctx, const JSProperty *pr, int part)
{
    JSObject *parts = sy_object(safe_const(pr[0].u.value));
    if (parts)
        return parts->class_id == JS_CLASS_ARRAY && parts->fast_array && parts->u.array.count == SY_PARTS ?
            js_dup(parts->u.array.u.values[part]) : JS_UNINITIALIZED;
    if (!sy_is_text8(safe_const(pr[2].u.value)) || JS_VALUE_GET_TAG(pr[3].u.value) != JS_TAG_INT)
        return JS_UNINITIALIZED;
    return part == SY_HREF ? js_dup(pr[2].u.value) :
        sy_url_piece(ctx, JS_VALUE_GET_STRING(pr[2].u.value), JS_VALUE_GET_INT(pr[3].u.value), part);
}

/* The Headers of a message's text. */
static JSValue sy_make_headers(JSContext *ctx, JSValueConst text, bool immutable)
{
    JSValueConst fields[] = { text, JS_NULL, js_bool(immutable) };
    if (sy_headers_template < 0 || !JS_IsString(text))
        return JS_UNINITIALIZED;
    return sy_make_of(ctx, sy_headers_template, countof(fields), fields);
}

static JSValue sy_quick_getter(JSContext *ctx, JSValueConst self, int number)
{
    JSObject *p = sy_object(self);
    JSProperty *pr, *other;
    JSShapeProperty *prs = p ? find_own_property(&pr, p, sy_getters[number].atom) : NULL;
    JSStackFrame *own;
    JSValue result = JS_UNINITIALIZED;
    int kind = sy_getters[number].kind;
    if (!prs)
        goto slowly;
    if (kind == SY_GET_URL) {
        if (prs - get_shape_prop(p->shape) + SY_URL_FIELDS <= p->shape->prop_count)
            result = sy_url_part(ctx, pr, sy_getters[number].part);
    } else if (kind == SY_GET_FIELD || JS_IsObject(pr->u.value)) {
        result = js_dup(pr->u.value);
    } else if (find_own_property(&other, p, sy_getters[number].other) &&
               (kind == SY_GET_REQUEST_HEADERS || JS_IsNull(other->u.value))) {
        result = sy_make_headers(ctx, safe_const(pr->u.value), kind == SY_GET_REQUEST_HEADERS && JS_IsNull(other->u.value));
        if (JS_IsObject(result))
            set_value(ctx, &pr->u.value, js_dup(result));
    }
    if (!JS_IsUninitialized(result))
        return result;
slowly:
    own = ctx->rt->current_stack_frame;
    ctx->rt->current_stack_frame = own->prev_frame;
    result = JS_Call(ctx, safe_const(sy_getters[number].slow), self, 0, NULL);
    ctx->rt->current_stack_frame = own;
    return result;
}

/* The private name of a template's field. */
static JSAtom sy_template_field(JSValueConst number, JSValueConst index)
{
    JSShape *sh = sy_template_of(number);
    int at = sh && JS_VALUE_GET_TAG(index) == JS_TAG_INT ? JS_VALUE_GET_INT(index) : -1;
    if (at < 0 || at >= sh->prop_count - sy_templates[JS_VALUE_GET_INT(number)].first)
        return JS_ATOM_NULL;
    return get_shape_prop(sh)[sy_templates[JS_VALUE_GET_INT(number)].first + at].atom;
}

/* getter(prototype, name, kind, template, field, other field or part): that getter has a way of its own from here on. */
JSValue sy_make_getter(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSObject *p = sy_object(argv[0]);
    JSProperty *pr;
    JSShapeProperty *prs;
    JSValue native, slow, setter;
    int32_t kind, other;
    JSAtom name;
    int done;
    if (JS_ToInt32(ctx, &kind, argv[2]) || JS_ToInt32(ctx, &other, argv[5]))
        return JS_EXCEPTION;
    if (!p || sy_getter_count == SY_GETTERS || sy_template_field(argv[3], argv[4]) == JS_ATOM_NULL)
        return JS_ThrowTypeError(ctx, "not a getter");
    name = JS_ValueToAtom(ctx, argv[1]);
    if (name == JS_ATOM_NULL)
        return JS_EXCEPTION;
    prs = find_own_property(&pr, p, name);
    if (!prs || (prs->flags & JS_PROP_TMASK) != JS_PROP_GETSET || !pr->u.getset.getter) {
        JS_FreeAtom(ctx, name);
        return JS_ThrowTypeError(ctx, "not a getter");
    }
    slow = js_dup(JS_MKPTR(JS_TAG_OBJECT, pr->u.getset.getter));
    setter = pr->u.getset.setter ? js_dup(JS_MKPTR(JS_TAG_OBJECT, pr->u.getset.setter)) : JS_UNDEFINED;
    sy_getters[sy_getter_count].slow = slow;
    sy_getters[sy_getter_count].kind = kind;
    sy_getters[sy_getter_count].part = other;
    sy_getters[sy_getter_count].atom = sy_template_field(argv[3], argv[4]);
    sy_getters[sy_getter_count].other = kind == SY_GET_URL ? JS_ATOM_NULL : sy_template_field(argv[3], argv[5]);
    native = JS_NewCFunction2(ctx, (JSCFunction *)sy_quick_getter, "", 0, JS_CFUNC_getter_magic, sy_getter_count);
    sy_getter_count++;
    done = JS_IsException(native) ? -1 : JS_DefinePropertyGetSet(ctx, argv[0], name, native, setter, JS_PROP_CONFIGURABLE);
    JS_FreeAtom(ctx, name);
    return done < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

/* headersTemplate(number): what the Headers of a message are made by. */
JSValue sy_set_headers_template(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    if (!sy_template_of(argv[0]))
        return JS_ThrowTypeError(ctx, "not a template");
    sy_headers_template = JS_VALUE_GET_INT(argv[0]);
    return JS_UNDEFINED;
}
