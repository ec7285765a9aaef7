/* Included at the end of quickjs.c by the patch "internals": what needs to see QuickJS's own structures. Freezing, the
   context slot, the eval switch, and reading bytes and classes of values without going through script-visible getters.

   Freezing. Everything alive becomes immortal: its count is a huge number that counting up and down leaves alone, its
   block never returns to the heap, the cycle collector no longer lists it. Frozen is not read-only; scripts change frozen
   objects in place and only those pages become private.
   The collector stays right because it works by trial deletion: it takes off the references held by listed objects, and
   what is still counted is held from outside. A frozen object is not listed, so what it holds is never taken off: each
   frozen object is a root, with no write barrier. The price: what hangs on a frozen object that is dropped stays. */

static void sy_mark_builtins(JSRuntime *rt);
static void sy_link_shapes(JSRuntime *rt);
static void sy_find_fields(JSRuntime *rt);
static void sy_settle_templates(JSRuntime *rt);
static void sy_find_array_next(JSRuntime *rt);
static void sy_find_function_shape(JSRuntime *rt);
static JSObject *sy_object(JSValueConst value);

/* Works on blocks, not on the graph of objects, so nothing can be forgotten. No JS frame may be active. */
void sy_freeze(JSRuntime *rt, uint32_t slack)
{
    JSArenaState *arenas = &rt->arena_state;
    struct list_head *el, *next;
    JSMallocBlockHeader *b;

    bool first = !sy_frozen;
    sy_frozen = true;
    JS_RunGC(rt);
    sy_drop_empty(rt);
    sy_mark_builtins(rt);
    if (first) {
        for (int c = 0; c < countof(sy_chars); c++) {
            JSString *one = js_alloc_string_rt(rt, 1, 0);
            if (!one)
                break;
            str8(one)[0] = c;
            str8(one)[1] = 0;
            sy_chars[c] = one;
        }
        sy_link_shapes(rt);
        sy_settle_templates(rt);
        sy_find_fields(rt);
        sy_find_array_next(rt);
        sy_find_function_shape(rt);
    }

    /* Atoms and shapes hang in two shared tables threaded through them: resizing one rewrites them all. Have that now,
       with as much room again as is used, so that scripts do not dirty the base by it. */
    while (rt->atom_count * 2 > rt->atom_count_resize)
        if (JS_ResizeAtomHash(rt, rt->atom_hash_size * 2))
            break;
    while (rt->shape_hash_count * 2 > rt->shape_hash_size)
        if (resize_shape_hash(rt, rt->shape_hash_bits + 1))
            break;

    /* Small blocks, used or free; where a block has no count the field means nothing. Then the arenas are forgotten. */
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
        int size = arena_block_sizes[i];
        list_for_each(el, &arenas->arena_list[i]) {
            JSArena *arena = list_entry(el, JSArena, link);
            for (int j = 0; j < arena->n_blocks; j++) {
                b = arena_get_block(arena, j, size);
                b->ref_count = SY_IMMORTAL;
            }
            /* What lies in free blocks is dead: not into the image. */
            for (unsigned j = arena->first_free_block; j != JS_ARENA_FREE_NIL;) {
                b = arena_get_block(arena, j, size);
                j = b->u.free_next;
                memset(b->user_data, 0, size - sizeof(*b));
            }
        }
        init_list_head(&arenas->arena_list[i]);
        init_list_head(&arenas->free_arena_list[i]);
        arenas->sy_grow[i] = 0;
    }
    /* Large blocks. The other chunks are arenas and the runtime; they begin with an aligned pointer and with the index
       of a function in the table, and neither has 0xffff in its low half. */
    for (b = sy_heap_next(NULL); b; b = sy_heap_next(b))
        if (b->u.block_idx == JS_ARENA_FREE_NIL && b->block_size_idx == 0xff)
            b->ref_count = SY_IMMORTAL;
    /* Each link a list of its own: growing a frozen object's shape in place unlinks it, which must touch no neighbour. */
    list_for_each_safe(el, next, &rt->gc_obj_list)
        init_list_head(el);
    init_list_head(&rt->gc_obj_list);

    sy_frozen_end = (uintptr_t)sy_heap_seal(slack);
    rt->malloc_gc_threshold = rt->malloc_state.malloc_size + (1 << 20);
}

