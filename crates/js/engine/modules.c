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
    uint32_t n = 0;
    if (answer && len >= 5 && answer[0] == SY_TAG_TEXT)
        memcpy(&n, answer + 1, 4);
    if (!n || n > len - 5) {
        js_free(ctx, answer);
        no_such_module(ctx, specifier);
        return NULL;
    }
    memmove(answer, answer + 5, n);
    answer[n] = 0;
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
    default:
        no_such_module(ctx, name);
    }
    js_free(ctx, answer);
    return m;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) { return sy_module_load(ctx, name); }

void sy_modules_install(JSRuntime *rt) { JS_SetModuleLoaderFunc(rt, resolve, load, NULL); }
