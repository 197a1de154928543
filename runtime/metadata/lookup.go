package metadata

import (
	"slices"
	"strconv"
	"strings"
)

// The keys of the answers that have a meaning of their own.
const (
	defaultClient = "default" // the tree of a client without one of its own
	latestVersion = "latest"
)

// answers are trees by version and client. A tree is made of map[string]any,
// []any, string, bool, int64, uint64, float64 and nil, and is never changed.
type answers map[string]map[string]any

// world is one state of the answers; the next reload closes replaced.
type world struct {
	answers  answers
	replaced chan struct{}
}

func newWorld(a answers) *world { return &world{answers: a, replaced: make(chan struct{})} }

// clients are the trees of a version. `latest` is always known: unless the
// answers name it, it is the highest version in the order of bytes.
func (w *world) clients(version string) (map[string]any, bool) {
	clients, known := w.answers[version]
	if known || version != latestVersion {
		return clients, known
	}
	highest := ""
	for v := range w.answers {
		highest = max(highest, v)
	}
	return w.answers[highest], true
}

// lookup finds what a client sees at a path: as it is written, or else in
// lower case.
func (w *world) lookup(version, client string, path []string) (any, bool) {
	clients, _ := w.clients(version)
	tree, known := clients[client]
	if !known {
		if tree, known = clients[defaultClient]; !known {
			return nil, false
		}
	}
	if value, found := walk(tree, path); found {
		return value, true
	}
	lower := make([]string, len(path))
	for i, segment := range path {
		lower[i] = strings.ToLower(segment)
	}
	return walk(tree, lower)
}

// walk goes down a tree. Below a scalar or null there is nothing.
func walk(node any, path []string) (any, bool) {
	for _, segment := range path {
		var found bool
		switch n := node.(type) {
		case map[string]any:
			node, found = n[segment]
		case []any:
			node, found = element(n, segment)
		}
		if !found {
			return nil, false
		}
	}
	return node, true
}

// element is the element of a list with a number, or with a name or uuid. What
// reads as a number is never taken for a name.
func element(list []any, segment string) (any, bool) {
	if i, err := strconv.ParseInt(segment, 10, 64); err == nil {
		if i < 0 || i >= int64(len(list)) {
			return nil, false
		}
		return list[i], true
	}
	i := slices.IndexFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		return m["name"] == segment || m["uuid"] == segment
	})
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

// listing is the answer to `GET /`: the path of each version.
func (w *world) listing() map[string]any {
	paths := map[string]any{latestVersion: versionPath(latestVersion)}
	for version := range w.answers {
		if version != "" && !strings.Contains(version, "/") { // else no path leads there
			paths[version] = versionPath(version)
		}
	}
	return paths
}
