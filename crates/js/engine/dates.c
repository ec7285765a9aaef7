/* Included by internals.c: what Date.parse reads. A date and time as the standard writes it, or else what V8 takes for a
   date as well: numbers, names of months and zones, and times, in almost any order. */

/* What a text falls into; signs stand for themselves, and all that has no meaning is an SY_OTHER. */
enum { SY_END, SY_NUMBER, SY_WORD, SY_SPACE, SY_OTHER };

/* What a word means. */
enum { SY_NO_WORD, SY_MONTH, SY_HALF_DAY, SY_ZONE, SY_TIME };

enum { SY_ABSENT = -1 };

typedef struct {
    int kind, value, length, meaning;
} SyToken;

typedef struct {
    JSString *text;
    uint32_t at; /* behind `next` */
    SyToken next;
    int days[3], day_count, month; /* year, month and day in any order; a month by its name */
    int times[4], time_count, half_day;
    int sign, hour, minute; /* of the zone */
    bool standard;
} SyDate;

static const struct {
    char name[4];
    int8_t meaning, value;
} sy_date_words[] = {
    { "jan", SY_MONTH, 1 }, { "feb", SY_MONTH, 2 }, { "mar", SY_MONTH, 3 }, { "apr", SY_MONTH, 4 },
    { "may", SY_MONTH, 5 }, { "jun", SY_MONTH, 6 }, { "jul", SY_MONTH, 7 }, { "aug", SY_MONTH, 8 },
    { "sep", SY_MONTH, 9 }, { "oct", SY_MONTH, 10 }, { "nov", SY_MONTH, 11 }, { "dec", SY_MONTH, 12 },
    { "am", SY_HALF_DAY, 0 }, { "pm", SY_HALF_DAY, 12 }, { "t", SY_TIME, 0 },
    { "z", SY_ZONE, 0 }, { "ut", SY_ZONE, 0 }, { "utc", SY_ZONE, 0 }, { "gmt", SY_ZONE, 0 },
    { "est", SY_ZONE, -5 }, { "edt", SY_ZONE, -4 }, { "cst", SY_ZONE, -6 }, { "cdt", SY_ZONE, -5 },
    { "mst", SY_ZONE, -7 }, { "mdt", SY_ZONE, -6 }, { "pst", SY_ZONE, -8 }, { "pdt", SY_ZONE, -7 },
};

static bool sy_between(int value, int least, int most)
{
    return value >= least && value <= most;
}

static int sy_date_char(const SyDate *of)
{
    return of->at < of->text->len ? string_get(of->text, of->at) : 0;
}

static SyToken sy_date_number(SyDate *of)
{
    SyToken token = { .kind = SY_NUMBER };
    int digits = 0;
    for (int c; sy_between(c = sy_date_char(of), '0', '9'); of->at++, token.length++) {
        if ((digits > 0 || c != '0') && digits++ < 9) /* the others are dropped */
            token.value = token.value * 10 + c - '0';
    }
    return token;
}

/* A word: its first three letters tell what it is, and only a month may have more. */
static SyToken sy_date_word(SyDate *of)
{
    SyToken token = { .kind = SY_WORD };
    char start[4] = "";
    for (int c; (c = sy_date_char(of)) >= 'A' && !lre_is_space(c); of->at++, token.length++) {
        if (token.length < 3)
            start[token.length] = (c | 32) < 128 ? c | 32 : 1;
    }
    for (size_t i = 0; i < countof(sy_date_words); i++) {
        if (memcmp(start, sy_date_words[i].name, sizeof(start)) == 0 && (token.length <= 3 || sy_date_words[i].meaning == SY_MONTH)) {
            token.meaning = sy_date_words[i].meaning;
            token.value = sy_date_words[i].value;
        }
    }
    return token;
}

/* What is in parentheses means nothing, and need not end. */
static void sy_date_skip_phrase(SyDate *of)
{
    int depth = 0, c;
    while ((c = sy_date_char(of))) {
        of->at++;
        depth += (c == '(') - (c == ')');
        if (depth == 0)
            break;
    }
}

/* Reads on; what was next. */
static SyToken sy_date_take(SyDate *of)
{
    SyToken taken = of->next;
    int c = sy_date_char(of);
    if (sy_between(c, '0', '9')) {
        of->next = sy_date_number(of);
    } else if (c >= 'A' && !lre_is_space(c)) {
        of->next = sy_date_word(of);
    } else {
        of->next = (SyToken){ .kind = c == 0 ? SY_END : lre_is_space(c) ? SY_SPACE : strchr(":-+.)", c) ? c : SY_OTHER };
        if (c == '(')
            sy_date_skip_phrase(of);
        else if (c != 0)
            of->at++;
    }
    return taken;
}

static bool sy_date_skip(SyDate *of, int sign)
{
    if (of->next.kind != sign)
        return false;
    sy_date_take(of);
    return true;
}

static bool sy_date_is_sign(SyToken token)
{
    return token.kind == '+' || token.kind == '-';
}

