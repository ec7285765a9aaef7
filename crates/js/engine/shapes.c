/* Included by internals.c: the way to each shape of the base (build/patches/speed.rs says what for). When the base is
   frozen, every shape that an object got property by property gets its predecessors, down to the empty one, and each of
   them knows its successor: an object of a class of the platform, or a literal of its code, is then made without a
   shape of its own for a moment. What is made here is used by nothing yet; freezing makes it immortal. */

/* `sh` and one property more, with room for `size` of them. NULL: no memory. */
static JSShape *sy_step(JSContext *ctx, JSShape *sh, const JSShapeProperty *property, int size)
{
    JSShape *next = js_new_shape_nohash(ctx, sh->proto, sh->prop_hash_mask + 1, size);
    if (!next)
        return NULL;
    next->is_hashed = true;
    next->hash = shape_initial_hash(sh->proto);
    js_shape_hash_link(ctx->rt, next);
    for (int i = 0; i <= sh->prop_count; i++) {
        const JSShapeProperty *add = i < sh->prop_count ? &get_shape_prop(sh)[i] : property;
        if (add_shape_property(ctx, &next, NULL, add->atom, add->flags)) {
            js_free_shape(ctx->rt, next);
            return NULL;
        }
    }
    return next;
}

/* Whether a plain object that is set `atom` gets it as its own: nothing that it inherits from has it, and whatever changes
   that says so to sy_touch(). */
static bool sy_is_settable(JSObject *p, JSAtom atom)
{
    for (; p; p = p->shape->proto)
        if (p->is_exotic || !p->sy_builtin || find_own_property1(p, atom))
            return false;
    return true;
}

static void sy_link_shape(JSContext *ctx, JSShape *sh)
{
    JSShape *at = find_hashed_shape_proto(ctx->rt, sh->proto);
    const JSShapeProperty *properties = get_shape_prop(sh);
    /* An object of a class has room for all its properties from the start. Of functions and plain objects there are too
       many, most of them small. */
    int first = sh->proto == sy_object(ctx->function_proto) ? JS_PROP_INITIAL_SIZE
        : sh->proto == sy_object(ctx->class_proto[JS_CLASS_OBJECT]) ? SY_LITERAL_PROPERTIES : sh->prop_count;
    if (at && at->prop_size < first) {
        if (JS_REF_COUNT(at) > 1)
            return; /* an object has the smaller one, which is found first */
        js_shape_hash_unlink(ctx->rt, at);
        at->is_hashed = false;
        at = NULL;
    }
    if (!at)
        at = js_new_shape2(ctx, sh->proto, first == sh->prop_count ? sh->prop_hash_mask + 1 : JS_PROP_INITIAL_HASH_SIZE, first);
    for (int i = 0; at && i < sh->prop_count; i++) {
        int size = i < at->prop_size ? at->prop_size : sh->prop_count;
        JSShape *next = find_hashed_shape_prop(ctx->rt, at, properties[i].atom, properties[i].flags);
        if (!next || next->prop_size != size)
            next = sy_next_shape(at, properties[i].atom, properties[i].flags);
        if (!next)
            next = sy_step(ctx, at, &properties[i], size);
        if (next && !at->sy_next) {
            at->sy_next = next;
            next->sy_settable = properties[i].flags == JS_PROP_C_W_E && sy_is_settable(sh->proto, properties[i].atom);
        }
        at = next;
    }
}

static void sy_link_shapes(JSRuntime *rt)
{
    JSContext *ctx = list_entry(rt->context_list.next, JSContext, link);
    JSShape **all = js_malloc_rt(rt, sizeof(*all) * (rt->shape_hash_count + 1));
    int count = 0;
    if (!all)
        return;
    for (int i = 0; i < rt->shape_hash_size; i++)
        for (JSShape *sh = rt->shape_hash[i]; sh; sh = sh->shape_hash_next)
            /* What inherits from nothing is a table, or a proxy. */
            if (sh->proto && sh->prop_count > 0 && sh->prop_count <= SY_LONGEST_WAY && sh->deleted_prop_count == 0)
                all[count++] = sh;
    /* The longest first: the empty shape then has room for what most objects of its kind will have. */
    for (int length = SY_LONGEST_WAY; length > 0; length--)
        for (int i = 0; i < count; i++)
            if (all[i]->prop_count == length)
                sy_link_shape(ctx, all[i]);
    js_free_rt(rt, all);
}

