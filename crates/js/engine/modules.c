/* Modules: names and sources come from the host. A name is whatever the host says it is; the engine adds two rules of
   its own: the native module and everything named `platform:` are for platform modules only. `import.meta` stays empty. */
#include "engine.h"

static const char NATIVE_MODULE[] = "switchyard:host";

static bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

/* Names of platform modules come from the host alone, so a script cannot give itself one. */
static bool of_platform(const char *name) { return starts(name, "platform:") || starts(name, "cloudflare:") || starts(name, "node:"); }

/* Asks the host and keeps the answer in a block of its own, a zero byte after it. NULL without an exception: no answer. */
static uint8_t *ask(JSContext *ctx, int32_t kind, const char *first, const char *second, size_t *len)
{
    SyWriter w;
    sy_write_begin(&w);
    sy_write_text(&w, first, strlen(first));
    if (second)
        sy_write_text(&w, second, strlen(second));
    int32_t n = w.failed ? -1 : sy_host_sync(kind, w.data, (int32_t)w.len);
    sy_write_end(&w);
    if (n < 0)
        return NULL;
    uint8_t *answer = js_malloc(ctx, (size_t)n + 1);
    if (!answer)
        return NULL;
    sy_host_take(answer);
    answer[n] = 0;
    *len = (size_t)n;
    return answer;
}

static void no_such_module(JSContext *ctx, const char *specifier)
{
    if (!JS_HasException(ctx))
        JS_ThrowPlainError(ctx, "No such module \"%s\".", specifier);
}

static char *resolve(JSContext *ctx, const char *referrer, const char *specifier, void *opaque)
{
    bool inside = of_platform(referrer);
    if (strcmp(specifier, NATIVE_MODULE) == 0 && inside)
        return js_strdup(ctx, specifier);
    if (!inside && (starts(specifier, "platform:") || starts(specifier, "switchyard:"))) {
        no_such_module(ctx, specifier);
        return NULL;
    }
    size_t len;
    uint8_t *answer = ask(ctx, SY_SYNC_MODULE_RESOLVE, specifier, referrer, &len);
    /* A name; or null, and the name under which it was sought. */
    uint32_t n = 0;
    bool missing = answer && len >= 6 && answer[0] == SY_TAG_NULL;
    const uint8_t *text = answer + missing;
    if (answer && len >= 5 + (size_t)missing && text[0] == SY_TAG_TEXT)
        memcpy(&n, text + 1, 4);
    if (!n || n > len - 5 - missing) {
        js_free(ctx, answer);
        no_such_module(ctx, specifier);
        return NULL;
    }
    memmove(answer, text + 5, n);
    answer[n] = 0;
    if (missing) {
        no_such_module(ctx, (char *)answer);
        js_free(ctx, answer);
        return NULL;
    }
    if (!inside && (strcmp((char *)answer, NATIVE_MODULE) == 0 || starts((char *)answer, "platform:"))) {
        js_free(ctx, answer);
        no_such_module(ctx, specifier);
        return NULL;
    }
    return (char *)answer;
}

static int set_default(JSContext *ctx, JSModuleDef *m)
{
    return JS_SetModuleExport(ctx, m, "default", JS_GetModulePrivateValue(ctx, m));
}

/* A module whose one export is a value. Takes the value over. */
static JSModuleDef *value_module(JSContext *ctx, const char *name, JSValue value)
{
    if (JS_IsException(value))
        return NULL;
    JSModuleDef *m = JS_NewCModule(ctx, name, set_default);
    if (!m) {
        JS_FreeValue(ctx, value);
        return NULL;
    }
    if (JS_AddModuleExport(ctx, m, "default")) {
        JS_FreeValue(ctx, value);
        return NULL;
    }
    JS_SetModulePrivateValue(ctx, m, value);
    return m;
}

/* The platform runs it, once for all who import or require it; the one export is its `module.exports`. */
static int run_commonjs(JSContext *ctx, JSModuleDef *m)
{
    JSAtom atom = JS_GetModuleName(ctx, m);
    JSValue name = JS_AtomToString(ctx, atom);
    JS_FreeAtom(ctx, atom);
    if (JS_IsException(name))
        return -1;
    JSValue exports = JS_Call(ctx, sy_callback(SY_CALL_COMMONJS), JS_UNDEFINED, 1, (JSValueConst *)&name);
    JS_FreeValue(ctx, name);
    return JS_IsException(exports) ? -1 : JS_SetModuleExport(ctx, m, "default", exports);
}

/* A service worker: global code, which the platform runs. It exports nothing. */
static int run_script(JSContext *ctx, JSModuleDef *m)
{
    JSAtom atom = JS_GetModuleName(ctx, m);
    JSValue name = JS_AtomToString(ctx, atom);
    JS_FreeAtom(ctx, atom);
    if (JS_IsException(name))
        return -1;
    JSValue done = JS_Call(ctx, sy_callback(SY_CALL_SCRIPT), JS_UNDEFINED, 1, (JSValueConst *)&name);
    JS_FreeValue(ctx, name);
    if (JS_IsException(done))
        return -1;
    JS_FreeValue(ctx, done);
    return 0;
}

