package metadata

import "strings"

// form is how an answer is written.
type form int

const (
	formText form = iota
	formJSON
	formYAML
)

// offers are the types that a client can ask for, the first preferred. They
// are compared exactly: parameters and capital letters make another type.
var offers = []struct {
	name string
	form form
}{
	{"text/plain", formText},
	{"application/json", formJSON},
	{"application/yaml", formYAML},
	{"application/x-yaml", formYAML},
	{"text/yaml", formYAML},
	{"text/x-yaml", formYAML},
}

// negotiate picks the form with the highest quality; among equals the one that
// is asked for most exactly, then the first offer. Text is the default.
func negotiate(accept []string) form {
	best, bestQuality, bestRank := formText, -1.0, 0
	ranges := parseAccept(accept)
	for _, offer := range offers {
		for _, r := range ranges {
			rank := r.matches(offer.name)
			if rank == 0 || r.quality == 0 || r.quality < bestQuality {
				continue
			}
			if r.quality > bestQuality || rank > bestRank {
				best, bestQuality, bestRank = offer.form, r.quality, rank
			}
		}
	}
	return best
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	name    string
	quality float64
}

// matches says how exactly the range means a type: 3 the type itself, 2 all of
// its kind, 1 everything, 0 not at all.
func (r mediaRange) matches(name string) int {
	switch kind, wild := strings.CutSuffix(r.name, "/*"); {
	case r.name == "*/*":
		return 1
	case wild && strings.HasPrefix(name, kind+"/"):
		return 2
	case r.name == name:
		return 3
	}
	return 0
}

// parseAccept reads Accept headers as rancher-metadata does: a parameter other
// than q ends the header there, and that element does not count.
func parseAccept(headers []string) (ranges []mediaRange) {
	for _, rest := range headers {
		for more := true; more; {
			var r mediaRange
			var ok bool
			if r, rest, ok = cutRange(rest); !ok {
				break
			}
			ranges = append(ranges, r)
			rest, more = strings.CutPrefix(skipSpace(rest), ",")
			rest = skipSpace(rest)
		}
	}
	return ranges
}

func cutRange(s string) (r mediaRange, rest string, ok bool) {
	end := 0
	for end < len(s) && isTokenOrSlash(s[end]) {
		end++
	}
	r, rest = mediaRange{name: s[:end], quality: 1}, skipSpace(s[end:])
	if params, found := strings.CutPrefix(rest, ";"); found {
		quality, found := strings.CutPrefix(skipSpace(params), "q=")
		if !found {
			return r, rest, false
		}
		if r.quality, rest, ok = cutQuality(quality); !ok {
			return r, rest, false
		}
	}
	return r, rest, end > 0
}

// cutQuality reads 0 or 1 with any decimals.
func cutQuality(s string) (q float64, rest string, ok bool) {
	if s == "" || s[0] != '0' && s[0] != '1' {
		return 0, s, false
	}
	q, rest = float64(s[0]-'0'), s[1:]
	decimals, found := strings.CutPrefix(rest, ".")
	if !found {
		return q, rest, true
	}
	for unit := 0.1; decimals != "" && '0' <= decimals[0] && decimals[0] <= '9'; unit /= 10 {
		q += float64(decimals[0]-'0') * unit
		decimals = decimals[1:]
	}
	return q, decimals, true
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

func isTokenOrSlash(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune("\"(),:;<=>?@[]\\{}", rune(c))
}
