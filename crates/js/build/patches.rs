//! The changes made to a copy of QuickJS before it is compiled: small named patches, applied in order. Each edit names
//! the text it replaces and how often that text must occur, so that a new QuickJS stops the build at the patch that no
//! longer fits, before anything subtle can happen. What the added functions do is in `engine/internals.c`.

use std::path::Path;

#[path = "patches/buffers.rs"]
mod buffers;
#[path = "patches/builtins.rs"]
mod builtins;
#[path = "patches/collections.rs"]
mod collections;
#[path = "patches/errors.rs"]
mod errors;
#[path = "patches/interpreter.rs"]
mod interpreter;
#[path = "patches/language.rs"]
mod language;
#[path = "patches/regexp.rs"]
mod regexp;
#[path = "patches/requests.rs"]
mod requests;
#[path = "patches/searches.rs"]
mod searches;
#[path = "patches/shapes.rs"]
mod shapes;
#[path = "patches/speed.rs"]
mod speed;
#[path = "patches/texts.rs"]
mod texts;
#[path = "patches/variables.rs"]
mod variables;
#[path = "patches/words.rs"]
mod words;

/// One replacement in one file.
pub struct Edit {
    file: &'static str,
    find: &'static str,
    put: &'static str,
    times: usize,
}

/// What belongs together and is named in an error.
pub struct Patch {
    name: &'static str,
    edits: &'static [Edit],
}

const fn once(find: &'static str, put: &'static str) -> Edit {
    times(1, find, put)
}

const fn times(times: usize, find: &'static str, put: &'static str) -> Edit {
    Edit { file: "quickjs.c", find, put, times }
}

/// How many places count a reference up and down. Every one must go through the helpers of `immortal counts`.
const COUNTS_UP: usize = 19;
const COUNTS_DOWN: usize = 9;

/// How many functions of proxies look up a trap.
const PROXY_METHODS: usize = 13;

