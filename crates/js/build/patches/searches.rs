//! Regular expressions in fewer steps; `engine/regexps.c` says how.

use super::{Edit, Patch};

const fn once(find: &'static str, put: &'static str) -> Edit {
    Edit { file: "libregexp.c", find, put, times: 1 }
}

pub const PATCHES: &[Patch] = &[Patch {
    name: "searches and runs",
    edits: &[
        Edit {
            file: "libregexp-opcode.h",
            find: "DEF(prev, 1) /* go to the previous char */\n",
            put: "DEF(prev, 1) /* go to the previous char */\nDEF(seek, 34) /* the next place where the match may begin */\nDEF(each, 1) /* every place from here on */\nDEF(run, 46) /* as many as there are of the matcher that follows */\n",
            times: 1,
        },
        once(
            "static bool re_need_check_adv_and_capture_init(bool *pneed_capture_init,\n",
            "#include \"regexps.c\"\n\nstatic bool re_need_check_adv_and_capture_init(bool *pneed_capture_init,\n",
        ),
        once(
            "        case REOP_dot:\n        case REOP_any:\n        case REOP_space:\n        case REOP_not_space:\n            need_check_adv = false;\n            break;\n        case REOP_line_start:",
            r"        case REOP_dot:
        case REOP_any:
        case REOP_space:
        case REOP_not_space:
            need_check_adv = false;
            break;
        case REOP_run:
            if (get_u32(bc_buf + pos + 1 + SY_RUN_LEAST))
                need_check_adv = false;
            len += get_u32(bc_buf + pos + 1 + SY_RUN_SKIP);
            break;
        case REOP_line_start:",
        ),
        once(
            "            {\n                bool need_capture_init, add_zero_advance_check;\n                int len, pos;\n",
            r"            if (greedy && quant_max > 1 && sy_make_run(s, last_atom_start, quant_min, quant_max)) {
                last_atom_start = -1;
                break;
            }
            {
                bool need_capture_init, add_zero_advance_check;
                int len, pos;
",
        ),
        once(
            "    register_count = compute_register_count(s->byte_code.buf, s->byte_code.size);\n",
            "    sy_firm_runs(s);\n    if (!is_sticky)\n        sy_begin(s);\n    register_count = compute_register_count(s->byte_code.buf, s->byte_code.size);\n",
        ),
        once(
            "    RE_EXEC_STATE_NEGATIVE_LOOKAHEAD,\n} REExecStateEnum;",
            "    RE_EXEC_STATE_NEGATIVE_LOOKAHEAD,\n    SY_EXEC_STATE_RUN, /* below it lies, as what is to be restored of a spare register, how far back it may go */\n} REExecStateEnum;",
        ),
        once(
            "    int interrupt_counter;\n    void *opaque; /* used for stack overflow check */\n",
            "    int interrupt_counter;\n    int sy_spare; /* a register that holds nothing */\n    void *opaque; /* used for stack overflow check */\n",
        ),
        once(
            "    s->interrupt_counter = INTERRUPT_COUNTER_INIT;\n    s->opaque = opaque;\n",
            "    s->interrupt_counter = INTERRUPT_COUNTER_INIT;\n    s->sy_spare = lre_get_alloc_count(bc_buf) - 1;\n    s->opaque = opaque;\n",
        ),
        once("        bc_buf[RE_HEADER_REGISTER_COUNT];\n}", "        bc_buf[RE_HEADER_REGISTER_COUNT] + 1;\n}"),
        once(
            "                pc = sp[-3].ptr;\n                cptr = sp[-2].ptr;\n                type = sp[-1].bp.type;\n                bp = s->stack_buf + sp[-1].bp.val;\n                sp -= 3;\n                if (type != RE_EXEC_STATE_LOOKAHEAD)\n                    break;\n",
            r"                pc = sp[-3].ptr;
                cptr = sp[-2].ptr;
                type = sp[-1].bp.type;
                if (type == SY_EXEC_STATE_RUN && cptr > sp[-4].ptr) {
                    const uint8_t *shorter = cptr;
                    PREV_CHAR(shorter, s->cbuf, cbuf_type);
                    sp[-2].ptr = (uint8_t *)shorter;
                    break;
                }
                bp = s->stack_buf + sp[-1].bp.val;
                sp -= 3;
                if (type != RE_EXEC_STATE_LOOKAHEAD)
                    break;
",
        ),
        once(
            "        case REOP_lookahead_match:\n            /* pop all the saved states until reaching the start of\n",
            r"        case REOP_seek:
            {
                const uint8_t *set = pc + 1, *next;
                if (cbuf_type == 0) {
                    while (cptr < cbuf_end && !sy_in_set(set, *cptr))
                        cptr++;
                    if (cptr == cbuf_end)
                        goto no_match;
                    next = cptr + 1;
                } else {
                    for (;;) {
                        if (cptr >= cbuf_end)
                            goto no_match;
                        next = cptr;
                        GET_CHAR(c, next, cbuf_end, cbuf_type);
                        if (c < 256 ? sy_in_set(set, c) : pc[0])
                            break;
                        cptr = next;
                    }
                }
                CHECK_STACK_SPACE(3);
                sp[0].ptr = (uint8_t *)pc - 1;
                sp[1].ptr = (uint8_t *)next;
                sp[2].bp.val = bp - s->stack_buf;
                sp[2].bp.type = RE_EXEC_STATE_SPLIT;
                sp += 3;
                bp = sp;
                pc += SY_SEEK_SIZE;
            }
            break;
        case REOP_each:
            if (cptr < cbuf_end) {
                const uint8_t *next = cptr;
                GET_CHAR(c, next, cbuf_end, cbuf_type);
                CHECK_STACK_SPACE(3);
                sp[0].ptr = (uint8_t *)pc - 1;
                sp[1].ptr = (uint8_t *)next;
                sp[2].bp.val = bp - s->stack_buf;
                sp[2].bp.type = RE_EXEC_STATE_SPLIT;
                sp += 3;
                bp = sp;
            }
            break;
        case REOP_run:
            {
                const uint8_t *set = pc + SY_RUN_SET, *low = cptr;
                uint32_t least = get_u32(pc + SY_RUN_LEAST), most = get_u32(pc + SY_RUN_MOST);
                int flags = pc[0];
                if (cbuf_type == 0) {
                    const uint8_t *end = (uint32_t)(cbuf_end - cptr) > most ? cptr + most : cbuf_end;
                    while (cptr < end && sy_in_set(set, *cptr))
                        cptr++;
                    if ((uint32_t)(cptr - low) < least)
                        goto no_match;
                    low += least;
                } else {
                    uint32_t n = 0;
                    while (n < most && cptr < cbuf_end) {
                        const uint8_t *next = cptr;
                        GET_CHAR(c, next, cbuf_end, cbuf_type);
                        if (c < 256 ? !sy_in_set(set, c) : !sy_matches(pc + SY_RUN_SIZE, c, s->is_unicode))
                            break;
                        cptr = next;
                        if (++n == least)
                            low = cptr;
                    }
                    if (n < least)
                        goto no_match;
                }
                pc += SY_RUN_SIZE + get_u32(pc + SY_RUN_SKIP);
                if (cptr > low && !(flags & SY_RUN_FIRM)) {
                    const uint8_t *shorter = cptr;
                    PREV_CHAR(shorter, s->cbuf, cbuf_type);
                    CHECK_STACK_SPACE(5);
                    sp[0].val = s->sy_spare;
                    sp[1].ptr = (uint8_t *)low;
                    sp[2].ptr = (uint8_t *)pc;
                    sp[3].ptr = (uint8_t *)shorter;
                    sp[4].bp.val = bp - s->stack_buf;
                    sp[4].bp.type = SY_EXEC_STATE_RUN;
                    sp += 5;
                    bp = sp;
                }
            }
            break;
        case REOP_lookahead_match:
            /* pop all the saved states until reaching the start of
",
        ),
    ],
}];
