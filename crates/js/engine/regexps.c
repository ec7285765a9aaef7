/* Included by libregexp.c: what a regular expression is known to begin with, and runs of one kind of character.

   A search tries each place in turn. Where an expression can only match at the very start, no other place is tried; where
   it must begin with one of some characters, the others are passed over (REOP_seek); else a place costs one step (REOP_each).
   A greedy repetition of one kind of character, such as \d+ or [^"]*, is one step too (REOP_run). It remembers how far
   it may be shortened; not even that where what follows can begin with none of its characters, so that being shorter
   would not help. What is asked of the code is asked on the safe side: any doubt leaves the general way. */

enum { SY_RUN_WIDE = 1, SY_RUN_FIRM = 2 };
/* After the opcode of a run: flags, least and most, size of the matcher behind it, those of the first 256 characters. */
enum { SY_RUN_LEAST = 1, SY_RUN_MOST = 5, SY_RUN_SKIP = 9, SY_RUN_SET = 13, SY_RUN_SIZE = 45 };
enum { SY_PREFIX = 11, SY_SEEK_SIZE = 33, SY_PATHS = 64, SY_PLACES = 128 };

static bool is_line_terminator(uint32_t c);

static inline bool sy_in_set(const uint8_t *set, uint32_t c)
{
    return set[c >> 3] >> (c & 7) & 1;
}

/* The size of a matcher of one character, 0 for any other code. */
static int sy_single(const uint8_t *op)
{
    switch (*op) {
    case REOP_char:
    case REOP_char_i:
        return 3;
    case REOP_char32:
    case REOP_char32_i:
        return 5;
    case REOP_dot:
    case REOP_any:
    case REOP_space:
    case REOP_not_space:
        return 1;
    case REOP_range:
    case REOP_range_i:
        return 3 + 4 * get_u16(op + 1);
    case REOP_range32:
    case REOP_range32_i:
        return 3 + 8 * get_u16(op + 1);
    }
    return 0;
}

/* Whether it matches that character. */
static no_inline bool sy_matches(const uint8_t *op, uint32_t c, bool is_unicode)
{
    int n, i;
    switch (*op) {
    case REOP_char_i:
        c = lre_canonicalize(c, is_unicode);
        /* fall through */
    case REOP_char:
        return c == get_u16(op + 1);
    case REOP_char32_i:
        c = lre_canonicalize(c, is_unicode);
        /* fall through */
    case REOP_char32:
        return c == get_u32(op + 1);
    case REOP_dot:
        return !is_line_terminator(c);
    case REOP_any:
        return true;
    case REOP_space:
        return lre_is_space(c);
    case REOP_not_space:
        return !lre_is_space(c);
    case REOP_range_i:
        c = lre_canonicalize(c, is_unicode);
        /* fall through */
    case REOP_range:
        n = get_u16(op + 1);
        op += 3;
        if (c >= 0xffff && get_u16(op + 4 * n - 2) == 0xffff)
            return true;
        for (i = 0; i < n; i++)
            if (c <= get_u16(op + 4 * i + 2))
                return c >= get_u16(op + 4 * i);
        return false;
    case REOP_range32_i:
        c = lre_canonicalize(c, is_unicode);
        /* fall through */
    case REOP_range32:
        n = get_u16(op + 1);
        op += 3;
        for (i = 0; i < n; i++)
            if (c <= get_u32(op + 8 * i + 4))
                return c >= get_u32(op + 8 * i);
        return false;
    }
    return false;
}

/* Adds the characters it matches to a set of the first 256. True: it may match others too. */
static bool sy_add(uint8_t *set, const uint8_t *op, bool is_unicode)
{
    for (int c = 0; c < 256; c++)
        if (sy_matches(op, c, is_unicode))
            set[c >> 3] |= 1 << (c & 7);
    switch (*op) {
    case REOP_char:
        return get_u16(op + 1) >= 256;
    case REOP_range:
        return get_u16(op + 3 + 4 * get_u16(op + 1) - 2) >= 256;
    }
    return true;
}

/* Makes one step of a greedy repetition of one matcher, which lies at `at` and ends the code. */
static bool sy_make_run(REParseState *s, int at, int least, int most)
{
    uint8_t *run;
    int size = s->byte_code.size - at;
    if (sy_single(s->byte_code.buf + at) != size || dbuf_insert(&s->byte_code, at, 1 + SY_RUN_SIZE))
        return false;
    run = s->byte_code.buf + at;
    memset(run, 0, 1 + SY_RUN_SIZE);
    *run++ = REOP_run;
    put_u32(run + SY_RUN_LEAST, least);
    put_u32(run + SY_RUN_MOST, most);
    put_u32(run + SY_RUN_SKIP, size);
    if (sy_add(run + SY_RUN_SET, run + SY_RUN_SIZE, s->is_unicode))
        run[0] = SY_RUN_WIDE;
    return true;
}

/* What the code from some place on can match first. */
typedef struct {
    uint8_t set[32];
    bool wide;
    bool anchors; /* asked is whether each way begins with ^ */
} SyFirst;