pub const PATCHES: &[Patch] = &[
    // QuickJS does not check its stack on WASI. The shadow stack is a stack like any other, and without the check
    // deep recursion ends the instance instead of throwing RangeError.
    Patch {
        name: "stack check",
        edits: &[once(
            "static void update_stack_limit(JSRuntime *rt)\n{\n#if defined(__wasi__)",
            "static void update_stack_limit(JSRuntime *rt)\n{\n#if 0",
        )],
    },
    // wasm has no indirect jump: clang makes one switch over what it loads from the table of labels. The switch over
    // the opcodes themselves is 4 % (a request) to 12 % (calls) faster.
    Patch {
        name: "dispatch",
        edits: &[once(
            "#if defined(EMSCRIPTEN) || defined(_MSC_VER)\n#define DIRECT_DISPATCH  0",
            "#if 1\n#define DIRECT_DISPATCH  0",
        )],
    },
    // What a module is, is the host's to say and follows from its name. With attributes as a part of its identity the
    // same file would be evaluated once per spelling, and cycles through an attribute would load without end.
    Patch {
        name: "module identity",
        edits: &[
            once(
                "    m = js_find_loaded_module(ctx, module_name, attributes);\n",
                "    m = js_find_loaded_module(ctx, module_name, JS_UNDEFINED);\n",
            ),
            once(
                "    if (m && JS_IsObject(attributes) && JS_IsUndefined(m->attributes))\n        m->attributes = js_dup(attributes);\n",
                "",
            ),
        ],
    },
    // These functions call themselves while using little or nothing of the shadow stack, so the check would never
    // strike before the native stack ends, and that ends the instance. Each now takes a piece of shadow stack per call,
    // in proportion to the native stack it uses (tests/engine/language.rs runs them with as much of it as the runtime gives).
    Patch {
        name: "depth",
        edits: &[
            once(
                "static inline bool js_check_stack_overflow(JSRuntime *rt, size_t alloca_size)\n",
                r#"#define SY_DEEP(bytes) do { void *sy_piece = alloca(bytes); __asm__ volatile("" :: "r"(sy_piece) : "memory"); } while (0)
static inline bool js_check_stack_overflow(JSRuntime *rt, size_t alloca_size)
"#,
            ),
            once(
                "    JSValue val = JS_NULL;\n    int ret;\n\n    if (js_check_stack_overflow(ctx->rt, 0)) {\n",
                "    JSValue val = JS_NULL;\n    int ret;\n\n    SY_DEEP(96);\n    if (js_check_stack_overflow(ctx->rt, 0)) {\n",
            ),
            once(
                "    tab = JS_UNDEFINED;\n    prop = JS_UNDEFINED;\n\n    if (js_check",
                "    tab = JS_UNDEFINED;\n    prop = JS_UNDEFINED;\n\n    SY_DEEP(96);\n    if (js_check",
            ),
            // One level of parentheses goes through some fifteen functions of the parser.
            once(
                "static __exception int js_parse_assign_expr2(JSParseState *s, int parse_flags)\n{\n    int opcode, op, scope;\n    JSAtom name0 = JS_ATOM_NULL;\n    JSAtom name;\n",
                "static __exception int js_parse_assign_expr2(JSParseState *s, int parse_flags)\n{\n    int opcode, op, scope;\n    JSAtom name0 = JS_ATOM_NULL;\n    JSAtom name;\n    SY_DEEP(512);\n",
            ),
            once(
                "static __exception int js_parse_unary(JSParseState *s, int parse_flags)\n{\n    int op;\n",
                "static __exception int js_parse_unary(JSParseState *s, int parse_flags)\n{\n    int op;\n    SY_DEEP(96);\n",
            ),
            once(
                "    const uint8_t *start_ptr;\n    ClassFieldsDef class_fields[2];\n",
                "    const uint8_t *start_ptr;\n    ClassFieldsDef class_fields[2];\n    SY_DEEP(384);\n",
            ),
            Edit {
                file: "quickjs.c",
                find: "    s = get_proxy_method(ctx, &method,",
                put: "    SY_DEEP(192);\n    s = get_proxy_method(ctx, &method,",
                times: PROXY_METHODS,
            },
        ],
    },
    // All counted things keep their count in the header of their block, so two helpers cover them all. The immortal
    // value is large rather than negative: QuickJS's own questions (one owner, so change it in place? shared?) come
    // out as "shared" without being touched.
    Patch {
        name: "immortal counts",
        edits: &[
            once(
                "#define JS_GC_TYPE(p)   (js_rc(p)->gc_obj_type)\n",
                r"enum { SY_IMMORTAL = 0x60000000, SY_IMMORTAL_FROM = 0x40000000 };
static inline void sy_count_up(const void *p) {
    int n = JS_REF_COUNT(p);
    if (likely(n < SY_IMMORTAL_FROM))
        JS_REF_COUNT(p) = n + 1;
}
static inline int sy_count_down(const void *p) {
    int n = JS_REF_COUNT(p);
    if (likely(n < SY_IMMORTAL_FROM))
        JS_REF_COUNT(p) = --n;
    return n;
}
#define JS_GC_TYPE(p)   (js_rc(p)->gc_obj_type)
",
            ),
            // The shape of a frozen object, when it is its alone (not hashed), may be changed in place.
            once(
                "    assert(JS_REF_COUNT(p->shape) == 1);\n",
                "    assert(JS_REF_COUNT(p->shape) == 1 || (JS_REF_COUNT(p->shape) >= SY_IMMORTAL_FROM && !p->shape->is_hashed));\n",
            ),
        ],
    },
    // A frozen block is never given back: no list, no accounting, no write. To grow it is to move out of it. The block
    // moved to keeps the count, because the only counted thing that is ever resized is a shape that nobody shares.
    Patch {
        name: "frozen blocks",
        edits: &[
            once(
                "static size_t js_malloc_usable_size_unknown(const void *ptr)\n",
                "static uintptr_t sy_frozen_end; /* blocks below this address are frozen */\n\nstatic size_t js_malloc_usable_size_unknown(const void *ptr)\n",
            ),
            once(
                "    s = &rt->malloc_state;\n    size_t free_size",
                "    if ((uintptr_t)ptr < sy_frozen_end)\n        return;\n    s = &rt->malloc_state;\n    size_t free_size",
            ),
            once(
                "    /* js_realloc_rt already handles ptr == NULL and size == 0 */\n    b = container_of(ptr, JSMallocBlockHeader, user_data);\n",
                r"    /* js_realloc_rt already handles ptr == NULL and size == 0 */
    b = container_of(ptr, JSMallocBlockHeader, user_data);
    if ((uintptr_t)ptr < sy_frozen_end && b != arena_zero_block(rt)) {
        size_t held = js_arena_usable_size(rt, ptr);
        JSMallocBlockHeader *moved;
        void *to;
        if (size <= held)
            return ptr;
        to = js_arena_malloc(rt, size);
        if (!to)
            return NULL;
        moved = container_of(to, JSMallocBlockHeader, user_data);
        moved->gc_obj_type = b->gc_obj_type;
        moved->mark = b->mark;
        moved->ref_count = b->ref_count;
        memcpy(to, ptr, held);
        return to;
    }
",
            ),
        ],
    },
    // After freezing, each size class begins with an arena of 256 bytes and doubles, instead of one page per class:
    // a small script then lives on a few pages.
    Patch {
        name: "compact arenas",
        edits: &[
            once(
                "    struct list_head free_arena_list[JS_ARENA_BLOCK_SIZE_COUNT];\n    _Alignas",
                "    struct list_head free_arena_list[JS_ARENA_BLOCK_SIZE_COUNT];\n    uint8_t sy_grow[JS_ARENA_BLOCK_SIZE_COUNT]; /* the next arena has 256 << this bytes */\n    _Alignas",
            ),
            once(
                "    arena_zero_block(rt)->u.block_idx = JS_ARENA_FREE_NIL;\n    for",
                "    arena_zero_block(rt)->u.block_idx = JS_ARENA_FREE_NIL;\n    memset(s->sy_grow, 4, sizeof(s->sy_grow));\n    for",
            ),
            once(
                "    n_blocks = (JS_ARENA_SIZE - sizeof(JSArena)) / block_size;\n",
                r"    n_blocks = ((256 << rt->arena_state.sy_grow[block_size_idx]) - (int)sizeof(JSArena)) / block_size;
    if (n_blocks < 1)
        n_blocks = 1;
    if (rt->arena_state.sy_grow[block_size_idx] < 4)
        rt->arena_state.sy_grow[block_size_idx]++;
",
            ),
            // The last arena of a class stays when it is empty (sy_gc() drops it): the next request wants it again.
            once(
                "        if (unlikely(ar->n_used_blocks == 0)) {\n            list_del(&ar->link);\n",
                "        if (unlikely(ar->n_used_blocks == 0 && ar->free_link.next != ar->free_link.prev)) {\n            list_del(&ar->link);\n",
            ),
        ],
    },
    // Objects begin with room for more properties than two: an instance of a class with private fields moved them five
    // times while it was made, into blocks of five sizes. A hello is 14 % fewer instructions and writes to a page less.
    Patch {
        name: "room for properties",
        edits: &[
            once(
                "#define JS_PROP_INITIAL_HASH_SIZE 4",
                "#define SY_LITERAL_PROPERTIES 4\n#define SY_INSTANCE_PROPERTIES 8 /* a power of two */\n#define JS_PROP_INITIAL_HASH_SIZE 4",
            ),
            once(
                r"        sh = js_new_shape(ctx, proto);
        if (!sh)
            return JS_EXCEPTION;
    }
    return JS_NewObjectFromShape(ctx, sh, class_id, NULL);",
                r"        if (class_id != JS_CLASS_OBJECT)
            sh = js_new_shape(ctx, proto);
        else if (proto == JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT]))
            sh = js_new_shape2(ctx, proto, JS_PROP_INITIAL_HASH_SIZE, SY_LITERAL_PROPERTIES);
        else
            sh = js_new_shape2(ctx, proto, SY_INSTANCE_PROPERTIES, SY_INSTANCE_PROPERTIES);
        if (!sh)
            return JS_EXCEPTION;
    }
    return JS_NewObjectFromShape(ctx, sh, class_id, NULL);",
            ),
        ],
    },
    // eval, direct or not, and every constructor of functions from text come through here; modules do not.
    Patch {
        name: "eval switch",
        edits: &[
            once(
                "    if (!JS_IsString(val))\n        return js_dup(val);\n    str = JS_ToCStringLen(ctx, &len, val);\n    if (!str)\n        return JS_EXCEPTION;\n    ret = JS_EvalInternal(",
                r#"    if (!JS_IsString(val))
        return js_dup(val);
    if (!sy_eval_allowed)
        return JS_Throw(ctx, JS_MakeError2(ctx, JS_EVAL_ERROR, true, "Code generation from strings disallowed for this context"));
    str = JS_ToCStringLen(ctx, &len, val);
    if (!str)
        return JS_EXCEPTION;
    ret = JS_EvalInternal("#,
            ),
            once(
                "/* the indirection is needed to make 'eval' optional */\n",
                "static bool sy_eval_allowed = true;\n\n/* the indirection is needed to make 'eval' optional */\n",
            ),
        ],
    },
    // One value travels with the work: taken when a reaction or job is made, current while the job runs. The host is told
    // whose the job is when that changes; a job of a request that is over never runs.
    Patch {
        name: "context slot",
        edits: &[
            once(
                "int JS_ExecutePendingJob(JSRuntime *rt, JSContext **pctx)\n{",
                "bool sy_turn(JSRuntime *rt);\nint JS_ExecutePendingJob(JSRuntime *rt, JSContext **pctx)\n{",
            ),
            once(
                "    struct list_head job_list; /* list of JSJobEntry.link */\n",
                "    struct list_head job_list; /* list of JSJobEntry.link */\n    JSValue sy_context; /* of the job that runs */\n    int32_t sy_told; /* the request the host knows to run */\n",
            ),
            once(
                "    JSJobFunc *job_func;\n    int argc;\n    JSValue argv[];\n} JSJobEntry;",
                "    JSJobFunc *job_func;\n    JSValue sy_context;\n    int argc;\n    JSValue argv[];\n} JSJobEntry;",
            ),
            once(
                "    init_list_head(&rt->job_list);\n\n    if (JS_InitAtoms(rt))",
                "    init_list_head(&rt->job_list);\n    rt->sy_context = JS_UNDEFINED;\n    rt->sy_told = 0;\n\n    if (JS_InitAtoms(rt))",
            ),
            once(
                "int JS_EnqueueJob(JSContext *ctx, JSJobFunc *job_func,\n                  int argc, JSValueConst *argv)\n{",
                "static int sy_enqueue_job(JSContext *ctx, JSValueConst context, JSJobFunc *job_func,\n                  int argc, JSValueConst *argv)\n{",
            ),
            once(
                "        e->argv[i] = js_dup(argv[i]);\n    }\n    list_add_tail(&e->link, &rt->job_list);\n    return 0;\n}\n",
                r"        e->argv[i] = js_dup(argv[i]);
    }
    e->sy_context = js_dup(context);
    list_add_tail(&e->link, &rt->job_list);
    return 0;
}

int JS_EnqueueJob(JSContext *ctx, JSJobFunc *job_func,
                  int argc, JSValueConst *argv)
{
    return sy_enqueue_job(ctx, safe_const(ctx->rt->sy_context), job_func, argc, argv);
}
",
            ),
            once(
                "    res = e->job_func(e->ctx, e->argc, vc(e->argv));\n",
                r"    JSValue outer = rt->sy_context;
    rt->sy_context = e->sy_context;
    res = sy_turn(rt) ? e->job_func(e->ctx, e->argc, vc(e->argv)) : JS_UNDEFINED;
    JS_FreeValue(ctx, rt->sy_context);
    rt->sy_context = outer;
",
            ),
            once(
                "            JS_FreeValueRT(rt, e->argv[i]);\n        js_free_rt(rt, e);",
                "            JS_FreeValueRT(rt, e->argv[i]);\n        JS_FreeValueRT(rt, e->sy_context);\n        js_free_rt(rt, e);",
            ),
            once(
                "    JSValue handler;\n} JSPromiseReactionData;",
                "    JSValue handler;\n    JSValue sy_context;\n} JSPromiseReactionData;",
            ),
            once(
                "    JS_FreeValueRT(rt, rd->handler);\n",
                "    JS_FreeValueRT(rt, rd->handler);\n    JS_FreeValueRT(rt, rd->sy_context);\n",
            ),
            once(
                "            JS_MarkValue(rt, rd->handler, mark_func);\n",
                "            JS_MarkValue(rt, rd->handler, mark_func);\n            JS_MarkValue(rt, rd->sy_context, mark_func);\n",
            ),
            once(
                "        rd->handler = js_dup(handler);\n",
                "        rd->handler = js_dup(handler);\n        rd->sy_context = js_dup(safe_const(ctx->rt->sy_context));\n",
            ),
            once(
                "        JS_EnqueueJob(ctx, promise_reaction_job, 5, args);\n        list_del(&rd->link);",
                "        sy_enqueue_job(ctx, safe_const(rd->sy_context), promise_reaction_job, 5, args);\n        list_del(&rd->link);",
            ),
            // A finalizer's callback belongs to nobody: which request's allocation set off the collection is chance.
            once(
                "                JS_EnqueueJob(fre->ctx, js_finrec_job, 2, args);",
                "                sy_enqueue_job(fre->ctx, JS_UNDEFINED, js_finrec_job, 2, args);",
            ),
        ],
    },
    Patch {
        name: "internals",
        edits: &[once(
            "#undef malloc\n#undef free\n#undef realloc\n",
            "#include \"engine.h\"\n#include \"internals.c\"\n",
        )],
    },
];

