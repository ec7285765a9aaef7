//! Objects of the base's classes find their shapes ready, with a property added by a step along a way that is there
//! (`engine/shapes.c`); in an instance that serves several requests, those of the script do so too.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    // An object that is built property by property made a shape of its own each time and, with the last one, found that
    // there is such a shape already. Now every step on the way to a shape of the base lies in the base (sy_link_shapes),
    // and each knows the next. Such shapes are immortal: nothing is counted, and nothing is written but the object.
    Patch {
        name: "shapes on the way",
        edits: &[
            once(
                "    uint8_t sy_builtin : 1; /* of the base: sy_touch() is told before it changes */\n",
                "    uint8_t sy_builtin : 1; /* of the base: sy_touch() is told before it changes */\n    uint8_t sy_lasting : 1; /* a prototype that was there when the script had been evaluated */\n",
            ),
            once("    p->sy_builtin = 0;\n", "    p->sy_builtin = 0;\n    p->sy_lasting = 0;\n"),
            once(
                "    JSShape *shape_hash_next; /* in JSRuntime.shape_hash[h] list */\n    JSObject *proto;\n",
                r"    JSShape *shape_hash_next; /* in JSRuntime.shape_hash[h] list */
    JSObject *proto;
    JSShape *sy_next; /* of the base: this one and one property more, its last */
    bool sy_settable; /* of the base: nothing that is inherited has the last property, so that setting it adds it */
    bool sy_held; /* by nobody in particular, to be found again; only such ones and those of the base have a sy_next */
",
            ),
            once(
                "    sh->is_hashed = false;\n    return sh;\n}\n\n/* create a new empty shape with prototype 'proto' */",
                "    sh->is_hashed = false;\n    sh->sy_next = NULL;\n    sh->sy_settable = sh->sy_held = false;\n    return sh;\n}\n\n/* create a new empty shape with prototype 'proto' */",
            ),
            once(
                "    add_gc_object(ctx->rt, &sh->header, JS_GC_OBJ_TYPE_SHAPE);\n    sh->is_hashed = false;\n    if (sh->proto) {",
                "    add_gc_object(ctx->rt, &sh->header, JS_GC_OBJ_TYPE_SHAPE);\n    sh->is_hashed = false;\n    sh->sy_next = NULL;\n    sh->sy_settable = sh->sy_held = false;\n    if (sh->proto) {",
            ),
            once(
                "static inline JSShapeProperty *find_own_property(JSProperty **ppr,\n",
                r"static bool sy_inherited_changed; /* something that objects inherit from is not as it was in the base */

/* The shape after this one where that has `atom` as its last property. */
static inline JSShape *sy_next_shape(JSShape *sh, JSAtom atom, int flags)
{
    JSShape *next = sh->sy_next;
    if (next) {
        JSShapeProperty *last = &get_shape_prop(next)[next->prop_count - 1];
        if (last->atom == atom && last->flags == flags)
            return next;
    }
    return NULL;
}

enum { SY_MOST_KEPT = 256, SY_LONGEST_WAY = 40 };
static bool sy_keeping; /* the instance serves more than one request */
static int sy_kept;     /* shapes that are held though no object may have them */

/* Whether the next shape on this way is held. What objects inherit from must be there to stay. */
static inline bool sy_keeps(JSShape *sh)
{
    return sy_keeping && sy_kept + 2 <= SY_MOST_KEPT && sh->is_hashed && sh->prop_count < SY_LONGEST_WAY && sh->proto &&
        (sh->proto->sy_builtin || sh->proto->sy_lasting);
}

/* Adds `atom` to an object that has no such property; its value is not set. NULL: it has to go the long way. */
static inline JSProperty *sy_extend(JSObject *p, JSAtom atom, int flags)
{
    JSShape *next = sy_next_shape(p->shape, atom, flags);
    if (!next || next->prop_size != p->shape->prop_size || !p->extensible || p->is_prototype)
        return NULL;
    sy_count_up(next);
    sy_count_down(p->shape); /* never the last one: it is held, or immortal */
    p->shape = next;
    return &p->prop[next->prop_count - 1];
}

/* The same for what is set on a plain object, and may be inherited. */
static inline JSProperty *sy_extend_by_set(JSObject *p, JSAtom atom)
{
    JSShape *next = p->shape->sy_next;
    if (!next || !next->sy_settable || sy_inherited_changed || p->class_id != JS_CLASS_OBJECT || p->sy_builtin)
        return NULL;
    return sy_extend(p, atom, JS_PROP_C_W_E);
}

static inline JSShapeProperty *find_own_property(JSProperty **ppr,
",
            ),
            // Once an instance serves a second request, the ways that objects of its script go are kept as well.
            once(
                "        } else if (JS_REF_COUNT(sh) != 1) {\n            /* if the shape is shared, clone it */\n",
                "        } else if (JS_REF_COUNT(sh) != 1 || (keeps = sy_keeps(sh))) {\n            /* if the shape is shared, clone it */\n",
            ),
            once(
                "            js_shape_hash_link(ctx->rt, new_sh);\n            js_free_shape(ctx->rt, p->shape);\n            p->shape = new_sh;\n        }\n    }\n    assert(",
                r"            js_shape_hash_link(ctx->rt, new_sh);
            held = sh->sy_held || keeps;
            if (keeps) {
                sy_kept++;
                sh->sy_held = true;
            } else {
                js_free_shape(ctx->rt, p->shape);
            }
            p->shape = new_sh;
            keeps = sy_keeps(new_sh);
        }
    }
    assert(",
            ),
            once(
                "    if (add_shape_property(ctx, &p->shape, p, prop, prop_flags))\n        return NULL;\n    return &p->prop[p->shape->prop_count - 1];\n}\n\n/* can be called on JS_CLASS_ARRAY",
                r"    if (add_shape_property(ctx, &p->shape, p, prop, prop_flags))
        return NULL;
    if (keeps) { /* `sh` is alive where it is held */
        sy_kept++;
        sy_count_up(p->shape);
        p->shape->sy_held = true;
        if (held && !sh->sy_next)
            sh->sy_next = p->shape;
    }
    return &p->prop[p->shape->prop_count - 1];
}

/* can be called on JS_CLASS_ARRAY",
            ),
            once(
                "    JSShape *sh, *new_sh;\n\n    if (unlikely(p->is_prototype)) {\n        /* track addition of small integer properties to",
                "    JSShape *sh, *new_sh;\n    bool keeps = false, held = false;\n\n    if (unlikely(p->is_prototype)) {\n        /* track addition of small integer properties to",
            ),
            // What training makes of classes stays, so that the ways of the platform's inner objects are known too. Plain
            // objects may be tables of a moment.
            once(
                "static void js_free_shape0(JSRuntime *rt, JSShape *sh)\n{\n    uint32_t i;\n",
                "static bool sy_frozen;\n\nstatic void js_free_shape0(JSRuntime *rt, JSShape *sh)\n{\n    uint32_t i;\n",
            ),
            once(
                "    assert(JS_REF_COUNT(sh) == 0);\n    if (sh->is_hashed)\n        js_shape_hash_unlink(rt, sh);\n",
                r"    assert(JS_REF_COUNT(sh) == 0);
    if (!sy_frozen && sh->is_hashed && rt->gc_phase != JS_GC_PHASE_REMOVE_CYCLES && !rt->in_free && sh->proto &&
        !list_empty(&rt->context_list) &&
        sh->proto != JS_VALUE_GET_OBJ(list_entry(rt->context_list.next, JSContext, link)->class_proto[JS_CLASS_OBJECT])) {
        JS_REF_COUNT(sh) = 1;
        return;
    }
    if (sh->is_hashed)
        js_shape_hash_unlink(rt, sh);
",
            ),
            once(
                "        new_sh = find_hashed_shape_prop(ctx->rt, sh, prop, prop_flags);\n        if (new_sh) {\n            /* matching shape found: use it */",
                "        new_sh = sy_next_shape(sh, prop, prop_flags);\n        if (!new_sh)\n            new_sh = find_hashed_shape_prop(ctx->rt, sh, prop, prop_flags);\n        if (new_sh) {\n            /* matching shape found: use it */",
            ),
            once(
                "    prop = js_symbol_to_atom(ctx, name);\n    p = JS_VALUE_GET_OBJ(obj);\n    if (unlikely(!p->extensible)) {",
                r"    prop = js_symbol_to_atom(ctx, name);
    p = JS_VALUE_GET_OBJ(obj);
    pr = sy_extend(p, prop, JS_PROP_C_W_E);
    if (likely(pr)) {
        pr->u.value = val;
        return 0;
    }
    if (unlikely(!p->extensible)) {",
            ),
            once(
                "        p1 = JS_VALUE_GET_OBJ(obj);\n        if (unlikely(!p1->extensible)) {\n            JS_FreeAtom(ctx, brand_atom);",
                r"        p1 = JS_VALUE_GET_OBJ(obj);
        pr = sy_extend(p1, brand_atom, JS_PROP_C_W_E);
        if (likely(pr)) {
            JS_FreeAtom(ctx, brand_atom);
            pr->u.value = JS_UNDEFINED;
            return 0;
        }
        if (unlikely(!p1->extensible)) {
            JS_FreeAtom(ctx, brand_atom);",
            ),
            once(
                r"                ret = JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1],
                                             JS_PROP_C_W_E | JS_PROP_THROW);
                sp--;",
                r"                if (likely(JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_OBJECT)) {
                    JSObject *p = JS_VALUE_GET_OBJ(sp[-2]);
                    JSProperty *pr = NULL;
                    if (p->class_id == JS_CLASS_OBJECT && !p->sy_builtin && p->extensible) {
                        pr = sy_extend(p, atom, JS_PROP_C_W_E);
                        if (!pr && !find_own_property1(p, atom)) {
                            pr = add_property(ctx, p, atom, JS_PROP_C_W_E);
                            if (unlikely(!pr))
                                goto exception;
                        }
                    }
                    if (pr) {
                        pr->u.value = *--sp;
                        BREAK;
                    }
                }
                ret = JS_DefinePropertyValue(ctx, sp[-2], atom, sp[-1],
                                             JS_PROP_C_W_E | JS_PROP_THROW);
                sp--;",
            ),
            once(
                "                    if (!prs || unlikely(p->sy_builtin))\n                        goto put_field_slow_path;",
                r"                    if (!prs) {
                        pr = sy_extend_by_set(p, atom);
                        if (!pr)
                            goto put_field_slow_path;
                        pr->u.value = sp[-1];
                        JS_FreeValue(ctx, obj);
                        sp -= 2;
                        BREAK;
                    }
                    if (unlikely(p->sy_builtin))
                        goto put_field_slow_path;",
            ),
        ],
    },
    Patch {
        name: "functions find their shape",
        edits: &[
            once(
                "static void js_function_set_properties(JSContext *ctx, JSValue func_obj,\n",
                "static inline JSProperty *sy_extend(JSObject *p, JSAtom atom, int flags);\n\nstatic void js_function_set_properties(JSContext *ctx, JSValue func_obj,\n",
            ),
            once(
                "    /* ES6 feature non compatible with ES5.1: length is configurable */\n    JS_DefinePropertyValue(ctx, func_obj, JS_ATOM_length, js_int32(len),",
                r"    JSObject *p = JS_VALUE_GET_OBJ(func_obj);
    JSProperty *pr = sy_extend(p, JS_ATOM_length, JS_PROP_CONFIGURABLE);
    if (likely(pr)) {
        pr->u.value = js_int32(len);
        pr = __JS_AtomIsTaggedInt(name) ? NULL : sy_extend(p, JS_ATOM_name, JS_PROP_CONFIGURABLE);
        if (likely(pr)) {
            pr->u.value = JS_UNDEFINED;
            pr->u.value = JS_AtomToString(ctx, name);
            return;
        }
    } else
    /* ES6 feature non compatible with ES5.1: length is configurable */
    JS_DefinePropertyValue(ctx, func_obj, JS_ATOM_length, js_int32(len),",
            ),
            once(
                "    if (name != JS_ATOM_NULL\n    &&  JS_IsObject(obj)\n    &&  !js_object_has_name(ctx, obj)\n",
                r"    JSProperty *pr;
    JSShapeProperty *prs;
    /* A function as it was made, without a name. */
    if (name != JS_ATOM_NULL && flags == JS_PROP_CONFIGURABLE && !__JS_AtomIsTaggedInt(name) && JS_IsObject(obj) &&
        (prs = find_own_property(&pr, JS_VALUE_GET_OBJ(obj), JS_ATOM_name)) && prs->flags == JS_PROP_CONFIGURABLE &&
        JS_VALUE_GET_TAG(pr->u.value) == JS_TAG_STRING && JS_VALUE_GET_STRING(pr->u.value)->len == 0) {
        set_value(ctx, &pr->u.value, JS_AtomToString(ctx, name));
        return 0;
    }
    if (name != JS_ATOM_NULL
    &&  JS_IsObject(obj)
    &&  !js_object_has_name(ctx, obj)
",
            ),
        ],
    },
    // The function that gives an instance its fields, where that is constants alone, is read when the base is frozen.
    Patch {
        name: "fields at once",
        edits: &[
            once(
                "    int line_num;\n    int col_num;\n    int source_len;\n    uint32_t sy_lead;\n",
                "    int line_num;\n    int col_num;\n    int source_len;\n    uint32_t sy_lead;\n    struct SyFields *sy_fields; /* of a function of the base that only initialises fields */\n",
            ),
            once(
                "static bool sy_inherited_changed;",
                "struct SyFields;\nstatic bool sy_fill(const struct SyFields *all, JSObject *func, JSValueConst receiver);\nstatic bool sy_inherited_changed;",
            ),
            once(
                "    b = p->u.func.function_bytecode;\n\n    if (unlikely(argc < b->arg_count || (flags & JS_CALL_FLAG_COPY_ARGV))) {",
                r"    b = p->u.func.function_bytecode;
    if (b->sy_fields && sy_fill(b->sy_fields, p, this_obj))
        return JS_UNDEFINED;

    if (unlikely(argc < b->arg_count || (flags & JS_CALL_FLAG_COPY_ARGV))) {",
            ),
        ],
    },
];
