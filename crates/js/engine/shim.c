/* The exports of ABI.md: the runtime's birth, the evaluation of modules, events, freezing. The guest is a reactor; each
   entry runs the job queue empty before it returns, and none may be entered while another is active. There is one
   runtime and one context, never freed: an instance ends by being dropped. */
#include "engine.h"

static JSRuntime *rt;
static JSContext *ctx;

/* Of the 1 MiB shadow stack scripts may use this much; the rest is for what runs without a check of its own. */
enum { SCRIPT_STACK = 912 * 1024 };

/* How far down freezing blanks old stack frames: everything below its own caller's page. */
enum { STACK_MARGIN = 4096, STACK_FLOOR = 1024 };

static void drop_exception(void)
{
    JS_FreeValue(ctx, JS_GetException(ctx));
}

/* A job that throws ends itself only: promises take their own errors, and a microtask has nobody to tell. */
static void drain(void)
{
    JSContext *at;
    int r;
    while ((r = JS_ExecutePendingJob(rt, &at)) != 0)
        if (r < 0)
            drop_exception();
}

static void enter(void)
{
    JS_UpdateStackTop(rt);
    JS_FreeValue(ctx, sy_context_swap(rt, JS_UNDEFINED));
    sy_turn_begin(rt);
}

static void leave(void)
{
    drain();
    JS_FreeValue(ctx, sy_context_swap(rt, JS_UNDEFINED));
}

/* Tells the host name, message and stack of what was thrown. Takes the value over. */
static void report(int32_t kind, int32_t id, JSValue error)
{
    SyWriter w;
    if (sy_is_error(error)) {
        /* Getters run here and may call into the host, which would write over a message begun: values first. */
        static const char *const properties[3] = { "name", "message", "stack" };
        JSValue parts[3];
        for (int i = 0; i < 3; i++) {
            parts[i] = JS_GetPropertyStr(ctx, error, properties[i]);
            if (!JS_IsException(parts[i]) && !JS_IsString(parts[i]) && !JS_IsUndefined(parts[i])) {
                JSValue s = JS_ToString(ctx, parts[i]);
                JS_FreeValue(ctx, parts[i]);
                parts[i] = s;
            }
            if (JS_IsException(parts[i])) {
                drop_exception();
                parts[i] = JS_UNDEFINED;
            }
        }
        sy_write_begin(&w);
        for (int i = 0; i < 3; i++) {
            if (JS_IsString(parts[i])) {
                if (sy_write_value(ctx, &w, parts[i]))
                    drop_exception();
            } else {
                sy_write_text(&w, i ? "" : "Error", i ? 0 : 5);
            }
            JS_FreeValue(ctx, parts[i]);
        }
    } else {
        JSValue s = JS_UNDEFINED;
        if (!JS_IsObject(error)) {
            s = JS_IsSymbol(error) ? JS_GetPropertyStr(ctx, error, "description") : JS_ToString(ctx, error);
            if (JS_IsException(s)) {
                drop_exception();
                s = JS_UNDEFINED;
            }
        }
        sy_write_begin(&w);
        sy_write_text(&w, "Error", 5);
        if (!JS_IsString(s) || sy_write_value(ctx, &w, s))
            sy_write_text(&w, "#<Object>", 9);
        sy_write_text(&w, "", 0);
        JS_FreeValue(ctx, s);
    }
    if (!w.failed)
        sy_host_op(kind, id, w.data, (int32_t)w.len);
    sy_write_end(&w);
    JS_FreeValue(ctx, error);
}

/* Evaluates a module and its imports and drains the queue. 0 well, 1 failed and reported, 2 still waiting. */
static int32_t evaluate(const char *ptr, int32_t len, JSModuleDef **module)
{
    char *name = js_strndup(ctx, ptr, (size_t)len);
    if (!name) {
        report(SY_OP_START_ERROR, 0, JS_GetException(ctx));
        return 1;
    }
    JSModuleDef *m = sy_module_load(ctx, name);
    js_free(ctx, name);
    if (!m) {
        report(SY_OP_START_ERROR, 0, JS_GetException(ctx));
        return 1;
    }
    JSValue promise = JS_EvalFunction(ctx, JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, m)));
    if (JS_IsException(promise)) {
        report(SY_OP_START_ERROR, 0, JS_GetException(ctx));
        return 1;
    }
    drain();
    JSPromiseStateEnum state = JS_PromiseState(ctx, promise);
    int32_t result = 0;
    if (state == JS_PROMISE_REJECTED) {
        JS_PromiseMarkAsHandled(ctx, promise);
        report(SY_OP_START_ERROR, 0, JS_PromiseResult(ctx, promise));
        result = 1;
    } else if (state == JS_PROMISE_PENDING) {
        result = 2;
    }
    JS_FreeValue(ctx, promise);
    *module = m;
    return result;
}

/* Shared memory is memory like other: nobody shares it, but it can grow in place. */
static void *shared_alloc(void *opaque, size_t size) { return js_malloc_rt(opaque, size); }
static void shared_free(void *opaque, void *ptr) { js_free_rt(opaque, ptr); }
static void shared_dup(void *opaque, void *ptr) { (void)opaque; (void)ptr; }

