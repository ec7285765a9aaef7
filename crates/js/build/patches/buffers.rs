//! What buffers that were detached or resized, disposables and `Iterator.concat` say: V8's words, as in `words.rs`.

use super::{Patch, once, times};

pub const PATCHES: &[Patch] = &[
    Patch {
        name: "words of buffers",
        edits: &[
            once(
                r#"    return JS_ThrowTypeError(ctx, "ArrayBuffer is detached");"#,
                "    return sy_throw_detached(ctx, false);",
            ),
            once(
                r#"    return JS_ThrowTypeError(ctx, "ArrayBuffer is detached or resized");"#,
                "    return sy_throw_detached(ctx, true);",
            ),
            times(2, r#"return JS_ThrowTypeError(ctx, "out of bound");"#, "return sy_throw_detached(ctx, true);"),
            once(r#""invalid array buffer max length""#, r#""Invalid array buffer max length""#),
            once(
                r#"    if (abuf->detached)
        return JS_ThrowTypeErrorDetachedArrayBuffer(ctx);
    if (!array_buffer_is_resizable(abuf))
        return JS_ThrowTypeError(ctx, "array buffer is not resizable");
    if (len < 0 || len > abuf->max_byte_length) {
    bad_length:
        return JS_ThrowRangeError(ctx, "invalid array buffer length");"#,
                r#"    if (!array_buffer_is_resizable(abuf))
        return sy_throw_receiver(ctx, this_val, class_id);
    if (abuf->detached)
        return JS_ThrowTypeErrorDetachedArrayBuffer(ctx);
    if (len < 0 || len > abuf->max_byte_length) {
    bad_length:
        return sy_throw_active(ctx, JS_RANGE_ERROR, class_id == JS_CLASS_ARRAY_BUFFER ?
                               "ArrayBuffer.prototype.%s: Invalid length parameter" :
                               "SharedArrayBuffer.prototype.%s: Invalid length parameter", JS_UNDEFINED);"#,
            ),
        ],
    },
    Patch {
        name: "words of Iterator.concat",
        edits: &[
            once(
                "        if (!JS_IsObject(obj)) {
            JS_ThrowTypeErrorNotAnObject(ctx);
            goto fail;
        }
        method = JS_GetProperty(ctx, obj, JS_ATOM_Symbol_iterator);",
                r#"        if (!JS_IsObject(obj)) {
            JS_ThrowTypeError(ctx, "Iterator.concat called on non-object");
            goto fail;
        }
        method = JS_GetProperty(ctx, obj, JS_ATOM_Symbol_iterator);"#,
            ),
            once(
                "            JS_ThrowTypeErrorNotAFunction(ctx);
            JS_FreeValue(ctx, method);
            goto fail;
        }
        it->values[it->count++]",
                r#"            sy_throw(ctx, JS_TYPE_ERROR, "%o is not iterable", obj);
            JS_FreeValue(ctx, method);
            goto fail;
        }
        it->values[it->count++]"#,
            ),
        ],
    },
    Patch {
        name: "words of disposables",
        edits: &[
            once(
                r#"        return JS_ThrowTypeError(ctx, "Constructor requires 'new'");"#,
                r#"        return JS_ThrowTypeError(ctx, "Constructor %s requires 'new'",
                                 class_id == JS_CLASS_DISPOSABLE_STACK ? "DisposableStack" : "AsyncDisposableStack");"#,
            ),
            once(
                r#"JS_ThrowReferenceError(ctx, "DisposableStack has been disposed");"#,
                "sy_throw_disposed(ctx, class_id);",
            ),
            once(
                r#"        return JS_ThrowTypeError(ctx, "not an object");
    method = js_get_dispose_method(ctx, value, hint);"#,
                r#"        return JS_ThrowTypeError(ctx, "An object is expected with `using` declarations");
    method = js_get_dispose_method(ctx, value, hint);"#,
            ),
            once(
                r#"                JS_FreeValue(ctx, method);
                return JS_ThrowTypeError(ctx, "property is not a function");"#,
                r#"                JS_FreeValue(ctx, method);
                return JS_ThrowTypeError(ctx, "Symbol(Symbol.asyncDispose) is not a function");"#,
            ),
            once(
                "    if (!JS_IsObject(val)) {
        JS_ThrowTypeErrorNotAnObject(ctx);
        return -1;
    }
    if (hint == 1) {",
                r#"    if (!JS_IsObject(val)) {
        JS_ThrowTypeError(ctx, "An object is expected with `using` declarations");
        return -1;
    }
    if (hint == 1) {"#,
            ),
            once(r#""value is not disposable""#, r#""Symbol(Symbol.dispose) is not a function""#),
            once(r#""dispose method is not a function""#, r#""Symbol(Symbol.dispose) is not a function""#),
            times(4, r#""property is not a function""#, r#""Symbol(Symbol.dispose) is not a function""#),
            times(
                2,
                r#"    if (!JS_IsFunction(ctx, on_dispose))
        return JS_ThrowTypeError(ctx, "not a function");"#,
                r#"    if (!JS_IsFunction(ctx, on_dispose))
        return sy_throw(ctx, JS_TYPE_ERROR, "%o is not a function", on_dispose);"#,
            ),
        ],
    },
];
