/* The heap of the whole wasm module, in place of libc's: neighbours merge through sizes kept on both sides of a block,
   free blocks hang in lists by size class, and what no list can serve is cut from the end of memory in use.

   Why one of our own: freezing. sy_heap_seal() forgets every list and goes on at the next page, so that nothing older
   is ever handed out or taken back, and what comes later lies together on pages of its own. It also blanks what is dead,
   because memory images are made from these pages. The compiler must not turn calloc's body into a call of calloc:
   the build passes -fno-builtin-malloc. */
#include <errno.h>
#include "engine.h"

/* Every block begins with this. `before` is the size of the block in front, 0 for the first of a region; sizes count
   the 8 bytes of the tag. The two links exist only while the block is free. */
typedef struct Block {
    uint32_t before;
    uint32_t tag;
    struct Block *next;
    struct Block *prior;
} Block;

enum { TAG_BYTES = 8, SMALLEST = sizeof(Block), IN_USE = 1, FOR_ENGINE = 2, FLAGS = 7 };

/* Four classes to each power of two from 16 to 2^31. */
enum { FIRST_LOG = 4, CLASSES = (32 - FIRST_LOG) * 4, WORDS = (CLASSES + 31) / 32, LARGEST = 0x7fff0000 };
enum { PAGE = 4096, WASM_PAGE = 65536, GROW_STEP = 4 };

extern uint8_t __heap_base;

static Block *lists[CLASSES];
static uint32_t occupied[WORDS];
static uint32_t region;  /* first block since the last seal */
static uint32_t end;     /* where the next block would be cut */
static uint32_t last;    /* size of the block just before `end`, 0 if there is none */
static uint32_t highest; /* the furthest `end` has been since the last seal: above it memory is still zero */
static uint32_t limit;   /* size of the memory */
static uint32_t sealed;  /* addresses below are frozen */

static inline uint32_t size_of(const Block *b) { return b->tag & ~(uint32_t)FLAGS; }
static inline Block *at(uint32_t address) { return (Block *)(uintptr_t)address; }
static inline uint32_t address_of(const void *p) { return (uint32_t)(uintptr_t)p; }
static inline Block *after(Block *b) { return at(address_of(b) + size_of(b)); }
static inline Block *block_of(const void *p) { return at(address_of(p) - TAG_BYTES); }

static inline uint32_t class_of(uint32_t size)
{
    uint32_t log = 31 - (uint32_t)__builtin_clz(size);
    return (log - FIRST_LOG) * 4 + ((size >> (log - 2)) & 3);
}

static inline uint32_t round_up(size_t wanted)
{
    uint32_t size = ((uint32_t)wanted + TAG_BYTES + 7) & ~7u;
    return size < SMALLEST ? SMALLEST : size;
}

static void start(void)
{
    region = end = highest = (address_of(&__heap_base) + 15) & ~15u;
    limit = (uint32_t)__builtin_wasm_memory_size(0) * WASM_PAGE;
}

/* Makes memory exist up to `to`. */
static bool reach(uint32_t to)
{
    if (to <= limit)
        return true;
    uint32_t need = (to - limit + WASM_PAGE - 1) / WASM_PAGE;
    uint32_t pages = need < GROW_STEP ? GROW_STEP : need;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
        pages = need;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1)
            return false;
    }
    limit += pages * WASM_PAGE;
    return true;
}

static void hang_up(Block *b, uint32_t size)
{
    uint32_t c = class_of(size);
    b->tag = size;
    b->prior = NULL;
    b->next = lists[c];
    if (b->next)
        b->next->prior = b;
    lists[c] = b;
    occupied[c / 32] |= 1u << (c % 32);
    at(address_of(b) + size)->before = size;
}

static void take_down(Block *b)
{
    uint32_t c = class_of(size_of(b));
    if (b->next)
        b->next->prior = b->prior;
    if (b->prior) {
        b->prior->next = b->next;
    } else {
        lists[c] = b->next;
        if (!b->next)
            occupied[c / 32] &= ~(1u << (c % 32));
    }
}

/* A free block of at least that size: a few of its own class, whose sizes vary, then the head of the next larger class
   that has any. */
static Block *search(uint32_t size)
{
    uint32_t c = class_of(size), looked = 0;
    for (Block *b = lists[c]; b && looked < 8; b = b->next, looked++)
        if (size_of(b) >= size)
            return b;
    c++;
    for (uint32_t w = c / 32; w < WORDS; w++) {
        uint32_t bits = occupied[w];
        if (w == c / 32)
            bits &= ~0u << (c % 32);
        if (bits)
            return lists[w * 32 + (uint32_t)__builtin_ctz(bits)];
    }
    return NULL;
}

