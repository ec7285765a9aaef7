//! The built-ins as the platform knows them. On workerd the platform is native, so a script that changes
//! `Array.prototype.push` or `globalThis.Promise` harms itself alone. Here the platform is JavaScript of the same realm:
//! its code goes on seeing each built-in as it was when the base was frozen (`engine/builtins.c`).
//!
//! Nothing is paid before a script changes one: a bit beside others that a lookup tests anyhow.

use super::{Patch, once, times};

pub const PATCHES: &[Patch] = &[
    Patch {
        name: "marks of built-ins",
        edits: &[
            once(
                "    uint8_t is_uncatchable_error : 1; /* if true, error is not catchable */\n",
                r"    uint8_t is_uncatchable_error : 1; /* if true, error is not catchable */
    uint8_t sy_changed : 1; /* a built-in that a script has changed: sy_seen() finds what the platform sees */
",
            ),
            once(
                "    uint8_t is_HTMLDDA : 1; /* specific annex B IsHtmlDDA behavior */\n",
                r"    uint8_t is_HTMLDDA : 1; /* specific annex B IsHtmlDDA behavior */
    uint8_t sy_builtin : 1; /* of the base: sy_touch() is told before it changes */
",
            ),
            once(
                "    p->is_HTMLDDA = 0;\n    p->is_prototype = 0;\n",
                "    p->is_HTMLDDA = 0;\n    p->sy_changed = 0;\n    p->sy_builtin = 0;\n    p->is_prototype = 0;\n",
            ),
            once(
                "    /* XXX: 5 bits available */\n    uint8_t *byte_code_buf;",
                "    uint8_t sy_platform : 1; /* sees built-ins as they were */\n    uint8_t sy_quick : 2; /* a constructor that sy_construct() knows */\n    /* XXX: 2 bits available */\n    uint8_t *byte_code_buf;",
            ),
            once(
                "static bool sy_frozen;\n",
                r"static bool sy_frozen;
static bool sy_scope_changed; /* the global, or the names of scripts before it: the platform looks elsewhere */
static int sy_global_count; /* properties of the global at the freeze; those of scripts come behind */
static JSObject *sy_seen(JSContext *ctx, JSObject *p);
static JSObject *sy_touch(JSContext *ctx, JSObject *p, JSAtom prop);
static bool sy_platform_runs(JSContext *ctx);
static JSValue sy_get_as_script(JSContext *ctx, JSValueConst value, JSAtom prop);
static JSValue sy_platform_global(JSContext *ctx, JSAtom prop, bool throw_ref_error);
",
            ),
        ],
    },
    Patch {
        name: "lookups of built-ins",
        edits: &[
            // JS_GetPropertyInternal.
            once(
                r"        p = JS_VALUE_GET_OBJ(obj);
    }

    for(;;) {
        prs = find_own_property(&pr, p, prop);
        if (prs) {",
                r"        p = JS_VALUE_GET_OBJ(obj);
    }

    for(;;) {
        if (unlikely(p->sy_changed))
            p = sy_seen(ctx, p);
        prs = find_own_property(&pr, p, prop);
        if (prs) {",
            ),
            // The same within the interpreter: `length`, fields and methods.
            once(
                r"                            if (unlikely(prs->flags & JS_PROP_TMASK))
                                goto get_length_slow_path;",
                r"                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {
                                obj = JS_MKPTR(JS_TAG_OBJECT, p);
                                goto get_length_slow_path;
                            }",
            ),
            once(
                r"                        if (unlikely(p->is_exotic)) {
                            obj = JS_MKPTR(JS_TAG_OBJECT, p);
                            goto get_length_slow_path;",
                r"                        if (unlikely(p->is_exotic | p->sy_changed)) {
                            obj = JS_MKPTR(JS_TAG_OBJECT, p);
                            goto get_length_slow_path;",
            ),
            once(
                r"                            if (unlikely(prs->flags & JS_PROP_TMASK))
                                goto get_field_slow_path;",
                r"                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {
                                obj = JS_MKPTR(JS_TAG_OBJECT, p);
                                goto get_field_slow_path;
                            }",
            ),
            once(
                r"                            if (unlikely(prs->flags & JS_PROP_TMASK))
                                goto get_field2_slow_path;",
                r"                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {
                                obj = JS_MKPTR(JS_TAG_OBJECT, p);
                                goto get_field2_slow_path;
                            }",
            ),
            times(
                2,
                r"                        if (unlikely(p->is_exotic)) {
                            /* XXX: should avoid the slow path for arrays",
                r"                        if (unlikely(p->is_exotic | p->sy_changed)) {
                            /* XXX: should avoid the slow path for arrays",
            ),
            // JS_HasProperty.
            once(
                r"    p = JS_VALUE_GET_OBJ(obj);
    for(;;) {
        if (p->is_exotic) {
            const JSClassExoticMethods *em = ctx->rt->class_array[p->class_id].exotic;
            if (em && em->has_property) {",
                r"    p = JS_VALUE_GET_OBJ(obj);
    for(;;) {
        if (unlikely(p->sy_changed))
            p = sy_seen(ctx, p);
        if (p->is_exotic) {
            const JSClassExoticMethods *em = ctx->rt->class_array[p->class_id].exotic;
            if (em && em->has_property) {",
            ),
            // What a script wants its values to be read as is its own affair.
            once(
                "        method = JS_GetProperty(ctx, val, JS_ATOM_Symbol_toPrimitive);\n",
                "        method = sy_get_as_script(ctx, val, JS_ATOM_Symbol_toPrimitive);\n",
            ),
            once(
                "        method = JS_GetProperty(ctx, val, method_name);\n        if (JS_IsException(method))\n            goto exception;\n        if (JS_IsFunction(ctx, method)) {\n            ret = JS_CallFree(ctx, method, val, 0, NULL);\n",
                "        method = sy_get_as_script(ctx, val, method_name);\n        if (JS_IsException(method))\n            goto exception;\n        if (JS_IsFunction(ctx, method)) {\n            ret = JS_CallFree(ctx, method, val, 0, NULL);\n",
            ),
            once(
                r"    /* no exotic behavior is possible in global_var_obj */
    p = JS_VALUE_GET_OBJ(ctx->global_var_obj);
    prs = find_own_property(&pr, p, prop);
    if (prs) {
        /* XXX: should handle JS_PROP_TMASK properties */",
                r"    if (unlikely(sy_scope_changed) && sy_platform_runs(ctx))
        return sy_platform_global(ctx, prop, throw_ref_error);
    /* no exotic behavior is possible in global_var_obj */
    p = JS_VALUE_GET_OBJ(ctx->global_var_obj);
    prs = find_own_property(&pr, p, prop);
    if (prs) {
        /* XXX: should handle JS_PROP_TMASK properties */",
            ),
        ],
    },
    Patch {
        name: "changes of built-ins",
        edits: &[
            // JS_SetPropertyInternal2: what is set, then what it inherits setters from.
            once(
                r"        if (p == p1)
            break;
        goto retry2;",
                r"        if (p == p1) {
            JSObject *sy_twin;
            if (unlikely(p->sy_builtin) && (sy_twin = sy_touch(ctx, p, prop))
                && JS_SetPropertyInternal2(ctx, JS_MKPTR(JS_TAG_OBJECT, sy_twin), prop, js_dup(val), JS_MKPTR(JS_TAG_OBJECT, sy_twin), flags) < 0)
                goto fail;
            break;
        }
        goto retry2;",
            ),
            once(
                r"    retry2:
        prs = find_own_property(&pr, p1, prop);
        if (prs) {",
                r"    retry2:
        if (unlikely(p1->sy_changed))
            p1 = sy_seen(ctx, p1);
        prs = find_own_property(&pr, p1, prop);
        if (prs) {",
            ),
            once(
                r"                    prs = find_own_property(&pr, p, atom);
                    if (!prs)
                        goto put_field_slow_path;",
                r"                    prs = find_own_property(&pr, p, atom);
                    if (!prs || unlikely(p->sy_builtin))
                        goto put_field_slow_path;",
            ),
            once(
                r"    p = JS_VALUE_GET_OBJ(this_obj);

 redo_prop_update:",
                r"    p = JS_VALUE_GET_OBJ(this_obj);
    if (unlikely(p->sy_builtin)) {
        JSObject *sy_twin = sy_touch(ctx, p, prop);
        if (sy_twin && JS_DefineProperty(ctx, JS_MKPTR(JS_TAG_OBJECT, sy_twin), prop, val, getter, setter, flags) < 0)
            return -1;
    }

 redo_prop_update:",
            ),
            once(
                " redo:\n    sh = p->shape;\n    h1 = hash_atom(atom, sh->prop_hash_mask);\n",
                r" redo:
    if (unlikely(p->sy_builtin)) {
        JSObject *sy_twin = sy_touch(ctx, p, atom);
        if (sy_twin && delete_property(ctx, sy_twin, atom) < 0)
            return -1;
    }
    sh = p->shape;
    h1 = hash_atom(atom, sh->prop_hash_mask);
",
            ),
            once(
                "    if (sy_frozen && p == JS_VALUE_GET_OBJ(ctx->global_obj)) {\n",
                "    if (unlikely(p->sy_builtin))\n        sy_touch(ctx, p, JS_ATOM_NULL);\n    if (sy_frozen && p == JS_VALUE_GET_OBJ(ctx->global_obj)) {\n",
            ),
            // JS_SetGlobalVar writes by itself, and scripts declare names before the global's.
            once(
                r"    p = JS_VALUE_GET_OBJ(ctx->global_obj);
    prs = find_own_property(&pr, p, prop);
    if (prs) {
        if (likely((prs->flags & (JS_PROP_TMASK | JS_PROP_WRITABLE |
                                  JS_PROP_LENGTH)) == JS_PROP_WRITABLE)) {
            /* fast path */",
                r"    p = JS_VALUE_GET_OBJ(ctx->global_obj);
    prs = find_own_property(&pr, p, prop);
    if (prs) {
        if (likely((prs->flags & (JS_PROP_TMASK | JS_PROP_WRITABLE |
                                  JS_PROP_LENGTH)) == JS_PROP_WRITABLE)
            && (!p->sy_builtin || prs - get_shape_prop(p->shape) >= sy_global_count)) {
            /* fast path */",
            ),
            once(
                r"        p = JS_VALUE_GET_OBJ(ctx->global_var_obj);
        flags = JS_PROP_ENUMERABLE | (def_flags & JS_PROP_WRITABLE) |",
                r"        sy_scope_changed |= sy_frozen;
        p = JS_VALUE_GET_OBJ(ctx->global_var_obj);
        flags = JS_PROP_ENUMERABLE | (def_flags & JS_PROP_WRITABLE) |",
            ),
            // A `var` of a script: a new name on the global, or none.
            once(
                r"    prs = find_own_property1(p, prop);
    if (prs)
        return 0;
    if (!p->extensible)
        return 0;
    pr = add_property(ctx, p, prop, flags);",
                r"    prs = find_own_property1(p, prop);
    if (prs)
        return 0;
    if (!p->extensible)
        return 0;
    if (unlikely(p->sy_builtin))
        sy_touch(ctx, p, prop);
    pr = add_property(ctx, p, prop, flags);",
            ),
        ],
    },
    // The platform's functions are native to whoever asks: packages tell by it what has been wrapped.
    Patch {
        name: "text of the platform's functions",
        edits: &[once(
            "        if (b->source)\n            return JS_NewStringLen(ctx, b->source, b->source_len);\n",
            "        if (b->source && !b->sy_platform)\n            return JS_NewStringLen(ctx, b->source, b->source_len);\n",
        )],
    },
    // QuickJS's templates call String.prototype.concat, which scripts may change. It lies there under a private name too.
    Patch {
        name: "templates",
        edits: &[
            once(
                "                    emit_atom(s, JS_ATOM_concat);\n",
                "                    emit_atom(s, JS_ATOM_Private_brand);\n",
            ),
            once(
                "    if (JS_SetObjectData(ctx, ctx->class_proto[JS_CLASS_STRING], js_empty_string(ctx->rt)))\n        return -1;\n",
                r"    if (JS_SetObjectData(ctx, ctx->class_proto[JS_CLASS_STRING], js_empty_string(ctx->rt)))
        return -1;
    if (JS_DefinePropertyValue(ctx, ctx->class_proto[JS_CLASS_STRING], JS_ATOM_Private_brand,
                               JS_GetProperty(ctx, ctx->class_proto[JS_CLASS_STRING], JS_ATOM_concat), 0) < 0)
        return -1;
",
            ),
        ],
    },
];
