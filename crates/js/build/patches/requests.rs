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
            once("    ctx->promise_ctor = JS_NULL;\n", "    ctx->promise_ctor = JS_NULL;\n    ctx->sy_array_next = JS_UNDEFINED;\n"),
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
