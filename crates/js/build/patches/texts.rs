//! JSON and strings: runs of characters at once instead of one after the other, and numbers without long doubles, which wasm
//! has not.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    Patch {
        name: "JSON is read",
        edits: &[
            once(
                "    StringBuffer b_s, *b = &b_s;\n\n    if (string_buffer_init(s->ctx, b, 48))\n        goto fail;\n\n    p = *pp;\n",
                r#"    StringBuffer b_s, *b = &b_s;

    p = *pp;
    while (p < s->buf_end && *p != '"' && *p != '\\' && *p >= 0x20 && *p < 0x80)
        p++;
    if (p < s->buf_end && *p == '"') {
        s->token.u.str.str = p == *pp ? js_empty_string(s->ctx->rt) : js_new_string8_len(s->ctx, (const char *)*pp, p - *pp);
        if (JS_IsException(s->token.u.str.str))
            return -1;
        s->token.val = TOK_STRING;
        s->token.u.str.sep = '"';
        *pp = p + 1;
        return 0;
    }

    if (string_buffer_init(s->ctx, b, 48))
        goto fail;

    p = *pp;
"#,
            ),
            once(
                "    s->token.u.num.val = js_float64(strtod((const char *)p_start, NULL));\n    *pp = p;\n",
                "    s->token.u.num.val = sy_number(p_start, p);\n    *pp = p;\n",
            ),
            once(
                "static int json_parse_number(JSParseState *s, const uint8_t **pp)\n",
                r"/* The number that is written there. Up to 15 digits are a whole number that a double holds, and so is a power of ten
   up to 22: their quotient is then the nearest double. */
static JSValue sy_number(const uint8_t *from, const uint8_t *to)
{
    static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    const uint8_t *p = from + (*from == '-');
    int64_t whole = 0;
    int digits = 0, behind = -1;
    for (; p < to; p++) {
        if (*p == '.') {
            behind = digits;
        } else if (is_digit(*p) && digits < 15) {
            whole = whole * 10 + (*p - '0');
            digits++;
        } else {
            return js_float64(strtod((const char *)from, NULL));
        }
    }
    if (*from == '-' && whole == 0)
        return js_float64(-0.0);
    if (*from == '-')
        whole = -whole;
    if (behind < 0)
        return whole == (int32_t)whole ? js_int32(whole) : js_float64(whole);
    return js_float64(whole / tens[digits - behind]);
}

static int json_parse_number(JSParseState *s, const uint8_t **pp)
",
            ),
            once(
                "                    ret = JS_DefinePropertyValue(ctx, val, prop_name,\n                                                 prop_val, JS_PROP_C_W_E);\n                    JS_FreeAtom(ctx, prop_name);\n",
                "                    ret = sy_define_any(ctx, val, prop_name, prop_val);\n                    JS_FreeAtom(ctx, prop_name);\n",
            ),
            once(
                "static JSValue json_parse_value(JSParseState *s, JSONParseRecord *pr)\n{\n",
                r"static int sy_define_any(JSContext *ctx, JSValueConst object, JSAtom atom, JSValue value)
{
    return __JS_AtomIsTaggedInt(atom) ? JS_DefinePropertyValue(ctx, object, atom, value, JS_PROP_C_W_E)
        : sy_define(ctx, object, atom, value);
}

static JSValue json_parse_value(JSParseState *s, JSONParseRecord *pr)
{
",
            ),
        ],
    },
    Patch {
        name: "JSON is written",
        edits: &[once(
            "    for(i = 0; i < p->len; ) {\n        c = string_getc(p, &i);\n        switch(c) {\n        case '\\t':\n            c = 't';\n            goto quote;\n",
            r#"    for(i = 0; i < p->len; ) {
        if (!p->is_wide_char) {
            const uint8_t *text = str8(p);
            int from = i;
            while (i < p->len && text[i] >= 32 && text[i] != '"' && text[i] != '\\')
                i++;
            if (i > from && string_buffer_write8(b, text + from, i - from))
                goto fail;
            if (i == p->len)
                break;
        }
        c = string_getc(p, &i);
        switch(c) {
        case '\t':
            c = 't';
            goto quote;
"#,
        )],
    },
    Patch {
        name: "texts are searched",
        edits: &[
            once(
                "    int i, c1, c2;\n    for (i = 0; i < len; i++) {\n        if ((c1 = string_get(p1, x1 + i)) != (c2 = string_get(p2, x2 + i)))\n",
                r"    int i, c1, c2;
    if (!p1->is_wide_char && !p2->is_wide_char)
        return memcmp(str8(p1) + x1, str8(p2) + x2, len);
    for (i = 0; i < len; i++) {
        if ((c1 = string_get(p1, x1 + i)) != (c2 = string_get(p2, x2 + i)))
",
            ),
            once(
                "        if ((c & ~0xff) == 0) {\n            for (i = from; i < len; i++) {\n                if (str8(p)[i] == (uint8_t)c)\n                    return i;\n            }\n        }\n",
                r"        if ((c & ~0xff) == 0) {
            const uint8_t *found = memchr(str8(p) + from, c, len - from);
            if (found)
                return found - str8(p);
        }
",
            ),
        ],
    },
];
