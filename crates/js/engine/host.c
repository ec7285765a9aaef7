/* The native module `switchyard:host` and the wire: values to bytes and back as ABI.md lays them down, and UTF-8. Only
   platform modules may import it (modules.c sees to that). Nothing here runs code of the script while a message is being
   written, so one fixed buffer serves all of them. */
#include "engine.h"

/* Both directions have one buffer, and so the same first page: a message to the guest has been read before any is written. */
uint8_t sy_buffer[SY_BUFFER];

/* Bytes from which on a value is not copied into a message that may name it instead. */
enum { FAR = 1024 };

/* Callbacks by kind + 1: the first is the one for `start`. */
static JSValue callbacks[SY_EVENT_KINDS + 1];

JSValueConst sy_callback(int kind)
{
    if (kind < -1 || kind >= SY_EVENT_KINDS)
        return JS_UNDEFINED;
    return callbacks[kind + 1];
}

/* ---- writing ---- */

void sy_write_begin(SyWriter *w)
{
    w->data = sy_buffer;
    w->len = 0;
    w->cap = sizeof sy_buffer;
    w->failed = false;
    w->far = false;
}

void sy_write_end(SyWriter *w)
{
    if (w->data != sy_buffer)
        sy_heap_functions.js_free(NULL, w->data);
}

static uint8_t *room(SyWriter *w, size_t more)
{
    if (more > w->cap - w->len) {
        uint64_t want = (uint64_t)w->len + more, twice = (uint64_t)w->cap * 2;
        uint8_t *p = NULL;
        /* A large message at the end of a series of small ones is common: twice what is needed only while small. */
        if (want < twice && want < (1 << 20))
            want = twice;
        if (want < 0x7fff0000) {
            if (w->data == sy_buffer) {
                p = sy_heap_functions.js_malloc(NULL, (size_t)want);
                if (p)
                    memcpy(p, sy_buffer, w->len);
            } else {
                p = sy_heap_functions.js_realloc(NULL, w->data, (size_t)want);
            }
        }
        if (!p) {
            w->failed = true;
            return NULL;
        }
        w->data = p;
        w->cap = (uint32_t)want;
    }
    uint8_t *at = w->data + w->len;
    w->len += (uint32_t)more;
    return at;
}

static void write_tag(SyWriter *w, uint8_t tag)
{
    uint8_t *at = room(w, 1);
    if (at)
        *at = tag;
}

void sy_write_null(SyWriter *w) { write_tag(w, SY_TAG_NULL); }

static uint8_t *write_counted(SyWriter *w, uint8_t tag, const void *data, size_t len)
{
    uint8_t *at = room(w, 5 + len);
    uint32_t n = (uint32_t)len;
    if (!at)
        return NULL;
    at[0] = tag;
    memcpy(at + 1, &n, 4);
    memcpy(at + 5, data, len);
    return at + 5;
}

/* QuickJS writes a lone surrogate as three bytes; U+FFFD happens to be three bytes as well. */
static void mend_surrogates(uint8_t *p, size_t len)
{
    uint8_t *stop = p + len;
    while (stop - p >= 3 && (p = memchr(p, 0xed, (size_t)(stop - p))) != NULL) {
        if (stop - p >= 3 && p[1] >= 0xa0) {
            p[0] = 0xef;
            p[1] = 0xbf;
            p[2] = 0xbd;
        }
        p++;
    }
}

void sy_write_text(SyWriter *w, const char *text, size_t len)
{
    uint8_t *at = write_counted(w, SY_TAG_TEXT, text, len);
    if (at)
        mend_surrogates(at, len);
}

static int write_int(SyWriter *w, int32_t n)
{
    uint8_t *at = room(w, 5);
    if (at) {
        at[0] = SY_TAG_INT;
        memcpy(at + 1, &n, 4);
    }
    return 0;
}

static bool is_ascii(const uint8_t *p, size_t len)
{
    const uint8_t *stop = p + len;
    uint64_t word;
    for (; stop - p >= 8; p += 8)
        if (memcpy(&word, p, 8), word & 0x8080808080808080ull)
            return false;
    for (; p < stop; p++)
        if (*p & 0x80)
            return false;
    return true;
}

