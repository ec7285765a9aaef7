//! Regular expressions: what V8's take and QuickJS's refuse.

use super::{Edit, Patch};

const SOURCE: &str = "libregexp.c";
const OPCODES: &str = "libregexp-opcode.h";

const fn once(file: &'static str, find: &'static str, put: &'static str) -> Edit {
    times(file, 1, find, put)
}

const fn times(file: &'static str, times: usize, find: &'static str, put: &'static str) -> Edit {
    Edit { file, find, put, times }
}

pub const PATCHES: &[Patch] = &[
    // What a class may not hold under the flag `v` may well stand outside of one: `/a-b/v`, `/a&&b/v`, and `/` in a
    // text that RegExp is given.
    Patch {
        name: "punctuation outside of classes",
        edits: &[
            once(
                SOURCE,
                r"        if (s->unicode_sets && p[1] == c) {",
                r"        if (s->unicode_sets && inclass && p[1] == c) {",
            ),
            once(
                SOURCE,
                r"        if (s->unicode_sets) {
            /* invalid characters in unicode sets */",
                r"        if (s->unicode_sets && inclass) {
            /* invalid characters in unicode sets */",
            ),
        ],
    },
    // As many groups as V8 has, 65,535 with the whole match, where a byte held the number of one: routers and
    // tokenizers make one expression of all they know, with a group or two for each.
    Patch {
        name: "groups",
        edits: &[
            once(OPCODES, r"DEF(save_start, 2)", r"DEF(save_start, 3)"),
            once(OPCODES, r"DEF(save_end, 2)", r"DEF(save_end, 3)"),
            once(OPCODES, r"DEF(save_reset, 3)", r"DEF(save_reset, 5)"),
            once(SOURCE, r"#define CAPTURE_COUNT_MAX 255", r"#define CAPTURE_COUNT_MAX 65535"),
            once(
                SOURCE,
                r"#define RE_HEADER_REGISTER_COUNT 3
#define RE_HEADER_BYTECODE_LEN   4",
                r"#define RE_HEADER_REGISTER_COUNT 4
#define RE_HEADER_BYTECODE_LEN   5",
            ),
            once(SOURCE, r"#define RE_HEADER_LEN 8", r"#define RE_HEADER_LEN 9"),
            once(
                SOURCE,
                r"    dbuf_putc(&s->byte_code, 0); /* second element is the number of captures */",
                r"    dbuf_put_u16(&s->byte_code, 0); /* second element is the number of captures */",
            ),
            once(
                SOURCE,
                r"    s->byte_code.buf[RE_HEADER_CAPTURE_COUNT] = s->capture_count;",
                r"    put_u16(s->byte_code.buf + RE_HEADER_CAPTURE_COUNT, s->capture_count);",
            ),
            once(
                SOURCE,
                r"    s->capture_count = bc_buf[RE_HEADER_CAPTURE_COUNT];",
                r"    s->capture_count = get_u16(bc_buf + RE_HEADER_CAPTURE_COUNT);",
            ),
            once(
                SOURCE,
                r"    return bc_buf[RE_HEADER_CAPTURE_COUNT] * 2 +",
                r"    return get_u16(bc_buf + RE_HEADER_CAPTURE_COUNT) * 2 +",
            ),
            once(
                SOURCE,
                r"    return bc_buf[RE_HEADER_CAPTURE_COUNT];",
                r"    return get_u16(bc_buf + RE_HEADER_CAPTURE_COUNT);",
            ),
            times(
                SOURCE,
                2,
                r"dbuf_putc(&s->byte_code, capture_index);",
                r"dbuf_put_u16(&s->byte_code, capture_index);",
            ),
            once(
                SOURCE,
                r"                dbuf_putc(&s->byte_code, c);
",
                r"                dbuf_put_u16(&s->byte_code, c);
",
            ),
            once(
                SOURCE,
                r"            re_emit_op_u8(s, REOP_save_start + is_backward_dir,",
                r"            re_emit_op_u16(s, REOP_save_start + is_backward_dir,",
            ),
            once(
                SOURCE,
                r"            re_emit_op_u8(s, REOP_save_start + 1 - is_backward_dir,",
                r"            re_emit_op_u16(s, REOP_save_start + 1 - is_backward_dir,",
            ),
            once(SOURCE, r"    re_emit_op_u8(s, REOP_save_start, 0);", r"    re_emit_op_u16(s, REOP_save_start, 0);"),
            once(SOURCE, r"    re_emit_op_u8(s, REOP_save_end, 0);", r"    re_emit_op_u16(s, REOP_save_end, 0);"),
            times(
                SOURCE,
                2,
                r"dbuf_insert(&s->byte_code, last_atom_start, 3)",
                r"dbuf_insert(&s->byte_code, last_atom_start, 5)",
            ),
            once(
                SOURCE,
                r"                    s->byte_code.buf[pos++] = last_capture_count;
                    s->byte_code.buf[pos++] = s->capture_count - 1;
",
                r"                    put_u16(s->byte_code.buf + pos, last_capture_count);
                    put_u16(s->byte_code.buf + pos + 2, s->capture_count - 1);
",
            ),
            once(
                SOURCE,
                r"                        s->byte_code.buf[last_atom_start++] = last_capture_count;
                        s->byte_code.buf[last_atom_start++] = s->capture_count - 1;
",
                r"                        put_u16(s->byte_code.buf + last_atom_start, last_capture_count);
                        put_u16(s->byte_code.buf + last_atom_start + 2, s->capture_count - 1);
                        last_atom_start += 4;
",
            ),
            once(
                SOURCE,
                r"            val = bc_buf[pos + 1];
            len += val;
            need_capture_init = true;",
                r"            val = bc_buf[pos + 1];
            len += 2 * val;
            need_capture_init = true;",
            ),
            once(
                SOURCE,
                r"        case REOP_save_end:
            val = *pc++;
",
                r"        case REOP_save_end:
            val = get_u16(pc);
            pc += 2;
",
            ),
            once(
                SOURCE,
                r"                val = pc[0];
                val2 = pc[1];
                pc += 2;
                if (val2 >= (uint32_t)s->capture_count)",
                r"                val = get_u16(pc);
                val2 = get_u16(pc + 2);
                pc += 4;
                if (val2 >= (uint32_t)s->capture_count)",
            ),
            once(
                SOURCE,
                r"                pc += n;

                for(i = 0; i < n; i++) {
                    val = pc1[i];",
                r"                pc += 2 * n;

                for(i = 0; i < n; i++) {
                    val = get_u16(pc1 + 2 * i);",
            ),
            once(
                SOURCE,
                r"            val = bc_buf[pos + 1];
            len += val;
            break;",
                r"            val = bc_buf[pos + 1];
            len += 2 * val;
            break;",
            ),
        ],
    },
];
