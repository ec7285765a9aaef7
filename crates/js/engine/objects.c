/* Included by internals.c: objects of the platform's classes, made at once. A class whose constructor only gives its fields
   their values has an object registered while the base is made; from then on make() makes others with the same layout
   (prototype, private names), and the values of the fields in the order of their definition. Each of them is as if the
   constructor had made it. */

enum { SY_TEMPLATES = 32 };

static struct {
    JSShape *shape;
    int first; /* of the fields: what comes before says that the class has private methods */
} sy_templates[SY_TEMPLATES];
static int sy_template_count;

/* template(object) -> its number. */
JSValue sy_template(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSObject *p = sy_object(argv[0]);
    JSProperty *brand;
    if (!p || p->class_id != JS_CLASS_OBJECT || p->is_exotic || !p->shape->is_hashed || !p->shape->prop_count ||
        p->shape->deleted_prop_count || sy_template_count == SY_TEMPLATES)
        return JS_ThrowTypeError(ctx, "not a template");
    for (int i = 0; i < p->shape->prop_count; i++)
        if (get_shape_prop(p->shape)[i].flags & JS_PROP_TMASK)
            return JS_ThrowTypeError(ctx, "not a template");
    sy_templates[sy_template_count].first = p->shape->proto && find_own_property(&brand, p->shape->proto, JS_ATOM_Private_brand) &&
        js_symbol_to_atom(ctx, safe_const(brand->u.value)) == get_shape_prop(p->shape)->atom;
    sy_templates[sy_template_count].shape = js_dup_shape(p->shape);
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

/* make(number, value, value…): fields that are not given are undefined. */
JSValue sy_make(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSShape *sh = argc > 0 ? sy_template_of(argv[0]) : NULL;
    JSObject *p;
    JSValue made;
    int first;
    if (!sh)
        return JS_ThrowTypeError(ctx, "not a template");
    made = JS_NewObjectFromShape(ctx, js_dup_shape(sh), JS_CLASS_OBJECT, NULL);
    if (JS_IsException(made))
        return made;
    p = JS_VALUE_GET_OBJ(made);
    first = sy_templates[JS_VALUE_GET_INT(argv[0])].first;
    if (first)
        p->prop[0].u.value = JS_UNDEFINED;
    for (int i = first, from = 1; i < sh->prop_count; i++, from++)
        p->prop[i].u.value = from < argc ? js_dup(argv[from]) : JS_UNDEFINED;
    return made;
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