/* What a class of the base gives to each instance before its constructor runs, where that is constants alone: the names of
   its fields and what they begin with, as the function that initialises them has it. */
typedef struct SyField {
    JSAtom atom;
    JSValue value;
} SyField;

typedef struct SyFields {
    JSObject *func; /* whose closure the private names were found in */
    int count;
    SyField fields[SY_LONGEST_WAY];
} SyFields;

/* The atom of the private name that an opcode takes from the closure; JS_ATOM_NULL: it is none. */
static JSAtom sy_private_name(JSContext *ctx, JSObject *func, const uint8_t *pc)
{
    int index = *pc == OP_get_var_ref || *pc == OP_get_var_ref_check ? get_u16(pc + 1)
        : *pc >= OP_get_var_ref0 && *pc <= OP_get_var_ref3 ? *pc - OP_get_var_ref0 : -1;
    JSValueConst name;
    if (index < 0 || index >= func->u.func.function_bytecode->closure_var_count)
        return JS_ATOM_NULL;
    name = safe_const(*func->u.func.var_refs[index]->pvalue);
    return JS_VALUE_GET_TAG(name) == JS_TAG_SYMBOL ? js_symbol_to_atom(ctx, unsafe_unconst(name)) : JS_ATOM_NULL;
}

/* The constant that an opcode pushes. False: it pushes none. */
static bool sy_constant(JSContext *ctx, const uint8_t *pc, JSValue *value)
{
    switch (*pc) {
    case OP_undefined: *value = JS_UNDEFINED; return true;
    case OP_null: *value = JS_NULL; return true;
    case OP_push_false: *value = JS_FALSE; return true;
    case OP_push_true: *value = JS_TRUE; return true;
    case OP_push_i8: *value = js_int32((int8_t)pc[1]); return true;
    case OP_push_i16: *value = js_int32((int16_t)get_u16(pc + 1)); return true;
    case OP_push_i32: *value = js_int32((int32_t)get_u32(pc + 1)); return true;
    case OP_push_empty_string: *value = js_empty_string(ctx->rt); return true;
    }
    if (*pc < OP_push_minus1 || *pc > OP_push_7)
        return false;
    *value = js_int32(*pc - OP_push_0);
    return true;
}

static const uint8_t *sy_after(const uint8_t *pc) { return pc + short_opcode_info(*pc).size; }

/* Reads the code of a function that initialises fields. False: it does more than that. */
static bool sy_read_fields(JSContext *ctx, JSObject *func, SyFields *to)
{
    JSFunctionBytecode *b = func->u.func.function_bytecode;
    const uint8_t *pc = b->byte_code_buf, *end = pc + b->byte_code_len;
    JSProperty *pr;
    to->func = func;
    to->count = 0;
    if (pc[0] == OP_special_object && pc[1] == OP_SPECIAL_OBJECT_HOME_OBJECT && pc[2] == OP_put_loc1)
        pc += 3;
    if (pc[0] != OP_push_this || pc[1] != OP_put_loc0)
        return false;
    for (pc += 2; pc < end && *pc != OP_return_undef;) {
        SyField *field = &to->fields[to->count];
        if (to->count++ == SY_LONGEST_WAY)
            return false;
        if (*pc == OP_get_loc0_loc1) {
            JSObject *home = func->u.func.home_object;
            if (pc[1] != OP_add_brand || !home || !find_own_property(&pr, home, JS_ATOM_Private_brand))
                return false;
            field->atom = js_symbol_to_atom(ctx, pr->u.value);
            field->value = JS_UNDEFINED;
            pc += 2;
            continue;
        }
        if (*pc++ != OP_get_loc0)
            return false;
        field->atom = sy_private_name(ctx, func, pc);
        if (field->atom != JS_ATOM_NULL)
            pc = sy_after(pc);
        if (!sy_constant(ctx, pc, &field->value))
            return false;
        pc = sy_after(pc);
        if (*pc == OP_define_field && field->atom == JS_ATOM_NULL)
            field->atom = get_u32(pc + 1);
        else if (*pc != OP_define_private_field || field->atom == JS_ATOM_NULL)
            return false;
        pc = sy_after(pc);
        if (*pc == OP_drop)
            pc++;
    }
    return to->count > 0;
}