void *malloc(size_t wanted)
{
    if (!region)
        start();
    if (wanted > LARGEST)
        goto none;
    uint32_t size = round_up(wanted);
    Block *b = search(size);
    if (b) {
        uint32_t whole = size_of(b);
        take_down(b);
        if (whole - size >= SMALLEST) {
            Block *rest = at(address_of(b) + size);
            rest->before = size;
            hang_up(rest, whole - size);
            whole = size;
        }
        b->tag = whole | IN_USE;
        return (uint8_t *)b + TAG_BYTES;
    }
    if (!reach(end + size + SMALLEST))
        goto none;
    b = at(end);
    b->before = last;
    b->tag = size | IN_USE;
    last = size;
    end += size;
    at(end)->before = size;
    if (end > highest)
        highest = end;
    return (uint8_t *)b + TAG_BYTES;
none:
    errno = ENOMEM;
    return NULL;
}

void free(void *p)
{
    if (!p || address_of(p) < sealed)
        return;
    Block *b = block_of(p);
    uint32_t size = size_of(b);
    if (b->before) {
        Block *front = at(address_of(b) - b->before);
        if (!(front->tag & IN_USE)) {
            take_down(front);
            size += size_of(front);
            b = front;
        }
    }
    Block *behind = at(address_of(b) + size);
    if (address_of(behind) != end && !(behind->tag & IN_USE)) {
        take_down(behind);
        size += size_of(behind);
        behind = at(address_of(b) + size);
    }
    if (address_of(behind) == end) { /* the last one: memory in use ends earlier now */
        end = address_of(b);
        last = b->before;
    } else {
        hang_up(b, size);
    }
}

size_t malloc_usable_size(void *p) { return p ? size_of(block_of(p)) - TAG_BYTES : 0; }

void *calloc(size_t count, size_t size)
{
    uint64_t bytes = (uint64_t)count * size;
    void *p = bytes > LARGEST ? NULL : malloc((size_t)bytes);
    if (p)
        memset(p, 0, (size_t)bytes);
    return p;
}

void *realloc(void *p, size_t wanted)
{
    if (!p)
        return malloc(wanted);
    if (wanted > LARGEST) {
        errno = ENOMEM;
        return NULL;
    }
    Block *b = block_of(p);
    uint32_t have = size_of(b), size = round_up(wanted);
    if (size <= have && (size >= have / 2 || address_of(p) < sealed))
        return p;
    if (size > have && address_of(p) >= sealed && address_of(after(b)) == end &&
        reach(address_of(b) + size + SMALLEST)) {
        b->tag = size | (b->tag & FLAGS);
        last = size;
        end = address_of(b) + size;
        at(end)->before = size;
        if (end > highest)
            highest = end;
        return p;
    }
    void *q = malloc(wanted);
    if (!q)
        return NULL;
    block_of(q)->tag |= b->tag & FOR_ENGINE;
    memcpy(q, p, wanted < have - TAG_BYTES ? wanted : have - TAG_BYTES);
    free(p);
    return q;
}

void *aligned_alloc(size_t alignment, size_t wanted)
{
    if (alignment > 8) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(wanted);
}

/* QuickJS's own requests are marked, so that freezing can find its large blocks. */
static void *marked(void *p)
{
    if (p)
        block_of(p)->tag |= FOR_ENGINE;
    return p;
}
static void *engine_calloc(void *opaque, size_t count, size_t size) { return marked(calloc(count, size)); }
static void *engine_malloc(void *opaque, size_t size) { return marked(malloc(size)); }
static void engine_free(void *opaque, void *p) { free(p); }
static void *engine_realloc(void *opaque, void *p, size_t size) { return marked(realloc(p, size)); }
static size_t engine_size(const void *p) { return malloc_usable_size((void *)(uintptr_t)p); }

const JSMallocFunctions sy_heap_functions = { engine_calloc, engine_malloc, engine_free, engine_realloc, engine_size };

/* Walks the engine's blocks since the last seal: the first for NULL, NULL after the last. */
void *sy_heap_next(void *block)
{
    uint32_t a = block ? address_of(after(block_of(block))) : region;
    for (; a < end; a += size_of(at(a)))
        if ((at(a)->tag & (IN_USE | FOR_ENGINE)) == (IN_USE | FOR_ENGINE))
            return (void *)(uintptr_t)(a + TAG_BYTES);
    return NULL;
}

/* Freezes what there is and starts a region on a page of its own, with `slack` bytes of memory behind it, so that an
   ordinary request never has to grow the memory. Returns where the region begins. */
void *sy_heap_seal(uint32_t slack)
{
    for (int c = 0; c < CLASSES; c++) {
        for (Block *b = lists[c], *next; b; b = next) {
            next = b->next;
            memset(&b->next, 0, size_of(b) - TAG_BYTES);
        }
        lists[c] = NULL;
    }
    memset(occupied, 0, sizeof occupied);
    /* Above `end` lie only the remains of blocks given back. The tag at `end` goes with them. */
    memset(at(end), 0, highest > end ? highest - end : 0);
    at(end)->before = 0;
    region = end = highest = (end + SMALLEST + PAGE - 1) & ~(uint32_t)(PAGE - 1);
    last = 0;
    sealed = region;
    reach(region + slack);
    return (void *)(uintptr_t)region;
}

uint32_t sy_heap_end(void) { return end; }