static bool sy_date_is_z(SyToken token)
{
    return token.kind == SY_WORD && token.meaning == SY_ZONE && token.length == 1;
}

/* Takes a number of so many digits that lies between the two, or nothing. */
static bool sy_date_exact(SyDate *of, int length, int least, int most, int *out)
{
    if (of->next.kind != SY_NUMBER || of->next.length != length || !sy_between(of->next.value, least, most))
        return false;
    *out = sy_date_take(of).value;
    return true;
}

/* The first three digits behind the point. */
static int sy_date_milliseconds(SyToken token)
{
    int value = token.value, length = min_int(token.length, 9);
    for (; length < 3; length++)
        value *= 10;
    for (; length > 3; length--)
        value /= 10;
    return value;
}

static bool sy_date_add_day(SyDate *of, int value)
{
    if (of->day_count == 3)
        return false;
    of->days[of->day_count++] = value;
    return true;
}

static bool sy_date_add_time(SyDate *of, int value)
{
    if (of->time_count == 4)
        return false;
    of->times[of->time_count++] = value;
    return true;
}

static void sy_date_end_time(SyDate *of, int value)
{
    sy_date_add_time(of, value);
    of->time_count = 4;
}

static bool sy_date_time_goes_on(const SyDate *of, int value)
{
    return sy_between(of->time_count, 1, 3) && sy_between(value, 0, of->time_count == 3 ? 999 : 59);
}

static void sy_date_set_zone(SyDate *of, int sign, int hour, int minute)
{
    of->sign = sign;
    of->hour = hour;
    of->minute = minute;
}

/* What follows the `T`, up to the end of the text. */
static bool sy_date_standard_time(SyDate *of)
{
    int value, most;
    if (!sy_date_exact(of, 2, 0, 24, &value))
        return false;
    sy_date_add_time(of, value);
    most = value == 24 ? 0 : 59;
    if (!sy_date_skip(of, ':') || !sy_date_exact(of, 2, 0, most, &value))
        return false;
    sy_date_add_time(of, value);
    if (sy_date_skip(of, ':')) {
        if (!sy_date_exact(of, 2, 0, most, &value))
            return false;
        sy_date_add_time(of, value);
        if (sy_date_skip(of, '.')) {
            if (of->next.kind != SY_NUMBER || (most == 0 && of->next.value > 0))
                return false;
            sy_date_add_time(of, sy_date_milliseconds(sy_date_take(of)));
        }
    }
    if (sy_date_is_z(of->next)) {
        sy_date_take(of);
        sy_date_set_zone(of, 1, 0, 0);
    } else if (sy_date_is_sign(of->next)) {
        int sign = sy_date_take(of).kind == '+' ? 1 : -1, hour, minute;
        if (sy_date_exact(of, 4, 0, 2359, &value)) {
            hour = value / 100;
            minute = value % 100;
        } else if (!sy_date_exact(of, 2, 0, 23, &hour) || !sy_date_skip(of, ':') || !sy_date_exact(of, 2, 0, 59, &minute)) {
            return false;
        }
        if (minute > 59)
            return false;
        sy_date_set_zone(of, sign, hour, minute);
    }
    return of->next.kind == SY_END;
}

/* As the standard has it. False: this is no date. Otherwise `out` is what was not understood, or the end; what was read
   before it counts. */
static bool sy_date_standard(SyDate *of, SyToken *out)
{
    int value;
    if (sy_date_is_sign(of->next)) {
        *out = sy_date_take(of);
        if (!sy_date_exact(of, 6, 0, 999999, &value) || (out->kind == '-' && value == 0))
            return true;
        sy_date_add_day(of, out->kind == '-' ? -value : value);
    } else if (sy_date_exact(of, 4, 0, 9999, &value)) {
        sy_date_add_day(of, value);
    } else {
        *out = sy_date_take(of);
        return true;
    }
    for (int i = 0; i < 2 && sy_date_skip(of, '-'); i++) {
        if (!sy_date_exact(of, 2, 1, i == 0 ? 12 : 31, &value)) {
            *out = sy_date_take(of);
            return true;
        }
        sy_date_add_day(of, value);
    }
    if (of->next.kind == SY_WORD && of->next.meaning == SY_TIME) {
        sy_date_take(of);
        if (!sy_date_standard_time(of))
            return false;
    } else if (of->next.kind != SY_END) {
        *out = sy_date_take(of);
        return true;
    } else {
        sy_date_set_zone(of, 1, 0, 0);
    }
    of->standard = true;
    *out = (SyToken){ .kind = SY_END };
    return true;
}

