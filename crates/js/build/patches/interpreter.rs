//! Fewer steps for what programs do most: a comparison and its branch, a local variable and its property, calls of native
//! functions, characters of strings. wasm has no indirect jump, so a step begins at the head of one loop, with the look
//! at the epoch, and costs more than most of what steps do: many of these edits only look which step is the next.

use super::{Edit, Patch, once};

/// An operator on bits.
macro_rules! logic {
    ($op:literal) => {
        once(
            concat!(
                "        CASE(OP_",
                $op,
                "):\n            {\n                JSValue op1, op2;\n",
                "                op1 = sp[-2];\n                op2 = sp[-1];\n"
            ),
            concat!(
                "        CASE(OP_",
                $op,
                "):\n            {\n                JSValue op1, op2;\n",
                "                op1 = sy_int32(sp[-2]);\n                op2 = sy_int32(sp[-1]);\n"
            ),
        )
    };
}

pub const PATCHES: &[Patch] = &[
    // Epochs end what runs too long, also in native loops; QuickJS's own counter had nobody to ask.
    Patch {
        name: "no poll of interrupts",
        edits: &[
            once(
                "    if (unlikely(--ctx->interrupt_counter <= 0)) {\n        return __js_poll_interrupts(ctx);\n    } else {\n        return 0;\n    }\n",
                "    return 0;\n",
            ),
            Edit {
                file: "libregexp.c",
                find: "    if (unlikely(--s->interrupt_counter <= 0)) {\n        s->interrupt_counter = INTERRUPT_COUNTER_INIT;\n        if (lre_check_timeout(s->opaque))\n            return LRE_RET_TIMEOUT;\n    }\n",
                put: "",
                times: 1,
            },
        ],
    },
    // With one edge back to its head the loop stays one: LLVM made two, one in the other, of many edges that change different
    // variables, and most steps passed both heads.
    Patch {
        name: "one loop",
        edits: &[once(
            "                                  (int)(pc - b->byte_code_buf - 1), opcode);\n            goto exception;\n        }\n    }\n",
            "                                  (int)(pc - b->byte_code_buf - 1), opcode);\n            goto exception;\n        }\n        __asm__ volatile(\"\");\n    }\n",
        )],
    },
    Patch {
        name: "table from the first opcode",
        edits: &[once(
            "        CASE(OP_invalid):\n        DEFAULT:\n",
            "        CASE(OP_invalid):\n            abort();\n        DEFAULT:\n",
        )],
    },
    // `truth` is what a comparison found: taken to a branch that follows, or pushed.
    Patch {
        name: "comparison and branch",
        edits: &[
            once(
                "        int call_argc;\n        JSValue *call_argv;\n\n        SWITCH(pc) {\n",
                r"        int call_argc;
        JSValue *call_argv;
        bool truth;

        SWITCH(pc) {
        sy_truth:
            if (*pc == OP_if_false8) {
                pc += truth ? 2 : 1 + (int8_t)pc[1];
                BREAK;
            }
            if (*pc == OP_if_true8) {
                pc += truth ? 1 + (int8_t)pc[1] : 2;
                BREAK;
            }
            *sp++ = js_bool(truth);
            BREAK;
",
            ),
            once(
                "                    sp[-2] = js_bool(JS_VALUE_GET_INT(op1) binary_op JS_VALUE_GET_INT(op2)); \\\n                    sp--;                                               \\\n                } else {                                                \\\n",
                r"                    truth = JS_VALUE_GET_INT(op1) binary_op JS_VALUE_GET_INT(op2); \
                    sp -= 2;                                            \
                    goto sy_truth;                                      \
                } else if (JS_VALUE_IS_BOTH_FLOAT(op1, op2)) {          \
                    truth = JS_VALUE_GET_FLOAT64(op1) binary_op JS_VALUE_GET_FLOAT64(op2); \
                    sp -= 2;                                            \
                    goto sy_truth;                                      \
                } else {                                                \
",
            ),
            once(
                "                    sp[-2] = js_bool(known binary_op 1);                  \\\n                } else {                                                  \\\n                    sf->cur_pc = pc;                                      \\\n                    slow_call;                                            \\\n                }                                                         \\\n                sp--;                                                     \\\n                }                                                         \\\n",
                r"                    truth = known binary_op 1;                            \
                    sp -= 2;                                              \
                    goto sy_truth;                                        \
                }                                                         \
                sf->cur_pc = pc;                                          \
                slow_call;                                                \
                sp--;                                                     \
                }                                                         \
",
            ),
            once(
                "                    res = JS_ToBoolFree(ctx, op1);\n                }\n                sp[-1] = js_bool(!res);\n            }\n            BREAK;\n",
                "                    res = JS_ToBoolFree(ctx, op1);\n                }\n                sp--;\n                truth = !res;\n                goto sy_truth;\n            }\n",
            ),
            once(
                "                JS_FreeValue(ctx, sp[-1]);\n                sp[-1] = js_bool(is == (wanted < 128));\n            }\n            BREAK;\n",
                "                JS_FreeValue(ctx, sp[-1]);\n                sp--;\n                truth = is == (wanted < 128);\n                goto sy_truth;\n            }\n",
            ),
            once(
                "        set_true:\n            sp[-1] = JS_TRUE;\n            BREAK;\n        free_and_set_false:\n            JS_FreeValue(ctx, sp[-1]);\n            sp[-1] = JS_FALSE;\n            BREAK;\n",
                "        set_true:\n            sp--;\n            truth = true;\n            goto sy_truth;\n        free_and_set_false:\n            JS_FreeValue(ctx, sp[-1]);\n            sp--;\n            truth = false;\n            goto sy_truth;\n",
            ),
        ],
    },
    // A switch over strings, and `=== 'text'`.
    Patch {
        name: "comparison with a constant text",
        edits: &[
            once(
                "        CASE(OP_push_atom_value):\n            *sp++ = JS_AtomToValue(ctx, get_u32(pc));\n",
                r"        CASE(OP_push_atom_value):
            if (pc[4] == OP_strict_eq || pc[4] == OP_strict_neq) {
                int is = sy_is_atom(rt, sp[-1], get_u32(pc));
                if (likely(is >= 0)) {
                    truth = is == (pc[4] == OP_strict_eq);
                    JS_FreeValue(ctx, sp[-1]);
                    sp--;
                    pc += 5;
                    goto sy_truth;
                }
            }
            *sp++ = JS_AtomToValue(ctx, get_u32(pc));
",
            ),
            once(
                "        CASE(OP_dup):\n            sp[0] = js_dup(sp[-1]);\n",
                r"        CASE(OP_dup):
            if (*pc == OP_push_atom_value && pc[5] == OP_strict_eq) {
                int is = sy_is_atom(rt, sp[-1], get_u32(pc + 1));
                if (likely(is >= 0)) {
                    truth = is;
                    pc += 6;
                    goto sy_truth;
                }
            }
            sp[0] = js_dup(sp[-1]);
",
            ),
            once(
                "/* argument of OP_special_object */\n",
                r"/* Whether a value is the text of that atom: 1 or 0; -1 where it is not seen at a glance. */
static no_inline int sy_is_atom(JSRuntime *rt, JSValueConst value, JSAtom atom)
{
    JSString *text, *other;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING)
        return JS_VALUE_GET_TAG(value) == JS_TAG_STRING_ROPE ? -1 : 0;
    if (__JS_AtomIsTaggedInt(atom))
        return -1;
    text = JS_VALUE_GET_STRING(value);
    other = rt->atom_array[atom];
    if (text == other)
        return 1;
    if (text->len != other->len || text->atom_type == JS_ATOM_TYPE_STRING)
        return 0;
    return !js_string_memcmp(text, other, text->len);
}

/* argument of OP_special_object */
",
            ),
        ],
    },
    // A property of a local variable or argument: one step, and the object is not counted up and down. Methods of strings
    // are found in one place with those of objects.
    Patch {
        name: "locals and properties",
        edits: &[
            Edit {
                file: "quickjs-opcode.h",
                find: "DEF(   sy_typeof_is, 2, 1, 1, u8)\n",
                put: "DEF(   sy_typeof_is, 2, 1, 1, u8)\nDEF(   sy_loc_field, 6, 0, 1, atom_u8)\nDEF(   sy_arg_field, 6, 0, 1, atom_u8)\n",
                times: 1,
            },
            once(
                "                /* transformation: get_loc(0) get_loc(1) -> get_loc0_loc1 */\n",
                r"                if (code_match(&cc, pos_next, OP_get_field, -1)) {
                    if (cc.line_num >= 0) line_num = cc.line_num;
                    if (cc.col_num >= 0) col_num = cc.col_num;
                    add_pc2line_info(s, bc_out.size, line_num, col_num);
                    dbuf_putc(&bc_out, OP_sy_loc_field);
                    dbuf_put_u32(&bc_out, cc.atom);
                    dbuf_putc(&bc_out, idx);
                    pos_next = cc.pos;
                    break;
                }
                /* transformation: get_loc(0) get_loc(1) -> get_loc0_loc1 */
",
            ),
            once(
                "        case OP_get_arg:\n        case OP_get_var_ref:\n            {\n                int idx;\n                idx = get_u16(bc_buf + pos + 1);\n",
                r"        case OP_get_arg:
        case OP_get_var_ref:
            {
                int idx;
                idx = get_u16(bc_buf + pos + 1);
                if (op == OP_get_arg && idx < 256 && code_match(&cc, pos_next, OP_get_field, -1)) {
                    if (cc.line_num >= 0) line_num = cc.line_num;
                    if (cc.col_num >= 0) col_num = cc.col_num;
                    add_pc2line_info(s, bc_out.size, line_num, col_num);
                    dbuf_putc(&bc_out, OP_sy_arg_field);
                    dbuf_put_u32(&bc_out, cc.atom);
                    dbuf_putc(&bc_out, idx);
                    pos_next = cc.pos;
                    break;
                }
",
            ),
            once(
                "        CASE(OP_get_field2):\n",
                r"        CASE(OP_sy_arg_field):
            pval = &arg_buf[pc[4]];
            goto sy_field_of;
        CASE(OP_sy_loc_field):
            pval = &var_buf[pc[4]];
        sy_field_of:
            {
                JSAtom atom = get_u32(pc);
                JSValue obj = *pval, held;
                JSObject *p;
                JSProperty *pr;
                pc += 5;
                if (likely(JS_VALUE_GET_TAG(obj) == JS_TAG_OBJECT)) {
                    p = JS_VALUE_GET_OBJ(obj);
                    for (;;) {
                        JSShapeProperty *prs = find_own_property(&pr, p, atom);
                        if (prs) {
                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {
                                obj = JS_MKPTR(JS_TAG_OBJECT, p);
                                break;
                            }
                            *sp++ = js_dup(pr->u.value);
                            goto sy_field_done;
                        }
                        if (unlikely(p->is_exotic | p->sy_changed)) {
                            obj = JS_MKPTR(JS_TAG_OBJECT, p);
                            break;
                        }
                        p = p->shape->proto;
                        if (!p) {
                            *sp++ = JS_UNDEFINED;
                            goto sy_field_done;
                        }
                    }
                }
                /* A getter may give the variable another value. */
                held = js_dup(*pval);
                sf->cur_pc = pc;
                *sp++ = JS_GetPropertyInternal(ctx, obj, atom, held, false);
                JS_FreeValue(ctx, held);
                if (unlikely(JS_IsException(sp[-1])))
                    goto exception;
            }
        sy_field_done:
            BREAK;

        CASE(OP_get_field2):
",
            ),
            once(
                "                get_length_slow_path:\n",
                r"                    if (JS_VALUE_GET_TAG(obj) == JS_TAG_STRING) {
                        val = js_int32(JS_VALUE_GET_STRING(obj)->len);
                        JS_FreeValue(ctx, obj);
                        sp[-1] = val;
                        BREAK;
                    }
                get_length_slow_path:
",
            ),
            once(
                "                if (likely(JS_VALUE_GET_TAG(obj) == JS_TAG_OBJECT)) {\n                    p = JS_VALUE_GET_OBJ(obj);\n                    for(;;) {\n                        prs = find_own_property(&pr, p, atom);\n                        if (prs) {\n                            /* found */\n                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {\n                                obj = JS_MKPTR(JS_TAG_OBJECT, p);\n                                goto get_field2_slow_path;",
                r"                if (JS_VALUE_GET_TAG(obj) == JS_TAG_STRING && !__JS_AtomIsTaggedInt(atom) && atom != JS_ATOM_length)
                    obj = safe_const(ctx->class_proto[JS_CLASS_STRING]);
                if (likely(JS_VALUE_GET_TAG(obj) == JS_TAG_OBJECT)) {
                    p = JS_VALUE_GET_OBJ(obj);
                    for(;;) {
                        prs = find_own_property(&pr, p, atom);
                        if (prs) {
                            /* found */
                            if (unlikely((prs->flags & JS_PROP_TMASK) | p->sy_changed)) {
                                obj = JS_MKPTR(JS_TAG_OBJECT, p);
                                goto get_field2_slow_path;",
            ),
        ],
    },
    // Native functions are called past the interpreter's own frame; the character at an index without any call.
    Patch {
        name: "calls of native functions",
        edits: &[
            once(
                "                ret_val = JS_CallInternal(ctx, call_argv[-1], JS_UNDEFINED,\n                                          JS_UNDEFINED, call_argc,\n                                          vc(call_argv), 0);\n",
                r"                if (sy_is_native(call_argv[-1]))
                    ret_val = js_call_c_function(ctx, call_argv[-1], JS_UNDEFINED, call_argc, vc(call_argv), 0);
                else
                    ret_val = JS_CallInternal(ctx, call_argv[-1], JS_UNDEFINED,
                                              JS_UNDEFINED, call_argc,
                                              vc(call_argv), 0);
",
            ),
            once(
                "                ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],\n                                          JS_UNDEFINED, call_argc,\n                                          vc(call_argv), 0);\n",
                r"                if (sy_is_native(call_argv[-1])) {
                    if (call_argc == 1 && JS_VALUE_GET_TAG(sp[-3]) == JS_TAG_STRING && JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_INT &&
                        JS_VALUE_GET_OBJ(sp[-2])->u.cfunc.c_function.generic == js_string_charCodeAt) {
                        JSString *text = JS_VALUE_GET_STRING(sp[-3]);
                        uint32_t idx = JS_VALUE_GET_INT(sp[-1]);
                        if (likely(idx < text->len && opcode == OP_call_method)) {
                            ret_val = js_int32(string_get(text, idx));
                            JS_FreeValue(ctx, sp[-2]);
                            JS_FreeValue(ctx, sp[-3]);
                            sp -= 2;
                            sp[-1] = ret_val;
                            BREAK;
                        }
                    }
                    ret_val = js_call_c_function(ctx, call_argv[-1], call_argv[-2], call_argc, vc(call_argv), 0);
                } else {
                    ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],
                                              JS_UNDEFINED, call_argc,
                                              vc(call_argv), 0);
                }
",
            ),
            once(
                "#define FUNC_RET_AWAIT      0\n",
                r"static JSValue js_string_charCodeAt(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv);

static inline bool sy_is_native(JSValueConst func)
{
    return JS_VALUE_GET_TAG(func) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(func)->class_id == JS_CLASS_C_FUNCTION;
}

#define FUNC_RET_AWAIT      0
",
            ),
        ],
    },
    // Hashes and codecs compute with numbers above 2^31, which are floats here.
    Patch {
        name: "integers that are floats",
        edits: &[
            once(
                "        CASE(OP_shr):\n            {\n                JSValue op1, op2;\n                op1 = sp[-2];\n                op2 = sp[-1];\n",
                "        CASE(OP_shr):\n            {\n                JSValue op1, op2;\n                op1 = sy_int32(sp[-2]);\n                op2 = sp[-1];\n",
            ),
            once(
                "        CASE(OP_shl):\n            {\n                JSValue op1, op2;\n                op1 = sp[-2];\n                op2 = sp[-1];\n",
                "        CASE(OP_shl):\n            {\n                JSValue op1, op2;\n                op1 = sy_int32(sp[-2]);\n                op2 = sp[-1];\n",
            ),
            logic!("and"),
            logic!("or"),
            logic!("xor"),
            once(
                "/* argument of OP_special_object */\n",
                r"/* A float as the integer that operators on bits see, where that is simply found; anything else as it is. */
static inline JSValue sy_int32(JSValue value)
{
    if (JS_TAG_IS_FLOAT64(JS_VALUE_GET_TAG(value))) {
        double d = JS_VALUE_GET_FLOAT64(value);
        if (d >= -9007199254740992.0 && d <= 9007199254740992.0)
            return js_int32((int32_t)(int64_t)d);
    }
    return value;
}

/* argument of OP_special_object */
",
            ),
        ],
    },
    // One string for each of the first 256 characters, frozen with the base.
    Patch {
        name: "strings of one character",
        edits: &[
            once(
                "    if (c < 0x100) {\n        char ch8 = c;\n        return js_new_string8_len(ctx, &ch8, 1);\n",
                "    if (c < 0x100) {\n        char ch8 = c;\n        if (likely(sy_chars[c]))\n            return JS_MKPTR(JS_TAG_STRING, sy_chars[c]);\n        return js_new_string8_len(ctx, &ch8, 1);\n",
            ),
            once(
                "static JSValue js_new_string_char(JSContext *ctx, uint16_t c)\n",
                "static JSString *sy_chars[256];\n\nstatic JSValue js_new_string_char(JSContext *ctx, uint16_t c)\n",
            ),
            once(
                "                sf->cur_pc = pc;\n                val = JS_GetPropertyValue(ctx, sp[-2], sp[-1]);\n                JS_FreeValue(ctx, sp[-2]);\n                sp[-2] = val;\n                sp--;\n",
                r"                if (JS_VALUE_GET_TAG(sp[-2]) == JS_TAG_STRING && JS_VALUE_GET_TAG(sp[-1]) == JS_TAG_INT &&
                    (uint32_t)JS_VALUE_GET_INT(sp[-1]) < JS_VALUE_GET_STRING(sp[-2])->len)
                    val = js_new_string_char(ctx, string_get(JS_VALUE_GET_STRING(sp[-2]), JS_VALUE_GET_INT(sp[-1])));
                else {
                    sf->cur_pc = pc;
                    val = JS_GetPropertyValue(ctx, sp[-2], sp[-1]);
                }
                JS_FreeValue(ctx, sp[-2]);
                sp[-2] = val;
                sp--;
",
            ),
        ],
    },
];
