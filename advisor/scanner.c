/* The scanner: what advisor.marks, advisor.heading and advisor.template do with numpy, in one pass over the bytes.
 *
 * It is optional. Whatever it finds the numpy code finds too, only slower, and both are compared with the patterns,
 * which say what a line means. Here nothing is decided: a line that is odd in any way is left to the patterns.
 *
 * All positions are 64-bit integers in arrays of numpy's, given as buffers. The limited API is used, so that one
 * build serves every Python from 3.11 on.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t place;

enum { PLAIN = 0, SPACE = 1, BRACKET = 2, DIGIT = 4, LETTER = 8 };

/* What a byte is; filled in when the module is loaded. */
static uint8_t KIND[256], MARK[256];

#define IS_MARK(byte) (KIND[byte] & (SPACE | BRACKET))
#define IS_DIGIT(byte) ((uint8_t)((byte) - '0') <= 9)

/* Marks of the buffers that a function was given, so that one line gives them all back. */
#define MOST 16
typedef struct {
    Py_buffer view[MOST];
    int count;
} Buffers;

static void *take(Buffers *all, PyObject *object, int writable, Py_ssize_t least)
{
    Py_buffer *view = &all->view[all->count];
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
        return NULL;
    all->count++;
    if (view->len < least) {
        PyErr_Format(PyExc_ValueError, "a buffer holds %zd bytes, and %zd are needed", view->len, least);
        return NULL;
    }
    return view->buf;
}

static PyObject *give_back(Buffers *all, PyObject *result)
{
    while (all->count)
        PyBuffer_Release(&all->view[--all->count]);
    return result;
}

/* lines(data, length, start, end, plain, long) -> how many
 *
 * Where each line begins and ends, and whether it is printable ASCII of at most `long` bytes. data[length - 1] is a
 * newline. */
static PyObject *lines(PyObject *self, PyObject *args)
{
    PyObject *data_, *start_, *end_, *plain_;
    Py_ssize_t length, most, room;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OnOOOn", &data_, &length, &start_, &end_, &plain_, &most))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, length);
    place *start = data ? take(&all, start_, 1, 0) : NULL;
    place *end = start ? take(&all, end_, 1, all.view[1].len) : NULL;
    uint8_t *plain = end ? take(&all, plain_, 1, all.view[1].len / 8) : NULL;
    if (!plain)
        return give_back(&all, NULL);
    room = all.view[1].len / 8;
    Py_ssize_t at = 0, count = 0;
    while (at < length && count < room) {
        const uint8_t *newline = memchr(data + at, '\n', length - at);
        Py_ssize_t stop = newline ? newline - data : length;
        uint8_t odd = 0;
        for (Py_ssize_t each = at; each < stop; each++)
            odd |= (uint8_t)(data[each] - 0x20) >= 0x5F;
        start[count] = at;
        end[count] = stop;
        plain[count] = !odd && stop - at <= most;
        count++;
        at = stop + 1;
    }
    return give_back(&all, PyLong_FromSsize_t(count));
}

/* runs(data, prefix) -> [...]
 *
 * Where the lines begin whose first bytes are not those of the line before; near the end, each line. */
static PyObject *runs(PyObject *self, PyObject *args)
{
    PyObject *data_, *found;
    Py_ssize_t prefix;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "On", &data_, &prefix))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    if (!data || !(found = PyList_New(0)))
        return give_back(&all, NULL);
    Py_ssize_t length = all.view[0].len, before = -1;
    for (Py_ssize_t at = 0; at < length;) {
        int room = at + prefix <= length;
        if (before < 0 || !room || memcmp(data + before, data + at, prefix)) {
            PyObject *begin = PyLong_FromSsize_t(at);
            if (!begin || PyList_Append(found, begin) < 0) {
                Py_XDECREF(begin);
                Py_DECREF(found);
                return give_back(&all, NULL);
            }
            Py_DECREF(begin);
        }
        before = room ? at : -1;
        const uint8_t *newline = memchr(data + at, '\n', length - at);
        at = newline ? newline - data + 1 : length;
    }
    return give_back(&all, found);
}

/* A table of the different texts met so far: which of them a text is. Open addressing, grown by doubling. */
typedef struct {
    const uint8_t *data;
    int32_t *slots;
    uint64_t *hashes;
    place *begins, *ends;
    Py_ssize_t size, count, room;
} Table;

