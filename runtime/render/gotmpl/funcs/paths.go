package funcs

import "path"

var paths = []Function{{
	Name: "base", Usage: "base PATH", Since: confd,
	Doc: "The last name of a path.", Code: mapped(1, path.Base),
	Examples: []Example{{Template: `{{base "/app/hosts/a"}}`, Output: "a"}},
}, {
	Name: "dir", Usage: "dir PATH", Since: confd,
	Doc: "A path without its last name.", Code: mapped(1, path.Dir),
	Examples: []Example{{Template: `{{dir "/app/hosts/a"}}`, Output: "/app/hosts"}},
}}
