/* Included by internals.c: the built-ins as the platform knows them (build/patches/builtins.rs says where it is asked).
   When the base is frozen, every function, prototype and namespace in it is marked. Before a script changes a marked
   object for the first time, a twin of it is made, with the properties as they are, and hung on it under a private
   name. From then on lookups that run for the platform's code find the twin in its place; the script and everything
   else finds the object itself. Identities stay: `this`, `instanceof` and what a property holds are never twins.

   Whose lookup it is: that of the innermost function that is no native one. So what natives look up for the platform (an
   iterator's `next`, a RegExp's `exec`) is seen by it as well, and what it calls back is the script's. Where a value of
   a script is asked how it wants to be read (toString, toJSON), it is asked as the script would. */

static JSAtom sy_twin_name;
static bool sy_as_script;   /* the next lookup is the script's, whoever runs */

static bool sy_platform_runs(JSContext *ctx)
{
    if (sy_as_script)
        return false;
    for (JSStackFrame *sf = ctx->rt->current_stack_frame; sf; sf = sf->prev_frame) {
        JSObject *f;
        if (JS_VALUE_GET_TAG(sf->cur_func) != JS_TAG_OBJECT)
            continue;
        f = JS_VALUE_GET_OBJ(sf->cur_func);
        if (js_class_has_bytecode(f->class_id))
            return f->u.func.function_bytecode->sy_platform;
        if (f->class_id == JS_CLASS_C_FUNCTION && f->u.cfunc.c_function.generic == sy_stringify)
            return false;
    }
    return false;
}

static JSObject *sy_twin(JSObject *p)
{
    JSProperty *pr;
    JSShapeProperty *prs = p->sy_changed ? find_own_property(&pr, p, sy_twin_name) : NULL;
    return prs ? JS_VALUE_GET_OBJ(pr->u.value) : NULL;
}

/* The object to look into instead of `p`, which a script has changed. */
static JSObject *sy_seen(JSContext *ctx, JSObject *p)
{
    JSObject *twin = sy_platform_runs(ctx) ? sy_twin(p) : NULL;
    return twin ? twin : p;
}

/* A plain object with the properties of `p`. Where there is no memory for it, there is none, and the script that used it
   up harms itself. */
static JSObject *sy_make_twin(JSContext *ctx, JSObject *p)
{
    JSObject *twin;
    JSValue made = JS_NewObjectProtoClass(ctx, p->shape->proto ? JS_MKPTR(JS_TAG_OBJECT, p->shape->proto) : JS_NULL,
                                          JS_CLASS_OBJECT);
    if (JS_IsException(made))
        return NULL;
    twin = JS_VALUE_GET_OBJ(made);
    for (int i = 0; i < p->shape->prop_count; i++) {
        JSShapeProperty *prs = &get_shape_prop(p->shape)[i];
        JSProperty *pr = &p->prop[i], *to;
        if (prs->atom == JS_ATOM_NULL)
            continue;
        if ((prs->flags & JS_PROP_TMASK) == JS_PROP_AUTOINIT) {
            if (JS_AutoInitProperty(ctx, p, prs->atom, pr, prs))
                goto fail;
            prs = &get_shape_prop(p->shape)[i];
            pr = &p->prop[i];
        }
        int kind = prs->flags & JS_PROP_TMASK;
        to = add_property(ctx, twin, prs->atom, (prs->flags & JS_PROP_C_W_E) | (kind == JS_PROP_GETSET ? kind : 0));
        if (!to)
            goto fail;
        if (kind == JS_PROP_GETSET) {
            *to = *pr;
            if (pr->u.getset.getter)
                js_dup(JS_MKPTR(JS_TAG_OBJECT, pr->u.getset.getter));
            if (pr->u.getset.setter)
                js_dup(JS_MKPTR(JS_TAG_OBJECT, pr->u.getset.setter));
        } else {
            to->u.value = js_dup(kind == JS_PROP_VARREF ? *pr->u.var_ref->pvalue : pr->u.value);
        }
    }
    return twin;
fail:
    JS_FreeValue(ctx, made);
    return NULL;
}

/* Whether a new name on the global, or one of a script's, means anything to the platform. */
static bool sy_matters(JSObject *global, JSAtom prop)
{
    JSShapeProperty *prs = prop == JS_ATOM_NULL ? NULL : find_own_property1(global, prop);
    if (prs)
        return prs - get_shape_prop(global->shape) < sy_global_count;
    for (JSObject *p = global->shape->proto; p; p = p->shape->proto)
        if (find_own_property1(p, prop))
            return true;
    return false;
}

/* Told before `prop` of a built-in changes. Returns its twin where that has to change as well: the platform itself
   writes. */