static bool sy_date_take_number(SyDate *of, int value)
{
    if (sy_date_skip(of, ':')) {
        if (sy_date_skip(of, ':'))
            return of->time_count == 0 && sy_date_add_time(of, value) && sy_date_add_time(of, 0);
        if (!sy_date_add_time(of, value))
            return false;
        sy_date_skip(of, '.');
        return true;
    }
    if (sy_date_skip(of, '.') && sy_date_time_goes_on(of, value)) {
        sy_date_add_time(of, value);
        if (of->next.kind != SY_NUMBER)
            return false;
        sy_date_end_time(of, sy_date_milliseconds(sy_date_take(of)));
        return true;
    }
    if (of->hour != SY_ABSENT && of->minute == SY_ABSENT && sy_between(value, 0, 59)) {
        of->minute = value;
        return true;
    }
    if (sy_date_time_goes_on(of, value)) {
        sy_date_end_time(of, value);
        return of->next.kind == SY_END || of->next.kind == SY_SPACE || sy_date_is_z(of->next) || sy_date_is_sign(of->next);
    }
    if (!sy_date_add_day(of, value))
        return false;
    sy_date_skip(of, '-');
    return true;
}

/* A sign behind a time or a zone: how far away the zone is. */
static bool sy_date_take_offset(SyDate *of, int sign)
{
    SyToken number = { 0 };
    if (of->next.kind == SY_NUMBER)
        number = sy_date_take(of);
    if (of->next.kind == ':')
        sy_date_set_zone(of, sign, number.value, SY_ABSENT);
    else if (sy_between(number.length, 1, 2))
        sy_date_set_zone(of, sign, number.value, 0);
    else if (sy_between(number.length, 3, 4))
        sy_date_set_zone(of, sign, number.value / 100, number.value % 100);
    else
        return false;
    return true;
}

/* As V8 reads what is not the standard's. */
static bool sy_date_lenient(SyDate *of, SyToken token)
{
    bool numbers = of->day_count > 0;
    for (; token.kind != SY_END; token = sy_date_take(of)) {
        if (token.kind == SY_NUMBER) {
            numbers = true;
            if (!sy_date_take_number(of, token.value))
                return false;
        } else if (token.kind == SY_WORD) {
            if (token.meaning == SY_HALF_DAY && of->time_count > 0) {
                of->half_day = token.value;
            } else if (token.meaning == SY_MONTH) {
                of->month = token.value;
                sy_date_skip(of, '-');
            } else if (token.meaning == SY_ZONE && numbers) {
                sy_date_set_zone(of, token.value < 0 ? -1 : 1, abs(token.value), 0);
            } else if (numbers || of->next.kind == SY_NUMBER) {
                return false;
            }
        } else if (sy_date_is_sign(token) && (of->time_count > 0 || (of->hour == 0 && of->minute == 0))) {
            numbers = true;
            if (!sy_date_take_offset(of, token.kind == '+' ? 1 : -1))
                return false;
        } else if (numbers && (sy_date_is_sign(token) || token.kind == ')')) {
            return false;
        }
    }
    return true;
}

/* Year, month and day of what was read. */
static bool sy_date_day(const SyDate *of, double fields[3])
{
    int days[3] = { 1, 1, 1 }, year, month, day;
    if (of->day_count == 0)
        return false;
    memcpy(days, of->days, of->day_count * sizeof(*days));
    if (of->month != SY_ABSENT) {
        bool first = sy_between(days[0], 1, 31);
        month = of->month;
        day = days[first ? 0 : 1];
        year = days[first ? 1 : 0];
    } else {
        bool first = of->standard || !sy_between(days[0], 1, 31);
        year = days[first ? 0 : 2];
        month = days[first ? 1 : 0];
        day = days[first ? 2 : 1];
    }
    if (!of->standard && sy_between(year, 0, 99))
        year += year < 50 ? 2000 : 1900;
    fields[0] = year;
    fields[1] = month - 1;
    fields[2] = day;
    return sy_between(month, 1, 12) && sy_between(day, 1, 31);
}

static bool sy_date_time(const SyDate *of, double fields[4])
{
    int times[4] = { 0 };
    memcpy(times, of->times, of->time_count * sizeof(*times));
    if (of->half_day != SY_ABSENT) {
        if (!sy_between(times[0], 0, 12))
            return false;
        times[0] = times[0] % 12 + of->half_day;
    }
    for (int i = 0; i < 4; i++)
        fields[i] = times[i];
    return (sy_between(times[0], 0, 23) && sy_between(times[1], 0, 59) && sy_between(times[2], 0, 59) && sy_between(times[3], 0, 999))
        || (times[0] == 24 && !times[1] && !times[2] && !times[3]);
}

/* The time that a text names; NaN: none. */
static double sy_date_parse(JSString *text)
{
    SyDate of = { .text = text, .month = SY_ABSENT, .half_day = SY_ABSENT, .hour = SY_ABSENT, .minute = SY_ABSENT };
    double fields[7];
    SyToken rest;
    sy_date_take(&of);
    if (!sy_date_standard(&of, &rest) || !sy_date_lenient(&of, rest) || !sy_date_day(&of, fields) || !sy_date_time(&of, fields + 3))
        return NAN;
    if (of.sign != 0)
        fields[4] -= of.sign * (of.hour * 60.0 + (of.minute == SY_ABSENT ? 0 : of.minute));
    return set_date_fields(fields, of.sign == 0);
}
