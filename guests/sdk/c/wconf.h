/* wconf.h: write guests for wconf in C. ABI wconf/v1, no C library needed.
 *
 * Strings are a pointer and a length (wc_str), never NUL-terminated. What the
 * wc_ functions return lives in an arena that lasts until the invocation ends:
 * every invocation is a fresh instance, so that nothing is ever freed.
 */
#ifndef WCONF_H
#define WCONF_H
typedef unsigned int wc_u32;
typedef struct { const char *p; wc_u32 n; } wc_str;

#define WC_IMPORT(name) __attribute__((import_module("wconf/v1"), import_name(#name)))
/* generated from package hostfuncs: make generate */
WC_IMPORT(getv) int wc_getv_(const char *key, wc_u32 key_len, char *buf, wc_u32 cap);
WC_IMPORT(exists) int wc_exists_(const char *key, wc_u32 key_len);
WC_IMPORT(gets) int wc_gets_(const char *pattern, wc_u32 pattern_len, char *buf, wc_u32 cap);
WC_IMPORT(getvs) int wc_getvs_(const char *pattern, wc_u32 pattern_len, char *buf, wc_u32 cap);
WC_IMPORT(ls) int wc_ls_(const char *dir, wc_u32 dir_len, char *buf, wc_u32 cap);
WC_IMPORT(lsdir) int wc_lsdir_(const char *dir, wc_u32 dir_len, char *buf, wc_u32 cap);
WC_IMPORT(param) int wc_param_(const char *name, wc_u32 name_len, char *buf, wc_u32 cap);
WC_IMPORT(params) int wc_params_(char *buf, wc_u32 cap);
WC_IMPORT(input) int wc_input_(char *buf, wc_u32 cap);
WC_IMPORT(write) void wc_write_(const char *data, wc_u32 data_len);
WC_IMPORT(log) void wc_log_(int level, const char *message, wc_u32 message_len);
WC_IMPORT(fail) __attribute__((noreturn)) void wc_fail_(const char *message, wc_u32 message_len);
/* end of what is generated */

/* WC_EXPORT(render) { ... return 0; } */
#define WC_EXPORT(name) __attribute__((export_name(#name), visibility("default"))) int name(void)
#define WC_LIT(text) ((wc_str){(text), sizeof(text) - 1})
/* WC_MANIFEST({"abi":"1.0","keys":["/nginx"]}) puts the manifest into the module. */
#define WC_S_(...) #__VA_ARGS__
#define WC_S(x) WC_S_(x)
#define WC_MANIFEST(...) __asm__(".section .custom_section.wconf,\"\",@\n.ascii " WC_S(WC_S_(__VA_ARGS__)) "\n.text\n")

extern char __heap_base; /* from the linker: the end of the static data */
static char *wc_arena, *wc_arena_end;
/* wc_room makes sure that n more bytes of the arena exist. */
static void wc_room(wc_u32 n) {
  if (!wc_arena) { wc_arena = &__heap_base; wc_arena_end = (char *)(__builtin_wasm_memory_size(0) << 16); }
  if ((wc_u32)(wc_arena_end - wc_arena) >= n) return;
  if (__builtin_wasm_memory_grow(0, (n >> 16) + 1) == (__SIZE_TYPE__)-1) wc_fail_("out of memory", 13);
  wc_arena_end = (char *)(__builtin_wasm_memory_size(0) << 16);
}
static char *wc_alloc(wc_u32 n) { n = (n + 7) & ~7u; wc_room(n); char *p = wc_arena; wc_arena += n; return p; }

/* WC_FILL calls a function that fills a buffer: once with what room there is,
 * and again with enough when the answer is longer. {0, code} when it is < 0. */
#define WC_FILL(call)                                        \
  ({ wc_room(4096); wc_u32 cap_ = wc_arena_end - wc_arena;   \
     char *buf_ = wc_arena; int n_ = call;                   \
     if (n_ > (int)cap_) { wc_room(n_); buf_ = wc_arena; cap_ = n_; n_ = call; } \
     n_ < 0 ? (wc_str){0, n_} : (wc_str){wc_alloc(n_), n_}; })