static JSObject *sy_touch(JSContext *ctx, JSObject *p, JSAtom prop)
{
    JSObject *twin;
    JSProperty *pr;
    if (sy_frozen && p != JS_VALUE_GET_OBJ(ctx->global_obj))
        sy_inherited_changed = true;
    if (p->sy_changed)
        return sy_platform_runs(ctx) ? sy_twin(p) : NULL;
    if (!sy_frozen || (p == JS_VALUE_GET_OBJ(ctx->global_obj) && !sy_matters(p, prop)) || sy_platform_runs(ctx))
        return NULL;
    sy_scope_changed |= p == JS_VALUE_GET_OBJ(ctx->global_obj);
    twin = sy_make_twin(ctx, p);
    pr = twin ? add_property(ctx, p, sy_twin_name, 0) : NULL;
    if (!pr) {
        if (twin)
            JS_FreeValue(ctx, JS_MKPTR(JS_TAG_OBJECT, twin));
        JS_FreeValue(ctx, JS_GetException(ctx));
        return NULL;
    }
    pr->u.value = JS_MKPTR(JS_TAG_OBJECT, twin);
    p->sy_changed = true;
    return NULL;
}

static JSValue sy_get_as_script(JSContext *ctx, JSValueConst value, JSAtom prop)
{
    JSValue got;
    sy_as_script = true;
    got = JS_GetProperty(ctx, value, prop);
    sy_as_script = false;
    return got;
}

/* A global's value for the platform: names that scripts declared do not come before it. */
static JSValue sy_platform_global(JSContext *ctx, JSAtom prop, bool throw_ref_error)
{
    return JS_GetPropertyInternal(ctx, ctx->global_obj, prop, ctx->global_obj, throw_ref_error);
}

/* JSON.stringify(value), whose values are read as the script that made them would have it. */
JSValue sy_stringify(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_JSONStringify(ctx, argv[0], JS_UNDEFINED, JS_UNDEFINED);
}

static void sy_mark_builtin(JSValueConst value)
{
    if (JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT)
        JS_VALUE_GET_OBJ(value)->sy_builtin = true;
}

/* Every function, its `prototype`, what anything inherits from, and what the global holds. Also tells the platform's
   code from all other: node's modules are JavaScript on workerd too, and see what scripts do. */
static void sy_mark_builtins(JSRuntime *rt)
{
    struct list_head *el;
    list_for_each(el, &rt->gc_obj_list) {
        JSGCObjectHeader *gp = list_entry(el, JSGCObjectHeader, link);
        if (JS_GC_TYPE(gp) == JS_GC_OBJ_TYPE_FUNCTION_BYTECODE) {
            JSFunctionBytecode *b = (JSFunctionBytecode *)gp;
            JSContext *ctx = b->realm;
            b->sy_platform = ctx && (sy_begins(ctx, b->filename, "platform:") || sy_begins(ctx, b->filename, "cloudflare:"));
        } else if (JS_GC_TYPE(gp) == JS_GC_OBJ_TYPE_JS_OBJECT) {
            JSObject *p = (JSObject *)gp;
            JSProperty *pr;
            JSShapeProperty *prs;
            if (p->shape->proto)
                p->shape->proto->sy_builtin = true;
            if (p->class_id != JS_CLASS_C_FUNCTION && p->class_id != JS_CLASS_BOUND_FUNCTION && !js_class_has_bytecode(p->class_id))
                continue;
            p->sy_builtin = true;
            prs = find_own_property(&pr, p, JS_ATOM_prototype);
            if (prs && (prs->flags & JS_PROP_TMASK) == 0)
                sy_mark_builtin(safe_const(pr->u.value));
        }
    }
    list_for_each(el, &rt->context_list) {
        JSContext *ctx = list_entry(el, JSContext, link);
        JSObject *global = JS_VALUE_GET_OBJ(ctx->global_obj);
        for (int i = 0; i < rt->class_count; i++)
            sy_mark_builtin(safe_const(ctx->class_proto[i]));
        for (int i = 0; i < global->shape->prop_count; i++) {
            JSShapeProperty *prs = &get_shape_prop(global->shape)[i];
            if (prs->atom != JS_ATOM_NULL && (prs->flags & JS_PROP_TMASK) == 0)
                sy_mark_builtin(safe_const(global->prop[i].u.value));
        }
        global->sy_builtin = true;
        sy_global_count = global->shape->prop_count;
        if (sy_twin_name == JS_ATOM_NULL) {
            JSValue name = JS_NewSymbolFromAtom(ctx, JS_ATOM_empty_string, JS_ATOM_TYPE_PRIVATE);
            if (!JS_IsException(name))
                sy_twin_name = js_symbol_to_atom(ctx, name);
        }
    }
}
