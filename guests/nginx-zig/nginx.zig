//! An nginx site in Zig: one server line for each directory below /services/web.
const wconf = @import("wconf");
const getv = wconf.getv;

comptime {
    asm (wconf.manifest(
            \\{"abi":"1.0","name":"nginx-zig","version":"1.0.0","description":"nginx upstream and server from service keys","keys":["/nginx","/services/web"],"limits":{"memory_mib":8}}
        ));
}

fn leaf(id: []const u8, name: []const u8) []const u8 {
    return getv(wconf.cat(&.{ "/services/web/", id, name }));
}

export fn render() i32 {
    const upstream = getv("/nginx/upstream");
    wconf.out(&.{ "upstream ", upstream, " {\n" });
    var ids = wconf.ls("/services/web");
    while (ids.next()) |id| {
        wconf.out(&.{ "    server ", leaf(id, "/host"), ":", leaf(id, "/port"), " weight=", leaf(id, "/weight"), ";\n" });
    }
    wconf.out(&.{ "}\n\nserver {\n    listen ", getv("/nginx/listen"), ";\n    server_name ", getv("/nginx/server_name") });
    wconf.out(&.{ ";\n    location / {\n        proxy_pass http://", upstream, ";\n    }\n}\n" });
    wconf.flush();
    return 0;
}