static int table_begin(Table *table, const uint8_t *data)
{
    memset(table, 0, sizeof *table);
    table->data = data;
    table->size = 256;
    table->room = 128;
    table->slots = malloc(table->size * sizeof *table->slots);
    table->hashes = malloc(table->room * sizeof *table->hashes);
    table->begins = malloc(table->room * sizeof *table->begins);
    table->ends = malloc(table->room * sizeof *table->ends);
    if (!table->slots || !table->hashes || !table->begins || !table->ends)
        return -1;
    memset(table->slots, 0xFF, table->size * sizeof *table->slots);
    return 0;
}

static void table_end(Table *table)
{
    free(table->slots);
    free(table->hashes);
    free(table->begins);
    free(table->ends);
}

static uint64_t hash_of(const uint8_t *text, Py_ssize_t length)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ (uint64_t)length, word;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text, length);
    hash = (hash ^ word) * 0xC4CEB9FE1A85EC53u;
    return hash ^ (hash >> 29);
}

static int table_grow(Table *table)
{
    Py_ssize_t size = table->size * 2, room = table->room * 2;
    int32_t *slots = realloc(table->slots, size * sizeof *slots);
    if (slots)
        table->slots = slots;
    uint64_t *hashes = realloc(table->hashes, room * sizeof *hashes);
    if (hashes)
        table->hashes = hashes;
    place *begins = realloc(table->begins, room * sizeof *begins);
    if (begins)
        table->begins = begins;
    place *ends = realloc(table->ends, room * sizeof *ends);
    if (ends)
        table->ends = ends;
    if (!slots || !hashes || !begins || !ends)
        return -1;
    table->size = size;
    table->room = room;
    memset(slots, 0xFF, size * sizeof *slots);
    for (int32_t number = 0; number < table->count; number++) {
        Py_ssize_t slot = hashes[number] & (size - 1);
        while (slots[slot] >= 0)
            slot = (slot + 1) & (size - 1);
        slots[slot] = number;
    }
    return 0;
}

/* The number of a text; a new one where it was not there. -1 where memory is short. */
static int32_t table_number(Table *table, place begin, place end)
{
    const uint8_t *text = table->data + begin;
    Py_ssize_t length = end - begin;
    uint64_t hash = hash_of(text, length);
    Py_ssize_t slot = hash & (table->size - 1);
    for (; table->slots[slot] >= 0; slot = (slot + 1) & (table->size - 1)) {
        int32_t number = table->slots[slot];
        if (table->hashes[number] == hash && table->ends[number] - table->begins[number] == length &&
            !memcmp(table->data + table->begins[number], text, length))
            return number;
    }
    if (table->count == table->room) {
        if (table_grow(table) < 0)
            return -1;
        return table_number(table, begin, end);
    }
    table->slots[slot] = (int32_t)table->count;
    table->hashes[table->count] = hash;
    table->begins[table->count] = begin;
    table->ends[table->count] = end;
    return (int32_t)table->count++;
}

/* The different texts, in the order in which they were met; their bytes are ASCII or UTF-8. */
static PyObject *table_texts(Table *table)
{
    PyObject *texts = PyList_New(table->count);
    for (Py_ssize_t number = 0; texts && number < table->count; number++) {
        const char *text = (const char *)table->data + table->begins[number];
        PyObject *word = PyUnicode_DecodeUTF8(text, table->ends[number] - table->begins[number], "strict");
        if (!word || PyList_SetItem(texts, number, word) < 0)
            Py_CLEAR(texts);
    }
    return texts;
}

/* encode(data, begin, end, codes) -> the different texts
 *
 * Which of the different texts of ranges each range is (32-bit codes). */
