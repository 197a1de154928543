/* A filter: the second words of lines begin in one column.
 *
 *     filters = ["align.wasm"]
 *
 * Comments and lines of one word stay as they are. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"align","version":"1.0.0","description":"the second words of lines begin in one column","params":{"gap":{"type":"int","default":"2","help":"the least blanks between the columns"}},"limits":{"memory_mib":16}});

typedef struct { wc_str first, rest; } line;

static int blank(char c) { return c == ' ' || c == '\t'; }

/* next takes the next line apart; a line of one word, and a comment, is all first. */
static int next(wc_str *text, line *l) {
  if (!text->n) return 0;
  wc_u32 end = 0, word = 0, rest;
  while (end < text->n && text->p[end] != '\n') {
    if (!text->p[end]) wc_fail(WC_LIT("this is no text: it has a byte of zero"), WC_LIT(""));
    end++;
  }
  while (word < end && !blank(text->p[word])) word++;
  for (rest = word; rest < end && blank(text->p[rest]);) rest++;
  if (rest == end || !word || text->p[0] == '#') word = rest = end;
  *l = (line){{text->p, word}, {text->p + rest, end - rest}};
  end += end < text->n;
  *text = (wc_str){text->p + end, text->n - end};
  return 1;
}

static wc_u32 number(wc_str digits) {
  wc_u32 n = 0;
  for (wc_u32 i = 0; i < digits.n; i++) {
    n = n * 10 + (digits.p[i] - '0');
    if (digits.p[i] < '0' || digits.p[i] > '9' || n > 100) wc_fail(WC_LIT("gap is a number from 0 to 100"), WC_LIT(""));
  }
  return n;
}

WC_EXPORT(filter) {
  wc_str all = wc_input(), text = all;
  wc_u32 widest = 0, gap = number(wc_param(WC_LIT("gap")));
  for (line l; next(&text, &l);) if (l.rest.n && l.first.n > widest) widest = l.first.n;
  text = all;
  for (line l; next(&text, &l);) {
    wc_out(l.first);
    if (l.rest.n) for (wc_u32 i = l.first.n; i < widest + gap; i++) WC_OUT(" ");
    wc_out(l.rest);
    if (text.n || all.p[all.n - 1] == '\n') WC_OUT("\n");
  }
  wc_flush();
  return 0;
}
