/* A check: no two lines begin with the same word.
 *
 *     checks = ["unique.wasm"]
 *
 * Comments and empty lines do not count. It says which lines, never what is in
 * them. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"unique","version":"1.0.0","description":"no two lines begin with the same word","limits":{"memory_mib":16}});

typedef struct { wc_str word; wc_u32 number; } line;

/* next finds the next line that counts. */
static int next(wc_str *text, line *l) {
  while (text->n) {
    wc_u32 word = 0, end;
    while (word < text->n && text->p[word] != ' ' && text->p[word] != '\t' && text->p[word] != '\n') word++;
    for (end = word; end < text->n && text->p[end] != '\n';) end++;
    l->word = (wc_str){text->p, word};
    l->number++;
    end += end < text->n;
    *text = (wc_str){text->p + end, text->n - end};
    if (word && l->word.p[0] != '#') return 1;
  }
  return 0;
}

static int same(wc_str a, wc_str b) {
  if (a.n != b.n) return 0;
  for (wc_u32 i = 0; i < a.n; i++) if (a.p[i] != b.p[i]) return 0;
  return 1;
}

static wc_str decimal(wc_u32 n) {
  char *end = wc_alloc(16) + 16, *p = end;
  do *--p = '0' + n % 10; while (n /= 10);
  return (wc_str){p, end - p};
}

WC_EXPORT(check) {
  wc_str text = wc_input();
  for (line a = {0}; next(&text, &a);) {
    wc_str rest = text;
    for (line b = a; next(&rest, &b);) {
      if (same(a.word, b.word)) wc_fail(wc_cat(WC_LIT("line "), decimal(b.number), WC_LIT(" begins like line ")), decimal(a.number));
    }
  }
  return 0;
}