/* -1: an exception is pending and nothing was written. */
int sy_write_value(JSContext *ctx, SyWriter *w, JSValueConst value)
{
    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED:
        write_tag(w, SY_TAG_NULL);
        return 0;
    case JS_TAG_BOOL:
        write_tag(w, JS_VALUE_GET_BOOL(value) ? SY_TAG_TRUE : SY_TAG_FALSE);
        return 0;
    case JS_TAG_INT:
        return write_int(w, JS_VALUE_GET_INT(value));
    case JS_TAG_FLOAT64: {
        double d = JS_VALUE_GET_FLOAT64(value);
        if (d >= -2147483648.0 && d <= 2147483647.0 && d == (double)(int32_t)d && !(d == 0 && __builtin_signbit(d)))
            return write_int(w, (int32_t)d);
        uint8_t *at = room(w, 9);
        if (at) {
            at[0] = SY_TAG_FLOAT;
            memcpy(at + 1, &d, 8);
        }
        return 0;
    }
    case JS_TAG_OBJECT: {
        size_t len;
        const uint8_t *bytes = sy_bytes_of(value, &len);
        if (bytes && w->far && len >= FAR) {
            uint32_t where[2] = { (uint32_t)(uintptr_t)bytes, (uint32_t)len };
            uint8_t *at = room(w, 9);
            if (at) {
                at[0] = SY_TAG_FAR;
                memcpy(at + 1, where, 8);
            }
            return 0;
        }
        if (bytes) {
            write_counted(w, SY_TAG_BYTES, bytes, len);
            return 0;
        }
        break;
    }
    default:
        if (JS_IsString(value)) {
            size_t len;
            const uint8_t *plain = sy_latin1_of(value, &len);
            if (plain && is_ascii(plain, len)) {
                write_counted(w, SY_TAG_TEXT, plain, len);
                return 0;
            }
            const char *text = JS_ToCStringLen(ctx, &len, value);
            if (!text)
                return -1;
            sy_write_text(w, text, len);
            JS_FreeCString(ctx, text);
            return 0;
        }
    }
    JS_ThrowTypeError(ctx, "value cannot be passed to the host");
    return -1;
}

static int write_values(JSContext *ctx, SyWriter *w, bool far, int argc, JSValueConst *argv)
{
    sy_write_begin(w);
    w->far = far;
    for (int i = 0; i < argc; i++) {
        if (sy_write_value(ctx, w, argv[i])) {
            sy_write_end(w);
            return -1;
        }
    }
    if (w->failed) {
        sy_write_end(w);
        JS_ThrowOutOfMemory(ctx);
        return -1;
    }
    return 0;
}

/* ---- UTF-8 ---- */

/* How many bytes from `p` are one well-formed character (positive), or are to be replaced together by one U+FFFD
   (negative): the longest prefix of a well-formed character, as the Encoding Standard has it. `code` gets the character. */
static int decode_one(const uint8_t *p, const uint8_t *stop, uint32_t *code)
{
    uint8_t first = p[0], low = 0x80, high = 0xbf;
    int need;
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        need = 1;
        *code = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
        need = 2;
        *code = first & 0x0f;
        if (first == 0xe0)
            low = 0xa0;
        else if (first == 0xed)
            high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        need = 3;
        *code = first & 0x07;
        if (first == 0xf0)
            low = 0x90;
        else if (first == 0xf4)
            high = 0x8f;
    } else {
        return -1;
    }
    for (int i = 1; i <= need; i++) {
        if (p + i >= stop || p[i] < low || p[i] > high)
            return -i;
        *code = (*code << 6) | (p[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    return need + 1;
}

static bool well_formed(const uint8_t *p, size_t len)
{
    const uint8_t *stop = p + len;
    uint32_t code;
    while (p < stop) {
        uint64_t word;
        if (stop - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080ull) == 0)) {
            p += 8;
            continue;
        }
        int n = decode_one(p, stop, &code);
        if (n < 0)
            return false;
        p += n;
    }
    return true;
}