static PyObject *encode(PyObject *self, PyObject *args)
{
    PyObject *data_, *begin_, *end_, *codes_, *texts = NULL;
    Buffers all = {.count = 0};
    Table table;
    if (!PyArg_ParseTuple(args, "OOOO", &data_, &begin_, &end_, &codes_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *begin = data ? take(&all, begin_, 0, 0) : NULL;
    const place *end = begin ? take(&all, end_, 0, all.view[1].len) : NULL;
    int32_t *codes = end ? take(&all, codes_, 1, all.view[1].len / 2) : NULL;
    if (!codes)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, row, length = all.view[0].len;
    if (table_begin(&table, data) < 0) {
        table_end(&table);
        return give_back(&all, PyErr_NoMemory());
    }
    for (row = 0; row < rows; row++) {
        if (begin[row] < 0 || end[row] < begin[row] || end[row] > length) {
            PyErr_SetString(PyExc_IndexError, "a range is not in the data");
            break;
        }
        if ((codes[row] = table_number(&table, begin[row], end[row])) < 0) {
            PyErr_NoMemory();
            break;
        }
    }
    if (row == rows)
        texts = table_texts(&table);
    table_end(&table);
    return give_back(&all, texts);
}

/* gather(data, begin, end, offsets) -> bytes
 *
 * The bytes of ranges, one after the other, and where each begins in them (32-bit offsets, one more than ranges). */
static PyObject *gather(PyObject *self, PyObject *args)
{
    PyObject *data_, *begin_, *end_, *offsets_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOO", &data_, &begin_, &end_, &offsets_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *begin = data ? take(&all, begin_, 0, 0) : NULL;
    const place *end = begin ? take(&all, end_, 0, all.view[1].len) : NULL;
    int32_t *offsets = end ? take(&all, offsets_, 1, all.view[1].len / 2 + 4) : NULL;
    if (!offsets)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, length = all.view[0].len, total = 0;
    for (Py_ssize_t row = 0; row < rows; row++) {
        if (begin[row] < 0 || end[row] < begin[row] || end[row] > length || total > INT32_MAX) {
            PyErr_SetString(PyExc_IndexError, "a range is not in the data");
            return give_back(&all, NULL);
        }
        offsets[row] = (int32_t)total;
        total += end[row] - begin[row];
    }
    if (total > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "more text than one array holds");
        return give_back(&all, NULL);
    }
    offsets[rows] = (int32_t)total;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, total);
    if (bytes) {
        uint8_t *out = (uint8_t *)PyBytes_AsString(bytes);
        for (Py_ssize_t row = 0; row < rows; row++) {
            memcpy(out, data + begin[row], end[row] - begin[row]);
            out += end[row] - begin[row];
        }
    }
    return give_back(&all, bytes);
}

/* next_mark(data, at, limit, found, bracket)
 *
 * Where from each place on the next space, or the next bracket, is; `limit` where there is none before that. */
static PyObject *next_mark(PyObject *self, PyObject *args)
{
    PyObject *data_, *at_, *limit_, *found_;
    int bracket;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOOp", &data_, &at_, &limit_, &found_, &bracket))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *at = data ? take(&all, at_, 0, 0) : NULL;
    const place *limit = at ? take(&all, limit_, 0, all.view[1].len) : NULL;
    place *found = limit ? take(&all, found_, 1, all.view[1].len) : NULL;
    if (!found)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, length = all.view[0].len;
    uint8_t wanted = bracket ? BRACKET : SPACE;
    for (Py_ssize_t row = 0; row < rows; row++) {
        place each = at[row], last = limit[row] < length ? limit[row] : length;
        if (each < 0)
            each = last;
        while (each < last && !(KIND[data[each]] & wanted))
            each++;
        found[row] = each < last ? each : limit[row];
    }
    Py_INCREF(Py_None);
    return give_back(&all, Py_None);
}

/* says(data, at, literal, found): tell where the bytes from a place on are these. */
static PyObject *says(PyObject *self, PyObject *args)
{
    PyObject *data_, *at_, *literal_, *found_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOO", &data_, &at_, &literal_, &found_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *at = data ? take(&all, at_, 0, 0) : NULL;
    const uint8_t *literal = at ? take(&all, literal_, 0, 0) : NULL;
    uint8_t *found = literal ? take(&all, found_, 1, all.view[1].len / 8) : NULL;
    if (!found)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, length = all.view[0].len, size = all.view[2].len;
    for (Py_ssize_t row = 0; row < rows; row++)
        found[row] = at[row] >= 0 && at[row] <= length - size && !memcmp(data + at[row], literal, size);
    Py_INCREF(Py_None);
    return give_back(&all, Py_None);
}

/* Four numbers of up to three digits, with dots between them. */
static int is_ipv4(const uint8_t *text, Py_ssize_t length)
{
    int dots = 0, digits = 0;
    if (length < 7 || length > 15)
        return 0;
    for (Py_ssize_t at = 0; at < length; at++) {
        if (IS_DIGIT(text[at])) {
            if (++digits > 3)
                return 0;
        } else if (text[at] == '.' && digits) {
            dots++;
            digits = 0;
        } else {
            return 0;
        }
    }
    return dots == 3 && digits;
}

