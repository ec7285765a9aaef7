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
