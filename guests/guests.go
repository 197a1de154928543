// Package guests holds the small guests that wconf carries with it, for its
// demo. Their sources stand beside them; README.md says how to write one.
package guests

import _ "embed"

var (
	//go:embed nginx-c/nginx.wasm
	Nginx []byte // renders an nginx site, as nginx-template does
	//go:embed nginx-template/nginx.conf.tmpl
	NginxTemplate []byte
	//go:embed misbehaving/nosy.wasm
	Nosy []byte // asks for a key that it is not granted
	//go:embed misbehaving/endless.wasm
	Endless []byte // never comes back by itself
)