/* ipv4(data, begin, end, fit): tell which ranges hold four numbers of up to three digits, and dots between them. */
static PyObject *ipv4(PyObject *self, PyObject *args)
{
    PyObject *data_, *begin_, *end_, *fit_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOO", &data_, &begin_, &end_, &fit_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *begin = data ? take(&all, begin_, 0, 0) : NULL;
    const place *end = begin ? take(&all, end_, 0, all.view[1].len) : NULL;
    uint8_t *fit = end ? take(&all, fit_, 1, all.view[1].len / 8) : NULL;
    if (!fit)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, length = all.view[0].len;
    for (Py_ssize_t row = 0; row < rows; row++)
        fit[row] = begin[row] >= 0 && end[row] <= length && is_ipv4(data + begin[row], end[row] - begin[row]);
    Py_INCREF(Py_None);
    return give_back(&all, Py_None);
}

/* numbers(data, begin, end, values, fit): the numbers of up to eight digits that stand in ranges, and where one does. */
static PyObject *numbers(PyObject *self, PyObject *args)
{
    PyObject *data_, *begin_, *end_, *values_, *fit_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOOO", &data_, &begin_, &end_, &values_, &fit_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *begin = data ? take(&all, begin_, 0, 0) : NULL;
    const place *end = begin ? take(&all, end_, 0, all.view[1].len) : NULL;
    place *values = end ? take(&all, values_, 1, all.view[1].len) : NULL;
    uint8_t *fit = values ? take(&all, fit_, 1, all.view[1].len / 8) : NULL;
    if (!fit)
        return give_back(&all, NULL);
    Py_ssize_t rows = all.view[1].len / 8, length = all.view[0].len;
    for (Py_ssize_t row = 0; row < rows; row++) {
        place at = begin[row], value = 0;
        fit[row] = at >= 0 && end[row] <= length && end[row] > at && end[row] - at <= 8;
        for (; fit[row] && at < end[row]; at++) {
            fit[row] = IS_DIGIT(data[at]);
            value = value * 10 + (data[at] - '0');
        }
        values[row] = fit[row] ? value : 0;
    }
    Py_INCREF(Py_None);
    return give_back(&all, Py_None);
}

/* Two digits that a clock can show. */
#define BELOW_60(text) (IS_DIGIT((text)[1]) && (uint8_t)((text)[0] - '0') <= 5)
#define TWO(text) (((text)[0] - '0') * 10 + ((text)[1] - '0'))

/* Where the parts of a time stamp are (advisor.heading.Layout), and the blocks of 2 and of 4 bytes with which more of
 * a header may begin. */
typedef struct {
    Py_ssize_t hour, fraction, zone, end;
    const uint8_t *two, *four;
    Py_ssize_t twos, fours;
} Layout;

/* The microseconds since the hour; -1 where the line has no time of this form. */
static place micros_of(const uint8_t *line, const Layout *form)
{
    const uint8_t *clock = line + form->hour;
    place micros, unit = 100000;
    if (clock[0] != ':' || clock[3] != ':' || !BELOW_60(clock + 1))
        return -1;
    if (!IS_DIGIT(clock[5]) || (uint8_t)(clock[4] - '0') > 6)
        return -1;
    micros = (place)(TWO(clock + 1) * 60 + TWO(clock + 4)) * 1000000;
    if (form->zone > form->fraction) {
        if (line[form->fraction] != '.' && line[form->fraction] != ',')
            return -1;
        for (Py_ssize_t at = form->fraction + 1; at < form->zone; at++, unit /= 10) {
            if (!IS_DIGIT(line[at]))
                return -1;
            micros += (line[at] - '0') * unit;
        }
    }
    return line[form->end - 1] == ' ' ? micros : -1;
}

static int begins_more(const uint8_t *text, const Layout *form)
{
    for (Py_ssize_t at = 0; at < form->twos; at += 2)
        if (!memcmp(text, form->two + at, 2))
            return 1;
    for (Py_ssize_t at = 0; at < form->fours; at += 4)
        if (!memcmp(text, form->four + at, 4))
            return 1;
    return 0;
}

/* headings(data, start, end, (hour, fraction, zone, end), (two, four), (fast, micros, same, pid, text, key))
 *     -> (keys, samples, more)
 *
 * Of each line that is `fast` so far: its microseconds since the hour, whether its date, hour and zone are those of
 * the line before, its process, where the program's own words begin, and which of the `keys` (host and tag) it has.
 * A line without is fast no longer. `samples` are lines with each of the keys, `more` those in which more of a header
 * may follow. */