/* False: it may match nothing, or is not understood. */
static bool sy_first(const REParseState *s, int pos, SyFirst *first)
{
    const uint8_t *code = s->byte_code.buf;
    int paths[SY_PATHS], seen[SY_PLACES], n_paths = 0, n_seen = 0, i;
    paths[n_paths++] = pos;
    while (n_paths) {
        for (pos = paths[--n_paths];;) {
            const uint8_t *op = code + pos;
            int size = sy_single(op);
            for (i = 0; i < n_seen && seen[i] != pos; i++)
                ;
            if (i < n_seen)
                break;
            if (n_seen == SY_PLACES || n_paths == SY_PATHS)
                return false;
            seen[n_seen++] = pos;
            if (size) {
                if (first->anchors)
                    return false;
                first->wide |= sy_add(first->set, op, s->is_unicode);
                break;
            }
            switch (*op) {
            case REOP_run:
                if (first->anchors)
                    return false;
                for (i = 0; i < 32; i++)
                    first->set[i] |= op[1 + SY_RUN_SET + i];
                first->wide |= (op[1] & SY_RUN_WIDE) != 0;
                if (get_u32(op + 1 + SY_RUN_LEAST))
                    goto next_path;
                pos += 1 + SY_RUN_SIZE + get_u32(op + 1 + SY_RUN_SKIP);
                continue;
            case REOP_line_start:
                if (first->anchors)
                    goto next_path;
                /* fall through */
            case REOP_line_start_m:
            case REOP_line_end:
            case REOP_line_end_m:
            case REOP_word_boundary:
            case REOP_word_boundary_i:
            case REOP_not_word_boundary:
            case REOP_not_word_boundary_i:
            case REOP_save_start:
            case REOP_save_end:
            case REOP_save_reset:
            case REOP_set_i32:
            case REOP_set_char_pos:
            case REOP_check_advance:
                pos += reopcode_info[*op].size;
                continue;
            case REOP_goto:
            case REOP_lookahead:
            case REOP_negative_lookahead:
                pos += 5 + (int)get_u32(op + 1);
                continue;
            case REOP_split_goto_first:
            case REOP_split_next_first:
                paths[n_paths++] = pos + 5 + (int)get_u32(op + 1);
                pos += 5;
                continue;
            case REOP_loop:
                paths[n_paths++] = pos + 6 + (int)get_u32(op + 2);
                pos += 6;
                continue;
            case REOP_loop_split_goto_first:
            case REOP_loop_split_next_first:
            case REOP_loop_check_adv_split_goto_first:
            case REOP_loop_check_adv_split_next_first:
                paths[n_paths++] = pos + 10 + (int)get_u32(op + 6);
                pos += 10;
                continue;
            default:
                return false;
            }
        }
    next_path:;
    }
    return true;
}

/* The runs that need not be shortened. */
static void sy_firm_runs(REParseState *s)
{
    uint8_t *code = s->byte_code.buf;
    int pos = RE_HEADER_LEN, size, i;
    while (pos < (int)s->byte_code.size) {
        uint8_t *op = code + pos;
        size = sy_single(op);
        if (!size) {
            size = reopcode_info[*op].size;
            if (*op >= REOP_back_reference && *op <= REOP_backward_back_reference_i)
                size += 2 * op[1];
        }
        if (*op == REOP_run) {
            SyFirst first = { 0 };
            if (sy_first(s, pos + 1 + SY_RUN_SIZE + get_u32(op + 1 + SY_RUN_SKIP), &first) && !(first.wide && (op[1] & SY_RUN_WIDE))) {
                for (i = 0; i < 32 && !(first.set[i] & op[1 + SY_RUN_SET + i]); i++)
                    ;
                if (i == 32)
                    op[1] |= SY_RUN_FIRM;
            }
        }
        pos += size;
    }
}

/* Puts in place of the loop over all places, with which the code begins, what tries fewer. */
static void sy_begin(REParseState *s)
{
    DynBuf *code = &s->byte_code;
    const int body = RE_HEADER_LEN + SY_PREFIX;
    SyFirst anchors = { .anchors = true }, first = { 0 };
    if (sy_first(s, body, &anchors)) {
        code->buf[RE_HEADER_LEN] = REOP_goto;
        put_u32(code->buf + RE_HEADER_LEN + 1, SY_PREFIX - 5);
    } else if (sy_first(s, body, &first)) {
        if (dbuf_insert(code, body, 1 + SY_SEEK_SIZE - SY_PREFIX))
            return;
        code->buf[RE_HEADER_LEN] = REOP_seek;
        code->buf[RE_HEADER_LEN + 1] = first.wide;
        memcpy(code->buf + RE_HEADER_LEN + 2, first.set, 32);
    } else {
        memmove(code->buf + RE_HEADER_LEN + 1, code->buf + body, code->size - body);
        code->buf[RE_HEADER_LEN] = REOP_each;
        code->size -= SY_PREFIX - 1;
    }
}
