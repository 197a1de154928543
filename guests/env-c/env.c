/* A .env file for a shell: one variable for each key below /env. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"env","version":"1.0.0","description":"a .env file for a shell","keys":["/env"],"limits":{"memory_mib":4}});

/* byte writes one byte of an output that is buffered. */
static void byte(char c) { wc_out((wc_str){&c, 1}); }

/* variable writes the last name of a key as that of a variable. */
static void variable(wc_str key) {
  wc_u32 i = key.n;
  while (i && key.p[i - 1] != '/') i--;
  for (; i < key.n; i++) {
    char c = key.p[i];
    if (c >= 'a' && c <= 'z') c -= 'a' - 'A';
    byte(c == '-' ? '_' : c);
  }
}

/* quoted writes a value in single quotes, in which only they are special. */
static void quoted(wc_str value) {
  WC_OUT("'");
  for (wc_u32 i = 0; i < value.n; i++) {
    if (value.p[i] == '\'') WC_OUT("'\\''");
    else byte(value.p[i]);
  }
  WC_OUT("'\n");
}

WC_EXPORT(render) {
  WC_OUT("# For a shell: set -a; . ./.env\n");
  wc_cursor all = wc_each(wc_gets(WC_LIT("/env/*")));
  for (wc_str key, value; wc_next_pair(&all, &key, &value);) {
    variable(key);
    WC_OUT("=");
    quoted(value);
  }
  wc_flush();
  return 0;
}