static PyObject *headings(PyObject *self, PyObject *args)
{
    PyObject *data_, *start_, *end_, *out[6], *more = NULL, *keys = NULL, *samples = NULL, *result = NULL;
    Layout form;
    Buffers all = {.count = 0};
    Table table;
    uint8_t begins[256] = {0};
    if (!PyArg_ParseTuple(args, "OOO(nnnn)(y#y#)(OOOOOO)", &data_, &start_, &end_, &form.hour, &form.fraction,
                          &form.zone, &form.end, &form.two, &form.twos, &form.four, &form.fours, &out[0], &out[1],
                          &out[2], &out[3], &out[4], &out[5]))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *start = data ? take(&all, start_, 0, 0) : NULL;
    const place *end = start ? take(&all, end_, 0, all.view[1].len) : NULL;
    Py_ssize_t rows = end ? all.view[1].len / 8 : 0;
    uint8_t *fast = end ? take(&all, out[0], 1, rows) : NULL;
    place *micros = fast ? take(&all, out[1], 1, rows * 8) : NULL;
    uint8_t *same = micros ? take(&all, out[2], 1, rows) : NULL;
    place *pid = same ? take(&all, out[3], 1, rows * 8) : NULL;
    place *text = pid ? take(&all, out[4], 1, rows * 8) : NULL;
    place *key = text ? take(&all, out[5], 1, rows * 8) : NULL;
    if (!key)
        return give_back(&all, NULL);
    if (form.hour < 8 || form.fraction < form.hour + 6 || form.zone < form.fraction || form.end <= form.zone) {
        PyErr_SetString(PyExc_ValueError, "no such layout");
        return give_back(&all, NULL);
    }
    for (Py_ssize_t at = 0; at < form.twos; at += 2)
        begins[form.two[at]] = 1;
    for (Py_ssize_t at = 0; at < form.fours; at += 4)
        begins[form.four[at]] = 1;
    more = PyList_New(0);
    samples = PyList_New(0);
    if (!more || !samples || table_begin(&table, data) < 0)
        goto end;
    const uint8_t *before = NULL;
    Py_ssize_t zone = form.end - form.zone, whole = all.view[0].len;
    for (Py_ssize_t row = 0; row < rows; row++) {
        if (start[row] < 0 || end[row] < start[row] || end[row] > whole) {
            PyErr_SetString(PyExc_IndexError, "a line is not in the data");
            goto end_table;
        }
        const uint8_t *line = data + start[row], *previous = before;
        Py_ssize_t length = end[row] - start[row];
        before = NULL;
        same[row] = 0;
        pid[row] = -1;
        if (!fast[row])
            continue;
        fast[row] = 0;
        /* A host of one letter, a space, a tag of one and a colon, a space. */
        if (length < form.end + 5 || (micros[row] = micros_of(line, &form)) < 0)
            continue;
        Py_ssize_t at = form.end, host, tag, digits = 0;
        place number = 0;
        while (at < length && !IS_MARK(line[at]))
            at++;
        if (at == form.end || at >= length || line[at] != ' ')
            continue;
        host = ++at;
        while (at < length && !IS_MARK(line[at]))
            at++;
        tag = at;
        if (at < length && line[at] == '[') {
            for (at++; at < length && IS_DIGIT(line[at]); at++, digits++)
                number = digits < 8 ? number * 10 + (line[at] - '0') : number;
            if (digits < 1 || digits > 8 || at + 2 >= length || line[at] != ']' || line[at + 1] != ':')
                continue;
            at += 2;
            pid[row] = number;
        } else {
            /* The colon is no mark, so it stands before this place, and is no part of the tag. */
            if (tag == host || line[--tag] != ':')
                continue;
        }
        if (at >= length || line[at] != ' ') {
            pid[row] = -1;
            continue;
        }
        text[row] = start[row] + at + 1;
        Py_ssize_t count = table.count;
        int32_t code = table_number(&table, start[row] + form.end, start[row] + tag);
        if (code < 0)
            goto end_table;
        if (table.count > count) {
            PyObject *sample = PyLong_FromSsize_t(row);
            if (!sample || PyList_Append(samples, sample) < 0) {
                Py_XDECREF(sample);
                goto end_table;
            }
            Py_DECREF(sample);
        }
        key[row] = code;
        fast[row] = 1;
        before = line;
        same[row] = previous && !memcmp(previous, line, form.hour) &&
                    !memcmp(previous + form.zone, line + form.zone, zone);
        if (at + 1 < length && begins[line[at + 1]] && (length - at <= 4 || begins_more(line + at + 1, &form))) {
            PyObject *sample = PyLong_FromSsize_t(row);
            if (!sample || PyList_Append(more, sample) < 0) {
                Py_XDECREF(sample);
                goto end_table;
            }
            Py_DECREF(sample);
        }
    }
    keys = table_texts(&table);
    if (keys)
        result = PyTuple_Pack(3, keys, samples, more);
end_table:
    table_end(&table);
end:
    if (!result && !PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF(keys);
    Py_XDECREF(samples);
    Py_XDECREF(more);
    return give_back(&all, result);
}

/* Templates as advisor.template spells them, in words of 32 bits. Of each: how many gaps it has, and how many marks a
 * line has that fits, or how many it has at least and then 1; then of each literal where its text is, its length, the
 * places of its first and last mark in it and how many it has, and of each gap the number of its marks (-1 for any),
 * where they are, and what else must hold: 0 nothing, 1 that it is a queue id, or that it is a number of up to -N
 * digits. */
enum { GAPS_, TOTAL, OPEN, HEAD };
enum { TEXT, LENGTH, FIRST, LAST, COUNT, LITERAL };
enum { MARKS, WHICH, RULE, GAP };
#define GAPS 16

/* The marks in the words of a line; one with more is left to the patterns. */
#define MARKS_SEEN 512

static int allows(int32_t rule, const uint8_t *text, Py_ssize_t length)
{
    if (rule == 1) {
        if (length < 5 || length > 25 || (length == 7 && !memcmp(text, "NOQUEUE", 7)))
            return 0;
        while (length--)
            if (!(KIND[text[length]] & (DIGIT | LETTER)))
                return 0;
    } else if (rule < 0) {
        if (length < 1 || length > -rule)
            return 0;
        while (length--)
            if (!IS_DIGIT(text[length]))
                return 0;
    }
    return 1;
}

static int stands(const uint8_t *data, place at, const int32_t *literal, const uint8_t *texts)
{
    return !memcmp(data + at, texts + literal[TEXT], literal[LENGTH]);
}

/* Whether these are just the marks that a gap holds. */
static int holds(const uint8_t *data, const place *marks, const int32_t *gap, const uint8_t *texts)
{
    for (int32_t each = 0; each < gap[MARKS]; each++)
        if (data[marks[each]] != texts[gap[WHICH] + each])
            return 0;
    return 1;
}

/* The words of a line: where they begin and end, and their marks. */
typedef struct {
    place begin, end;
    int32_t count;
    place marks[MARKS_SEEN];
} Words;

/* Whether some words are a template's; `span` is where each gap begins and ends in them.
 *
 * The marks are counted: which of them a literal must have is known, so where it stands is, too. */
static int fits(const uint8_t *data, const Words *words, const int32_t *code, const uint8_t *texts, int32_t *span)
{
    int32_t gaps = code[GAPS_], count = words->count, number = 0;
    if (code[OPEN] ? count < code[TOTAL] : count != code[TOTAL])
        return 0;
    const int32_t *literal = code + HEAD, *last = literal + gaps * (LITERAL + GAP), *gap;
    const place *marks = words->marks, *beyond = marks + count;
    place at = words->begin, stop = words->end - last[LENGTH];
    if (stop < at + literal[LENGTH] && (gaps || stop != at))
        return 0;
    if (!stands(data, at, literal, texts) || !stands(data, stop, last, texts))
        return 0;
    at += literal[LENGTH];
    marks += literal[COUNT];
    for (gap = literal + LITERAL; number < gaps && gap[MARKS] >= 0; number++, gap = literal + LITERAL) {
        place next = stop;
        literal = gap + GAP;
        if (!holds(data, marks, gap, texts))
            return 0;
        if (literal != last) {
            next = marks[gap[MARKS]] - literal[FIRST];
            if (next < at || next + literal[LENGTH] > stop || !stands(data, next, literal, texts))
                return 0;
        }
        if (next < at || (gap[MARKS] && (marks[0] < at || marks[gap[MARKS] - 1] >= next)) ||
            !allows(gap[RULE], data + at, next - at))
            return 0;
        marks += gap[MARKS] + literal[COUNT];
        span[2 * number] = (int32_t)(at - words->begin);
        span[2 * number + 1] = (int32_t)(next - words->begin);
        at = next + literal[LENGTH];
    }
    if (number == gaps)
        return 1;
    /* The gap that may hold anything: what follows it is counted from the end on. */
    int32_t open = number;
    span[2 * open] = (int32_t)(at - words->begin);
    beyond -= last[COUNT];
    literal = last;
    for (number = gaps - 1; number > open; number--) {
        gap = literal - GAP;
        literal = gap - LITERAL;
        beyond -= gap[MARKS];
        place from = beyond[-1] - literal[LAST], behind = from + literal[LENGTH];
        if (from < at || behind > stop || !stands(data, from, literal, texts) || !holds(data, beyond, gap, texts) ||
            (gap[MARKS] && (beyond[0] < behind || beyond[gap[MARKS] - 1] >= stop)) ||
            !allows(gap[RULE], data + behind, stop - behind))
            return 0;
        beyond -= literal[COUNT];
        span[2 * number] = (int32_t)(behind - words->begin);
        span[2 * number + 1] = (int32_t)(stop - words->begin);
        stop = from;
    }
    span[2 * open + 1] = (int32_t)(stop - words->begin);
    return at <= stop;
}

/* match(data, text, end, rows, (code, begins, texts), found, spans) -> the number of templates
 *
 * Which template fits each of the rows next (32 bits, -1 for none), beyond the one that `found` has, and the gaps'
 * spans in its words: 2 * GAPS (32 bits) a row. */
static PyObject *match(PyObject *self, PyObject *args)
{
    PyObject *data_, *text_, *end_, *rows_, *code_, *begins_, *texts_, *found_, *spans_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOO(OOO)OO", &data_, &text_, &end_, &rows_, &code_, &begins_, &texts_, &found_,
                          &spans_))
        return NULL;
    const uint8_t *data = take(&all, data_, 0, 0);
    const place *text = data ? take(&all, text_, 0, 0) : NULL;
    const place *end = text ? take(&all, end_, 0, all.view[1].len) : NULL;
    const place *rows = end ? take(&all, rows_, 0, 0) : NULL;
    const int32_t *code = rows ? take(&all, code_, 0, 0) : NULL;
    const int32_t *begins = code ? take(&all, begins_, 0, 0) : NULL;
    const uint8_t *texts = begins ? take(&all, texts_, 0, 0) : NULL;
    Py_ssize_t count = texts ? all.view[3].len / 8 : 0;
    int32_t *found = texts ? take(&all, found_, 1, count * 4) : NULL;
    int32_t *spans = found ? take(&all, spans_, 1, count * 2 * GAPS * 4) : NULL;
    if (!spans)
        return give_back(&all, NULL);
    Py_ssize_t templates = all.view[5].len / 4, lines = all.view[1].len / 8, length = all.view[0].len;
    Words words;
    for (Py_ssize_t each = 0; each < count; each++, spans += 2 * GAPS) {
        place row = rows[each];
        int32_t number = found[each] < 0 ? 0 : found[each] + 1;
        found[each] = -1;
        if (row < 0 || row >= lines || text[row] < 0 || end[row] < text[row] || end[row] > length) {
            PyErr_SetString(PyExc_IndexError, "a line is not in the data");
            return give_back(&all, NULL);
        }
        words.begin = text[row];
        words.end = end[row];
        words.count = 0;
        /* Every byte is written down and the next one over it, unless it is a mark: no branch to be guessed wrongly. */
        for (place at = words.begin; at < words.end && words.count < MARKS_SEEN; at++) {
            words.marks[words.count] = at;
            words.count += MARK[data[at]];
        }
        if (words.count == MARKS_SEEN)
            continue;
        for (; number < templates; number++)
            if (fits(data, &words, code + begins[number], texts, spans)) {
                found[each] = number;
                break;
            }
    }
    return give_back(&all, PyLong_FromSsize_t(templates));
}

