/* Included by internals.c: JSON.stringify of plain data, which is arrays, plain objects with plain properties, texts,
   numbers. Nothing of a script's runs for these, so the text is written in one go, and where anything else turns up the
   whole is given up and written as the language has it, from the start. */

enum { SY_JSON_DEPTH = 32 };
typedef enum { SY_JSON_DONE, SY_JSON_OTHER, SY_JSON_SKIP } SyJson; /* written; something else; nothing to write */

static SyJson sy_json_text(JSContext *ctx, StringBuffer *out, JSValueConst value)
{
    static const uint8_t quote = '"';
    if (sy_is_text8(value)) {
        const uint8_t *at = str8(JS_VALUE_GET_STRING(value));
        uint32_t len = JS_VALUE_GET_STRING(value)->len, i = 0;
        while (i < len && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\')
            i++;
        if (i == len) {
            string_buffer_write8(out, &quote, 1);
            string_buffer_write8(out, at, (int)len);
            string_buffer_write8(out, &quote, 1);
            return SY_JSON_DONE;
        }
    }
    JSValue quoted = JS_ToQuotedString(ctx, value);
    if (JS_IsException(quoted)) {
        string_buffer_set_error(out);
        return SY_JSON_DONE;
    }
    string_buffer_concat_value_free(out, quoted);
    return SY_JSON_DONE;
}

static void sy_json_word(StringBuffer *out, const char *word)
{
    string_buffer_write8(out, (const uint8_t *)word, (int)strlen(word));
}

static SyJson sy_json_value(JSContext *ctx, StringBuffer *out, JSValueConst value, int depth);

static SyJson sy_json_array(JSContext *ctx, StringBuffer *out, JSObject *p, int depth)
{
    /* One that is longer than what is in it has holes. */
    if (p->shape != ctx->array_shape || JS_VALUE_GET_TAG(p->prop[0].u.value) != JS_TAG_INT ||
        (uint32_t)JS_VALUE_GET_INT(p->prop[0].u.value) != p->u.array.count || find_own_property1(p->shape->proto, JS_ATOM_toJSON) ||
        p->shape->proto->shape->proto != JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT]))
        return SY_JSON_OTHER;
    string_buffer_putc8(out, '[');
    for (uint32_t i = 0; i < p->u.array.count && !out->error_status; i++) {
        SyJson is;
        if (i)
            string_buffer_putc8(out, ',');
        is = sy_json_value(ctx, out, safe_const(p->u.array.u.values[i]), depth);
        if (is == SY_JSON_OTHER)
            return is;
        if (is == SY_JSON_SKIP)
            sy_json_word(out, "null");
    }
    string_buffer_putc8(out, ']');
    return SY_JSON_DONE;
}

static SyJson sy_json_object(JSContext *ctx, StringBuffer *out, JSObject *p, int depth)
{
    JSShapeProperty *prs = get_shape_prop(p->shape);
    bool first = true;
    if (!sy_is_literal(ctx, p) || find_own_property1(p, JS_ATOM_toJSON))
        return SY_JSON_OTHER;
    string_buffer_putc8(out, '{');
    for (int i = 0; i < p->shape->prop_count && !out->error_status; i++, prs++) {
        int before = out->len;
        SyJson is;
        if (prs->atom == JS_ATOM_NULL || !(prs->flags & JS_PROP_ENUMERABLE))
            continue;
        if (!first)
            string_buffer_putc8(out, ',');
        sy_json_text(ctx, out, JS_MKPTR(JS_TAG_STRING, ctx->rt->atom_array[prs->atom]));
        string_buffer_putc8(out, ':');
        is = sy_json_value(ctx, out, safe_const(p->prop[i].u.value), depth);
        if (is == SY_JSON_OTHER)
            return is;
        if (is != SY_JSON_SKIP)
            first = false;
        else if (!out->error_status)
            out->len = before;
    }
    string_buffer_putc8(out, '}');
    return SY_JSON_DONE;
}

static SyJson sy_json_value(JSContext *ctx, StringBuffer *out, JSValueConst value, int depth)
{
    JSObject *p;
    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_NULL:
        sy_json_word(out, "null");
        return SY_JSON_DONE;
    case JS_TAG_BOOL:
        sy_json_word(out, JS_VALUE_GET_BOOL(value) ? "true" : "false");
        return SY_JSON_DONE;
    case JS_TAG_INT: {
        char digits[16];
        string_buffer_write8(out, (uint8_t *)digits, (int)i32toa(digits, JS_VALUE_GET_INT(value)));
        return SY_JSON_DONE;
    }
    case JS_TAG_FLOAT64:
        if (!isfinite(JS_VALUE_GET_FLOAT64(value)))
            sy_json_word(out, "null");
        else
            string_buffer_concat_value(out, value);
        return SY_JSON_DONE;
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
        return sy_json_text(ctx, out, value);
    case JS_TAG_UNDEFINED:
    case JS_TAG_SYMBOL:
        return SY_JSON_SKIP;
    case JS_TAG_OBJECT:
        p = JS_VALUE_GET_OBJ(value);
        if (depth == SY_JSON_DEPTH)
            return SY_JSON_OTHER;
        if (p->class_id == JS_CLASS_ARRAY && p->fast_array)
            return sy_json_array(ctx, out, p, depth + 1);
        return p->class_id == JS_CLASS_OBJECT ? sy_json_object(ctx, out, p, depth + 1) : SY_JSON_OTHER;
    default:
        return SY_JSON_OTHER;
    }
}

/* JSON.stringify(value); JS_UNINITIALIZED: it is not plain. */
static JSValue sy_json(JSContext *ctx, JSValueConst value)
{
    JSObject *p = sy_object(value);
    StringBuffer out;
    if (!p || js_check_stack_overflow(ctx->rt, 16384) ||
        find_own_property1(JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT]), JS_ATOM_toJSON))
        return JS_UNINITIALIZED;
    if (string_buffer_init(ctx, &out, 64))
        return JS_EXCEPTION;
    if (sy_json_value(ctx, &out, value, 0) != SY_JSON_DONE) {
        bool failed = out.error_status;
        string_buffer_free(&out);
        return failed ? JS_EXCEPTION : JS_UNINITIALIZED;
    }
    return string_buffer_end(&out);
}
