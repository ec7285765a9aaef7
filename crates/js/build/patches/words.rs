//! What errors say: V8's words in place of QuickJS's. Those that name more than a fixed text go through the functions of
//! `engine/messages.c`.

use super::{Patch, once, times};

pub const PATCHES: &[Patch] = &[Patch {
    name: "words",
    edits: &[
        once(
            r#"            return JS_ThrowTypeErrorAtom(ctx, "cannot read property '%s' of null", prop);"#,
            r#"            if (prop == JS_ATOM_Symbol_iterator)
                return sy_throw_not_iterable(ctx, obj);
            return sy_throw(ctx, JS_TYPE_ERROR, "Cannot read properties of null (reading '%a')", prop);"#,
        ),
        once(
            r#"            JS_ThrowTypeErrorAtom(ctx, "cannot read property '%s' of null", atom);"#,
            r#"            sy_throw(ctx, JS_TYPE_ERROR, atom == JS_ATOM_Symbol_iterator ? "null is not iterable (cannot read property Symbol(Symbol.iterator))" : "Cannot read properties of null (reading '%a')", atom);"#,
        ),
        once(
            r#"JS_ThrowTypeErrorAtom(ctx, "cannot set property '%s' of null", prop);"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Cannot set properties of null (setting '%a')", prop);"#,
        ),
        once(
            r#"            return JS_ThrowTypeErrorAtom(ctx, "cannot read property '%s' of undefined", prop);"#,
            r#"            if (prop == JS_ATOM_Symbol_iterator)
                return sy_throw_not_iterable(ctx, obj);
            return sy_throw(ctx, JS_TYPE_ERROR, "Cannot read properties of undefined (reading '%a')", prop);"#,
        ),
        once(
            r#"            JS_ThrowTypeErrorAtom(ctx, "cannot read property '%s' of undefined", atom);"#,
            r#"            sy_throw(ctx, JS_TYPE_ERROR, atom == JS_ATOM_Symbol_iterator ? "undefined is not iterable (cannot read property Symbol(Symbol.iterator))" : "Cannot read properties of undefined (reading '%a')", atom);"#,
        ),
        once(
            r#"JS_ThrowTypeErrorAtom(ctx, "cannot set property '%s' of undefined", prop);"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Cannot set properties of undefined (setting '%a')", prop);"#,
        ),
        once(
            "            return JS_ThrowTypeErrorNotAFunction(caller_ctx);",
            r#"            return sy_throw_not_callable(caller_ctx, func_obj, "function");"#,
        ),
        once(
            r"        not_a_function:
            return JS_ThrowTypeErrorNotAFunction(ctx);
        }
        return call_func(ctx, func_obj, new_target",
            r#"        not_a_function:
            return sy_throw_not_callable(ctx, func_obj, "constructor");
        }
        return call_func(ctx, func_obj, new_target"#,
        ),
        once(
            r"    JSObject *p;
    JSAtom name;

    if (JS_TAG_OBJECT != JS_VALUE_GET_TAG(func_obj))
        goto fini;
",
            r#"    return sy_throw_not_callable(ctx, func_obj, "constructor");
    JSObject *p;
    JSAtom name;

    if (JS_TAG_OBJECT != JS_VALUE_GET_TAG(func_obj))
        goto fini;
"#,
        ),
        once(
            r"    JS_ThrowTypeErrorNotAFunction(ctx);
    return -1;
}",
            r#"    sy_throw_not_callable(ctx, obj, "function");
    return -1;
}"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "class constructors must be invoked with 'new'");"#,
            "sy_throw_class_call(ctx, func_obj);",
        ),
        once(
            r#"                ret_val = JS_ThrowTypeError(ctx, "must be called with new");"#,
            r"                sy_throw_new(ctx, func_obj);
                ret_val = JS_EXCEPTION;",
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "abstract class not constructable")"#,
            r#"JS_ThrowTypeError(ctx, "Abstract class Iterator not directly constructable")"#,
        ),
        once(
            r#""%s is not initialized",
                                  name == JS_ATOM_NULL ? "lexical variable" :"#,
            r#"name == JS_ATOM_this ? "Must call super constructor in derived class before accessing 'this' or returning from derived constructor%.0s" :
                                  "Cannot access '%s' before initialization",
                                  name == JS_ATOM_NULL ? "lexical variable" :"#,
        ),
        once(r#""'this' can be initialized only once""#, r#""Super constructor may only be called once""#),
        once(
            r#""derived class constructor must return an object or undefined""#,
            r#""Derived constructors may only return object or undefined""#,
        ),
        once(
            "JS_ThrowTypeErrorReadOnly(ctx, JS_PROP_THROW, atom);",
            r#"JS_ThrowTypeError(ctx, "Assignment to constant variable.");"#,
        ),
        times(
            2,
            "return JS_ThrowTypeErrorReadOnly(ctx, JS_PROP_THROW, prop);",
            r#"return JS_ThrowTypeError(ctx, "Assignment to constant variable."), -1;"#,
        ),
        once(
            "            ret = JS_ThrowTypeErrorReadOnly(ctx, flags, prop);",
            "            ret = sy_read_only(ctx, flags, prop, this_obj);",
        ),
        times(
            3,
            "JS_ThrowTypeErrorReadOnly(ctx, flags, JS_ATOM_length)",
            "sy_read_only(ctx, flags, JS_ATOM_length, JS_MKPTR(JS_TAG_OBJECT, p))",
        ),
        once(
            r#"JS_ThrowTypeErrorOrFalse(ctx, flags, "not an object")"#,
            "sy_refuse_primitive(ctx, flags, prop, this_obj)",
        ),
        times(
            2,
            r#"ret = JS_ThrowTypeErrorOrFalse(ctx, flags, "object is not extensible");"#,
            r#"ret = sy_refuse(ctx, flags, "Cannot add property %a, object is not extensible", prop, this_obj);"#,
        ),
        once(
            r#"return JS_ThrowTypeErrorOrFalse(ctx, flags, "object is not extensible");"#,
            r#"return sy_refuse(ctx, flags, "Cannot define property %a, object is not extensible", prop, JS_UNDEFINED);"#,
        ),
        once(
            r#"JS_ThrowTypeErrorOrFalse(ctx, flags, "property is not configurable");
        }

        if ((prs->flags"#,
            r#"sy_refuse(ctx, flags, "Cannot redefine property: %a", prop, JS_UNDEFINED);
        }

        if ((prs->flags"#,
        ),
        once(
            r"                       JSValueConst this_obj, JSValue val, int flags)
{
    JSValue ret, func;",
            r"                       JSValueConst this_obj, JSValue val, int flags, JSAtom prop)
{
    JSValue ret, func;",
        ),
        once(
            r#"            JS_ThrowTypeError(ctx, "no setter for property");"#,
            r#"            sy_refuse(ctx, flags, "Cannot set property %a of %o which has only a getter", prop, this_obj);"#,
        ),
        once("call_setter(ctx, setter, this_obj, val, flags)", "call_setter(ctx, setter, this_obj, val, flags, prop)"),
        times(
            2,
            "call_setter(ctx, pr->u.getset.setter, this_obj, val, flags)",
            "call_setter(ctx, pr->u.getset.setter, this_obj, val, flags, prop)",
        ),
        once(
            r#"        JS_ThrowTypeError(ctx, "could not delete property");
        return -1;"#,
            r#"        return sy_refuse(ctx, flags, "Cannot delete property '%a' of %o", prop, obj);"#,
        ),
        once(
            r#"    op1 = sp[-2];
    op2 = sp[-1];

    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {
        JS_ThrowTypeError(ctx, "invalid 'in' operand");"#,
            r#"    op1 = sp[-2];
    op2 = sp[-1];

    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {
        sy_throw(ctx, JS_TYPE_ERROR, "Cannot use 'in' operator to search for '%o' in %o", op1, op2);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "invalid 'instanceof' right operand");"#,
            r#"JS_ThrowTypeError(ctx, JS_IsObject(obj) ? "Right-hand side of 'instanceof' is not callable" : "Right-hand side of 'instanceof' is not an object");"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "operand 'prototype' property is not an object");"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Function has non-object prototype '%o' in instanceof check", safe_const(obj_proto));"#,
        ),
        once(
            r"        JS_ThrowTypeErrorPrivateNotFound(ctx, prop);
        return JS_EXCEPTION;",
            r"        sy_throw_member(ctx, false, prop);
        return JS_EXCEPTION;",
        ),
        once(
            r"        JS_ThrowTypeErrorPrivateNotFound(ctx, prop);
    fail:",
            r"        sy_throw_member(ctx, true, prop);
    fail:",
        ),
        // A primitive has no private members either.
        once(
            r"        return JS_ThrowTypeErrorNotAnObject(ctx);
    /* safety check */",
            r"        return sy_throw_member(ctx, false, js_symbol_to_atom(ctx, name)), JS_EXCEPTION;
    /* safety check */",
        ),
        once(
            r"        JS_ThrowTypeErrorNotAnObject(ctx);
        goto fail;
    }
    /* safety check */
    if (unlikely(JS_VALUE_GET_TAG(name) != JS_TAG_SYMBOL)) {
        JS_ThrowTypeErrorNotASymbol(ctx);
        goto fail;
    }
    prop = js_symbol_to_atom(ctx, name);
    p = JS_VALUE_GET_OBJ(obj);
    prs =",
            r"        sy_throw_member(ctx, true, js_symbol_to_atom(ctx, name));
        goto fail;
    }
    /* safety check */
    if (unlikely(JS_VALUE_GET_TAG(name) != JS_TAG_SYMBOL)) {
        JS_ThrowTypeErrorNotASymbol(ctx);
        goto fail;
    }
    prop = js_symbol_to_atom(ctx, name);
    p = JS_VALUE_GET_OBJ(obj);
    prs =",
        ),
        once(
            r"    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {
    not_obj:
        JS_ThrowTypeErrorNotAnObject(ctx);",
            r"    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {
        sy_throw_brand(ctx, func);
        return -1;
    not_obj:
        JS_ThrowTypeErrorNotAnObject(ctx);",
        ),
        once(
            r#"JS_ThrowTypeErrorAtom(ctx, "private class field '%s' already exists",
                              prop)"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Cannot initialize %a twice on the same object", prop)"#,
        ),
        once(
            r#"                    JS_ThrowTypeError(ctx, "invalid brand on object");"#,
            "                    sy_throw_brand(ctx, sp[-1]);",
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "parent class must be constructor");"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Class extends value %o is not a constructor or null", parent_class);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "parent prototype must be an object or null");"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Class extends value does not have valid prototype property %o", parent_proto);"#,
        ),
        once(
            r"        JS_FreeValue(ctx, enum_obj);
        return JS_ThrowTypeErrorNotAnObject(ctx);",
            r#"        JS_FreeValue(ctx, enum_obj);
        return JS_ThrowTypeError(ctx, "Result of the Symbol.iterator method is not an object");"#,
        ),
        once(
            r#"        JS_FreeValue(ctx, method);
        return JS_ThrowTypeError(ctx, "value is not iterable");"#,
            r"        JS_FreeValue(ctx, method);
        return sy_throw_not_iterable(ctx, obj);",
        ),
        once(
            r"                ret_val = JS_ToObject(ctx, sp[-1]);
                if (JS_IsException(ret_val))
                    goto exception;
                JS_FreeValue(ctx, sp[-1]);
                sp[-1] = ret_val;
            }
            BREAK;

        CASE(OP_to_propkey):",
            r"                if (JS_IsUndefined(sp[-1]) || JS_IsNull(sp[-1])) {
                    sy_throw_no_object(ctx, sp[-1]);
                    goto exception;
                }
                ret_val = JS_ToObject(ctx, sp[-1]);
                if (JS_IsException(ret_val))
                    goto exception;
                JS_FreeValue(ctx, sp[-1]);
                sp[-1] = ret_val;
            }
            BREAK;

        CASE(OP_to_propkey):",
        ),
        once(
            r"                if (!JS_IsObject(item)) {
                    JS_ThrowTypeErrorNotAnObject(ctx);
                    goto fail1;",
            r#"                if (!JS_IsObject(item)) {
                    sy_throw(ctx, JS_TYPE_ERROR, "Iterator value %o is not an entry object", item);
                    goto fail1;"#,
        ),
        once(
            r#"                fail:
                    JS_ThrowRangeError(ctx, "invalid array length");"#,
            r#"                fail:
                    JS_ThrowRangeError(ctx, "Invalid array length");"#,
        ),
        once(
            r#"        return JS_ThrowRangeError(ctx, "invalid array length");"#,
            r#"        return JS_ThrowRangeError(ctx, "Invalid array length");"#,
        ),
        once(
            r#"        JS_ThrowRangeError(ctx, "invalid array index");
        *plen = 0;"#,
            r"        sy_throw_index(ctx, val);
        *plen = 0;",
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "invalid array index: %" PRId64, idx);"#,
            r#"sy_throw(ctx, JS_RANGE_ERROR, "Invalid index : %o", argv[0]);"#,
        ),
        times(
            5,
            r#"JS_ThrowRangeError(ctx, "invalid string length")"#,
            r#"JS_ThrowRangeError(ctx, "Invalid string length")"#,
        ),
        once(
            r#"JS_ThrowRangeError(s->ctx, "invalid string length");"#,
            r#"JS_ThrowRangeError(s->ctx, "Invalid string length");"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "empty array");"#,
            r#"JS_ThrowTypeError(ctx, "Reduce of empty array with no initial value");"#,
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "invalid repeat count");"#,
            r#"sy_throw(ctx, JS_RANGE_ERROR, "Invalid count value: %o", argv[0]);"#,
        ),
        once(
            "f > 100)\n        return JS_ThrowRangeError(ctx, \"invalid number of digits\");\n    if (fabs(d)",
            "f > 100)\n        return JS_ThrowRangeError(ctx, \"toFixed() digits argument must be between 0 and 100\");\n    if (fabs(d)",
        ),
        once(
            "            return JS_ThrowRangeError(ctx, \"invalid number of digits\");\n        f++;",
            "            return JS_ThrowRangeError(ctx, \"toExponential() argument must be between 0 and 100\");\n        f++;",
        ),
        once(
            "JS_ThrowRangeError(ctx, \"invalid number of digits\")",
            "JS_ThrowRangeError(ctx, \"toPrecision() argument must be between 1 and 100\")",
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "bad normalization form");"#,
            r#"JS_ThrowRangeError(ctx, "The normalization form should be one of NFC, NFD, NFKC, NFKD.");"#,
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "invalid code point");"#,
            r#"sy_throw(ctx, JS_RANGE_ERROR, "Invalid code point %o", argv[i]);"#,
        ),
        once(r#"JS_ThrowRangeError(ctx, "Date value is NaN")"#, r#"JS_ThrowRangeError(ctx, "Invalid time value")"#),
        times(
            2,
            r#"JS_ThrowTypeError(ctx, "not a Date object")"#,
            r#"JS_ThrowTypeError(ctx, "this is not a Date object.")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "cannot convert symbol to number")"#,
            r#"JS_ThrowTypeError(ctx, "Cannot convert a Symbol value to a number")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "cannot convert symbol to string")"#,
            r#"JS_ThrowTypeError(ctx, "Cannot convert a Symbol value to a string")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "cannot convert BigInt to number")"#,
            r#"JS_ThrowTypeError(ctx, "Cannot convert a BigInt value to a number")"#,
        ),
        times(
            2,
            r#"JS_ThrowTypeError(ctx, "bigint argument with unary +")"#,
            r#"JS_ThrowTypeError(ctx, "Cannot convert a BigInt value to a number")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "BigInt operands are forbidden for >>>")"#,
            r#"JS_ThrowTypeError(ctx, "BigInts have no unsigned right shift, use >> instead")"#,
        ),
        once(
            r#"    default:
    fail:
        JS_FreeValue(ctx, val);
        return JS_ThrowTypeError(ctx, "cannot convert to bigint");"#,
            r#"    default:
    fail:
        JS_FreeValue(ctx, val);
        if (ctx->rt->current_stack_frame && sy_code(safe_const(ctx->rt->current_stack_frame->cur_func)))
            return JS_ThrowTypeError(ctx, "Cannot mix BigInt and other types, use explicit conversions");
        return sy_throw(ctx, JS_TYPE_ERROR, "Cannot convert %o to a BigInt", JS_IsNumber(val) || JS_IsUndefined(val) || JS_IsNull(val) ? val : JS_UNDEFINED);"#,
        ),
        once(
            r#"    val = JS_StringToBigInt(ctx, val);
    if (JS_VALUE_IS_NAN(val))
        return JS_ThrowSyntaxError(ctx, "invalid BigInt literal");
    return val;"#,
            r#"    JSValue text = js_dup(val);
    val = JS_StringToBigInt(ctx, val);
    if (JS_VALUE_IS_NAN(val))
        val = sy_throw(ctx, JS_SYNTAX_ERROR, "Cannot convert %o to a BigInt", safe_const(text));
    JS_FreeValue(ctx, text);
    return val;"#,
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "cannot convert to BigInt: not an integer")"#,
            r#"sy_throw(ctx, JS_RANGE_ERROR, "The number %o cannot be converted to a BigInt because it is not an integer", val)"#,
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "cannot convert NaN or Infinity to BigInt")"#,
            r#"sy_throw(ctx, JS_RANGE_ERROR, "The number %o cannot be converted to a BigInt because it is not an integer", val)"#,
        ),
        once(
            r#"        JS_FreeValue(ctx, val);
        return JS_ThrowTypeError(ctx, "cannot convert to BigInt");"#,
            r#"        return sy_throw(ctx, JS_TYPE_ERROR, "Cannot convert %o to a BigInt", val), JS_FreeValue(ctx, val), JS_EXCEPTION;"#,
        ),
        once(r#"JS_ThrowRangeError(ctx, "BigInt division by zero")"#, r#"JS_ThrowRangeError(ctx, "Division by zero")"#),
        once(
            r#"JS_ThrowRangeError(ctx, "BigInt negative exponent")"#,
            r#"JS_ThrowRangeError(ctx, "Exponent must be non-negative")"#,
        ),
        once(
            r#"JS_ThrowRangeError(ctx, "BigInt is too large")"#,
            r#"JS_ThrowRangeError(ctx, "Maximum BigInt size exceeded")"#,
        ),
        times(
            4,
            r#"JS_ThrowRangeError(ctx, "BigInt is too large to allocate")"#,
            r#"JS_ThrowRangeError(ctx, "Maximum BigInt size exceeded")"#,
        ),
        times(
            2,
            r#"JS_ThrowTypeError(ctx, "toPrimitive")"#,
            r#"JS_ThrowTypeError(ctx, "Cannot convert object to primitive value")"#,
        ),
        once(
            r#"            JS_ThrowTypeError(ctx, "circular reference");
            goto exception;"#,
            r"            sy_throw_circle(ctx, jsc->stack, val);
            goto exception;",
        ),
        once(r#""BigInt are forbidden in JSON.stringify""#, r#""Do not know how to serialize a BigInt""#),
        once(
            r"    va_start(ap, fmt);
    JS_ThrowError(ctx, JS_URI_ERROR, fmt, ap);",
            r#"    va_start(ap, fmt);
    JS_ThrowError(ctx, JS_URI_ERROR, "URI malformed", ap);"#,
        ),
        once(
            r#"        JS_ThrowSyntaxError(ctx, "%s", error_msg);"#,
            "        sy_throw_regexp(ctx, pattern, flags, error_msg);",
        ),
        once(
            r#"            bad_flags:
                JS_FreeCString(ctx, str);
                return JS_ThrowSyntaxError(ctx, "invalid regular expression flags");"#,
            r#"            bad_flags:
                JS_FreeCString(ctx, str);
                return sy_throw(ctx, JS_SYNTAX_ERROR, "Invalid flags supplied to RegExp constructor '%o'", flags);"#,
        ),
        once(
            r#"            return JS_ThrowSyntaxError(ctx, "invalid regular expression flags");
"#,
            r#"        return sy_throw(ctx, JS_SYNTAX_ERROR, "Invalid flags supplied to RegExp constructor '%o'", flags);
"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "regexp must have the 'g' flag");"#,
            r#"sy_throw_active(ctx, JS_TYPE_ERROR, "String.prototype.%s called with a non-global RegExp argument", JS_UNDEFINED);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "regexp not supported");"#,
            r#"sy_throw_active(ctx, JS_TYPE_ERROR, "First argument to String.prototype.%s must not be a regular expression", JS_UNDEFINED);"#,
        ),
        once(
            r"        JS_ThrowTypeErrorInvalidClass(ctx, JS_CLASS_REGEXP);
    }
    return NULL;",
            r"        sy_throw_receiver(ctx, obj, JS_CLASS_REGEXP);
    }
    return NULL;",
        ),
        once(
            r"        JS_ThrowTypeErrorInvalidClass(ctx, class_id);
    }
    return p;",
            r"        sy_throw_receiver(ctx, obj, class_id);
    }
    return p;",
        ),
        once(
            r#"        return JS_ThrowTypeError(ctx, "null or undefined are forbidden");"#,
            r#"        return sy_throw_active(ctx, JS_TYPE_ERROR, "String.prototype.%s called on null or undefined", val);"#,
        ),
        once(
            r"    if (s->is_revoked) {
        JS_ThrowTypeErrorRevokedProxy(ctx);
        return NULL;
    }
    method = JS_GetProperty(ctx, s->handler, name);",
            r#"    if (s->is_revoked) {
        sy_throw(ctx, JS_TYPE_ERROR, "Cannot perform '%a' on a proxy that has been revoked", name);
        return NULL;
    }
    method = JS_GetProperty(ctx, s->handler, name);"#,
        ),
        once(
            r#"            JS_ThrowTypeError(ctx, "proxy: cannot set property");
            return -1;"#,
            r#"            return sy_refuse(ctx, JS_PROP_THROW, "'set' on proxy: trap returned falsish for property '%a'", atom, JS_UNDEFINED);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "cannot invoke a running generator")"#,
            r#"JS_ThrowTypeError(ctx, "Generator is already running")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "invalid value used as %s key", is_set ? "WeakSet" : "WeakMap")"#,
            r#"JS_ThrowTypeError(ctx, is_set ? "Invalid value used in weak set" : "Invalid value used as weak map key")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "invalid value used as WeakMap key")"#,
            r#"JS_ThrowTypeError(ctx, "Invalid value used as weak map key")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "promise self resolution")"#,
            r#"JS_ThrowTypeError(ctx, "Chaining cycle detected for promise #<Promise>")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, ".size is undefined")"#,
            r#"JS_ThrowTypeError(ctx, "The .size property is NaN")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, ".size is not a legal size")"#,
            r#"JS_ThrowTypeError(ctx, "The .size property is NaN")"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "circular prototype chain")"#,
            r#"JS_ThrowTypeError(ctx, "Cyclic __proto__ value")"#,
        ),
        once(
            r#"        JS_ThrowTypeError(ctx, "Property description must be an object");"#,
            r#"        sy_throw(ctx, JS_TYPE_ERROR, "Property description must be an object: %o", desc);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "Getter must be a function");"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Getter must be a function: %o", getter);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "Setter must be a function");"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Setter must be a function: %o", setter);"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "object prototype may only be an Object or null")"#,
            r#"sy_throw(ctx, JS_TYPE_ERROR, "Object prototype may only be an Object or null: %o", proto)"#,
        ),
        once(
            r#"            JS_FreeValue(ctx, val);
            return JS_ThrowTypeError(ctx, "Cannot convert a BigInt value to a number");"#,
            r#"            JS_FreeValue(ctx, val);
            if (ctx->rt->current_stack_frame && sy_code(safe_const(ctx->rt->current_stack_frame->cur_func)))
                return JS_ThrowTypeError(ctx, "Cannot mix BigInt and other types, use explicit conversions");
            return JS_ThrowTypeError(ctx, "Cannot convert a BigInt value to a number");"#,
        ),
        once(
            r"    executor = argv[0];
    if (check_function(ctx, executor))
        return JS_EXCEPTION;
",
            r#"    executor = argv[0];
    if (!JS_IsFunction(ctx, executor))
        return sy_throw(ctx, JS_TYPE_ERROR, "Promise resolver %o is not a function", executor);
"#,
        ),
        once(
            r#"    if (!JS_IsObject(obj)) {
        JS_FreeValue(ctx, obj);
        JS_ThrowTypeError(ctx, "iterator must return an object");"#,
            r#"    if (!JS_IsObject(obj)) {
        sy_throw(ctx, JS_TYPE_ERROR, "Iterator result %o is not an object", safe_const(obj));
        JS_FreeValue(ctx, obj);"#,
        ),
        once(
            r#"    if (!JS_IsObject(obj)) {
        JS_ThrowTypeError(ctx, "iterator must return an object");"#,
            r#"    if (!JS_IsObject(obj)) {
        sy_throw(ctx, JS_TYPE_ERROR, "Iterator result %o is not an object", safe_const(obj));"#,
        ),
        once(
            r"    if (!JS_IsUndefined(asc.method)) {
        if (check_function(ctx, asc.method))
            goto exception;
        asc.has_method = 1;
    }