/* Gives back the arenas in which nothing is used. */
void sy_drop_empty(JSRuntime *rt)
{
    struct list_head *el, *next;
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++)
        list_for_each_safe(el, next, &rt->arena_state.arena_list[i]) {
            JSArena *arena = list_entry(el, JSArena, link);
            if (arena->n_used_blocks)
                continue;
            list_del(&arena->link);
            list_del(&arena->free_link);
            rt->mf.js_free(rt->malloc_state.opaque, arena);
        }
}

/* Instances of one image would all draw the same numbers. A state of zero would stay zero. */
void sy_seed_random(JSContext *ctx, uint64_t seed)
{
    ctx->random_state = seed ? seed : 1;
}

void sy_set_eval(bool allowed)
{
    sy_eval_allowed = allowed;
}

JSValueConst sy_context_get(JSRuntime *rt)
{
    return safe_const(rt->sy_context);
}

JSValue sy_context_swap(JSRuntime *rt, JSValue next)
{
    JSValue before = rt->sy_context;
    rt->sy_context = next;
    return before;
}

/* Contexts are plain objects; a class of its own data QuickJS gives only to others, so the word is free. */
void sy_context_mark(JSValueConst context, int32_t request)
{
    if (JS_VALUE_GET_TAG(context) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(context)->class_id == JS_CLASS_OBJECT)
        JS_VALUE_GET_OBJ(context)->u.opaque = (void *)(intptr_t)request;
}

/* The request that the present context is marked with; 0: none. */
static int32_t sy_request(JSRuntime *rt)
{
    JSValueConst context = safe_const(rt->sy_context);
    if (JS_VALUE_GET_TAG(context) != JS_TAG_OBJECT)
        return 0;
    JSObject *p = JS_VALUE_GET_OBJ(context);
    /* With what its async context stores: the platform's own array, whose first value it is. */
    if (p->class_id == JS_CLASS_ARRAY && p->fast_array && p->u.array.count > 0) {
        context = safe_const(p->u.array.u.values[0]);
        if (JS_VALUE_GET_TAG(context) != JS_TAG_OBJECT)
            return 0;
        p = JS_VALUE_GET_OBJ(context);
    }
    return p->class_id == JS_CLASS_OBJECT ? (int32_t)(intptr_t)p->u.opaque : 0;
}

/* Tells the host whose turn it is, where that has changed. False: that request is over, nothing may run for it. */
bool sy_turn(JSRuntime *rt)
{
    int32_t request = sy_request(rt);
    if (request == rt->sy_told)
        return true;
    if (sy_host_turn(request))
        return false;
    rt->sy_told = request;
    return true;
}

/* A call from the host begins: for nobody in particular, so far as the engine knows. */
void sy_turn_begin(JSRuntime *rt)
{
    rt->sy_told = 0;
}

/* The bytes of a typed array, DataView or buffer as they are now; NULL for anything else and what is detached or out of
   bounds (a buffer of no bytes has a pointer all the same). */
const uint8_t *sy_bytes_of(JSValueConst value, size_t *len)
{
    static const uint8_t nothing[1];
    JSObject *p;
    *len = 0;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT)
        return NULL;
    p = JS_VALUE_GET_OBJ(value);
    if (p->class_id == JS_CLASS_ARRAY_BUFFER || p->class_id == JS_CLASS_SHARED_ARRAY_BUFFER) {
        JSArrayBuffer *ab = p->u.array_buffer;
        if (ab->detached)
            return NULL;
        *len = ab->byte_length;
        return *len ? ab->data : nothing;
    }
    if (is_typed_array(p->class_id) || p->class_id == JS_CLASS_DATAVIEW) {
        JSTypedArray *ta = p->u.typed_array;
        JSArrayBuffer *ab = ta->buffer->u.array_buffer;
        size_t size;
        if (ab->detached || ta->offset > ab->byte_length)
            return NULL;
        if (ta->track_rab) {
            size = ab->byte_length - ta->offset;
            if (is_typed_array(p->class_id))
                size &= ~(((size_t)1 << typed_array_size_log2(p->class_id)) - 1);
        } else {
            size = ta->length;
            if (size > ab->byte_length - ta->offset)
                return NULL;
        }
        *len = size;
        return size ? ab->data + ta->offset : nothing;
    }
    return NULL;
}

