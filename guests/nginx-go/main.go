//go:build wasip1

// An nginx site in Go: one server line for each directory below /services/web.
package main

import (
	"strings"

	wconf "github.com/wconf/wconf/guests/sdk/go"
)

func main() {} // a reactor: never called

//go:wasmexport render
func render() int32 {
	upstream := wconf.Getv("/nginx/upstream")
	var b strings.Builder
	b.WriteString("upstream " + upstream + " {\n")
	for _, id := range wconf.Ls("/services/web") {
		leaf := func(name string) string { return wconf.Getv("/services/web/" + id + "/" + name) }
		b.WriteString("    server " + leaf("host") + ":" + leaf("port") + " weight=" + leaf("weight") + ";\n")
	}
	b.WriteString("}\n\nserver {\n    listen " + wconf.Getv("/nginx/listen") +
		";\n    server_name " + wconf.Getv("/nginx/server_name") +
		";\n    location / {\n        proxy_pass http://" + upstream + ";\n    }\n}\n")
	wconf.Write(b.String())
	return 0
}
