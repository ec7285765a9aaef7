/* What the parts of the engine share: the imports and exports of ABI.md, the heap, and the few functions that
   internals.c adds to QuickJS. Everything here is private to the wasm module. */
#ifndef SWITCHYARD_ENGINE_H
#define SWITCHYARD_ENGINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include "quickjs.h"

#define SY_IMPORT(name) __attribute__((import_module("switchyard"), import_name(name)))
#define SY_EXPORT(name) __attribute__((export_name(name)))

/* Numbers of ABI.md that the engine itself speaks. */
enum { SY_OP_THROW = 2, SY_OP_START_ERROR = 15 };
enum { SY_REFUSED_OVER = 3 };
enum { SY_EVENT_DISPATCH = 0 };
enum { SY_SYNC_MODULE_RESOLVE = 1, SY_SYNC_MODULE_SOURCE = 2 };
enum { SY_TAG_NULL, SY_TAG_INT, SY_TAG_FLOAT, SY_TAG_TEXT, SY_TAG_BYTES, SY_TAG_FALSE, SY_TAG_TRUE, SY_TAG_FAR };
enum { SY_KIND_ESM, SY_KIND_TEXT, SY_KIND_DATA, SY_KIND_JSON, SY_KIND_COMMONJS, SY_KIND_SCRIPT };
/* Callbacks of the platform: events of ABI.md, and what the engine itself asks of it. */
enum { SY_CALL_COMMONJS = 30, SY_CALL_SITES = 40, SY_CALL_SCRIPT = 41, SY_CALL_ATTRIBUTES = 42, SY_CALL_REJECTION = 43 };
#define SY_EVENT_KINDS 48

SY_IMPORT("op") int32_t sy_host_op(int32_t kind, int32_t id, const void *ptr, int32_t len);
SY_IMPORT("sync") int32_t sy_host_sync(int32_t kind, const void *ptr, int32_t len);
SY_IMPORT("take") void sy_host_take(void *ptr);
SY_IMPORT("crypto") int32_t sy_host_crypto(int32_t what, const void *ptr, int32_t len, void *out, int32_t out_len);
SY_IMPORT("now") double sy_host_now(void);
SY_IMPORT("turn") int32_t sy_host_turn(int32_t request);

/* heap.c */
extern const JSMallocFunctions sy_heap_functions;
void *sy_heap_next(void *block);
void *sy_heap_seal(uint32_t slack);
uint32_t sy_heap_end(void);

/* internals.c, compiled inside quickjs.c */
void sy_freeze(JSRuntime *rt, uint32_t slack);
void sy_seed_random(JSContext *ctx, uint64_t seed);
void sy_set_eval(bool allowed);
void sy_mark_lasting(JSRuntime *rt);
void sy_count_request(void);
JSValueConst sy_context_get(JSRuntime *rt);
JSValue sy_context_swap(JSRuntime *rt, JSValue next);
void sy_context_mark(JSValueConst context, int32_t request);
bool sy_turn(JSRuntime *rt);
void sy_turn_begin(JSRuntime *rt);
const uint8_t *sy_bytes_of(JSValueConst value, size_t *len);
JSValue sy_ascii(JSContext *ctx, const uint8_t *text, size_t len);
const uint8_t *sy_latin1_of(JSValueConst value, size_t *len);
void sy_drop_empty(JSRuntime *rt);
JSValue sy_class_name(JSContext *ctx, JSValueConst value);
JSValue sy_proxy_parts(JSContext *ctx, JSValueConst value);
bool sy_is_error(JSValueConst value);
JSValue sy_promise(JSContext *ctx);
void sy_settle(JSContext *ctx, JSValueConst promise, JSValueConst value, bool rejects);
JSValue sy_stringify(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv);
JSValue sy_react(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_template(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_make(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_is_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_is_plain_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_make_quick(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_make_getter(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_set_headers_template(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_headers_class(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_headers_text(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_headers_init(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_headers_typed(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_headers_entries(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_params_list(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue sy_pairs_iterator(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSModuleDef *sy_module_find(JSContext *ctx, const char *name);
bool sy_module_can_run(JSModuleDef *m);

/* A message being written: starts in a fixed buffer, moves to the heap when it outgrows it. */
typedef struct {
    uint8_t *data;
    uint32_t len, cap;
    bool failed;
    bool far; /* long bytes are named by where they lie, not copied: for a call that is answered before anything moves */
} SyWriter;

/* host.c */
enum { SY_BUFFER = 16384 };
extern uint8_t sy_buffer[SY_BUFFER];
void sy_write_begin(SyWriter *w);
void sy_write_end(SyWriter *w);
void sy_write_null(SyWriter *w);
void sy_write_text(SyWriter *w, const char *text, size_t len);
int sy_write_value(JSContext *ctx, SyWriter *w, JSValueConst value);
/* Decodes a whole message into values of their own; the caller frees each and the array (js_free). -1: exception. */
int sy_read_values(JSContext *ctx, const uint8_t *data, size_t len, int reserve, JSValue **values);
JSValue sy_text(JSContext *ctx, const uint8_t *data, size_t len);
JSModuleDef *sy_host_module(JSContext *ctx);
JSValueConst sy_callback(int kind);

/* url.c */
int32_t sy_plain_url(const uint8_t *url, size_t len);

/* modules.c */
void sy_modules_install(JSRuntime *rt);
JSModuleDef *sy_module_load(JSContext *ctx, const char *name);
JSValue sy_module_import_now(JSContext *ctx, const char *name);

#endif