/* A string of characters that are known to be ASCII. */
JSValue sy_ascii(JSContext *ctx, const uint8_t *text, size_t len)
{
    if (len == 0 || len > INT32_MAX / 4)
        return JS_NewStringLen(ctx, (const char *)text, len);
    return js_new_string8_len(ctx, (const char *)text, (int)len);
}

/* The characters of a string that lies as bytes, Latin-1; NULL for any other value. */
const uint8_t *sy_latin1_of(JSValueConst value, size_t *len)
{
    JSString *p;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING)
        return NULL;
    p = JS_VALUE_GET_STRING(value);
    if (p->is_wide_char)
        return NULL;
    *len = p->len;
    return str8(p);
}

/* Target and handler of a proxy, null for a revoked one, undefined for anything else. */
JSValue sy_proxy_parts(JSContext *ctx, JSValueConst value)
{
    JSProxyData *proxy;
    JSValue parts[2];
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT || JS_VALUE_GET_OBJ(value)->class_id != JS_CLASS_PROXY)
        return JS_UNDEFINED;
    proxy = JS_VALUE_GET_OBJ(value)->u.opaque;
    if (!proxy || proxy->is_revoked)
        return JS_NULL;
    parts[0] = js_dup(proxy->target);
    parts[1] = js_dup(proxy->handler);
    return JS_NewArrayFrom(ctx, 2, parts);
}

/* The class of an object as the engine knows it, null for plain objects and primitives. */
JSValue sy_class_name(JSContext *ctx, JSValueConst value)
{
    JSClassID id;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT)
        return JS_NULL;
    id = JS_VALUE_GET_OBJ(value)->class_id;
    if (id == JS_CLASS_OBJECT)
        return JS_NULL;
    if (id == JS_CLASS_PROXY)
        return JS_NewString(ctx, "Proxy");
    if (id == JS_CLASS_MODULE_NS)
        return JS_NewString(ctx, "Module");
    return JS_AtomToString(ctx, ctx->rt->class_array[id].class_name);
}

/* A promise that only sy_settle() settles: without the two functions that scripts need for it. */
JSValue sy_promise(JSContext *ctx)
{
    JSValue promise = JS_NewObjectProtoClass(ctx, ctx->class_proto[JS_CLASS_PROMISE], JS_CLASS_PROMISE);
    JSPromiseData *s;
    if (JS_IsException(promise))
        return promise;
    s = js_mallocz(ctx, sizeof(*s));
    if (!s) {
        JS_FreeValue(ctx, promise);
        return JS_EXCEPTION;
    }
    s->promise_state = JS_PROMISE_PENDING;
    init_list_head(&s->promise_reactions[0]);
    init_list_head(&s->promise_reactions[1]);
    s->promise_result = JS_UNDEFINED;
    JS_SetOpaqueInternal(promise, s);
    return promise;
}

/* As those functions do: a value may be thenable, and what is settled stays so. To be called once for a promise. */
void sy_settle(JSContext *ctx, JSValueConst promise, JSValueConst value, bool rejects)
{
    JSValue then;
    if (JS_PromiseState(ctx, promise) != JS_PROMISE_PENDING)
        return;
    if (!rejects && JS_IsObject(value) && JS_VALUE_GET_OBJ(value) == JS_VALUE_GET_OBJ(promise)) {
        JSValue error;
        JS_ThrowTypeError(ctx, "Chaining cycle detected for promise #<Promise>");
        error = JS_GetException(ctx);
        fulfill_or_reject_promise(ctx, promise, error, true);
        JS_FreeValue(ctx, error);
        return;
    }
    if (rejects || !JS_IsObject(value)) {
        fulfill_or_reject_promise(ctx, promise, value, rejects);
        return;
    }
    then = JS_GetProperty(ctx, value, JS_ATOM_then);
    if (JS_IsException(then)) {
        JSValue error = JS_GetException(ctx);
        fulfill_or_reject_promise(ctx, promise, error, true);
        JS_FreeValue(ctx, error);
    } else if (JS_IsFunction(ctx, then)) {
        JSValueConst args[3] = { promise, value, then };
        JS_EnqueueJob(ctx, js_promise_resolve_thenable_job, 3, args);
    } else {
        fulfill_or_reject_promise(ctx, promise, value, false);
    }
    JS_FreeValue(ctx, then);
}