/* wc_lookup and wc_param give {0, …} for what is not there. */
static inline wc_str wc_lookup(wc_str key) { return WC_FILL(wc_getv_(key.p, key.n, buf_, cap_)); }
static inline wc_str wc_param(wc_str name) { return WC_FILL(wc_param_(name.p, name.n, buf_, cap_)); }
static inline wc_str wc_input(void) { return WC_FILL(wc_input_(buf_, cap_)); }
static inline wc_str wc_gets(wc_str pattern) { return WC_FILL(wc_gets_(pattern.p, pattern.n, buf_, cap_)); }
static inline wc_str wc_getvs(wc_str pattern) { return WC_FILL(wc_getvs_(pattern.p, pattern.n, buf_, cap_)); }
static inline wc_str wc_ls(wc_str dir) { return WC_FILL(wc_ls_(dir.p, dir.n, buf_, cap_)); }
static inline wc_str wc_lsdir(wc_str dir) { return WC_FILL(wc_lsdir_(dir.p, dir.n, buf_, cap_)); }
static inline wc_str wc_params(void) { return WC_FILL(wc_params_(buf_, cap_)); }
static inline int wc_exists(wc_str key) { return wc_exists_(key.p, key.n) == 1; }
static inline void wc_log(int level, wc_str message) { wc_log_(level, message.p, message.n); }

/* wc_cat joins up to three strings; the rest may be {0}. */
static wc_str wc_cat(wc_str a, wc_str b, wc_str c) {
  char *p = wc_alloc(a.n + b.n + c.n);
  __builtin_memcpy(p, a.p, a.n); __builtin_memcpy(p + a.n, b.p, b.n); __builtin_memcpy(p + a.n + b.n, c.p, c.n);
  return (wc_str){p, a.n + b.n + c.n};
}
static __attribute__((noreturn)) void wc_fail(wc_str why, wc_str what) {
  wc_str s = wc_cat(why, what, WC_LIT(""));
  wc_fail_(s.p, s.n);
}
/* wc_getv ends the invocation when the key is not there; wc_getv_or does not. */
static inline wc_str wc_getv(wc_str key) { wc_str v = wc_lookup(key); if (!v.p) wc_fail(WC_LIT("key does not exist: "), key); return v; }
static inline wc_str wc_getv_or(wc_str key, wc_str otherwise) { wc_str v = wc_lookup(key); return v.p ? v : otherwise; }

/* A LIST is taken apart by its cursor: for (wc_str s; wc_next(&list, &s);) { ... }
 * A KVS (wc_gets, wc_params) by wc_next_pair. */
static wc_u32 wc_u32_at(const char *p) { wc_u32 v; __builtin_memcpy(&v, p, 4); return v; }
typedef struct { const char *at; wc_u32 left; } wc_cursor;
static inline wc_cursor wc_each(wc_str list) { return (wc_cursor){list.p + 4, list.p ? wc_u32_at(list.p) : 0}; }
static inline int wc_next(wc_cursor *c, wc_str *item) {
  if (!c->left) return 0;
  *item = (wc_str){c->at + 4, wc_u32_at(c->at)};
  c->at += 4 + item->n; c->left--;
  return 1;
}
static inline int wc_next_pair(wc_cursor *c, wc_str *key, wc_str *value) {
  if (!c->left) return 0;
  *key = (wc_str){c->at + 8, wc_u32_at(c->at)};
  *value = (wc_str){key->p + key->n, wc_u32_at(c->at + 4)};
  c->at = value->p + value->n; c->left--;
  return 1;
}

/* Output is buffered: end with wc_flush. */
static char wc_buffer[8192];
static wc_u32 wc_buffered;
static void wc_flush(void) { if (wc_buffered) wc_write_(wc_buffer, wc_buffered); wc_buffered = 0; }
static void wc_out(wc_str s) {
  if (s.n > sizeof wc_buffer - wc_buffered) wc_flush();
  if (s.n > sizeof wc_buffer) { wc_write_(s.p, s.n); return; }
  __builtin_memcpy(wc_buffer + wc_buffered, s.p, s.n);
  wc_buffered += s.n;
}
#define WC_OUT(text) wc_out(WC_LIT(text))
#endif
