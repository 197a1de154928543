/* An nginx site in C: one server line for each directory below /services/web. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"nginx-c","version":"1.0.0","description":"nginx upstream and server from service keys","keys":["/nginx","/services/web"],"limits":{"memory_mib":8}});

static wc_str leaf(wc_str id, wc_str name) {
  return wc_getv(wc_cat(WC_LIT("/services/web/"), id, name));
}

WC_EXPORT(render) {
  wc_str upstream = wc_getv(WC_LIT("/nginx/upstream"));
  WC_OUT("upstream "); wc_out(upstream); WC_OUT(" {\n");
  wc_cursor ids = wc_each(wc_ls(WC_LIT("/services/web")));
  for (wc_str id; wc_next(&ids, &id);) {
    WC_OUT("    server "); wc_out(leaf(id, WC_LIT("/host")));
    WC_OUT(":"); wc_out(leaf(id, WC_LIT("/port")));
    WC_OUT(" weight="); wc_out(leaf(id, WC_LIT("/weight")));
    WC_OUT(";\n");
  }
  WC_OUT("}\n\nserver {\n    listen "); wc_out(wc_getv(WC_LIT("/nginx/listen")));
  WC_OUT(";\n    server_name "); wc_out(wc_getv(WC_LIT("/nginx/server_name")));
  WC_OUT(";\n    location / {\n        proxy_pass http://"); wc_out(upstream);
  WC_OUT(";\n    }\n}\n");
  wc_flush();
  return 0;
}
