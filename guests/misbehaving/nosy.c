/* Asks for a key that no resource of the demo grants it. */
#include "../sdk/c/wconf.h"

WC_EXPORT(render) {
  wc_out(wc_getv(WC_LIT("/admin/password")));
  wc_flush();
  return 0;
}