/* spread(found, spans, rows, text, counts, out_rows, out_spans)
 *
 * The same template by template: `counts` are how many rows each template has found and how many gaps it has, in
 * turns. Of each template the rows, and then gap by gap where it begins and where it ends in each of them. */
static PyObject *spread(PyObject *self, PyObject *args)
{
    PyObject *found_, *spans_, *rows_, *text_, *counts_, *out_rows_, *out_spans_;
    Buffers all = {.count = 0};
    if (!PyArg_ParseTuple(args, "OOOOOOO", &found_, &spans_, &rows_, &text_, &counts_, &out_rows_, &out_spans_))
        return NULL;
    const int32_t *found = take(&all, found_, 0, 0);
    Py_ssize_t count = found ? all.view[0].len / 4 : 0;
    const int32_t *spans = found ? take(&all, spans_, 0, count * 2 * GAPS * 4) : NULL;
    const place *rows = spans ? take(&all, rows_, 0, count * 8) : NULL;
    const place *text = rows ? take(&all, text_, 0, 0) : NULL;
    const place *counts = text ? take(&all, counts_, 0, 0) : NULL;
    place *out_rows = counts ? take(&all, out_rows_, 1, 0) : NULL;
    place *out_spans = out_rows ? take(&all, out_spans_, 1, 0) : NULL;
    if (!out_spans)
        return give_back(&all, NULL);
    Py_ssize_t templates = all.view[4].len / 16, lines = all.view[3].len / 8, rows_needed = 0, spans_needed = 0;
    place *state = calloc(templates ? templates * 3 : 1, sizeof *state);
    if (!state)
        return give_back(&all, PyErr_NoMemory());
    for (Py_ssize_t number = 0; number < templates; number++) {
        state[3 * number + 1] = rows_needed;
        state[3 * number + 2] = spans_needed;
        rows_needed += counts[2 * number];
        spans_needed += counts[2 * number] * 2 * counts[2 * number + 1];
    }
    if (all.view[5].len < rows_needed * 8 || all.view[6].len < spans_needed * 8) {
        free(state);
        PyErr_SetString(PyExc_ValueError, "a buffer is too small");
        return give_back(&all, NULL);
    }
    for (Py_ssize_t each = 0; each < count; each++) {
        int32_t number = found[each];
        if (number < 0)
            continue;
        if (number >= templates || state[3 * number] >= counts[2 * number] || counts[2 * number + 1] > GAPS ||
            rows[each] < 0 || rows[each] >= lines) {
            free(state);
            PyErr_SetString(PyExc_ValueError, "more rows than counted");
            return give_back(&all, NULL);
        }
        place at = state[3 * number]++, total = counts[2 * number], *out = out_spans + state[3 * number + 2] + at;
        out_rows[state[3 * number + 1] + at] = rows[each];
        for (place side = 0; side < 2 * counts[2 * number + 1]; side++)
            out[side * total] = text[rows[each]] + spans[each * 2 * GAPS + side];
    }
    free(state);
    Py_INCREF(Py_None);
    return give_back(&all, Py_None);
}

