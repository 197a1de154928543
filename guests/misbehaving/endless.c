/* Never comes back by itself. */
#include "../sdk/c/wconf.h"

WC_EXPORT(render) {
  for (volatile int i = 0;; i++) {
  }
}
