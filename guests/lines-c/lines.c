/* A command without any SDK: keys on stdin, one line each (key, tab, value,
 * sorted), the file on stdout. `cc lines.c` builds it for testing, too. */
#include <stdio.h>
#include <string.h>

int main(void) {
  static char line[1 << 16];
  puts("upstream web {");
  while (fgets(line, sizeof line, stdin)) {
    char *value = strchr(line, '\t'), *end = strchr(line, '\n');
    if (!value || !end) {
      fputs("a line without a tab, or too long\n", stderr);
      return 1;
    }
    *value++ = *end = 0;
    size_t n = strlen(line);
    if (!strncmp(line, "/services/web/", 14) && n > 5 && !strcmp(line + n - 5, "/host")) printf("    server %s;\n", value);
  }
  puts("}");
  return 0;
}