/* A string of any bytes; what is malformed is replaced. */
JSValue sy_text(JSContext *ctx, const uint8_t *data, size_t len)
{
    if (is_ascii(data, len))
        return sy_ascii(ctx, data, len);
    if (well_formed(data, len))
        return JS_NewStringLen(ctx, (const char *)data, len);
    const uint8_t *p = data, *stop = data + len;
    uint16_t *units = js_malloc(ctx, len * 2); /* never more units than bytes */
    size_t n = 0;
    if (!units)
        return JS_EXCEPTION;
    while (p < stop) {
        uint32_t code;
        int step = decode_one(p, stop, &code);
        if (step < 0) {
            code = 0xfffd;
            step = -step;
        }
        if (code >= 0x10000) {
            units[n++] = (uint16_t)(0xd7c0 + (code >> 10));
            units[n++] = (uint16_t)(0xdc00 + (code & 0x3ff));
        } else {
            units[n++] = (uint16_t)code;
        }
        p += step;
    }
    JSValue s = JS_NewStringUTF16(ctx, units, n);
    js_free(ctx, units);
    return s;
}

/* ---- reading ---- */

/* Length of the value at `p` with its tag, 0 if it is not whole or has no such tag. */
static size_t extent(const uint8_t *p, size_t left)
{
    uint32_t n;
    switch (p[0]) {
    case SY_TAG_NULL:
    case SY_TAG_FALSE:
    case SY_TAG_TRUE:
        return 1;
    case SY_TAG_INT:
        return left >= 5 ? 5 : 0;
    case SY_TAG_FLOAT:
        return left >= 9 ? 9 : 0;
    case SY_TAG_TEXT:
    case SY_TAG_BYTES:
        if (left < 5)
            return 0;
        memcpy(&n, p + 1, 4);
        return n <= left - 5 ? 5 + (size_t)n : 0;
    default:
        return 0;
    }
}

static JSValue read_value(JSContext *ctx, const uint8_t *p, size_t len)
{
    int32_t n;
    double d;
    switch (p[0]) {
    case SY_TAG_INT:
        memcpy(&n, p + 1, 4);
        return JS_NewInt32(ctx, n);
    case SY_TAG_FLOAT:
        memcpy(&d, p + 1, 8);
        return JS_NewFloat64(ctx, d);
    case SY_TAG_TEXT:
        return sy_text(ctx, p + 5, len - 5);
    case SY_TAG_BYTES:
        return JS_NewUint8ArrayCopy(ctx, p + 5, len - 5);
    case SY_TAG_FALSE:
        return JS_FALSE;
    case SY_TAG_TRUE:
        return JS_TRUE;
    default:
        return JS_NULL;
    }
}

int sy_read_values(JSContext *ctx, const uint8_t *data, size_t len, int reserve, JSValue **values)
{
    int count = 0;
    for (size_t at = 0, step; at < len; at += step, count++) {
        step = extent(data + at, len - at);
        if (!step) {
            JS_ThrowTypeError(ctx, "malformed message from the host");
            return -1;
        }
    }
    JSValue *all = js_malloc(ctx, sizeof(JSValue) * (size_t)(count + reserve + 1));
    if (!all)
        return -1;
    int i = 0;
    for (size_t at = 0; i < count; i++) {
        size_t step = extent(data + at, len - at);
        JSValue v = read_value(ctx, data + at, step);
        if (JS_IsException(v)) {
            while (i-- > 0)
                JS_FreeValue(ctx, all[reserve + i]);
            js_free(ctx, all);
            return -1;
        }
        all[reserve + i] = v;
        at += step;
    }
    *values = all;
    return count;
}

/* ---- the module's functions ---- */

#define NATIVE(name) \
    static JSValue name(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)

NATIVE(host_op)
{
    int32_t kind, id;
    SyWriter w;
    if (JS_ToInt32(ctx, &kind, argv[0]) || JS_ToInt32(ctx, &id, argv[1]))
        return JS_EXCEPTION;
    if (write_values(ctx, &w, false, argc - 2, argv + 2))
        return JS_EXCEPTION;
    /* After the values, whose getters may have run anything. */
    if (!sy_turn(JS_GetRuntime(ctx))) {
        sy_write_end(&w);
        return JS_NewInt32(ctx, SY_REFUSED_OVER);
    }
    int32_t r = sy_host_op(kind, id, w.data, (int32_t)w.len);
    sy_write_end(&w);
    return JS_NewInt32(ctx, r);
}

