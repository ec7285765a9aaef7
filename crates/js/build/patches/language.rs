//! What current V8 runs and QuickJS lacks, or does otherwise where programs notice.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    Patch {
        name: "spread of a string",
        edits: &[once(
            r"    if (JS_VALUE_GET_TAG(source) != JS_TAG_OBJECT)
        return 0;

    if (JS_VALUE_GET_TAG(excluded) == JS_TAG_OBJECT)",
            r"    if (JS_IsString(source)) {
        JSValue boxed = JS_ToObject(ctx, source);
        ret = JS_IsException(boxed) ? -1 : JS_CopyDataProperties(ctx, target, boxed, excluded, setprop);
        JS_FreeValue(ctx, boxed);
        return ret;
    }
    if (JS_VALUE_GET_TAG(source) != JS_TAG_OBJECT)
        return 0;

    if (JS_VALUE_GET_TAG(excluded) == JS_TAG_OBJECT)",
        )],
    },
    Patch {
        name: "suppressed errors",
        edits: &[once(
            r"    JS_DefinePropertyValue(ctx, obj, JS_ATOM_error, js_dup(error),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValue(ctx, obj, JS_ATOM_suppressed, js_dup(suppressed),",
            r#"    sy_own_stack(ctx, obj);
    JS_DefinePropertyValue(ctx, obj, JS_ATOM_message, JS_NewString(ctx, "An error was suppressed during disposal"),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValue(ctx, obj, JS_ATOM_error, js_dup(error),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValue(ctx, obj, JS_ATOM_suppressed, js_dup(suppressed),"#,
        )],
    },
    // As that of Object.prototype. Only the making of the base gives the global its own.
    Patch {
        name: "prototype of the global",
        edits: &[
            once(
                r"static int JS_SetPrototypeInternal(JSContext *ctx, JSValueConst obj,
                                   JSValueConst proto_val, bool throw_flag)
{",
                r"static bool sy_frozen;

static int JS_SetPrototypeInternal(JSContext *ctx, JSValueConst obj,
                                   JSValueConst proto_val, bool throw_flag)
{",
            ),
            once(
                r"    if (p == JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT])) {
        if (throw_flag) {",
                r#"    if (sy_frozen && p == JS_VALUE_GET_OBJ(ctx->global_obj)) {
        if (throw_flag) {
            JS_ThrowTypeError(ctx, "Immutable prototype object '#<ServiceWorkerGlobalScope>' cannot have their prototype set");
            return -1;
        }
        return false;
    }
    if (p == JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT])) {
        if (throw_flag) {"#,
            ),
        ],
    },
    // There is one thread, so plain loads and stores are atomic; nobody may wait.
    Patch {
        name: "atomics",
        edits: &[
            once(
                "#include \"quickjs-c-atomics.h\"\n#define CONFIG_ATOMICS\n",
                r#"#include "quickjs-c-atomics.h"
#define CONFIG_ATOMICS
typedef int js_cond_t, js_once_t, js_mutex_t;
enum { JS_ONCE_INIT };
#define js_once(guard, callback) callback()
#define js_mutex_init(mutex) (void)(mutex)
#define js_mutex_lock(mutex) (void)(mutex)
#define js_mutex_unlock(mutex) (void)(mutex)
#define js_cond_init(cond) (void)(cond)
#define js_cond_destroy(cond) (void)(cond)
#define js_cond_signal(cond) (void)(cond)
#define js_cond_wait(cond, mutex) (void)(cond)
#define js_cond_timedwait(cond, mutex, timeout) (-1)
"#,
            ),
            once("!defined(__wasi__) && !__STDC_NO_ATOMICS__", "!__STDC_NO_ATOMICS__"),
            once(r#""cannot block in this thread""#, r#""Atomics.wait cannot be called in this context""#),
        ],
    },
    Patch {
        name: "texts of functions and dates",
        edits: &[
            once(r#"suff = "() {\n    [native code]\n}";"#, r#"suff = "() { [native code] }";"#),
            once(
                r"        name = JS_GetProperty(ctx, this_val, JS_ATOM_name);
        if (JS_IsUndefined(name))
            name = js_empty_string(ctx->rt);
        return JS_ConcatString3(ctx, pref, name, suff);",
                r"        name = p->class_id == JS_CLASS_BOUND_FUNCTION ? JS_UNDEFINED : JS_GetProperty(ctx, this_val, JS_ATOM_name);
        if (JS_IsUndefined(name))
            name = js_empty_string(ctx->rt);
        return JS_ConcatString3(ctx, pref, name, suff);",
            ),
            once(
                r"            /* XXX: tack the time zone code? */
            break;",
                r#"            /* There is one time zone. */
            pos += snprintf(buf + pos, sizeof(buf) - pos, " (Coordinated Universal Time)");
            break;"#,
            ),
            once(
                r"    char buf[64];
    double fields[9];
    int res, fmt, part, pos;",
                r"    char buf[96];
    double fields[9];
    int res, fmt, part, pos;",
            ),
        ],
    },
    // QuickJS's own parser of dates takes other texts than V8's: `engine/dates.c` takes its place.
    Patch {
        name: "Date.parse",
        edits: &[
            once("/* Date string parsing */\n", "static double sy_date_parse(JSString *text);\n\n#if 0\n"),
            once(
                "static JSValue js_Date_parse(JSContext *ctx, JSValueConst this_val,
                             int argc, JSValueConst *argv)
{
",
                "#endif
static JSValue js_Date_parse(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue text = JS_ToString(ctx, argv[0]);
    double time;
    if (JS_IsException(text))
        return JS_EXCEPTION;
    time = sy_date_parse(JS_VALUE_GET_STRING(text));
    JS_FreeValue(ctx, text);
    return js_float64(time);
}

#if 0
{
",
            ),
            once("static JSValue js_Date_now(", "#endif\nstatic JSValue js_Date_now("),
        ],
    },
    // RegExp.$1 and its like: where the last match was, in which text. Older packages read them.
    Patch {
        name: "last match",
        edits: &[
            once(
                r"    JSValue sy_stack[2]; /* getter and setter of `stack` */
",
                r"    JSValue sy_stack[2]; /* getter and setter of `stack` */
    JSValue sy_matched; /* the text of the last match */
    uint32_t sy_match[20]; /* from, to of it and of its first nine groups; to < from: none */
    uint32_t sy_groups;
",
            ),
            once(
                r"        group_name_ptr = lre_get_groupnames(re_bytecode);
        if (group_name_ptr) {
            groups = JS_NewObjectProto(ctx, JS_NULL);",
                r"        sy_remember(ctx, str_val, capture, capture_count, str_buf, shift);
        group_name_ptr = lre_get_groupnames(re_bytecode);
        if (group_name_ptr) {
            groups = JS_NewObjectProto(ctx, JS_NULL);",
            ),
            once(
                r"        start = (capture[0] - str_buf) >> shift;
        end = (capture[1] - str_buf) >> shift;
        last_index = end;
        if (next_src_pos < start) {",
                r"        sy_remember(ctx, str_val, capture, lre_get_capture_count(re_bytecode), str_buf, shift);
        start = (capture[0] - str_buf) >> shift;
        end = (capture[1] - str_buf) >> shift;
        last_index = end;
        if (next_src_pos < start) {",
            ),
            once(
                r#"    JS_CFUNC_DEF("escape", 1, js_regexp_escape ),
"#,
                r#"    JS_CFUNC_DEF("escape", 1, js_regexp_escape ),
    JS_CGETSET_MAGIC_DEF("$&", sy_get_match, sy_set_match, 0 ),
    JS_CGETSET_MAGIC_DEF("$1", sy_get_match, sy_set_match, 1 ),
    JS_CGETSET_MAGIC_DEF("$2", sy_get_match, sy_set_match, 2 ),
    JS_CGETSET_MAGIC_DEF("$3", sy_get_match, sy_set_match, 3 ),
    JS_CGETSET_MAGIC_DEF("$4", sy_get_match, sy_set_match, 4 ),
    JS_CGETSET_MAGIC_DEF("$5", sy_get_match, sy_set_match, 5 ),
    JS_CGETSET_MAGIC_DEF("$6", sy_get_match, sy_set_match, 6 ),
    JS_CGETSET_MAGIC_DEF("$7", sy_get_match, sy_set_match, 7 ),
    JS_CGETSET_MAGIC_DEF("$8", sy_get_match, sy_set_match, 8 ),
    JS_CGETSET_MAGIC_DEF("$9", sy_get_match, sy_set_match, 9 ),
    JS_CGETSET_MAGIC_DEF("lastMatch", sy_get_match, sy_set_match, 0 ),
    JS_CGETSET_MAGIC_DEF("$_", sy_get_match, sy_set_match, 10 ),
    JS_CGETSET_MAGIC_DEF("input", sy_get_match, sy_set_match, 10 ),
    JS_CGETSET_MAGIC_DEF("$`", sy_get_match, sy_set_match, 11 ),
    JS_CGETSET_MAGIC_DEF("leftContext", sy_get_match, sy_set_match, 11 ),
    JS_CGETSET_MAGIC_DEF("$'", sy_get_match, sy_set_match, 12 ),
    JS_CGETSET_MAGIC_DEF("rightContext", sy_get_match, sy_set_match, 12 ),
    JS_CGETSET_MAGIC_DEF("$+", sy_get_match, sy_set_match, 13 ),
    JS_CGETSET_MAGIC_DEF("lastParen", sy_get_match, sy_set_match, 13 ),
"#,
            ),
            once(
                r"static JSValue js_regexp_exec(JSContext *ctx, JSValueConst this_val,
                              int argc, JSValueConst *argv)
{
    int rc,",
                r"static void sy_remember(JSContext *ctx, JSValueConst text, uint8_t **capture, int count, uint8_t *from, int shift)
{
    if (JS_VALUE_GET_TAG(ctx->sy_matched) != JS_VALUE_GET_TAG(text) || JS_VALUE_GET_PTR(ctx->sy_matched) != JS_VALUE_GET_PTR(text))
        set_value(ctx, &ctx->sy_matched, js_dup(text));
    ctx->sy_groups = count;
    for (int i = 0; i < 10; i++) {
        bool found = i < count && capture[2 * i] && capture[2 * i + 1];
        ctx->sy_match[2 * i] = found ? (capture[2 * i] - from) >> shift : 1;
        ctx->sy_match[2 * i + 1] = found ? (capture[2 * i + 1] - from) >> shift : 0;
    }
}

static JSValue sy_get_match(JSContext *ctx, JSValueConst this_val, int magic)
{
    JSString *text;
    uint32_t from = 1, to = 0;
    if (JS_VALUE_GET_TAG(ctx->sy_matched) != JS_TAG_STRING)
        return js_empty_string(ctx->rt);
    text = JS_VALUE_GET_STRING(ctx->sy_matched);
    if (magic == 13)
        magic = ctx->sy_groups < 2 ? -1 : min_int(ctx->sy_groups - 1, 9);
    if (magic >= 0 && magic < 10) {
        from = ctx->sy_match[2 * magic];
        to = ctx->sy_match[2 * magic + 1];
    } else if (magic == 11) {
        from = 0;
        to = ctx->sy_match[0];
    } else if (magic == 12) {
        from = ctx->sy_match[1];
        to = text->len;
    } else if (magic == 10) {
        return js_dup(ctx->sy_matched);
    }
    if (to < from || to > text->len)
        return js_empty_string(ctx->rt);
    return js_sub_string(ctx, text, from, to);
}

static JSValue sy_set_match(JSContext *ctx, JSValueConst this_val, JSValueConst value, int magic)
{
    JSValue text;
    if (magic != 10)
        return JS_UNDEFINED;
    text = JS_ToString(ctx, value);
    if (JS_IsException(text))
        return text;
    set_value(ctx, &ctx->sy_matched, text);
    return JS_UNDEFINED;
}

static JSValue js_regexp_exec(JSContext *ctx, JSValueConst this_val,
                              int argc, JSValueConst *argv)
{
    int rc,",
            ),
        ],
    },
];
