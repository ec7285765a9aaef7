//! What requests do most: promises that wait for promises, arrays that are taken apart, objects of the platform's classes.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    // An async function is its promise's only owner, and who awaits needs no function of the language's: what settles the
    // one and goes on with the other is called by the engine alone. In a reaction a promise stands in the place of the two
    // functions that would settle it; where code waits, one object in that of two.
    Patch {
        name: "promises without functions",
        edits: &[
            once(
                "            ret2 = JS_Call(ctx, s->resolving_funcs[1], JS_UNDEFINED,\n                           1, vc(&error));\n            JS_FreeValue(ctx, error);\n        resolved:\n",
                "            sy_settle(ctx, safe_const(s->resolving_funcs[0]), safe_const(error), true);\n            ret2 = JS_UNDEFINED;\n            JS_FreeValue(ctx, error);\n        resolved:\n",
            ),
            once(
                "            ret2 = JS_Call(ctx, s->resolving_funcs[0], JS_UNDEFINED,\n                           1, vc(&value));\n            JS_FreeValue(ctx, value);\n            goto resolved;\n",
                "            sy_settle(ctx, safe_const(s->resolving_funcs[0]), safe_const(value), false);\n            ret2 = JS_UNDEFINED;\n            JS_FreeValue(ctx, value);\n            goto resolved;\n",
            ),
            once(
                "    promise = JS_NewPromiseCapability(ctx, s->resolving_funcs);\n    if (JS_IsException(promise))\n        goto fail;\n\n    if (async_func_init(ctx, &s->func_state,",
                "    promise = sy_promise(ctx);\n    if (JS_IsException(promise))\n        goto fail;\n    s->resolving_funcs[0] = js_dup(promise);\n\n    if (async_func_init(ctx, &s->func_state,",
            ),
            once(
                "    int i;\n    JSObject *p;\n\n    for(i = 0; i < 2; i++) {\n        resolving_funcs[i] =\n            JS_NewObjectProtoClass(ctx, ctx->function_proto,\n                                   JS_CLASS_ASYNC_FUNCTION_RESOLVE + i);",
                "    int i;\n    JSObject *p;\n\n    for(i = 0; i < 1; i++) {\n        resolving_funcs[i] =\n            JS_NewObjectProtoClass(ctx, ctx->function_proto,\n                                   JS_CLASS_ASYNC_FUNCTION_RESOLVE + i);",
            ),
            once(
                "        p = JS_VALUE_GET_OBJ(resolving_funcs[i]);\n        sy_count_up(s);\n        p->u.async_function_data = s;\n    }\n    return 0;\n",
                "        p = JS_VALUE_GET_OBJ(resolving_funcs[i]);\n        sy_count_up(s);\n        p->u.async_function_data = s;\n    }\n    resolving_funcs[1] = js_dup(resolving_funcs[0]);\n    return 0;\n",
            ),
            once(
                "    JSAsyncFunctionData *s = p->u.async_function_data;\n    bool is_reject = p->class_id - JS_CLASS_ASYNC_FUNCTION_RESOLVE;\n    JSValueConst arg;\n\n    if (argc > 0)\n        arg = argv[0];\n    else\n        arg = JS_UNDEFINED;\n",
                "    JSAsyncFunctionData *s = p->u.async_function_data;\n    bool is_reject = argc > 1 && JS_VALUE_GET_BOOL(argv[1]);\n    JSValueConst arg;\n\n    if (argc > 0)\n        arg = argv[0];\n    else\n        arg = JS_UNDEFINED;\n",
            ),
            once(
                "    } else {\n        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);\n    }\n    is_reject = JS_IsException(res);\n    if (is_reject) {\n        if (unlikely(JS_IsUncatchableError(",
                r"    } else if (sy_is_of_class(handler, JS_CLASS_ASYNC_FUNCTION_RESOLVE)) {
        JSValueConst args[2] = { arg, js_bool(is_reject) };
        res = js_async_function_resolve_call(ctx, handler, JS_UNDEFINED, 2, args, 0);
    } else {
        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);
    }
    is_reject = JS_IsException(res);
    if (is_reject) {
        if (unlikely(JS_IsUncatchableError(",
            ),
            once(
                "    if (!JS_IsUndefined(func)) {\n        res2 = JS_Call(ctx, func, JS_UNDEFINED, 1, vc(&res));\n    } else {\n        res2 = JS_UNDEFINED;\n    }\n",
                r"    if (sy_is_of_class(func, JS_CLASS_PROMISE)) {
        sy_settle(ctx, func, safe_const(res), is_reject);
        res2 = JS_UNDEFINED;
    } else if (!JS_IsUndefined(func)) {
        res2 = JS_Call(ctx, func, JS_UNDEFINED, 1, vc(&res));
    } else {
        res2 = JS_UNDEFINED;
    }
",
            ),
            // A promise that another one is resolved with, and of which scripts have changed nothing.
            once(
                "    if (js_create_resolving_functions(ctx, args, promise) < 0)\n        return JS_EXCEPTION;\n    rt = ctx->rt;\n    if (rt->promise_hook) {\n        rt->promise_hook(ctx, JS_PROMISE_HOOK_BEFORE, promise, JS_UNDEFINED,",
                r"    if (sy_is_usual_promise(ctx, thenable, then)) {
        JSValueConst none[2] = { JS_UNDEFINED, JS_UNDEFINED }, both[2] = { promise, promise };
        return perform_promise_then(ctx, thenable, none, both) ? JS_EXCEPTION : JS_UNDEFINED;
    }
    if (js_create_resolving_functions(ctx, args, promise) < 0)
        return JS_EXCEPTION;
    rt = ctx->rt;
    if (rt->promise_hook) {
        rt->promise_hook(ctx, JS_PROMISE_HOOK_BEFORE, promise, JS_UNDEFINED,",
            ),
            once(
                "static JSValue promise_reaction_job(JSContext *ctx, int argc,\n",
                r"static inline bool sy_is_of_class(JSValueConst value, int class_id)
{
    return JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(value)->class_id == class_id;
}
static JSValue js_async_function_resolve_call(JSContext *ctx, JSValueConst func_obj, JSValueConst this_obj, int argc,
                                              JSValueConst *argv, int flags);
static bool sy_is_usual_promise(JSContext *ctx, JSValueConst promise, JSValueConst then);

static JSValue promise_reaction_job(JSContext *ctx, int argc,
",
            ),
            once(
                "static bool js_async_function_resume(JSContext *ctx, JSAsyncFunctionData *s)\n",
                "JSValue sy_promise(JSContext *ctx);\nvoid sy_settle(JSContext *ctx, JSValueConst promise, JSValueConst value, bool rejects);\n\nstatic bool js_async_function_resume(JSContext *ctx, JSAsyncFunctionData *s)\n",
            ),
        ],
    },
    // `const [a, b] = array` and `for (… of array)`: the iterator is made without a look at how, and given up without
    // asking for a `return` that it has not.
    Patch {
        name: "arrays that are taken apart",
        edits: &[
            once(
                "    op1 = sp[-1];\n    obj = JS_GetIterator(ctx, op1, is_async);\n",
                r"    op1 = sp[-1];
    if (!is_async && sy_is_usual_array(ctx, op1)) {
        obj = js_create_array_iterator(ctx, op1, 0, NULL, JS_ITERATOR_KIND_VALUE);
        if (JS_IsException(obj))
            return -1;
        JS_FreeValue(ctx, op1);
        sp[-1] = obj;
        sp[0] = js_dup(ctx->sy_array_next);
        return 0;
    }
    obj = JS_GetIterator(ctx, op1, is_async);
",
            ),
            once(
                "static __exception int js_for_of_start(JSContext *ctx, JSValue *sp,\n",
                "static JSValue js_create_array_iterator(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int magic);\n\nstatic __exception int js_for_of_start(JSContext *ctx, JSValue *sp,\n",
            ),
            once(
                "static int JS_IteratorClose(JSContext *ctx, JSValueConst enum_obj,\n                            bool is_exception_pending)\n{\n    JSValue method, ret, ex_obj;\n    int res;\n\n",
                "static bool sy_is_usual_array(JSContext *ctx, JSValueConst value);\nstatic bool sy_is_usual_array_iterator(JSContext *ctx, JSValueConst value);\n\nstatic int JS_IteratorClose(JSContext *ctx, JSValueConst enum_obj,\n                            bool is_exception_pending)\n{\n    JSValue method, ret, ex_obj;\n    int res;\n\n    if (sy_is_usual_array_iterator(ctx, enum_obj))\n        return is_exception_pending ? -1 : 0;\n",
            ),
            once(
                "    JSShape *array_shape;   /* initial shape for Array objects */\n",
                "    JSShape *array_shape;   /* initial shape for Array objects */\n    JSValue sy_array_next;  /* `next` of arrays' iterators, once the base is frozen */\n",
            ),
            once(
                "    ctx->promise_ctor = JS_NULL;\n",
                "    ctx->promise_ctor = JS_NULL;\n    ctx->sy_array_next = JS_UNDEFINED;\n",
            ),
        ],
    },
    Patch {
        name: "comparison with null and undefined",
        edits: &[
            once(
                "        CASE(OP_undefined):\n            *sp++ = JS_UNDEFINED;\n",
                r"        CASE(OP_undefined):
            if (*pc == OP_strict_neq) {
                truth = !JS_IsUndefined(sp[-1]);
                JS_FreeValue(ctx, sp[-1]);
                sp--;
                pc++;
                goto sy_truth;
            }
            *sp++ = JS_UNDEFINED;
",
            ),
            once(
                "        CASE(OP_null):\n            *sp++ = JS_NULL;\n",
                r"        CASE(OP_null):
            if (*pc == OP_strict_neq) {
                truth = !JS_IsNull(sp[-1]);
                JS_FreeValue(ctx, sp[-1]);
                sp--;
                pc++;
                goto sy_truth;
            }
            *sp++ = JS_NULL;
",
            ),
        ],
    },
    // `this.#field` and `this.#field = value;` in one step: the private name is not put on the stack.
    Patch {
        name: "private fields in one step",
        edits: &[
            once(
                "        CASE(OP_get_var_ref0): *sp++ = js_dup(*var_refs[0]->pvalue); BREAK;\n",
                "        CASE(OP_get_var_ref0): pval = var_refs[0]->pvalue; goto sy_var_ref;\n",
            ),
            once(
                "        CASE(OP_get_var_ref1): *sp++ = js_dup(*var_refs[1]->pvalue); BREAK;\n",
                "        CASE(OP_get_var_ref1): pval = var_refs[1]->pvalue; goto sy_var_ref;\n",
            ),
            once(
                "        CASE(OP_get_var_ref2): *sp++ = js_dup(*var_refs[2]->pvalue); BREAK;\n",
                "        CASE(OP_get_var_ref2): pval = var_refs[2]->pvalue; goto sy_var_ref;\n",
            ),
            once(
                "        CASE(OP_get_var_ref3): *sp++ = js_dup(*var_refs[3]->pvalue); BREAK;\n",
                "        CASE(OP_get_var_ref3): pval = var_refs[3]->pvalue; goto sy_var_ref;\n",
            ),
            once(
                "                int idx;\n                JSValue val;\n                idx = get_u16(pc);\n                pc += 2;\n                val = *var_refs[idx]->pvalue;\n                sp[0] = js_dup(val);\n                sp++;\n            }\n            BREAK;\n",
                r"                pval = var_refs[get_u16(pc)]->pvalue;
                pc += 2;
            }
        sy_var_ref:
            if (*pc == OP_get_private_field && JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_OBJECT && JS_VALUE_GET_TAG(*pval) == JS_TAG_SYMBOL) {
                JSProperty *pr;
                if (likely(find_own_property(&pr, JS_VALUE_GET_OBJ(sp[-1]), js_symbol_to_atom(ctx, *pval)))) {
                    JSValue val = js_dup(pr->u.value);
                    JS_FreeValue(ctx, sp[-1]);
                    sp[-1] = val;
                    pc++;
                    BREAK;
                }
            }
            *sp++ = js_dup(*pval);
            BREAK;
",
            ),
            once(
                "        CASE(OP_insert2): /* obj a -> a obj a (dup_x1) */\n",
                r"        CASE(OP_insert2): /* obj a -> a obj a (dup_x1) */
            {
                int skip = 0;
                if ((unsigned)(*pc - OP_get_var_ref0) < 4 && pc[1] == OP_put_private_field && pc[2] == OP_drop) {
                    pval = var_refs[*pc - OP_get_var_ref0]->pvalue;
                    skip = 3;
                } else if (*pc == OP_get_var_ref && pc[3] == OP_put_private_field && pc[4] == OP_drop) {
                    pval = var_refs[get_u16(pc + 1)]->pvalue;
                    skip = 5;
                }
                if (skip && JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_OBJECT && JS_VALUE_GET_TAG(*pval) == JS_TAG_SYMBOL) {
                    JSProperty *pr;
                    if (likely(find_own_property(&pr, JS_VALUE_GET_OBJ(sp[-2]), js_symbol_to_atom(ctx, *pval)))) {
                        set_value(ctx, &pr->u.value, sp[-1]);
                        JS_FreeValue(ctx, sp[-2]);
                        sp -= 2;
                        pc += skip;
                        BREAK;
                    }
                }
            }
",
            ),
        ],
    },
    // A function is made with its layout, and named, in one step.
    Patch {
        name: "closures at once",
        edits: &[
            once(
                "    b = JS_VALUE_GET_PTR(bfunc);\n    func_obj = JS_NewObjectClass(ctx, func_kind_to_class_id[b->func_kind]);\n    if (JS_IsException(func_obj)) {\n        JS_FreeValue(ctx, bfunc);\n        return JS_EXCEPTION;\n    }\n",
                r"    bool named = false;
    b = JS_VALUE_GET_PTR(bfunc);
    name_atom = b->func_name == JS_ATOM_NULL ? JS_ATOM_empty_string : b->func_name;
    if (sy_function_shape && b->func_kind == JS_FUNC_NORMAL && sy_is_text_atom(ctx->rt, name_atom)) {
        func_obj = JS_NewObjectFromShape(ctx, js_dup_shape(sy_function_shape), JS_CLASS_BYTECODE_FUNCTION, NULL);
        if (!JS_IsException(func_obj)) {
            JSProperty *pr = JS_VALUE_GET_OBJ(func_obj)->prop;
            pr[0].u.value = js_int32(b->defined_arg_count);
            pr[1].u.value = js_dup(JS_MKPTR(JS_TAG_STRING, ctx->rt->atom_array[name_atom]));
            named = true;
        }
    } else {
        func_obj = JS_NewObjectClass(ctx, func_kind_to_class_id[b->func_kind]);
    }
    if (JS_IsException(func_obj)) {
        JS_FreeValue(ctx, bfunc);
        return JS_EXCEPTION;
    }
",
            ),
            once(
                "    js_function_set_properties(ctx, func_obj, name_atom,\n                               b->defined_arg_count);\n\n    if (b->func_kind & JS_FUNC_GENERATOR) {",
                "    if (!named)\n        js_function_set_properties(ctx, func_obj, name_atom,\n                               b->defined_arg_count);\n\n    if (b->func_kind & JS_FUNC_GENERATOR) {",
            ),
            once(
                "static JSValue js_closure(JSContext *ctx, JSValue bfunc,\n                          JSVarRef **cur_var_refs,\n                          JSStackFrame *sf)\n{\n",
                r"static JSShape *sy_function_shape; /* of a function with its length and its name; NULL before the base is frozen */

static inline bool sy_is_text_atom(JSRuntime *rt, JSAtom atom)
{
    return !__JS_AtomIsTaggedInt(atom) && rt->atom_array[atom]->atom_type == JS_ATOM_TYPE_STRING;
}

static JSValue js_closure(JSContext *ctx, JSValue bfunc,
                          JSVarRef **cur_var_refs,
                          JSStackFrame *sf)
{
",
            ),
            once(
                "            *sp++ = js_closure(ctx, js_dup(b->cpool[*pc++]), var_refs, sf);\n            if (unlikely(JS_IsException(sp[-1])))\n                goto exception;\n",
                r"            *sp++ = js_closure(ctx, js_dup(b->cpool[*pc++]), var_refs, sf);
            if (unlikely(JS_IsException(sp[-1])))
                goto exception;
            if (*pc == OP_set_name && sy_function_shape && JS_VALUE_GET_OBJ(sp[-1])->shape == sy_function_shape &&
                sy_is_text_atom(rt, get_u32(pc + 1))) {
                JSValue *name = &JS_VALUE_GET_OBJ(sp[-1])->prop[1].u.value;
                if (JS_VALUE_GET_TAG(*name) == JS_TAG_STRING && JS_VALUE_GET_STRING(*name)->len == 0) {
                    set_value(ctx, name, js_dup(JS_MKPTR(JS_TAG_STRING, rt->atom_array[get_u32(pc + 1)])));
                    pc += 5;
                }
            }
",
            ),
        ],
    },
    // JSON.stringify of plain data (`engine/json.c`).
    Patch {
        name: "plain data as JSON",
        edits: &[
            once(
                "    JSValue val, v, space, ret, wrapper;\n    int res;\n    int64_t i, j, n;\n\n",
                r"    JSValue val, v, space, ret, wrapper;
    int res;
    int64_t i, j, n;

    if (JS_IsUndefined(replacer) && JS_IsUndefined(space0)) {
        ret = sy_json(ctx, obj);
        if (!JS_IsUninitialized(ret))
            return ret;
    }
",
            ),
            once(
                "JSValue JS_JSONStringify(JSContext *ctx, JSValueConst obj,\n                         JSValueConst replacer, JSValueConst space0)\n{\n",
                "static JSValue sy_json(JSContext *ctx, JSValueConst value);\n\nJSValue JS_JSONStringify(JSContext *ctx, JSValueConst obj,\n                         JSValueConst replacer, JSValueConst space0)\n{\n",
            ),
        ],
    },
    // The usual calls of a few constructors (`engine/objects.c`).
    Patch {
        name: "constructors with a way of their own",
        edits: &[
            once(
                "        /* legacy constructor behavior */\n        obj = js_create_from_ctor(ctx, new_target, JS_CLASS_OBJECT);\n",
                r"        if (b->sy_quick && JS_VALUE_GET_TAG(new_target) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(new_target) == p) {
            obj = sy_construct(ctx, b->sy_quick, argc, argv);
            if (!JS_IsUninitialized(obj))
                return obj;
        }
        /* legacy constructor behavior */
        obj = js_create_from_ctor(ctx, new_target, JS_CLASS_OBJECT);
",
            ),
            once(
                "static JSValue js_create_from_ctor(JSContext *ctx, JSValueConst ctor,\n                                   int class_id)\n{\n",
                "static JSValue sy_construct(JSContext *ctx, int kind, int argc, JSValueConst *argv);\n\nstatic JSValue js_create_from_ctor(JSContext *ctx, JSValueConst ctor,\n                                   int class_id)\n{\n",
            ),
        ],
    },
];