/* The values of the host's last answer: the only one, or an array of them. */
static JSValue take_answer(JSContext *ctx, int32_t len)
{
    uint8_t *answer = (uint32_t)len <= sizeof sy_buffer ? sy_buffer : js_malloc(ctx, (size_t)len);
    if (!answer)
        return JS_EXCEPTION;
    sy_host_take(answer);
    JSValue *values, result;
    int count = sy_read_values(ctx, answer, (size_t)len, 0, &values);
    if (answer != sy_buffer)
        js_free(ctx, answer);
    if (count < 0)
        return JS_EXCEPTION;
    if (count == 1)
        result = values[0];
    else
        result = JS_NewArrayFrom(ctx, count, values);
    js_free(ctx, values);
    return result;
}

NATIVE(host_sync)
{
    int32_t kind;
    SyWriter w;
    if (JS_ToInt32(ctx, &kind, argv[0]) || write_values(ctx, &w, false, argc - 1, argv + 1))
        return JS_EXCEPTION;
    sy_turn(JS_GetRuntime(ctx));
    int32_t len = sy_host_sync(kind, w.data, (int32_t)w.len);
    sy_write_end(&w);
    if (len < 0)
        return JS_NULL;
    if (len == 0)
        return JS_UNDEFINED;
    return take_answer(ctx, len);
}

static void *resize_bytes(JSRuntime *rt, void *opaque, void *bytes, size_t size) { return js_realloc_rt(rt, bytes, size); }

/* crypto(room, what, ...values): an ArrayBuffer of what the host wrote into `room` bytes, or an array of values. */
NATIVE(host_crypto)
{
    int32_t size, what;
    SyWriter w;
    if (JS_ToInt32(ctx, &size, argv[0]) || JS_ToInt32(ctx, &what, argv[1]))
        return JS_EXCEPTION;
    if (size < 0)
        return JS_ThrowOutOfMemory(ctx);
    uint8_t *out = js_malloc(ctx, size ? (size_t)size : 1), *less;
    if (!out)
        return JS_EXCEPTION;
    if (write_values(ctx, &w, true, argc - 2, argv + 2)) {
        js_free(ctx, out);
        return JS_EXCEPTION;
    }
    sy_turn(JS_GetRuntime(ctx));
    int32_t r = sy_host_crypto(what, w.data, (int32_t)w.len, out, size);
    sy_write_end(&w);
    if (r >= 0 && r <= size) {
        if (r < size && (less = js_realloc(ctx, out, r ? (size_t)r : 1)) != NULL)
            out = less;
        JSValue buffer = JS_NewArrayBuffer(ctx, out, (size_t)r, 0, resize_bytes, NULL, false);
        if (JS_IsException(buffer))
            js_free(ctx, out);
        return buffer;
    }
    js_free(ctx, out);
    return take_answer(ctx, -(r + 1));
}

NATIVE(host_now) { return JS_NewFloat64(ctx, sy_host_now()); }

NATIVE(host_register)
{
    int32_t kind;
    if (JS_ToInt32(ctx, &kind, argv[0]))
        return JS_EXCEPTION;
    if (kind < -1 || kind >= SY_EVENT_KINDS)
        return JS_ThrowRangeError(ctx, "no such kind of event");
    JS_FreeValue(ctx, callbacks[kind + 1]);
    callbacks[kind + 1] = JS_DupValue(ctx, argv[1]);
    return JS_UNDEFINED;
}

NATIVE(host_utf8_encode)
{
    size_t len;
    const char *text = JS_ToCStringLen(ctx, &len, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    JSValue array = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, len);
    JS_FreeCString(ctx, text);
    if (!JS_IsException(array)) {
        size_t n;
        const uint8_t *bytes = sy_bytes_of(array, &n);
        if (bytes)
            mend_surrogates((uint8_t *)(uintptr_t)bytes, n);
    }
    return array;
}