/* A promise was rejected and has no handler, or has one after all. Nobody is there to hear of an error of the callback. */
static void tell_rejection(JSContext *in, JSValueConst promise, JSValueConst reason, bool handled, void *opaque)
{
    (void)opaque;
    JSValueConst callback = sy_callback(SY_CALL_REJECTION);
    if (!JS_IsFunction(in, callback))
        return;
    JSValueConst args[3] = { promise, reason, handled ? JS_TRUE : JS_FALSE };
    JSValue done = JS_Call(in, callback, JS_UNDEFINED, 3, args);
    if (JS_IsException(done))
        done = JS_GetException(in);
    JS_FreeValue(in, done);
}

SY_EXPORT("sy_init") int32_t sy_init(void)
{
    if (rt)
        return 1;
    rt = JS_NewRuntime2(&sy_heap_functions, NULL);
    if (!rt)
        return 1;
    JS_SetMaxStackSize(rt, SCRIPT_STACK);
    JS_UpdateStackTop(rt);
    const JSSharedArrayBufferFunctions shared = { shared_alloc, shared_free, shared_dup, rt };
    JS_SetSharedArrayBufferFunctions(rt, &shared);
    JS_SetHostPromiseRejectionTracker(rt, tell_rejection, NULL);
    ctx = JS_NewContext(rt);
    if (!ctx)
        return 1;
    sy_modules_install(rt);
    return sy_host_module(ctx) ? 0 : 1;
}

SY_EXPORT("sy_boot") int32_t sy_boot(const char *ptr, int32_t len)
{
    JSModuleDef *m;
    enter();
    int32_t r = evaluate(ptr, len, &m);
    leave();
    return r;
}

SY_EXPORT("sy_start") int32_t sy_start(const char *ptr, int32_t len)
{
    JSModuleDef *m;
    enter();
    int32_t r = evaluate(ptr, len, &m);
    if (r == 0) {
        JSValue names = JS_GetModuleNamespace(ctx, m);
        JSValue done = JS_IsException(names) ? JS_EXCEPTION
                                             : JS_Call(ctx, sy_callback(-1), JS_UNDEFINED, 1, (JSValueConst *)&names);
        if (JS_IsException(done)) {
            report(SY_OP_START_ERROR, 0, JS_GetException(ctx));
            r = 1;
        }
        JS_FreeValue(ctx, done);
        JS_FreeValue(ctx, names);
    }
    leave();
    return r;
}

SY_EXPORT("sy_event") int32_t sy_event(int32_t kind, int32_t id, int32_t status, const uint8_t *ptr, int32_t len)
{
    JSValue *values, result;
    enter();
    if (kind == SY_EVENT_DISPATCH)
        sy_count_request();
    int count = sy_read_values(ctx, ptr, (size_t)(uint32_t)len, 2, &values);
    if (count < 0) {
        result = JS_EXCEPTION;
    } else {
        values[0] = JS_NewInt32(ctx, id);
        values[1] = JS_NewInt32(ctx, status);
        result = JS_Call(ctx, sy_callback(kind), JS_UNDEFINED, count + 2, (JSValueConst *)values);
        for (int i = 2; i < count + 2; i++)
            JS_FreeValue(ctx, values[i]);
        js_free(ctx, values);
    }
    int32_t threw = JS_IsException(result);
    if (threw)
        report(SY_OP_THROW, id, JS_GetException(ctx));
    JS_FreeValue(ctx, result);
    leave();
    return threw;
}

SY_EXPORT("sy_alloc") void *sy_alloc(int32_t len) { return js_malloc_rt(rt, len > 0 ? (size_t)len : 1); }
SY_EXPORT("sy_free") void sy_free(void *ptr) { js_free_rt(rt, ptr); }
SY_EXPORT("sy_inbox") uint8_t *sy_inbox(void) { return sy_buffer; }

SY_EXPORT("sy_gc") void sy_gc(void)
{
    JS_UpdateStackTop(rt);
    JS_RunGC(rt);
    sy_drop_empty(rt);
    sy_mark_lasting(rt);
}

SY_EXPORT("sy_freeze") void sy_freeze_base(uint32_t slack)
{
    JS_UpdateStackTop(rt);
    sy_freeze(rt, slack);
    memset(sy_buffer, 0, sizeof sy_buffer);
    /* Frames of calls long returned are no part of the image either; the stack lies first in memory. */
    uintptr_t from = STACK_FLOOR, to = (uintptr_t)__builtin_frame_address(0);
    if (to > from + STACK_MARGIN)
        memset((void *)from, 0, to - STACK_MARGIN - from);
}

SY_EXPORT("sy_seed") void sy_seed(uint64_t seed) { sy_seed_random(ctx, seed); }
SY_EXPORT("sy_allow_eval") void sy_allow_eval(int32_t allowed) { sy_set_eval(allowed != 0); }
SY_EXPORT("sy_heap_top") uint32_t sy_heap_top(void) { return sy_heap_end(); }
