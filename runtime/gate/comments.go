package gate

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
)

// Comments is the signs that start a comment line in a type of file. Without
// any, every line that is not blank is significant.
type Comments []string

var (
	hash    = Comments{"#"}
	slashes = Comments{"//"}

	none = Comments{}
)

// types is the comment signs by a file name's extension. What is not here has
// none: a line taken for a comment by mistake would be a reload that is missing,
// a comment taken for a line is one reload too many.
var types = []struct {
	extensions string
	comments   Comments
}{
	{"conf cfg cnf yaml yml toml sh bash py rb pl tf hcl env list repo service socket timer mount rules nft vcl", hash},
	{"ini", Comments{"#", ";"}},
	{"properties", Comments{"#", "!"}},
	{"js mjs ts go c h cpp java rs jsonc json5 groovy scala kt", slashes},
	{"php", Comments{"#", "//"}},
	{"lua sql hs", Comments{"--"}},
	{"zone lisp el asm", Comments{";"}},
	{"tex erl", Comments{"%"}},
	{"vim", Comments{`"`}},
}

// CommentsOf is the comment signs for a destination, by its name. A name
// without an extension (hosts, crontab, Dockerfile, sshd_config) has #.
func CommentsOf(dest string) Comments {
	name := strings.ToLower(filepath.Base(dest))
	if strings.HasPrefix(name, "named.conf") {
		return Comments{"//", "#"}
	}
	extension := strings.TrimPrefix(filepath.Ext(name), ".")
	if extension == "" {
		return hash
	}
	for _, t := range types {
		if slices.Contains(strings.Fields(t.extensions), extension) {
			return t.comments
		}
	}
	return none
}

// significant says whether a line is neither blank nor a comment.
func (c Comments) significant(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 0 && !slices.ContainsFunc(c, func(sign string) bool { return bytes.HasPrefix(line, []byte(sign)) })
}