/// Applies all patches to the files in `dir`.
pub fn apply(dir: &Path) -> Result<(), String> {
    let main = dir.join("quickjs.c");
    let source = read(&main)?;
    write(&main, &counts(&source)?)?;
    for patch in [
        PATCHES,
        errors::PATCHES,
        words::PATCHES,
        buffers::PATCHES,
        language::PATCHES,
        regexp::PATCHES,
        builtins::PATCHES,
        shapes::PATCHES,
        speed::PATCHES,
        variables::PATCHES,
        interpreter::PATCHES,
        searches::PATCHES,
        collections::PATCHES,
        texts::PATCHES,
        requests::PATCHES,
    ]
    .into_iter()
    .flatten()
    {
        for edit in patch.edits {
            let path = dir.join(edit.file);
            let text = read(&path)?;
            let found = text.matches(edit.find).count();
            if found != edit.times {
                return Err(format!(
                    "patch \"{}\" does not fit {}: found {found} times instead of {}:\n{}",
                    patch.name, edit.file, edit.times, edit.find
                ));
            }
            write(&path, &text.replace(edit.find, edit.put))?;
        }
    }
    Ok(())
}

/// First half of `immortal counts`: turns each `JS_REF_COUNT(x)++`, `--` and `--JS_REF_COUNT(x)` into a helper's call.
fn counts(source: &str) -> Result<String, String> {
    const MACRO: &str = "JS_REF_COUNT(";
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    let (mut up, mut down) = (0, 0);
    while let Some(at) = rest.find(MACRO) {
        let argument = &rest[at + MACRO.len()..];
        let Some(close) = argument.find(')') else {
            break;
        };
        let (name, behind) = (&argument[..close], &argument[close + 1..]);
        let before = &rest[..at];
        if let Some(before) = before.strip_suffix("--") {
            out.push_str(&format!("{before}sy_count_down({name})"));
            rest = behind;
            down += 1;
        } else if let Some(behind) = behind.strip_prefix("--") {
            out.push_str(&format!("{before}sy_count_down({name})"));
            rest = behind;
            down += 1;
        } else if let Some(behind) = behind.strip_prefix("++") {
            out.push_str(&format!("{before}sy_count_up({name})"));
            rest = behind;
            up += 1;
        } else {
            out.push_str(&rest[..at + MACRO.len()]);
            rest = argument;
        }
    }
    out.push_str(rest);
    if (up, down) != (COUNTS_UP, COUNTS_DOWN) {
        return Err(format!(
            "patch \"immortal counts\" does not fit quickjs.c: {up} places count up and {down} down instead of {COUNTS_UP} and {COUNTS_DOWN}"
        ));
    }
    Ok(out)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}
