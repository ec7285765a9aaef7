//! Variables that cannot be used before they are declared: `let`, `const` and classes are then as cheap as `var`.
//!
//! The resolver sees a function's code in an order in which what comes behind a declaration, within its scope, cannot run
//! before it: jumps over a declaration lead out of its scope, but for the cases of a switch. So one look through the code
//! finds the variables that nothing reads or writes ahead of their declaration. Those that inner functions or eval may
//! see keep their checks.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[Patch {
    name: "variables in order",
    edits: &[
        once(
            "    uint8_t var_kind : 4; /* see JSVarKindEnum */\n    /* if is_captured",
            "    uint8_t var_kind : 4; /* see JSVarKindEnum */\n    uint8_t sy_ready : 1; /* its declaration has been passed */\n    uint8_t sy_early : 1; /* it is used ahead of that, or may be */\n    /* if is_captured",
        ),
        once(
            "    uint8_t is_await_using : 1; /* scope has await using declarations */\n    int using_label_catch;",
            "    uint8_t is_await_using : 1; /* scope has await using declarations */\n    uint8_t sy_cases : 1; /* of a switch: its cases jump over declarations */\n    int using_label_catch;",
        ),
        once(
            "        fd->scopes[scope].is_await_using = 0;\n",
            "        fd->scopes[scope].is_await_using = 0;\n        fd->scopes[scope].sy_cases = 0;\n",
        ),
        once(
            "            push_scope(s);\n            label_break = new_label(s);\n            push_break_entry(s->cur_func, &break_entry,\n                             label_name, label_break, -1, 1);\n\n            if (js_parse_expect(s, '{'))",
            "            push_scope(s);\n            s->cur_func->scopes[s->cur_func->scope_level].sy_cases = 1;\n            label_break = new_label(s);\n            push_break_entry(s->cur_func, &break_entry,\n                             label_name, label_break, -1, 1);\n\n            if (js_parse_expect(s, '{'))",
        ),
        once(
            "static __exception int resolve_variables(JSContext *ctx, JSFunctionDef *s)\n{",
            r"/* Marks what is used ahead of its declaration. Closures of this function have been made: what they see is captured. */
static void sy_find_early(JSFunctionDef *s)
{
    const uint8_t *code = s->byte_code.buf;
    int length = s->byte_code.size, pos, idx;
    for (pos = 0; pos < length; pos += opcode_info[code[pos]].size) {
        int op = code[pos];
        switch (op) {
        case OP_eval:
        case OP_apply_eval:
            for (idx = 0; idx < s->var_count; idx++)
                s->vars[idx].sy_early = 1;
            return;
        case OP_scope_get_var_undef:
        case OP_scope_get_var:
        case OP_scope_put_var:
        case OP_scope_delete_var:
        case OP_scope_get_ref:
        case OP_scope_put_var_init:
        case OP_scope_make_ref: {
            JSAtom name = get_u32(code + pos + 1);
            int scope = get_u16(code + pos + (op == OP_scope_make_ref ? 9 : 5));
            for (idx = s->scopes[scope].first; idx >= 0; idx = s->vars[idx].scope_next) {
                JSVarDef *vd = &s->vars[idx];
                if (vd->var_name != name)
                    continue;
                if (op == OP_scope_put_var_init && !s->scopes[vd->scope_level].sy_cases)
                    vd->sy_ready = 1;
                else if (!vd->sy_ready)
                    vd->sy_early = 1;
                break;
            }
            break;
        }
        }
    }
}

static __exception int resolve_variables(JSContext *ctx, JSFunctionDef *s)
{",
        ),
        once(
            "    js_dbuf_init(ctx, &bc_out);\n\n    /* first pass for runtime checks (must be done before the\n       variables are created) */",
            "    js_dbuf_init(ctx, &bc_out);\n    sy_find_early(s);\n\n    /* first pass for runtime checks (must be done before the\n       variables are created) */",
        ),
        once(
            r#"    return sy_begins(ctx, s->filename, "platform:") && vd->var_name != JS_ATOM_this && s->func_kind == JS_FUNC_NORMAL &&
        vd->var_kind == JS_VAR_NORMAL && !vd->is_captured;"#,
            r#"    if (vd->var_name == JS_ATOM_this || vd->var_kind != JS_VAR_NORMAL || vd->is_captured)
        return false;
    return (vd->sy_ready && !vd->sy_early) || (s->func_kind == JS_FUNC_NORMAL && sy_begins(ctx, s->filename, "platform:"));"#,
        ),
    ],
}];
