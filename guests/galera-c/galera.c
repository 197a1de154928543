/* galera.cnf from what rancher-metadata says of the container itself. */
#include "../sdk/c/wconf.h"

WC_MANIFEST({"abi":"1.0","name":"galera","version":"1.0.0","description":"galera.cnf from rancher-metadata","keys":["/self"],"limits":{"memory_mib":4}});

static void setting(wc_str name, wc_str before, wc_str value, wc_str after) {
  wc_out(name); wc_out(before); wc_out(value); wc_out(after);
}

static wc_str self(wc_str name) { return wc_getv(wc_cat(WC_LIT("/self/"), name, WC_LIT(""))); }

static int is(wc_str a, wc_str b) {
  if (a.n != b.n) return 0;
  for (wc_u32 i = 0; i < a.n; i++) if (a.p[i] != b.p[i]) return 0;
  return 1;
}

WC_EXPORT(render) {
  WC_OUT("[mysqld]\n"); wc_out(self(WC_LIT("service/metadata/mysqld")));
  WC_OUT("\nbind-address          = 0.0.0.0\n");
  wc_str index = self(WC_LIT("container/create_index"));
  setting(WC_LIT("server-id            "), WC_LIT(" = "), index, WC_LIT("\n"));
  WC_OUT("wsrep_on              = ON\n");
  setting(WC_LIT("wsrep_cluster_name   "), WC_LIT(" = \""), self(WC_LIT("stack/name")), WC_LIT("\"\n"));
  setting(WC_LIT("wsrep_node_name      "), WC_LIT(" = \""), self(WC_LIT("container/name")), WC_LIT("\"\n"));
  setting(WC_LIT("wsrep_node_address   "), WC_LIT(" = \""), self(WC_LIT("container/primary_ip")), WC_LIT("\"\n"));
  wc_cursor nodes = wc_each(wc_getvs(WC_LIT("/self/service/containers/*/primary_ip")));
  if (is(index, WC_LIT("1")) && nodes.left == 1) {
    WC_OUT("# The first container, while it is alone, makes the cluster.\nwsrep_cluster_address = \"gcomm://\"\n");
  } else {
    WC_OUT("wsrep_cluster_address = \"gcomm://");
    int first = 1;
    for (wc_str ip; wc_next(&nodes, &ip); first = 0) {
      if (!first) WC_OUT(",");
      wc_out(ip);
    }
    WC_OUT("\"\n");
  }
  wc_flush();
  return 0;
}
