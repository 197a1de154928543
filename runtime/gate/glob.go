package gate

import (
	"path"
	"strings"
)

// matchGlob says whether a key matches a pattern: in a segment * stands for any
// bytes, ? for one character and [a-z] for one of a set, as in path.Match; a
// segment ** stands for any number of segments, also for none, so /a/** matches
// /a and everything below.
func matchGlob(pattern, key string) (bool, error) {
	ps, ks := strings.Split(pattern, "/"), strings.Split(key, "/")
	p, k := 0, 0
	star, retry := -1, 0 // the last ** and the segment it has eaten up to
	for k < len(ks) {
		if p < len(ps) && ps[p] == "**" {
			star, retry = p, k
			p++
			continue
		}
		if p < len(ps) {
			ok, err := path.Match(ps[p], ks[k])
			if err != nil {
				return false, err
			}
			if ok {
				p, k = p+1, k+1
				continue
			}
		}
		if star < 0 {
			return false, nil
		}
		retry++
		p, k = star+1, retry
	}
	for p < len(ps) && ps[p] == "**" {
		p++
	}
	return p == len(ps), nil
}