static PyMethodDef methods[] = {
    {"lines", lines, METH_VARARGS, "Find the lines of a block."},
    {"runs", runs, METH_VARARGS, "Find the lines that begin otherwise than the line before."},
    {"headings", headings, METH_VARARGS, "Read the headings of lines."},
    {"match", match, METH_VARARGS, "Find the template that fits each line."},
    {"spread", spread, METH_VARARGS, "Sort what match() found by template."},
    {"encode", encode, METH_VARARGS, "Number the different texts of ranges."},
    {"gather", gather, METH_VARARGS, "Join the texts of ranges."},
    {"next_mark", next_mark, METH_VARARGS, "Find the next space or bracket."},
    {"says", says, METH_VARARGS, "Tell where some bytes stand."},
    {"numbers", numbers, METH_VARARGS, "Read the numbers that stand in ranges."},
    {"ipv4", ipv4, METH_VARARGS, "Tell which ranges hold an IPv4 address."},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
    for (int byte = 0; byte < 256; byte++)
        KIND[byte] = byte == ' ' ? SPACE : byte < ' ' || byte >= 0x7F || strchr("<>[]\"", byte) ? BRACKET : PLAIN;
    for (int byte = '0'; byte <= '9'; byte++)
        KIND[byte] = DIGIT;
    for (int byte = 'A'; byte <= 'Z'; byte++)
        KIND[byte] = KIND[byte | 0x20] = LETTER;
    for (int byte = 0; byte < 256; byte++)
        MARK[byte] = IS_MARK(byte) != 0;
    return PyModule_AddIntConstant(module, "GAPS", GAPS);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "scanner", "What is frequent in a block of lines, found in one pass over its bytes.", 0,
    methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_scanner(void)
{
    return PyModuleDef_Init(&definition);
}
