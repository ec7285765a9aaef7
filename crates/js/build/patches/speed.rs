//! What the interpreter does in one step: private fields, comparisons, `typeof`, `undefined`, and what the platform's own
//! code need not be asked.

use super::{Edit, Patch, once};

pub const PATCHES: &[Patch] = &[
    // The platform's own code never uses a variable before it is declared; that it boots and is trained proves it.
    Patch {
        name: "the platform's variables are there",
        edits: &[
            once(
                "                                /* XXX: should check if variable can be used\n                                   before initialization */\n                                dbuf_putc(&bc_out, OP_set_loc_uninitialized);\n                                dbuf_put_u16(&bc_out, scope_idx);\n",
                r"                                /* XXX: should check if variable can be used
                                   before initialization */
                                if (!sy_trusts(ctx, s, vd)) {
                                    dbuf_putc(&bc_out, OP_set_loc_uninitialized);
                                    dbuf_put_u16(&bc_out, scope_idx);
                                }
",
            ),
            once(
                "                    } else {\n                        dbuf_putc(bc, OP_put_loc);\n                    }\n                } else {\n                    if (s->vars[var_idx].is_lexical) {\n                        dbuf_putc(bc, OP_get_loc_check);",
                "                    } else {\n                        dbuf_putc(bc, OP_put_loc);\n                    }\n                } else {\n                    if (s->vars[var_idx].is_lexical && !sy_trusts(ctx, s, &s->vars[var_idx])) {\n                        dbuf_putc(bc, OP_get_loc_check);",
            ),
            once(
                "                if (is_put) {\n                    if (s->vars[var_idx].is_lexical) {\n                        if (op == OP_scope_put_var_init) {",
                "                if (is_put) {\n                    if (s->vars[var_idx].is_lexical && !sy_trusts(ctx, s, &s->vars[var_idx])) {\n                        if (op == OP_scope_put_var_init) {",
            ),
            once(
                "static int resolve_scope_var(JSContext *ctx, JSFunctionDef *s,\n                             JSAtom var_name, int scope_level, int op,\n                             DynBuf *bc, uint8_t *bc_buf,\n                             LabelSlot *ls, int pos_next)\n{",
                r#"static bool sy_begins(JSContext *ctx, JSAtom atom, const char *with);

static bool sy_trusts(JSContext *ctx, JSFunctionDef *s, const JSVarDef *vd)
{
    return sy_begins(ctx, s->filename, "platform:") && vd->var_name != JS_ATOM_this && s->func_kind == JS_FUNC_NORMAL &&
        vd->var_kind == JS_VAR_NORMAL && !vd->is_captured;
}

static int resolve_scope_var(JSContext *ctx, JSFunctionDef *s,
                             JSAtom var_name, int scope_level, int op,
                             DynBuf *bc, uint8_t *bc_buf,
                             LabelSlot *ls, int pos_next)
{"#,
            ),
        ],
    },
    Patch {
        name: "private fields in place",
        edits: &[
            once(
                "                val = JS_GetPrivateField(ctx, sp[-2], sp[-1]);\n",
                r"                if (likely(JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_OBJECT && JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_SYMBOL)) {
                    JSProperty *pr;
                    if (likely(find_own_property(&pr, JS_VALUE_GET_OBJ(sp[-2]), js_symbol_to_atom(ctx, sp[-1])))) {
                        val = js_dup(pr->u.value);
                        JS_FreeValue(ctx, sp[-1]);
                        JS_FreeValue(ctx, sp[-2]);
                        sp--;
                        sp[-1] = val;
                        BREAK;
                    }
                }
                val = JS_GetPrivateField(ctx, sp[-2], sp[-1]);
",
            ),
            once(
                "                ret = JS_SetPrivateField(ctx, sp[-3], sp[-1], sp[-2]);\n",
                r"                if (likely(JS_VALUE_GET_TAG(sp[-3]) == JS_TAG_OBJECT && JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_SYMBOL)) {
                    JSProperty *pr;
                    if (likely(find_own_property(&pr, JS_VALUE_GET_OBJ(sp[-3]), js_symbol_to_atom(ctx, sp[-1])))) {
                        set_value(ctx, &pr->u.value, sp[-2]);
                        JS_FreeValue(ctx, sp[-3]);
                        JS_FreeValue(ctx, sp[-1]);
                        sp -= 3;
                        BREAK;
                    }
                }
                ret = JS_SetPrivateField(ctx, sp[-3], sp[-1], sp[-2]);
",
            ),
        ],
    },
    Patch {
        name: "comparisons in place",
        edits: &[
            once(
                "#define OP_CMP(opcode, binary_op, slow_call)              \\\n",
                r"#define SY_STRICT(opcode, binary_op, slow_call)                          \
            CASE(opcode):                                                 \
                {                                                         \
                JSValue op1 = sp[-2], op2 = sp[-1];                       \
                int known = sy_strict_eq(op1, op2);                       \
                if (likely(known >= 0)) {                                 \
                    JS_FreeValue(ctx, op1);                               \
                    JS_FreeValue(ctx, op2);                               \
                    sp[-2] = js_bool(known binary_op 1);                  \
                } else {                                                  \
                    sf->cur_pc = pc;                                      \
                    slow_call;                                            \
                }                                                         \
                sp--;                                                     \
                }                                                         \
            BREAK

#define OP_CMP(opcode, binary_op, slow_call)              \
",
            ),
            once(
                "            OP_CMP(OP_strict_eq, ==, js_strict_eq_slow(ctx, sp, 0));\n            OP_CMP(OP_strict_neq, !=, js_strict_eq_slow(ctx, sp, 1));\n",
                "            SY_STRICT(OP_strict_eq, ==, js_strict_eq_slow(ctx, sp, 0));\n            SY_STRICT(OP_strict_neq, !=, js_strict_eq_slow(ctx, sp, 1));\n",
            ),
            once(
                "static no_inline int js_strict_eq_slow(JSContext *ctx, JSValue *sp,\n",
                r"/* 1 or 0; -1 where it is not seen at a glance. */
static inline int sy_strict_eq(JSValue op1, JSValue op2)
{
    int tag1 = JS_VALUE_GET_NORM_TAG(op1), tag2 = JS_VALUE_GET_NORM_TAG(op2);
    if (tag1 == JS_TAG_STRING && tag2 == JS_TAG_STRING) {
        JSString *p1 = JS_VALUE_GET_STRING(op1), *p2 = JS_VALUE_GET_STRING(op2);
        if (p1 == p2)
            return 1;
        if (p1->len != p2->len || (p1->atom_type == JS_ATOM_TYPE_STRING && p2->atom_type == JS_ATOM_TYPE_STRING))
            return 0;
        return -1;
    }
    if (tag1 == tag2) {
        switch (tag1) {
        case JS_TAG_INT:
        case JS_TAG_BOOL:
        case JS_TAG_NULL:
        case JS_TAG_UNDEFINED:
        case JS_TAG_OBJECT:
        case JS_TAG_SYMBOL:
            return op1 == op2;
        }
        return -1;
    }
    switch (tag1) {
    case JS_TAG_BOOL:
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED:
    case JS_TAG_OBJECT:
    case JS_TAG_SYMBOL:
        return 0;
    }
    switch (tag2) {
    case JS_TAG_BOOL:
    case JS_TAG_NULL:
    case JS_TAG_UNDEFINED:
    case JS_TAG_OBJECT:
    case JS_TAG_SYMBOL:
        return 0;
    }
    return -1;
}

static no_inline int js_strict_eq_slow(JSContext *ctx, JSValue *sp,
",
            ),
        ],
    },
    // `typeof a === 'string'` and the like made a string and compared it. The operand is the type's place in sy_types, with
    // 128 where it must be another one.
    Patch {
        name: "typeof in one step",
        edits: &[
            Edit {
                file: "quickjs-opcode.h",
                find: "DEF( typeof_is_function, 1, 1, 1, none)\n",
                put: "DEF( typeof_is_function, 1, 1, 1, none)\nDEF(   sy_typeof_is, 2, 1, 1, u8)\n",
                times: 1,
            },
            once(
                "        CASE(OP_typeof_is_undefined):\n",
                r"        CASE(OP_sy_typeof_is):
            {
                int wanted = *pc++;
                bool is = js_operator_typeof(ctx, sp[-1]) == sy_types[wanted & 127];
                JS_FreeValue(ctx, sp[-1]);
                sp[-1] = js_bool(is == (wanted < 128));
            }
            BREAK;
        CASE(OP_typeof_is_undefined):
",
            ),
            once(
                "static __exception int js_operator_typeof(JSContext *ctx, JSValue op1)\n{",
                r"static const JSAtom sy_types[] = {
    JS_ATOM_undefined, JS_ATOM_function, JS_ATOM_object, JS_ATOM_string, JS_ATOM_number, JS_ATOM_boolean, JS_ATOM_symbol, JS_ATOM_bigint,
};

static inline int js_operator_typeof(JSContext *ctx, JSValue op1)
{",
            ),
            once(
                "                        label = cc.label;\n                        op = OP_if_true;\n                        goto has_label;\n                    }\n                }\n",
                r"                        label = cc.label;
                        op = OP_if_true;
                        goto has_label;
                    }
                }
                for (int i = 0; i < countof(sy_types); i++)
                    if (sy_types[i] == cc.atom)
                        op2 = i;
                if (op2 >= 0 && op2 < countof(sy_types)) {
                    add_pc2line_info(s, bc_out.size, line_num, col_num);
                    dbuf_putc(&bc_out, OP_sy_typeof_is);
                    dbuf_putc(&bc_out, op2 | (op1 == OP_strict_neq ? 128 : 0));
                    JS_FreeAtom(ctx, cc.atom);
                    pos_next = cc.pos;
                    break;
                }
",
            ),
        ],
    },
    // Nobody can give the global of that name another value, and any other is found before it.
    Patch {
        name: "undefined is a constant",
        edits: &[once(
            "    case OP_scope_get_var_undef:\n    case OP_scope_get_var:\n    case OP_scope_put_var:\n        dbuf_putc(bc, OP_get_var_undef + (op - OP_scope_get_var_undef));\n",
            r"    case OP_scope_get_var_undef:
    case OP_scope_get_var:
    case OP_scope_put_var:
        if (var_name == JS_ATOM_undefined && op != OP_scope_put_var) {
            dbuf_putc(bc, OP_undefined);
            break;
        }
        dbuf_putc(bc, OP_get_var_undef + (op - OP_scope_get_var_undef));
",
        )],
    },
    // The platform's methods tell what was not given from what is undefined, and have no other use for `arguments`.
    Patch {
        name: "number of arguments",
        edits: &[
            once("    OP_SPECIAL_OBJECT_NULL_PROTO,\n", "    OP_SPECIAL_OBJECT_NULL_PROTO,\n    SY_SPECIAL_ARGC,\n"),
            once(
                "                case OP_SPECIAL_OBJECT_NULL_PROTO:\n                    *sp++ =",
                "                case SY_SPECIAL_ARGC:\n                    *sp++ = js_int32(argc);\n                    break;\n                case OP_SPECIAL_OBJECT_NULL_PROTO:\n                    *sp++ =",
            ),
            once(
                r"                if (next_token(s)) { /* update line number before emitting code */
                    JS_FreeAtom(s->ctx, name);
                    return -1;
                }
            do_get_var:
",
                r#"                if (next_token(s)) { /* update line number before emitting code */
                    JS_FreeAtom(s->ctx, name);
                    return -1;
                }
                if (name == JS_ATOM_arguments && sy_is_argc(s)) {
                    JS_FreeAtom(s->ctx, name);
                    if (next_token(s) || next_token(s))
                        return -1;
                    emit_op(s, OP_special_object);
                    dbuf_putc(&s->cur_func->byte_code, SY_SPECIAL_ARGC);
                    break;
                }
            do_get_var:
"#,
            ),
            once(
                "static inline bool token_is_pseudo_keyword(JSParseState *s, JSAtom atom) {",
                r#"/* After `arguments`: `.length` in the platform's code, in a function that runs in one go. */
static bool sy_is_argc(JSParseState *s)
{
    const uint8_t *p = s->token.ptr;
    return s->cur_func->has_arguments_binding && s->cur_func->func_kind == JS_FUNC_NORMAL &&
        !strncmp(s->filename, "platform:", 9) && s->buf_end - p > 8 && !memcmp(p, ".length", 7) && strchr(" ,;)", p[7]);
}

static inline bool token_is_pseudo_keyword(JSParseState *s, JSAtom atom) {"#,
            ),
        ],
    },
];