NATIVE(host_utf8_length)
{
    size_t len;
    const char *text = JS_ToCStringLen(ctx, &len, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    JS_FreeCString(ctx, text);
    return JS_NewInt64(ctx, (int64_t)len);
}

NATIVE(host_utf8_decode)
{
    size_t len;
    const uint8_t *bytes = sy_bytes_of(argv[0], &len);
    if (!bytes)
        return JS_ThrowTypeError(ctx, "not a buffer source");
    if (!JS_ToBool(ctx, argv[2]) && len >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf) {
        bytes += 3;
        len -= 3;
    }
    if (JS_ToBool(ctx, argv[1]) && !well_formed(bytes, len))
        return JS_ThrowTypeError(ctx, "Failed to decode input.");
    return sy_text(ctx, bytes, len);
}

NATIVE(host_context_raw) { return JS_DupValue(ctx, sy_context_get(JS_GetRuntime(ctx))); }

/* The slot is what a job works for, or an array of that and of what its async context stores. */
NATIVE(host_context_get)
{
    JSValueConst slot = sy_context_get(JS_GetRuntime(ctx));
    return JS_IsArray(slot) ? JS_GetPropertyUint32(ctx, slot, 0) : JS_DupValue(ctx, slot);
}

/* With a number, the value is marked as the context of that request. */
NATIVE(host_context_set)
{
    int32_t request;
    if (argc > 1) {
        if (JS_ToInt32(ctx, &request, argv[1]))
            return JS_EXCEPTION;
        sy_context_mark(argv[0], request);
    }
    return sy_context_swap(JS_GetRuntime(ctx), JS_DupValue(ctx, argv[0]));
}

NATIVE(host_promise_state)
{
    JSPromiseStateEnum state = JS_PromiseState(ctx, argv[0]);
    if (state == JS_PROMISE_NOT_A_PROMISE)
        return JS_ThrowTypeError(ctx, "not a promise");
    return JS_NewInt32(ctx, state == JS_PROMISE_PENDING ? 0 : state == JS_PROMISE_FULFILLED ? 1 : 2);
}

NATIVE(host_promise_result)
{
    JSPromiseStateEnum state = JS_PromiseState(ctx, argv[0]);
    if (state == JS_PROMISE_NOT_A_PROMISE)
        return JS_ThrowTypeError(ctx, "not a promise");
    return state == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(ctx, argv[0]);
}

NATIVE(host_proxy_parts) { return sy_proxy_parts(ctx, argv[0]); }
NATIVE(host_is_promise) { return JS_NewBool(ctx, JS_IsPromise(argv[0])); }

NATIVE(host_promise) { return sy_promise(ctx); }

NATIVE(host_settle)
{
    if (JS_IsPromise(argv[0]))
        sy_settle(ctx, argv[0], argv[1], JS_ToBool(ctx, argv[2]));
    return JS_UNDEFINED;
}

NATIVE(host_plain_url)
{
    size_t len;
    const uint8_t *url = sy_latin1_of(argv[0], &len);
    return JS_NewInt32(ctx, url ? sy_plain_url(url, len) : -1);
}

/* What a header's name may hold in ASCII: what workerd refuses is not in it. */
static bool names_header(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

/* A header's name in lower case, where it is one as they mostly are; undefined: headers.js looks at it. */
NATIVE(host_header_name)
{
    char lower[64];
    size_t len;
    bool same = true;
    const uint8_t *name = sy_latin1_of(argv[0], &len);
    if (!name || !len || len > sizeof lower)
        return JS_UNDEFINED;
    for (size_t i = 0; i < len; i++) {
        if (!names_header(name[i]))
            return JS_UNDEFINED;
        bool upper = name[i] >= 'A' && name[i] <= 'Z';
        lower[i] = upper ? name[i] + 0x20 : name[i];
        same &= !upper;
    }
    return same ? JS_DupValue(ctx, argv[0]) : JS_NewStringLen(ctx, lower, len);
}

/* Whether a header's value stays as it is written. */
NATIVE(host_plain_value)
{
    size_t len;
    const uint8_t *value = sy_latin1_of(argv[0], &len);
    if (!value)
        return JS_FALSE;
    for (size_t i = 0; i < len; i++)
        if (!value[i] || value[i] == '\r' || value[i] == '\n')
            return JS_FALSE;
    return JS_NewBool(ctx, !len || (value[0] != ' ' && value[0] != '\t' && value[len - 1] != ' ' && value[len - 1] != '\t'));
}

NATIVE(host_detach)
{
    JS_DetachArrayBuffer(ctx, argv[0]);
    return JS_UNDEFINED;
}

NATIVE(host_import_now)
{
    const char *name = JS_ToCString(ctx, argv[0]);
    if (!name)
        return JS_EXCEPTION;
    JSValue names = sy_module_import_now(ctx, name);
    JS_FreeCString(ctx, name);
    return names;
}

/* Sloppy code in a scope of its own, which only platform modules may make outside of module scope. */
NATIVE(host_run_script)
{
    size_t len;
    const char *name = JS_ToCString(ctx, argv[0]);
    const char *source = name ? JS_ToCStringLen(ctx, &len, argv[1]) : NULL;
    JSValue result = source ? JS_Eval(ctx, source, len, name, JS_EVAL_TYPE_GLOBAL) : JS_EXCEPTION;
    JS_FreeCString(ctx, source);
    JS_FreeCString(ctx, name);
    return result;
}

NATIVE(host_kind) { return sy_class_name(ctx, argv[0]); }

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("op", 2, host_op),
    JS_CFUNC_DEF("sync", 1, host_sync),
    JS_CFUNC_DEF("crypto", 2, host_crypto),
    JS_CFUNC_DEF("now", 0, host_now),
    JS_CFUNC_DEF("register", 2, host_register),
    JS_CFUNC_DEF("utf8Encode", 1, host_utf8_encode),
    JS_CFUNC_DEF("utf8Length", 1, host_utf8_length),
    JS_CFUNC_DEF("utf8Decode", 3, host_utf8_decode),
    JS_CFUNC_DEF("contextGet", 0, host_context_get),
    JS_CFUNC_DEF("contextRaw", 0, host_context_raw),
    JS_CFUNC_DEF("contextSet", 1, host_context_set),
    JS_CFUNC_DEF("promiseState", 1, host_promise_state),
    JS_CFUNC_DEF("promiseResult", 1, host_promise_result),
    JS_CFUNC_DEF("proxyParts", 1, host_proxy_parts),
    JS_CFUNC_DEF("isPromise", 1, host_is_promise),
    JS_CFUNC_DEF("plainUrl", 1, host_plain_url),
    JS_CFUNC_DEF("headerName", 1, host_header_name),
    JS_CFUNC_DEF("plainValue", 1, host_plain_value),
    JS_CFUNC_DEF("promise", 0, host_promise),
    JS_CFUNC_DEF("settle", 3, host_settle),
    JS_CFUNC_DEF("react", 3, sy_react),
    JS_CFUNC_DEF("detach", 1, host_detach),
    JS_CFUNC_DEF("kind", 1, host_kind),
    JS_CFUNC_DEF("importNow", 1, host_import_now),
    JS_CFUNC_DEF("runScript", 2, host_run_script),
    JS_CFUNC_DEF("stringify", 1, sy_stringify),
    JS_CFUNC_DEF("template", 1, sy_template),
    JS_CFUNC_DEF("make", 1, sy_make),
    JS_CFUNC_DEF("isOf", 2, sy_is_of),
    JS_CFUNC_DEF("isPlain", 2, sy_is_plain_of),
    JS_CFUNC_DEF("quick", 4, sy_make_quick),
    JS_CFUNC_DEF("getter", 6, sy_make_getter),
    JS_CFUNC_DEF("headersTemplate", 1, sy_set_headers_template),
    JS_CFUNC_DEF("headersClass", 2, sy_headers_class),
    JS_CFUNC_DEF("headersText", 1, sy_headers_text),
    JS_CFUNC_DEF("headersInit", 1, sy_headers_init),
    JS_CFUNC_DEF("headersTyped", 2, sy_headers_typed),
    JS_CFUNC_DEF("headersEntries", 2, sy_headers_entries),
    JS_CFUNC_DEF("paramsList", 1, sy_params_list),
    JS_CFUNC_DEF("pairsIterator", 3, sy_pairs_iterator),
};

static int fill(JSContext *ctx, JSModuleDef *m)
{
    return JS_SetModuleExportList(ctx, m, functions, sizeof functions / sizeof *functions);
}

JSModuleDef *sy_host_module(JSContext *ctx)
{
    for (int i = 0; i <= SY_EVENT_KINDS; i++)
        callbacks[i] = JS_UNDEFINED;
    JSModuleDef *m = JS_NewCModule(ctx, "switchyard:host", fill);
    if (m && JS_AddModuleExportList(ctx, m, functions, sizeof functions / sizeof *functions))
        return NULL;
    return m;
}
