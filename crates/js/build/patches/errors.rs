//! What errors say and tell of where they were made, as V8 has it: the functions are in `engine/stacks.c` and
//! `engine/messages.c`; here they are put where QuickJS makes an error, and the parser keeps the places that V8 names.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    Patch {
        name: "error functions",
        edits: &[once(
            "static JSValue JS_ThrowTypeErrorRevokedProxy(JSContext *ctx);\nstatic JSValue js_proxy_getPrototypeOf",
            r"static void sy_own_stack(JSContext *ctx, JSValueConst error);
static JSFunctionBytecode *sy_code(JSValueConst func);
static void sy_take_stack(JSContext *ctx, JSValueConst error, const char *file, int line, int column, int flags);
static JSValue sy_capture(JSContext *ctx, JSValueConst target, JSValueConst above);
static JSValue sy_throw(JSContext *ctx, JSErrorEnum kind, const char *format, ...);
static int sy_refuse(JSContext *ctx, int flags, const char *format, JSAtom name, JSValueConst value);
static int sy_read_only(JSContext *ctx, int flags, JSAtom name, JSValueConst value);
static int sy_refuse_primitive(JSContext *ctx, int flags, JSAtom name, JSValueConst value);
static JSValue sy_throw_not_callable(JSContext *ctx, JSValueConst value, const char *what);
static JSValue sy_throw_not_iterable(JSContext *ctx, JSValueConst value);
static JSValue sy_throw_no_object(JSContext *ctx, JSValueConst value);
static JSValue sy_throw_active(JSContext *ctx, JSErrorEnum kind, const char *format, JSValueConst value);
static JSValue sy_throw_receiver(JSContext *ctx, JSValueConst value, JSClassID class_id);
static void sy_throw_index(JSContext *ctx, JSValueConst value);
static void sy_throw_new(JSContext *ctx, JSValueConst func);
static JSValue sy_throw_detached(JSContext *ctx, bool out);
static void sy_throw_disposed(JSContext *ctx, JSClassID class_id);
static JSValue sy_throw_to_object(JSContext *ctx);
static void sy_throw_class_call(JSContext *ctx, JSValueConst func);
static void sy_throw_brand(JSContext *ctx, JSValueConst func);
static void sy_throw_member(JSContext *ctx, bool writes, JSAtom name);
static void sy_throw_circle(JSContext *ctx, JSValueConst stack, JSValueConst value);
static void sy_throw_regexp(JSContext *ctx, JSValueConst pattern, JSValueConst flags, const char *said);
static JSValue JS_ThrowTypeErrorRevokedProxy(JSContext *ctx);
static JSValue js_proxy_getPrototypeOf",
        )],
    },
    // Frames know their receiver, and the runtime the job it runs, for the names of methods and for who awaits.
    Patch {
        name: "stack frames",
        edits: &[
            once(
                "    uint16_t var_ref_count; /* number of var refs */\n    uint16_t arg_count;\n    bool is_strict_mode;",
                "    JSValueConst sy_this; /* the receiver, not owned */\n    uint16_t var_ref_count; /* number of var refs */\n    uint16_t arg_count;\n    bool is_strict_mode;",
            ),
            once(
                "    sf->arg_count = argc;\n    ret = s->func(ctx, this_val, argc, arg_buf, s->magic, vc(s->data));",
                "    sf->arg_count = argc;\n    sf->sy_this = this_val;\n    ret = s->func(ctx, this_val, argc, arg_buf, s->magic, vc(s->data));",
            ),
            once(
                "    sf->arg_count = argc;\n    ret = s->func(ctx, this_val, argc, arg_buf, s->magic, s->opaque);",
                "    sf->arg_count = argc;\n    sf->sy_this = this_val;\n    ret = s->func(ctx, this_val, argc, arg_buf, s->magic, s->opaque);",
            ),
            once(
                "    sf->cur_func = unsafe_unconst(func_obj);\n    sf->arg_count = argc;\n    arg_buf = argv;\n",
                "    sf->cur_func = unsafe_unconst(func_obj);\n    sf->arg_count = argc;\n    sf->sy_this = this_obj;\n    arg_buf = argv;\n",
            ),
            once(
                "            pc = sf->cur_pc;\n            sf->prev_frame = rt->current_stack_frame;\n",
                "            pc = sf->cur_pc;\n            sf->sy_this = this_obj;\n            sf->prev_frame = rt->current_stack_frame;\n",
            ),
            once(
                "    sf->cur_pc = NULL;\n    sf->prev_frame = rt->current_stack_frame;\n",
                "    sf->cur_pc = NULL;\n    sf->sy_this = this_obj;\n    sf->prev_frame = rt->current_stack_frame;\n",
            ),
            once(
                "    int32_t sy_told; /* the request the host knows to run */\n",
                "    int32_t sy_told; /* the request the host knows to run */\n    struct JSJobEntry *sy_job; /* the job that runs */\n",
            ),
            once(
                "    rt->sy_told = 0;\n\n    if (JS_InitAtoms",
                "    rt->sy_told = 0;\n    rt->sy_job = NULL;\n\n    if (JS_InitAtoms",
            ),
            once(
                "    JSValue outer = rt->sy_context;\n    rt->sy_context = e->sy_context;\n",
                "    JSValue outer = rt->sy_context;\n    struct JSJobEntry *outer_job = rt->sy_job;\n    rt->sy_job = e;\n    rt->sy_context = e->sy_context;\n",
            ),
            once(
                "    JS_FreeValue(ctx, rt->sy_context);\n    rt->sy_context = outer;\n",
                "    JS_FreeValue(ctx, rt->sy_context);\n    rt->sy_context = outer;\n    rt->sy_job = outer_job;\n",
            ),
        ],
    },
    // `stack` is each error's own, taken when it is made.
    Patch {
        name: "stack format",
        edits: &[
            once(
                "    JSValue error_stack_trace_limit;\n",
                "    JSValue error_stack_trace_limit;\n    JSValue sy_stack[2]; /* getter and setter of `stack` */\n",
            ),
            once(
                "    rt = ctx->rt;\n    if (rt->in_build_stack_trace)\n        return;\n",
                "    sy_take_stack(ctx, error_val, filename, line_num, col_num, backtrace_flags);\n    return;\n    rt = ctx->rt;\n",
            ),
            once(
                "    if (!JS_IsUndefined(p->u.object_data))\n        return false;\n    if (find_own_property1(p, JS_ATOM_stack))\n        return false;\n",
                "    if (!JS_IsUndefined(p->u.object_data))\n        return false;\n",
            ),
            once(
                "    if (JS_IsException(obj))\n        return JS_EXCEPTION;\n    build_backtrace(ctx, obj, JS_UNDEFINED, NULL, 0, 0, 0);\n    return obj;",
                "    if (JS_IsException(obj))\n        return JS_EXCEPTION;\n    sy_own_stack(ctx, obj);\n    build_backtrace(ctx, obj, JS_UNDEFINED, NULL, 0, 0, 0);\n    return obj;",
            ),
            once(
                "    msg = JS_NewString(ctx, message);\n    if (JS_IsException(msg))\n        msg = JS_NewString(ctx, \"Invalid error message\");\n",
                "    sy_own_stack(ctx, obj);\n    msg = JS_NewString(ctx, message);\n    if (JS_IsException(msg))\n        msg = JS_NewString(ctx, \"Invalid error message\");\n",
            ),
            once(
                "    if (JS_IsException(obj))\n        return obj;\n    switch (magic) {\n    case JS_AGGREGATE_ERROR:",
                "    if (JS_IsException(obj))\n        return obj;\n    sy_own_stack(ctx, obj);\n    switch (magic) {\n    case JS_AGGREGATE_ERROR:",
            ),
            // The rejection of Promise.any.
            once(
                "    JS_DefinePropertyValueConst(ctx, obj, JS_ATOM_errors, errors,\n                               JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);\n",
                r#"    sy_own_stack(ctx, obj);
    JS_DefinePropertyValue(ctx, obj, JS_ATOM_message, JS_NewString(ctx, "All promises were rejected"),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValueConst(ctx, obj, JS_ATOM_errors, errors,
                               JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    build_backtrace(ctx, obj, JS_UNDEFINED, NULL, 0, 0, 0);
"#,
            ),
            once(
                "    build_backtrace(ctx, v, argv[1], NULL, 0, 0, JS_BACKTRACE_FLAG_SKIP_FIRST_LEVEL|JS_BACKTRACE_FLAG_FILTER_FUNC);\n    return JS_UNDEFINED;\n",
                "    return sy_capture(ctx, v, argv[1]);\n",
            ),
            once("    JS_CGETSET_DEF(\"stack\", js_error_get_stack, js_error_set_stack ),\n", ""),
            // Plain properties of Error, as in V8.
            once(
                "    JS_CGETSET_DEF(\"stackTraceLimit\", js_error_get_stackTraceLimit, js_error_set_stackTraceLimit ),\n    JS_CGETSET_DEF(\"prepareStackTrace\", js_error_get_prepareStackTrace, js_error_set_prepareStackTrace ),\n",
                "    JS_PROP_INT32_DEF(\"stackTraceLimit\", 10, JS_PROP_C_W_E ),\n",
            ),
        ],
    },
    // Places: columns count UTF-16 units; a call stands at the name that is called (else at its parenthesis), `new` and
    // `await` at the word, a member at its name.
    Patch {
        name: "places",
        edits: &[
            once(
                "static void emit_source_loc_at(JSParseState *s, int line_num, int col_num)\n",
                r"static int sy_column(JSParseState *s)
{
    const uint8_t *p, *mark = s->token.ptr > s->eol ? s->token.ptr : s->mark;
    if (s->sy_line != s->eol) {
        s->sy_line = s->eol;
        s->sy_seen = s->eol + 1;
        s->sy_excess = 0;
    }
    for (p = s->sy_seen; p < mark; p++)
        s->sy_excess += ((*p & 0xc0) == 0x80) - (*p >= 0xf0);
    while (p > mark) {
        p--;
        s->sy_excess -= ((*p & 0xc0) == 0x80) - (*p >= 0xf0);
    }
    s->sy_seen = mark;
    return max_int(1, mark - s->eol - s->sy_excess);
}

static void sy_call_place(JSParseState *s, int *line, int *column)
{
    const uint8_t *p = s->last_ptr, *from = s->buf_start;
    bool name = false;
    while (p > from && (p[-1] == '_' || p[-1] == '$' || p[-1] >= 0x80 || (uint8_t)((p[-1] | 32) - 'a') < 26 || (uint8_t)(p[-1] - '0') < 10) && s->last_ptr - p < 256) {
        p--;
        name = true;
    }
    name = name && !(p > from && p[-1] == '#');
    *line = name ? s->last_line_num : s->token.line_num;
    *column = name ? s->last_col_num : s->token.col_num;
}

static void emit_source_loc_at(JSParseState *s, int line_num, int col_num)
",
            ),
            once(
                "    const uint8_t *mark; // first token character, invariant: eol < mark\n\n    /* current function code */",
                "    const uint8_t *mark; // first token character, invariant: eol < mark\n    const uint8_t *sy_line, *sy_seen; /* a line, and how far its bytes are counted */\n    int sy_excess; /* so many more bytes than UTF-16 units up to there */\n\n    /* current function code */",
            ),
            once(
                "static void free_token(JSParseState *s, JSToken *token)\n{",
                "static int sy_column(JSParseState *s);\nstatic void free_token(JSParseState *s, JSToken *token)\n{",
            ),
            // What a class does by itself stands at its first word.
            once(
                "    const uint8_t *class_start_ptr = s->token.ptr;\n",
                "    const uint8_t *class_start_ptr = s->token.ptr;\n    int class_line = s->token.line_num, class_column = s->token.col_num;\n",
            ),
            once(
                "        emit_class_init_end(s, cf);\n        emit_op(s, OP_call_method);\n",
                "        emit_class_init_end(s, cf);\n        emit_source_loc_at(s, class_line, class_column);\n        emit_op(s, OP_call_method);\n",
            ),
            once(
                "static __exception int js_parse_class_default_ctor(JSParseState *s,
                                                   bool has_super,
                                                   JSFunctionDef **pfd)
{
",
                "static __exception int js_parse_class_default_ctor(JSParseState *s, bool has_super, int line, int column, JSFunctionDef **pfd)
{
",
            ),
            once(
                "    push_scope(s);  /* enter body scope */
    fd->body_scope = fd->scope_level;
    if (has_super) {
",
                "    push_scope(s);  /* enter body scope */
    fd->body_scope = fd->scope_level;
    emit_source_loc_at(s, line, column);
    if (has_super) {
",
            ),
            once("class_flags & JS_DEFINE_CLASS_HAS_HERITAGE, &ctor_fd))", "class_flags & JS_DEFINE_CLASS_HAS_HERITAGE, class_line, class_column, &ctor_fd))"),
            // As if a line ended before the first: its columns begin with 1 like those of others.
            once("    s->eol = s->buf_ptr;\n", "    s->eol = s->buf_ptr - 1;\n"),
            once("    s->token.col_num = max_int(1, s->mark - s->eol);\n", "    s->token.col_num = sy_column(s);\n"),
            once(
                "        err_col_num = (int)(s->token.ptr - s->token.line_start) + 1;\n",
                "        for (const uint8_t *p = s->token.line_start, *to = (err_col_num = 1, s->token.ptr); p < to; p++)\n            err_col_num += 1 - ((*p & 0xc0) == 0x80) + (*p >= 0xf0);\n",
            ),
            once(
                "    bool accept_lparen = (parse_flags & PF_POSTFIX_CALL) != 0;\n\n    call_type = FUNC_CALL_NORMAL;\n",
                "    bool accept_lparen = (parse_flags & PF_POSTFIX_CALL) != 0;\n    int first_line = s->token.line_num, first_column = s->token.col_num, call_line = first_line, call_column = first_column;\n\n    call_type = FUNC_CALL_NORMAL;\n",
            ),
            once(
                "                emit_op(s, OP_dup);\n                emit_op(s, OP_call_constructor);\n                emit_u16(s, 0);\n",
                "                emit_op(s, OP_dup);\n                emit_source_loc_at(s, first_line, first_column);\n                emit_op(s, OP_call_constructor);\n                emit_u16(s, 0);\n",
            ),
            once(
                "            call_type = FUNC_CALL_TEMPLATE;\n            goto parse_func_call2;\n",
                "            call_type = FUNC_CALL_TEMPLATE;\n            sy_call_place(s, &call_line, &call_column);\n            goto parse_func_call2;\n",
            ),
            once(
                "        parse_func_call:\n            if (next_token(s))\n                return -1;\n",
                "        parse_func_call:\n            sy_call_place(s, &call_line, &call_column);\n            if (call_type != FUNC_CALL_NORMAL) {\n                call_line = first_line;\n                call_column = first_column;\n            }\n            if (next_token(s))\n                return -1;\n",
            ),
            once(
                "                /* apply function call */\n                switch(opcode) {",
                "                /* apply function call */\n                emit_source_loc_at(s, call_line, call_column);\n                switch(opcode) {",
            ),
            once(
                "            emit_func_call:\n                switch(opcode) {",
                "            emit_func_call:\n                emit_source_loc_at(s, call_line, call_column);\n                switch(opcode) {",
            ),
            once(
                "                        optional_chain_test(s, &optional_chaining_label, 1);\n                    }\n                    emit_op(s, OP_get_field);\n",
                "                        optional_chain_test(s, &optional_chaining_label, 1);\n                    }\n                    emit_source_loc(s);\n                    emit_op(s, OP_get_field);\n",
            ),
            once(
                "            return js_parse_error(s, \"await in default expression\");\n        if (next_token(s))\n            return -1;\n        if (js_parse_unary(s, PF_POW_FORBIDDEN))\n            return -1;\n        emit_op(s, OP_await);\n",
                "            return js_parse_error(s, \"await in default expression\");\n        int await_line = s->token.line_num, await_column = s->token.col_num;\n        if (next_token(s))\n            return -1;\n        if (js_parse_unary(s, PF_POW_FORBIDDEN))\n            return -1;\n        emit_source_loc_at(s, await_line, await_column);\n        emit_op(s, OP_await);\n",
            ),
            // What is walked over, for its name in an error.
            once(
                "    } else {\n        if (js_parse_expr(s))\n            return -1;\n    }\n    /* close the scope after having evaluated the expression so that",
                "    } else {\n        if (js_parse_expr(s))\n            return -1;\n    }\n    emit_source_loc_at(s, over_line, over_column);\n    /* close the scope after having evaluated the expression so that",
            ),
            once(
                "    if (next_token(s))\n        return -1;\n    if (is_for_of) {\n        if (js_parse_assign_expr(s))\n",
                "    if (next_token(s))\n        return -1;\n    int over_line = s->token.line_num, over_column = s->token.col_num;\n    if (is_for_of) {\n        if (js_parse_assign_expr(s))\n",
            ),
            once(
                "            if (next_token(s))\n                return -1;\n            if (js_parse_assign_expr(s))\n                return -1;\n            emit_op(s, OP_append);\n",
                "            if (next_token(s))\n                return -1;\n            int over_line = s->token.line_num, over_column = s->token.col_num;\n            if (js_parse_assign_expr(s))\n                return -1;\n            emit_source_loc_at(s, over_line, over_column);\n            emit_op(s, OP_append);\n",
            ),
            once(
                "                        if (next_token(s))\n                            return -1;\n                        if (js_parse_assign_expr(s))\n                            return -1;\n                        /* XXX: could pass is_last indicator? */\n",
                "                        if (next_token(s))\n                            return -1;\n                        int over_line = s->token.line_num, over_column = s->token.col_num;\n                        if (js_parse_assign_expr(s))\n                            return -1;\n                        emit_source_loc_at(s, over_line, over_column);\n",
            ),
            once(
                "        block_env.has_iterator = true;\n        emit_op(s, OP_for_of_start);\n",
                "        block_env.has_iterator = true;\n        emit_source_loc_at(s, source_line_num, source_col_num);\n        emit_op(s, OP_for_of_start);\n",
            ),
            once(
                "    if (s->token.val == '{') {\n        if (next_token(s))\n            return -1;\n        /* throw an exception if the value cannot be converted to an object */\n        emit_op(s, OP_to_object);\n",
                "    if (s->token.val == '{') {\n        emit_source_loc(s);\n        emit_op(s, OP_to_object);\n        if (next_token(s))\n            return -1;\n",
            ),
            // Where the text that a function keeps begins, seen from where its first token was.
            once(
                "    int source_len;\n    int pc2line_len;\n",
                "    int source_len;\n    uint32_t sy_lead;\n    int pc2line_len;\n",
            ),
            once(
                "    char *source;  /* raw source, utf-8 encoded */\n    int source_len;\n",
                "    char *source;  /* raw source, utf-8 encoded */\n    int source_len;\n    const uint8_t *sy_at, *sy_from;\n",
            ),
            once(
                "    b->source_len = fd->source_len;\n",
                "    b->source_len = fd->source_len;\n    b->sy_lead = fd->sy_at >= fd->sy_from && fd->sy_from ? fd->sy_at - fd->sy_from : UINT32_MAX;\n",
            ),
            once(
                "            fd->source_len = s->last_ptr - ptr;\n",
                "            fd->source_len = s->last_ptr - ptr;\n            fd->sy_from = ptr;\n",
            ),
            once(
                "        fd->source_len = s->buf_ptr - ptr;\n",
                "        fd->source_len = s->buf_ptr - ptr;\n        fd->sy_from = ptr;\n",
            ),
            once(
                "    ctor_fd->source_len = s->buf_ptr - class_start_ptr;\n",
                "    ctor_fd->source_len = s->buf_ptr - class_start_ptr;\n    ctor_fd->sy_from = class_start_ptr;\n",
            ),
            once(
                "    fd->is_derived_class_constructor = (func_type == JS_PARSE_FUNC_DERIVED_CLASS_CONSTRUCTOR);\n",
                "    fd->is_derived_class_constructor = (func_type == JS_PARSE_FUNC_DERIVED_CLASS_CONSTRUCTOR);\n    fd->sy_at = s->token.line_num == function_line_num && s->token.col_num == function_col_num ? s->token.ptr : ptr;\n",
            ),
        ],
    },
];
