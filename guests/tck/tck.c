/* The conformance guest: it asks every host function what the ABI promises and
 * writes a line for each answer, in TAP. Its keys, parameters and limits are
 * those of the test beside it. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"tck","version":"1.0.0","keys":["/tck"],"params":{"colour":{"default":"red"},"empty":{}},"functions":{"join":{"args":2}}});

static int number;

static int equal(wc_str a, wc_str b) { return a.p && a.n == b.n && !__builtin_memcmp(a.p, b.p, a.n); }
int memcmp(const void *a, const void *b, __SIZE_TYPE__ n) {
  const unsigned char *p = a, *q = b;
  for (; n; n--, p++, q++) if (*p != *q) return *p - *q;
  return 0;
}

static void ok(int good, wc_str what) {
  number++;
  char digits[3] = {'0' + number / 10, '0' + number % 10, ' '};
  if (!good) WC_OUT("not ");
  WC_OUT("ok "); wc_out((wc_str){digits, 3}); WC_OUT("- "); wc_out(what); WC_OUT("\n");
}
#define OK(good, what) ok(good, WC_LIT(what))

/* joined writes the items of a LIST with commas. */
static wc_str joined(wc_str list) {
  wc_str all = WC_LIT("");
  wc_cursor c = wc_each(list);
  for (wc_str s; wc_next(&c, &s);) all = wc_cat(all, s, WC_LIT(","));
  return all;
}
static wc_str joined_pairs(wc_str kvs) {
  wc_str all = WC_LIT("");
  wc_cursor c = wc_each(kvs);
  for (wc_str k, v; wc_next_pair(&c, &k, &v);) all = wc_cat(wc_cat(all, k, WC_LIT("=")), v, WC_LIT(","));
  return all;
}

static void answers(void) {
  OK(equal(wc_lookup(WC_LIT("/tck/a")), WC_LIT("1")), "getv gives a value");
  wc_str empty = wc_lookup(WC_LIT("/tck/empty"));
  OK(empty.p && empty.n == 0, "getv gives an empty value");
  OK((int)wc_lookup(WC_LIT("/tck/none")).n == -1, "getv: NOT_FOUND");
  OK((int)wc_lookup(WC_LIT("/tck/")).n == -1, "getv cleans nothing");
  OK((int)wc_lookup(WC_LIT("/tckle")).n == -2, "getv: DENIED, for a neighbour by prefix");
  OK((int)wc_lookup(WC_LIT("/secret/pw")).n == -2, "getv: DENIED");
  OK((int)wc_lookup(WC_LIT("/tck/\xff")).n == -3, "getv: INVALID");
  OK((int)wc_lookup(WC_LIT("/tck/huge")).n == -4, "getv: TOO_LARGE");
  OK(wc_exists_("/tck/a", 6) == 1, "exists: 1");
  OK(wc_exists_("/tck/dir", 8) == 0, "exists: 0 for a directory");
  OK(wc_exists_("/secret/pw", 10) == -2, "exists: DENIED");
  OK(equal(joined_pairs(wc_gets(WC_LIT("/tck/?"))), WC_LIT("/tck/a=1,/tck/b=0,")), "gets: pairs in the order of keys");
  OK(wc_gets(WC_LIT("/secret/*")).n == 4, "gets: nothing outside the keys");
  OK((int)wc_gets(WC_LIT("[")).n == -3, "gets: INVALID");
  OK(equal(joined(wc_getvs(WC_LIT("/tck/?"))), WC_LIT("0,1,")), "getvs: values in their own order");
  OK(equal(joined(wc_ls(WC_LIT("/tck"))), WC_LIT("a,b,dir,empty,huge,")), "ls: names in order");
  OK(equal(joined(wc_ls(WC_LIT("/tck/a"))), WC_LIT("a,")), "ls: a key lists its own name");
  OK(wc_ls(WC_LIT("/none")).n == 4, "ls: nothing");
  OK(equal(joined(wc_lsdir(WC_LIT("/tck"))), WC_LIT("dir,")), "lsdir: directories only");
  OK(equal(wc_param(WC_LIT("colour")), WC_LIT("blue")), "param: the resource's value");
  OK((int)wc_param(WC_LIT("none")).n == -1, "param: NOT_FOUND");
  OK(equal(wc_param(WC_LIT("wconf.name")), WC_LIT("tck")), "param: wconf.name");
  OK(equal(joined_pairs(wc_params()), WC_LIT("colour=blue,wconf.dest=/tmp/tck,wconf.name=tck,")), "params: all, but wconf.revision");
  OK(equal(wc_param(WC_LIT("wconf.revision")), WC_LIT("1")), "param: wconf.revision");
  OK((int)wc_input().n == -1, "input: NOT_FOUND in render");
}

static void buffers(void) {
  char buf[64] = "................";
  OK(wc_ls_("/tck", 4, buf, 0) > 20, "no room: the length");
  int n = wc_ls_("/tck", 4, buf, 8);
  OK(n > 8 && !memcmp(buf, "................", 16), "too little room: nothing is written");
  OK(wc_ls_("/tck", 4, buf, sizeof buf) == n && wc_u32_at(buf) == 5, "then enough: the same answer");
  OK(wc_getv_("/tck/a", 6, buf, 1) == 1 && buf[0] == '1', "just enough room");
}

WC_EXPORT(render) {
  wc_log(0, WC_LIT("debug")); wc_log(3, WC_LIT("err\033or"));
  answers();
  buffers();
  wc_flush();
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