static void sy_find_fields(JSRuntime *rt)
{
    JSContext *ctx = list_entry(rt->context_list.next, JSContext, link);
    struct list_head *el;
    SyFields found;
    list_for_each(el, &rt->gc_obj_list) {
        JSGCObjectHeader *gp = list_entry(el, JSGCObjectHeader, link);
        JSObject *func = (JSObject *)gp;
        if (JS_GC_TYPE(gp) != JS_GC_OBJ_TYPE_JS_OBJECT || func->class_id != JS_CLASS_BYTECODE_FUNCTION)
            continue;
        if (!sy_read_fields(ctx, func, &found))
            continue;
        SyFields *kept = js_malloc_rt(rt, offsetof(SyFields, fields) + sizeof(SyField) * found.count);
        if (!kept)
            return;
        memcpy(kept, &found, offsetof(SyFields, fields) + sizeof(SyField) * found.count);
        func->u.func.function_bytecode->sy_fields = kept;
    }
}

/* Does what the function `func` does, where the object can have all of its fields at once. False: nothing was done. */
static bool sy_fill(const SyFields *all, JSObject *func, JSValueConst receiver)
{
    JSObject *p;
    JSShape *sh;
    JSProperty *pr;
    if (all->func != func || JS_VALUE_GET_TAG(receiver) != JS_TAG_OBJECT)
        return false;
    p = JS_VALUE_GET_OBJ(receiver);
    sh = p->shape;
    if (!p->extensible || p->is_prototype || p->sy_builtin || p->class_id != JS_CLASS_OBJECT)
        return false;
    for (int i = 0; i < all->count; i++) {
        sh = sy_next_shape(sh, all->fields[i].atom, JS_PROP_C_W_E);
        if (!sh || sh->prop_size != p->shape->prop_size)
            return false;
    }
    pr = &p->prop[p->shape->prop_count];
    for (int i = 0; i < all->count; i++)
        pr[i].u.value = all->fields[i].value;
    sy_count_up(sh);
    sy_count_down(p->shape);
    p->shape = sh;
    return true;
}

/* The script has been evaluated: what its objects inherit from now is there to stay. */
void sy_mark_lasting(JSRuntime *rt)
{
    struct list_head *el;
    list_for_each(el, &rt->gc_obj_list) {
        JSGCObjectHeader *gp = list_entry(el, JSGCObjectHeader, link);
        JSObject *p = (JSObject *)gp;
        JSProperty *pr;
        JSShapeProperty *prs;
        if (JS_GC_TYPE(gp) != JS_GC_OBJ_TYPE_JS_OBJECT)
            continue;
        if (p->shape->proto && (uintptr_t)p->shape->proto >= sy_frozen_end)
            p->shape->proto->sy_lasting = true;
        prs = js_class_has_bytecode(p->class_id) ? find_own_property(&pr, p, JS_ATOM_prototype) : NULL;
        if (prs && (prs->flags & JS_PROP_TMASK) == 0 && JS_IsObject(safe_const(pr->u.value)))
            JS_VALUE_GET_OBJ(pr->u.value)->sy_lasting = true;
    }
}

/* A request begins. With the second one it is known that more may come. */
void sy_count_request(void)
{
    static int requests;
    if (requests < 2 && ++requests == 2)
        sy_keeping = true;
}
