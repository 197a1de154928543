package backend

import "strings"

// Under tells whether key is at or below one of prefixes, by whole segments.
func Under(key string, prefixes []string) bool {
	for _, p := range prefixes {
		rest, ok := strings.CutPrefix(key, strings.TrimSuffix(p, "/"))
		if ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