/* Whether that `then` on that promise does what a promise's does, and nothing that it looks up is the script's. */
static bool sy_is_usual_promise(JSContext *ctx, JSValueConst promise, JSValueConst then)
{
    JSObject *p = sy_object(promise), *f = sy_object(then), *proto = sy_object(safe_const(ctx->class_proto[JS_CLASS_PROMISE]));
    return p && f && p->class_id == JS_CLASS_PROMISE && p->shape->proto == proto && !p->shape->prop_count && !proto->sy_changed &&
        !sy_object(safe_const(ctx->promise_ctor))->sy_changed && f->class_id == JS_CLASS_C_FUNCTION &&
        f->u.cfunc.c_function.generic == js_promise_then;
}

/* react(promise, function, function): what then() does, without a promise of its own. */
JSValue sy_react(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
    JSValueConst none[2] = { JS_UNDEFINED, JS_UNDEFINED };
    if (!JS_IsPromise(argv[0]))
        return JS_ThrowTypeError(ctx, "not a promise");
    return perform_promise_then(ctx, argv[0], argv + 1, none) ? JS_EXCEPTION : JS_UNDEFINED;
}

/* An array that is iterated as the language has it. */
static bool sy_is_usual_array(JSContext *ctx, JSValueConst value)
{
    JSObject *p = sy_object(value);
    return p && p->class_id == JS_CLASS_ARRAY && p->shape == ctx->array_shape && p->fast_array &&
        !JS_IsUndefined(ctx->sy_array_next) && !p->shape->proto->sy_changed &&
        !sy_object(safe_const(ctx->class_proto[JS_CLASS_ARRAY_ITERATOR]))->sy_changed;
}

/* Its iterator, which has no `return`. */
static bool sy_is_usual_array_iterator(JSContext *ctx, JSValueConst value)
{
    JSObject *p = sy_object(value);
    if (!p || p->class_id != JS_CLASS_ARRAY_ITERATOR || p->shape->prop_count || JS_IsUndefined(ctx->sy_array_next) ||
        p->shape->proto != sy_object(safe_const(ctx->class_proto[JS_CLASS_ARRAY_ITERATOR])))
        return false;
    for (p = p->shape->proto; p; p = p->shape->proto)
        if (p->sy_changed)
            return false;
    return true;
}

static void sy_find_array_next(JSRuntime *rt)
{
    JSContext *ctx = list_entry(rt->context_list.next, JSContext, link);
    JSValue next = JS_GetProperty(ctx, safe_const(ctx->class_proto[JS_CLASS_ARRAY_ITERATOR]), JS_ATOM_next);
    if (JS_IsFunction(ctx, next))
        ctx->sy_array_next = next;
    else
        JS_FreeValue(ctx, JS_IsException(next) ? JS_GetException(ctx) : next);
}

/* The layout that functions have, as they were made until now. */
static void sy_find_function_shape(JSRuntime *rt)
{
    JSContext *ctx = list_entry(rt->context_list.next, JSContext, link);
    JSShape *sh = find_hashed_shape_proto(rt, sy_object(safe_const(ctx->function_proto)));
    sh = sh ? sy_next_shape(sh, JS_ATOM_length, JS_PROP_CONFIGURABLE) : NULL;
    sh = sh ? sy_next_shape(sh, JS_ATOM_name, JS_PROP_CONFIGURABLE) : NULL;
    if (sh)
        sy_function_shape = js_dup_shape(sh);
}

/* A module that is there already. */
JSModuleDef *sy_module_find(JSContext *ctx, const char *name)
{
    JSAtom atom = JS_NewAtom(ctx, name);
    JSModuleDef *m = atom == JS_ATOM_NULL ? NULL : js_find_loaded_module_by_name(ctx, atom);
    JS_FreeAtom(ctx, atom);
    return m;
}

/* Not while it is being linked or evaluated, as it is for whom it imports. */
bool sy_module_can_run(JSModuleDef *m)
{
    return m->status != JS_MODULE_STATUS_LINKING && m->status != JS_MODULE_STATUS_EVALUATING;
}

bool sy_is_error(JSValueConst value)
{
    JSClassID id;
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT)
        return false;
    id = JS_VALUE_GET_OBJ(value)->class_id;
    return id == JS_CLASS_ERROR || id == JS_CLASS_DOM_EXCEPTION;
}

#include "stacks.c"
#include "messages.c"
#include "builtins.c"
#include "shapes.c"
#include "lines.c"
#include "headers.c"
#include "pairs.c"
#include "objects.c"
#include "json.c"
#include "dates.c"
