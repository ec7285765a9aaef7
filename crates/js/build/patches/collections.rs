//! Map, Set, arrays and their iterators.

use super::{Patch, once};

pub const PATCHES: &[Patch] = &[
    // A small integer is a double whose low bits are all 0, an object an address whose lowest are: without mixing, all
    // keys of a kind fell into few of the buckets, and a Map of some thousand numbers was a list.
    Patch {
        name: "mixed hashes",
        edits: &[once(
            "    return h ^ ctx->hash_seed ^ hash32(tag);\n}",
            r"    h ^= ctx->hash_seed ^ hash32(tag);
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}",
        )],
    },
    Patch {
        name: "arrays that are iterated",
        edits: &[once(
            "    p = JS_VALUE_GET_OBJ(it->obj);\n    if (is_typed_array(p->class_id)) {\n",
            r"    p = JS_VALUE_GET_OBJ(it->obj);
    if (p->class_id == JS_CLASS_ARRAY && p->fast_array && it->idx < p->u.array.count && it->kind == JS_ITERATOR_KIND_VALUE) {
        *pdone = false;
        return js_dup(p->u.array.u.values[it->idx++]);
    }
    if (is_typed_array(p->class_id)) {
",
        )],
    },
    // { ...object }: no list of names, no order to find, where an object has plain properties with names alone.
    Patch {
        name: "plain objects that are spread",
        edits: &[
            once(
                "    p = JS_VALUE_GET_OBJ(source);\n\n    gpn_flags = JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK | JS_GPN_ENUM_ONLY;\n",
                r"    p = JS_VALUE_GET_OBJ(source);

    if (!pexcl && !setprop && sy_is_plain(ctx, p)) {
        for (i = 0; i < p->shape->prop_count; i++) {
            JSShapeProperty *prs = &get_shape_prop(p->shape)[i];
            if (prs->atom != JS_ATOM_NULL && (prs->flags & JS_PROP_ENUMERABLE) &&
                sy_define(ctx, target, prs->atom, js_dup(p->prop[i].u.value)) < 0)
                return -1;
        }
        return 0;
    }

    gpn_flags = JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK | JS_GPN_ENUM_ONLY;
",
            ),
            once(
                "static __exception int JS_CopyDataProperties(JSContext *ctx,\n                                             JSValue target,\n                                             JSValue source,\n                                             JSValue excluded,\n                                             bool setprop)\n{\n",
                r"/* A plain object with plain properties, all under names that are no index. */
static bool sy_is_plain(JSContext *ctx, JSObject *p)
{
    JSShapeProperty *prs = get_shape_prop(p->shape);
    if (p->class_id != JS_CLASS_OBJECT || p->is_exotic || p->sy_changed)
        return false;
    for (int i = 0; i < p->shape->prop_count; i++, prs++) {
        uint32_t index;
        if (prs->atom == JS_ATOM_NULL)
            continue;
        if ((prs->flags & JS_PROP_TMASK) || __JS_AtomIsTaggedInt(prs->atom) ||
            ctx->rt->atom_array[prs->atom]->atom_type != JS_ATOM_TYPE_STRING || JS_AtomIsArrayIndex(ctx, &index, prs->atom))
            return false;
    }
    return true;
}

/* As JS_DefinePropertyValue with JS_PROP_C_W_E: in one step where the object is plain and does not have it. */
static int sy_define(JSContext *ctx, JSValueConst object, JSAtom atom, JSValue value)
{
    JSObject *p = JS_VALUE_GET_OBJ(object);
    JSProperty *pr;
    if (p->class_id != JS_CLASS_OBJECT || p->is_exotic || p->sy_changed || p->sy_builtin || !p->extensible ||
        find_own_property(&pr, p, atom))
        return JS_DefinePropertyValue(ctx, object, atom, value, JS_PROP_C_W_E);
    pr = add_property(ctx, p, atom, JS_PROP_C_W_E);
    if (!pr) {
        JS_FreeValue(ctx, value);
        return -1;
    }
    pr->u.value = value;
    return 1;
}

static __exception int JS_CopyDataProperties(JSContext *ctx,
                                             JSValue target,
                                             JSValue source,
                                             JSValue excluded,
                                             bool setprop)
{
",
            ),
        ],
    },
];
