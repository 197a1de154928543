/* Writes the file of the resource @NAME@. wconf.h says what there is to call. */
#include "wconf.h"

WC_EXPORT(render) {
  WC_OUT("title "); wc_out(wc_getv(WC_LIT("/@NAME@/title"))); WC_OUT("\n");
  wc_cursor servers = wc_each(wc_ls(WC_LIT("/@NAME@/servers")));
  for (wc_str name; wc_next(&servers, &name);) {
    WC_OUT("server "); wc_out(name); WC_OUT(" ");
    wc_out(wc_getv(wc_cat(WC_LIT("/@NAME@/servers/"), name, WC_LIT(""))));
    WC_OUT("\n");
  }
  wc_flush();
  return 0;
}