",
            r#"    if (!JS_IsUndefined(asc.method)) {
        if (!JS_IsFunction(ctx, asc.method)) {
            sy_throw(ctx, JS_TYPE_ERROR, "The comparison function must be either a function or undefined: %o", asc.method);
            goto exception;
        }
        asc.has_method = 1;
    }
"#,
        ),
        once(
            r#"    if (!is_valid_weakref_target(arg))
        return JS_ThrowTypeError(ctx, "invalid target");"#,
            r#"    if (!is_valid_weakref_target(arg))
        return JS_ThrowTypeError(ctx, "WeakRef: invalid target");"#,
        ),
        once(
            r#"    if (!is_valid_weakref_target(target))
        return JS_ThrowTypeError(ctx, "invalid target");"#,
            r#"    if (!is_valid_weakref_target(target))
        return JS_ThrowTypeError(ctx, "FinalizationRegistry.prototype.register: invalid target");"#,
        ),
        once(
            r#"        }
    }
    return JS_ThrowTypeError(ctx, "not a number");"#,
            r#"        }
    }
    return sy_throw_active(ctx, JS_TYPE_ERROR, "Number.prototype.%s requires that 'this' be a Number", this_val);"#,
        ),
        once(
            r#"        }
    }
    return JS_ThrowTypeError(ctx, "not a boolean");"#,
            r#"        }
    }
    return sy_throw_active(ctx, JS_TYPE_ERROR, "Boolean.prototype.%s requires that 'this' be a Boolean", this_val);"#,
        ),
        once(
            r#"        }
    }
    return JS_ThrowTypeError(ctx, "not a string");"#,
            r#"        }
    }
    return sy_throw_active(ctx, JS_TYPE_ERROR, "String.prototype.%s requires that 'this' be a String", this_val);"#,
        ),
        once(
            r#"        }
    }
    return JS_ThrowTypeError(ctx, "not a symbol");"#,
            r#"        }
    }
    return sy_throw_active(ctx, JS_TYPE_ERROR, "Symbol.prototype.%s requires that 'this' be a Symbol", this_val);"#,
        ),
        once(
            r#"        }
    }
    return JS_ThrowTypeError(ctx, "not a BigInt");"#,
            r#"        }
    }
    return sy_throw_active(ctx, JS_TYPE_ERROR, "BigInt.prototype.%s requires that 'this' be a BigInt", this_val);"#,
        ),
        once(
            r#"    if (!JS_IsSymbol(argv[0]))
        return JS_ThrowTypeError(ctx, "not a symbol");"#,
            r#"    if (!JS_IsSymbol(argv[0]))
        return sy_throw(ctx, JS_TYPE_ERROR, "%o is not a symbol", argv[0]);"#,
        ),
        once(
            r#""invalid property access""#,
            r#""'caller', 'callee', and 'arguments' properties may not be accessed on strict mode functions or the arguments objects for calls to them""#,
        ),
        times(
            2,
            r#"return JS_ThrowRangeError(ctx, "out of bound");"#,
            r#"return JS_ThrowRangeError(ctx, "Offset is outside the bounds of the DataView");"#,
        ),
        once(
            r#"JS_ThrowTypeError(ctx, "not a object");"#,
            r#"JS_ThrowTypeError(ctx, "CreateListFromArrayLike called on non-object");"#,
        ),
        once(
            r"    desc = argv[2];

    if (JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)
        return JS_ThrowTypeErrorNotAnObject(ctx);",
            r#"    desc = argv[2];

    if (JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)
        return JS_ThrowTypeError(ctx, magic ? "Reflect.defineProperty called on non-object" : "Object.defineProperty called on non-object");"#,
        ),
        once(
            r#"    default:
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED:
        return JS_ThrowTypeError(ctx, "Cannot convert undefined or null to object");"#,
            r"    default:
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED:
        return sy_throw_to_object(ctx);",
        ),
        once(
            r"    if (check_function(ctx, this_val))
        return JS_EXCEPTION;

    p = JS_VALUE_GET_OBJ(this_val);
    if (js_class_has_bytecode(p->class_id)) {",
            r#"    if (!JS_IsFunction(ctx, this_val))
        return JS_ThrowTypeError(ctx, "Function.prototype.toString requires that 'this' be a Function");

    p = JS_VALUE_GET_OBJ(this_val);
    if (js_class_has_bytecode(p->class_id)) {"#,
        ),
        once(
            r"    int position = curp - s->buf_start;
",
            r"    int position = sy_units(s->buf_start, curp);
",
        ),
        once(
            "msg, position, line, (int)(p - line_start) + 1);",
            "msg, position, line, sy_units(line_start, curp) + 1);",
        ),
        once(
            r#"                        json_parse_error(s, s->token.ptr, "Expected property name or '}'");"#,
            r#"                        json_parse_error(s, s->token.ptr, sy_after_comma(s) ? "Expected double-quoted property name" : "Expected property name or '}'");"#,
        ),
        once(
            r#"            js_parse_error(s, "Unexpected end of JSON input");
        } else {
            js_parse_error(s, "unexpected token: '%.*s'",
                           (int)(s->buf_ptr - s->token.ptr), s->token.ptr);
        }"#,
            r#"            js_parse_error(s, "Unexpected end of JSON input");
        } else {
            sy_json_unexpected(s, s->token.ptr);
        }"#,
        ),
        once(r#"        if (js_parse_error(s, "unexpected data at the end")) {"#, r#"        if (sy_json_more(s)) {"#),
        once(
            r#" end_of_input:
    js_parse_error(s, "Unexpected end of JSON input");
 fail:"#,
            r#" end_of_input:
    json_parse_error(s, s->buf_end, "Unterminated string");
 fail:"#,
        ),
        once(
            r#"            json_parse_error(s, p, "No number after minus sign");"#,
            r#"            json_parse_error(s, p + 1, "No number after minus sign");"#,
        ),
        once(
            r#"            json_parse_error(s, p, "Unexpected number");
            goto fail;"#,
            r#"            json_parse_error(s, p + 1, "Unexpected number");
            goto fail;"#,
        ),
        once(
            r#"            if (p_next == p + 1) {
                js_parse_error(s, "Unexpected token '\\x%02x' in JSON", *p);
            } else {
                if (c > 0xFFFF) {
                    c = get_hi_surrogate(c);
                }
                js_parse_error(s, "Unexpected token '\\u%04x' in JSON", c);
            }"#,
            "            sy_json_unexpected(s, p);",
        ),
        once(
            r"static int json_parse_error(JSParseState *s, const uint8_t *curp, const char *msg)
{",
            r"static int sy_units(const uint8_t *from, const uint8_t *to);
static bool sy_after_comma(JSParseState *s);
static int sy_json_more(JSParseState *s);
static int sy_json_unexpected(JSParseState *s, const uint8_t *at);
static int json_parse_error(JSParseState *s, const uint8_t *curp, const char *msg)
{",
        ),
        once(
            r#"            JS_ThrowTypeError(ctx, "options must be an object");"#,
            r#"            JS_ThrowTypeError(ctx, "The second argument to import() must be an object");"#,
        ),
        once("module attribute values must be strings", "Import attribute value must be a string"),
    ],
}];
