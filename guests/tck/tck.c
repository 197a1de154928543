/* The conformance guest in C; those in other languages do the same. It plays one case of
 * the test beside it: calls one function with a text and so much room, and writes
 * what came back and what lies in the room and in the four bytes behind it. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"tck","version":"1.0.0","keys":["/tck"],"functions":{"join":{"args":2}}});

static int is(wc_str s, wc_str t) {
  if (s.n != t.n) return 0;
  for (wc_u32 i = 0; i < s.n; i++) if (s.p[i] != t.p[i]) return 0;
  return 1;
}
static wc_u32 number(wc_str s) {
  wc_u32 n = 0;
  for (wc_u32 i = 0; i < s.n; i++) n = 10 * n + (s.p[i] - '0');
  return n;
}
static void decimal(int n) {
  char digits[12], *p = digits + sizeof digits;
  wc_u32 left = n < 0 ? -n : n;
  do *--p = '0' + left % 10; while (left /= 10);
  if (n < 0) *--p = '-';
  wc_out((wc_str){p, digits + sizeof digits - p});
}
#define IS(name) is(function, WC_LIT(name))

WC_EXPORT(render) {
  wc_str function = wc_param(WC_LIT("function")), text = wc_param(WC_LIT("text")), wild = wc_param(WC_LIT("wild"));
  wc_u32 cap = number(wc_param(WC_LIT("room"))), len = text.n;
  char *room = wc_alloc(cap + 4), *p = wc_alloc(len), *b = room;
  for (wc_u32 i = 0; i < cap + 4; i++) room[i] = '.';
  for (wc_u32 i = 0; i < len; i++) p[i] = text.p[i] == '~' ? '\xff' : text.p[i]; /* no UTF-8 */
  if (is(wild, WC_LIT("text"))) p = (char *)0xfffffff0;
  if (is(wild, WC_LIT("buffer"))) b = (char *)0xfffffff0;
  int n = 0;
  if (IS("getv")) n = wc_getv_(p, len, b, cap);
  else if (IS("exists")) n = wc_exists_(p, len);
  else if (IS("gets")) n = wc_gets_(p, len, b, cap);
  else if (IS("getvs")) n = wc_getvs_(p, len, b, cap);
  else if (IS("ls")) n = wc_ls_(p, len, b, cap);
  else if (IS("lsdir")) n = wc_lsdir_(p, len, b, cap);
  else if (IS("param")) n = wc_param_(p, len, b, cap);
  else if (IS("params")) n = wc_params_(b, cap);
  else if (IS("input")) n = wc_input_(b, cap);
  else if (IS("write")) wc_write_(p, len);
  else if (IS("log")) wc_log_(cap, p, len);
  else if (IS("fail")) wc_fail_(p, len);
  else return 1;
  decimal(n); WC_OUT(" "); wc_out((wc_str){room, cap + 4}); wc_flush();
  return 0;
}

/* filter doubles its input; check refuses an empty one; call joins its arguments. */
WC_EXPORT(filter) {
  wc_str in = wc_input();
  wc_out(in); wc_out(in); wc_flush();
  return 0;
}

WC_EXPORT(check) {
  if (wc_input().n == 0) wc_fail(WC_LIT("nothing to check"), WC_LIT(""));
  return 0;
}

WC_EXPORT(call) {
  wc_cursor c = wc_each(wc_input());
  wc_str name, a, b;
  if (!wc_next(&c, &name) || !wc_next(&c, &a) || !wc_next(&c, &b)) return 1;
  wc_out(wc_cat(a, WC_LIT("+"), b)); wc_flush();
  return 0;
}