/* The namespace of a module, evaluated here and now; of one that is being evaluated, as far as it has come. */
JSValue sy_module_import_now(JSContext *ctx, const char *name)
{
    JSModuleDef *m = sy_module_find(ctx, name);
    if (!m)
        m = sy_module_load(ctx, name);
    if (!m)
        return JS_EXCEPTION;
    if (sy_module_can_run(m)) {
        JSValue promise = JS_EvalFunction(ctx, JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, m)));
        if (JS_IsException(promise))
            return promise;
        JSPromiseStateEnum state = JS_PromiseState(ctx, promise);
        JSValue reason = JS_UNDEFINED;
        if (state == JS_PROMISE_REJECTED) {
            JS_PromiseMarkAsHandled(ctx, promise);
            reason = JS_PromiseResult(ctx, promise);
        }
        JS_FreeValue(ctx, promise);
        if (state == JS_PROMISE_REJECTED)
            return JS_Throw(ctx, reason);
        if (state == JS_PROMISE_PENDING)
            return JS_ThrowPlainError(ctx, "Top-level await in module is unsettled.");
    }
    return JS_GetModuleNamespace(ctx, m);
}

JSModuleDef *sy_module_load(JSContext *ctx, const char *name)
{
    size_t len;
    int32_t kind;
    uint32_t size;
    uint8_t *answer = ask(ctx, SY_SYNC_MODULE_SOURCE, name, NULL, &len);
    /* [kind, bytes]: an int, then bytes to the end. The zero byte behind them is what the parsers want to see. */
    if (!answer || len < 10 || answer[0] != SY_TAG_INT || (answer[5] != SY_TAG_BYTES && answer[5] != SY_TAG_TEXT)) {
        js_free(ctx, answer);
        no_such_module(ctx, name);
        return NULL;
    }
    memcpy(&kind, answer + 1, 4);
    memcpy(&size, answer + 6, 4);
    if (size != len - 10) {
        js_free(ctx, answer);
        no_such_module(ctx, name);
        return NULL;
    }
    const uint8_t *source = answer + 10;
    JSModuleDef *m = NULL;
    switch (kind) {
    case SY_KIND_ESM: {
        JSValue v = JS_Eval(ctx, (const char *)source, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
        if (!JS_IsException(v)) {
            m = JS_VALUE_GET_PTR(v);
            JS_FreeValue(ctx, v); /* the context's list of modules keeps it */
        }
        break;
    }
    case SY_KIND_TEXT:
        m = value_module(ctx, name, sy_text(ctx, source, size));
        break;
    case SY_KIND_DATA:
        m = value_module(ctx, name, JS_NewArrayBufferCopy(ctx, source, size));
        break;
    case SY_KIND_JSON:
        m = value_module(ctx, name, JS_ParseJSON(ctx, (const char *)source, size, name));
        break;
    case SY_KIND_COMMONJS:
        m = JS_NewCModule(ctx, name, run_commonjs);
        if (m && JS_AddModuleExport(ctx, m, "default"))
            m = NULL;
        break;
    case SY_KIND_SCRIPT:
        m = JS_NewCModule(ctx, name, run_script);
        break;
    default:
        no_such_module(ctx, name);
    }
    js_free(ctx, answer);
    return m;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque, JSValueConst attributes)
{
    return sy_module_load(ctx, name);
}

/* Whether import attributes are refused is the platform's to say. Without any there is nothing to ask. */
static int check_attributes(JSContext *ctx, void *opaque, JSValueConst attributes)
{
    JSPropertyEnum *names;
    uint32_t count;
    JSValue refused;
    if (!JS_IsObject(attributes) || !JS_IsFunction(ctx, sy_callback(SY_CALL_ATTRIBUTES)))
        return 0;
    if (JS_GetOwnPropertyNames(ctx, &names, &count, attributes, JS_GPN_STRING_MASK))
        return -1;
    JS_FreePropertyEnum(ctx, names, count);
    if (!count)
        return 0;
    refused = JS_Call(ctx, sy_callback(SY_CALL_ATTRIBUTES), JS_UNDEFINED, 0, NULL);
    if (JS_IsException(refused))
        return -1;
    if (!JS_ToBool(ctx, refused))
        return 0;
    JS_FreeValue(ctx, refused);
    JS_ThrowPlainError(ctx, "Unrecognized import attributes specified");
    return -1;
}

void sy_modules_install(JSRuntime *rt) { JS_SetModuleLoaderFunc2(rt, resolve, load, check_attributes, NULL); }
